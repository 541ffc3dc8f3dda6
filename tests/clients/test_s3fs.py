"""s3fs, and pandas through it."""
import pandas
import pytest
import s3fs

from tests.clients.objects import (AWKWARD_NAMES, MIB, content, just_now, md5, multipart_etag,
                                   read_tree, stored, write)
from tests.conftest import ACCESS_KEY, REGION, SECRET_KEY

FRAME = pandas.DataFrame({"label": ["cat", "dög", "a,b \"c\""], "weight": [0.5, -1.25, 3e300],
                          "seen": pandas.to_datetime(["2026-01-02", "2026-03-04", "2026-05-06"])})


@pytest.fixture
def options(server):
    return {"key": ACCESS_KEY, "secret": SECRET_KEY, "endpoint_url": server.url,
            "client_kwargs": {"region_name": REGION}}


@pytest.fixture
def fs(options):
    return s3fs.S3FileSystem(**options, skip_instance_cache=True, use_listings_cache=False)


@pytest.mark.parametrize("key", AWKWARD_NAMES)
def test_files_are_written_described_and_read(fs, s3, bucket, key):
    data = content(1, 10_000)
    with fs.open(f"{bucket}/{key}", "wb", ContentType="text/x-fs", Metadata={"a": "1"}) as file:
        file.write(data)
    assert stored(s3, bucket, key) == (data, md5(data), "text/x-fs", {"a": "1"})
    info = fs.info(f"{bucket}/{key}")
    assert (info["size"], info["ETag"], info["ContentType"]) == (len(data), md5(data), "text/x-fs")
    assert just_now(fs.modified(f"{bucket}/{key}"))
    assert fs.metadata(f"{bucket}/{key}") == {"a": "1"}
    with fs.open(f"{bucket}/{key}", "rb") as file:
        file.seek(5000)
        assert file.read(1000) == data[5000:6000]
    assert fs.find(bucket) == [f"{bucket}/{key}"]


def test_a_large_file_is_written_in_blocks_and_appended_to(fs, s3, bucket):
    data = content(2, 12 * MIB)
    with fs.open(f"{bucket}/big + %", "wb", block_size=5 * MIB) as file:
        for begin in range(0, len(data), MIB):
            file.write(data[begin:begin + MIB])
    assert stored(s3, bucket, "big + %")[:2] == (data, multipart_etag(data, 5 * MIB))
    # An append copies what is there into the first part of a new upload.
    with fs.open(f"{bucket}/big + %", "ab", block_size=5 * MIB) as file:
        file.write(b"the end")
    assert fs.cat(f"{bucket}/big + %") == data + b"the end"


def test_a_tree_is_put_copied_got_and_removed(fs, bucket, tmp_path):
    files = {name: content(number, 1000 + number) for number, name in enumerate(
        name for name in AWKWARD_NAMES if not set(name) & set("*?"))}
    for name, data in files.items():
        write(tmp_path / "up" / name, data)
    fs.put(f"{tmp_path}/up/", f"{bucket}/tree/", recursive=True)
    fs.copy(f"{bucket}/tree/", f"{bucket}/copy/", recursive=True)
    fs.mv(f"{bucket}/copy/plain.txt", f"{bucket}/copy/moved + %.txt")
    files["moved + %.txt"] = files.pop("plain.txt")
    assert sorted(fs.ls(bucket)) == [f"{bucket}/copy", f"{bucket}/tree"]
    fs.get(f"{bucket}/copy/", f"{tmp_path}/down/", recursive=True)
    assert read_tree(tmp_path / "down") == files
    fs.rm(f"{bucket}/tree", recursive=True)
    assert not fs.exists(f"{bucket}/tree")
    fs.rm(f"{bucket}/copy", recursive=True)
    fs.rmdir(bucket)
    assert fs.ls("") == []


def test_tags_and_versions_are_there_for_those_who_ask(options, bucket):
    fs = s3fs.S3FileSystem(**options, skip_instance_cache=True, version_aware=True)
    fs.pipe(f"{bucket}/a b", b"v")
    fs.put_tags(f"{bucket}/a b", {"split": "train"})
    assert fs.get_tags(f"{bucket}/a b") == {"split": "train"}
    assert [version["VersionId"] for version in fs.object_version_info(f"{bucket}/a b")] == ["null"]
    assert fs.cat(f"{bucket}/a b") == b"v"


@pytest.mark.parametrize("name", ["table.csv", "sub folder/日本+%.csv"])
def test_pandas_reads_and_writes_csv(s3, bucket, options, name):
    url = f"s3://{bucket}/{name}"
    FRAME.to_csv(url, index=False, storage_options=options)
    assert stored(s3, bucket, name).data == FRAME.to_csv(index=False).encode()
    back = pandas.read_csv(url, parse_dates=["seen"], storage_options=options)
    pandas.testing.assert_frame_equal(back, FRAME, check_dtype=False)


def test_pandas_reads_and_writes_parquet(s3, bucket, options):
    url = f"s3://{bucket}/part=1/table + 1.parquet"
    FRAME.to_parquet(url, storage_options=options)
    data = stored(s3, bucket, "part=1/table + 1.parquet").data
    assert data.startswith(b"PAR1") and data.endswith(b"PAR1")
    back = pandas.read_parquet(url, columns=["label", "seen"], storage_options=options)
    pandas.testing.assert_frame_equal(back, FRAME[["label", "seen"]])
