"""The readers of the training frameworks themselves, as commands of `headrace run`."""
import json
import struct
import sys

import pytest
from awscrt import checksums

from tests.conftest import ROOT
from tests.e2e.files import content, put_all

MXNET_PYTHON = ROOT / ".venv/mxnet/bin/python"
RECORDS = [content(i, size) for i, size in enumerate((0, 1, 3, 4, 70_000, 2_000_000, 5, 300_000))]
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}


@pytest.fixture
def job(tmp_path):
    return tmp_path / "job"


def tf_record(data):
    """A record of TFRecord: length, its CRC-32C masked, the bytes, their CRC-32C masked."""
    def masked_crc(part):
        crc = checksums.crc32c(part)
        return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)

    length = struct.pack("<Q", len(data))
    return length + masked_crc(length) + data + masked_crc(data)


def seen(job):
    """What the command saw: of each source, its records as files in the order of their numbers."""
    found = {}
    for source in (job / "output/data").iterdir():
        names = sorted(source.iterdir(), key=lambda path: int(path.name))
        found[source.name] = [path.read_bytes() for path in names]
    return found


# `keep(source, records)` writes what `seen` reads.
KEEP = """
import os, pathlib
def keep(source, records):
    folder = pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"]) / source
    folder.mkdir()
    for number, record in enumerate(records):
        (folder / str(number)).write_bytes(record)
def pipe(epoch):
    return os.path.join(os.environ["SM_INPUT_DATA_DIR"], f"train_{epoch}")
"""


def test_tensorflow_reads_tfrecords_from_files_and_through_pipes(headrace, s3, job):
    # Its reader seeks, so what comes through a pipe is put where it can: on disk or in memory.
    put_all(s3, "box", {"shards/0.tfrecord": b"".join(map(tf_record, RECORDS[:5])),
                        "shards/1.tfrecord": b"".join(map(tf_record, RECORDS[5:]))})
    shown = headrace.ok(
        "run", "--base", job, "--channel", "files=s3://box/shards/",
        "--channel", "train=s3://box/shards/,mode=Pipe", "--", sys.executable, "-c", KEEP + """
import shutil
import tensorflow as tf
def records(*paths):
    return [record.numpy() for record in tf.data.TFRecordDataset(list(paths))]
channel = os.environ["SM_CHANNEL_FILES"]
keep("files", records(*(f"{channel}/{name}" for name in sorted(os.listdir(channel)))))
with open(pipe(0), "rb") as source, open("epoch.tfrecord", "wb") as target:
    shutil.copyfileobj(source, target)
keep("disk", records("epoch.tfrecord"))
with open(pipe(1), "rb") as source, tf.io.gfile.GFile("ram://epoch", "wb") as target:
    shutil.copyfileobj(source, target, 1 << 20)
keep("memory", records("ram://epoch"))
""", env=QUIET, timeout=80)
    assert seen(job) == {"files": RECORDS, "disk": RECORDS, "memory": RECORDS}, shown
    report = json.loads((job / "output/headrace-report.json").read_text())
    pipe = next(channel for channel in report["channels"] if channel["name"] == "train")
    assert (pipe["mode"], pipe["epochs_complete"], pipe["objects"]) == ("Pipe", 2, 4)


def test_mxnet_reads_record_io_out_of_the_pipes(headrace, s3, job):
    put_all(s3, "box", {f"train/{number}": data for number, data in enumerate(RECORDS)})
    headrace.ok(
        "run", "--base", job, "--channel",
        "train=s3://box/train/,mode=Pipe,record-wrapper=RecordIO", "--", MXNET_PYTHON, "-c",
        KEEP + """
import mxnet
for epoch in range(2):
    reader = mxnet.recordio.MXRecordIO(pipe(epoch), "r")
    keep(f"epoch {epoch}", iter(reader.read, None))
    reader.close()
""", timeout=80)
    assert seen(job) == {"epoch 0": RECORDS, "epoch 1": RECORDS}
