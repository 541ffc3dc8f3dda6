"""webdataset: samples out of tar shards, through what a `pipe:` URL starts."""
import io
import shlex
import tarfile

import pytest
import webdataset

from tests.clients.objects import content, md5, stored

KEYS = [f"train set/日本+%-{number:06}.tar" for number in range(3)]
READERS = {"aws": "pipe:aws s3 cp {} -", "headrace": "pipe:headrace cat {}"}


@pytest.fixture
def samples(s3, bucket):
    """Three shards of twenty samples, put by webdataset's own writer."""
    written = {}
    for shard, key in enumerate(KEYS):
        tar = io.BytesIO()
        with webdataset.TarWriter(tar, mtime=1_600_000_000) as writer:
            for number in range(20):
                sample = {"__key__": f"{shard:02}/{number:04}",
                          "bin": content(number, 5000 + shard),
                          "cls": str(number % 3).encode()}
                writer.write(sample)
                written[sample["__key__"]] = (sample["bin"], sample["cls"])
        s3.put_object(Bucket=bucket, Key=key, Body=tar.getvalue(), ContentType="application/x-tar",
                      Metadata={"shard": str(shard)})
        assert stored(s3, bucket, key) == (tar.getvalue(), md5(tar.getvalue()), "application/x-tar",
                                           {"shard": str(shard)})
    return written


@pytest.fixture
def piped(client_variables, monkeypatch):
    for name, value in client_variables.items():
        monkeypatch.setenv(name, value)


def urls(reader, bucket):
    return [READERS[reader].format(shlex.quote(f"s3://{bucket}/{key}")) for key in KEYS]


@pytest.mark.parametrize("reader", READERS)
def test_every_sample_of_every_shard_arrives_once(piped, samples, bucket, reader):
    dataset = webdataset.WebDataset(urls(reader, bucket), shardshuffle=False)
    found = {one["__key__"]: (one["bin"], one["cls"]) for one in dataset}
    assert found == samples


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_may_leave_in_the_middle_of_a_shard(piped, samples, server, s3, bucket, reader):
    stream = iter(webdataset.WebDataset(urls(reader, bucket)[:1], shardshuffle=False))
    first = next(stream)
    assert (first["bin"], first["cls"]) == samples[first["__key__"]]
    stream.close()
    assert stored(s3, bucket, KEYS[1]).data[:6] == b"01/000"


def test_a_shard_is_written_through_a_pipe(piped, s3, bucket):
    url = f"pipe:headrace cp - 's3://{bucket}/written + %.tar'"
    with webdataset.gopen(url, "wb") as stream, webdataset.TarWriter(stream) as writer:
        writer.write({"__key__": "0", "bin": b"bytes"})
    with tarfile.open(fileobj=io.BytesIO(stored(s3, bucket, "written + %.tar").data)) as tar:
        assert tar.extractfile("0.bin").read() == b"bytes"
