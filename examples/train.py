"""Learns the topic of small pictures: a folder per topic in the channel `training`.

A training script as SageMaker runs it, and headrace: it knows its data, its model folder and its
hyperparameters by environment variables alone. In File mode the channel is a folder; in Pipe mode
its objects are tar files of such folders, and come one behind the other.

Each picture becomes a colour histogram, a small colour image and a small silhouette; a neural
network with one hidden layer tells the topics apart. A fifth of every topic is held out and only
looked at in the end.

usage: headrace run --channel training=s3://BUCKET/PREFIX[,mode=Pipe] -- python3 train.py
"""
import io
import json
import os
import pathlib
import tarfile
import time

import numpy as np
from PIL import Image

HISTOGRAM_LEVELS = 4  # Per colour: 64 bins.
IMAGE_SIZE = 12  # Pixels a side.
SILHOUETTE_SIZE = 16


def files_in_folder(folder):
    """Name and bytes of every picture below a File channel's folder."""
    for path in folder.rglob("*.png"):
        yield str(path.relative_to(folder)), path.read_bytes()


def files_in_pipe(path):
    """Name and bytes of every picture in the tar files that come through a Pipe channel's FIFO."""
    with tarfile.open(path, mode="r|", bufsize=1 << 20, ignore_zeros=True) as shards:
        for member in shards:
            if member.name.endswith(".png"):
                yield member.name, shards.extractfile(member).read()


def files_of(channel):
    mode = json.loads(os.environ["SM_INPUT_DATA_CONFIG"])[channel]["TrainingInputMode"]
    data = pathlib.Path(os.environ["SM_INPUT_DATA_DIR"])
    if mode == "Pipe":
        return files_in_pipe(data / f"{channel}_0")
    return files_in_folder(data / channel)


def read_picture(data):
    """The features of one picture, as one row."""
    with Image.open(io.BytesIO(data)) as file:
        picture = file.convert("RGBA")
    paper = Image.new("RGBA", picture.size, "white")
    colours = Image.alpha_composite(paper, picture).convert("RGB")
    pixels = np.asarray(colours.resize((64, 64)), dtype=np.int64) * HISTOGRAM_LEVELS // 256
    bins = (pixels[..., 0] * HISTOGRAM_LEVELS + pixels[..., 1]) * HISTOGRAM_LEVELS + pixels[..., 2]
    histogram = np.bincount(bins.ravel(), minlength=HISTOGRAM_LEVELS**3) / bins.size
    image = np.asarray(colours.resize((IMAGE_SIZE, IMAGE_SIZE)), dtype=np.float64) / 255
    silhouette = picture.getchannel("A").resize((SILHOUETTE_SIZE, SILHOUETTE_SIZE))
    silhouette = np.asarray(silhouette, dtype=np.float64) / 255
    shape = [picture.width / picture.height, np.log(picture.width * picture.height)]
    return np.concatenate([np.sqrt(histogram), image.ravel(), silhouette.ravel(), shape])


def read_channel(channel):
    """Features, topic numbers and topic names of all pictures, whatever order they come in."""
    rows = {name: read_picture(data) for name, data in files_of(channel)}
    names = sorted(rows)
    topics = sorted({name.split("/")[0] for name in names})
    numbers = np.array([topics.index(name.split("/")[0]) for name in names])
    return np.stack([rows[name] for name in names]), numbers, topics


def hold_out(numbers, share, random):
    """True for the pictures that are held out: `share` of every topic."""
    held_out = np.zeros(len(numbers), dtype=bool)
    for topic in np.unique(numbers):
        members = random.permutation(np.flatnonzero(numbers == topic))
        held_out[members[: round(len(members) * share)]] = True
    return held_out


def forward(model, features):
    """Hidden activations and topic probabilities."""
    hidden = np.maximum(features @ model["in"] + model["in_bias"], 0)
    scores = hidden @ model["out"] + model["out_bias"]
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return hidden, scores / scores.sum(axis=1, keepdims=True)


def gradients(model, features, targets):
    """The loss's gradient by every parameter, for cross-entropy."""
    hidden, probabilities = forward(model, features)
    error = (probabilities - targets) / len(features)
    hidden_error = (error @ model["out"].T) * (hidden > 0)
    return {
        "in": features.T @ hidden_error,
        "in_bias": hidden_error.sum(axis=0),
        "out": hidden.T @ error,
        "out_bias": error.sum(axis=0),
    }


def train(features, numbers, topic_count, settings, random):
    """Mini-batch Adam with weight decay; prints the loss a few times on the way."""
    width, hidden = features.shape[1], settings["hidden"]
    model = {
        "in": random.normal(0, np.sqrt(2 / width), (width, hidden)),
        "in_bias": np.zeros(hidden),
        "out": random.normal(0, np.sqrt(1 / hidden), (hidden, topic_count)),
        "out_bias": np.zeros(topic_count),
    }
    model = {name: value.astype(np.float32) for name, value in model.items()}
    mean = {name: np.zeros_like(value) for name, value in model.items()}
    square = {name: np.zeros_like(value) for name, value in model.items()}
    targets = np.eye(topic_count, dtype=np.float32)[numbers]
    step = 0
    for epoch in range(1, settings["epochs"] + 1):
        for batch in np.array_split(random.permutation(len(features)), max(1, len(features) // 32)):
            step += 1
            noise = random.standard_normal((len(batch), width), dtype=np.float32)
            noisy = features[batch] + np.float32(settings["noise"]) * noise
            for name, slope in gradients(model, noisy, targets[batch]).items():
                mean[name] = 0.9 * mean[name] + 0.1 * slope
                square[name] = 0.999 * square[name] + 0.001 * slope**2
                update = mean[name] / (1 - 0.9**step)
                update /= np.sqrt(square[name] / (1 - 0.999**step)) + 1e-8
                model[name] -= settings["lr"] * (update + settings["decay"] * model[name])
        if epoch % max(1, settings["epochs"] // 4) == 0:
            chosen = forward(model, features)[1][np.arange(len(numbers)), numbers]
            loss = -np.log(np.maximum(chosen, 1e-12)).mean()
            print(f"epoch {epoch}: loss {loss:.3f}", flush=True)
    return model


def accuracy(model, features, numbers):
    return float((forward(model, features)[1].argmax(axis=1) == numbers).mean())


def main():
    settings = {"epochs": 20, "lr": 0.002, "hidden": 64, "noise": 0.5, "decay": 0.05, "seed": 1}
    settings.update(json.loads(os.environ.get("SM_HPS", "{}")))
    random = np.random.default_rng(settings["seed"])

    begin = time.monotonic()
    features, numbers, topics = read_channel("training")
    print(f"read {len(numbers)} pictures of {len(topics)} topics in "
          f"{time.monotonic() - begin:.1f} s", flush=True)

    held_out = hold_out(numbers, 0.2, random)
    centre, spread = features[~held_out].mean(axis=0), features[~held_out].std(axis=0) + 1e-3
    features = ((features - centre) / spread).astype(np.float32)
    begin = time.monotonic()
    model = train(features[~held_out], numbers[~held_out], len(topics), settings, random)
    metrics = {
        "pictures": len(numbers),
        "topics": len(topics),
        "training_accuracy": accuracy(model, features[~held_out], numbers[~held_out]),
        "held_out_accuracy": accuracy(model, features[held_out], numbers[held_out]),
        "held_out_pictures": int(held_out.sum()),
        "training_seconds": time.monotonic() - begin,
    }

    model_dir = pathlib.Path(os.environ["SM_MODEL_DIR"])
    np.savez(model_dir / "model.npz", centre=centre, spread=spread, **model)
    (model_dir / "topics.json").write_text(json.dumps(topics))
    output_dir = pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"])
    (output_dir / "metrics.json").write_text(json.dumps(metrics, indent=2))
    print(f"held-out accuracy {metrics['held_out_accuracy']:.3f} on "
          f"{metrics['held_out_pictures']} pictures (chance: {1 / len(topics):.3f})", flush=True)


if __name__ == "__main__":
    main()
