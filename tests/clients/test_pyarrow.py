"""pyarrow: its S3FileSystem (the AWS SDK for C++) and datasets on it."""
import pyarrow
import pyarrow.compute
import pyarrow.dataset
import pyarrow.fs
import pytest

from tests.clients.objects import (AWKWARD_NAMES, MIB, content, just_now, md5, multipart_etag,
                                   stored)
from tests.conftest import ACCESS_KEY, REGION, SECRET_KEY


@pytest.fixture
def fs(server):
    return pyarrow.fs.S3FileSystem(
        access_key=ACCESS_KEY, secret_key=SECRET_KEY, region=REGION, scheme="http",
        endpoint_override=server.url.removeprefix("http://"), allow_bucket_creation=True,
        allow_bucket_deletion=True)


@pytest.mark.parametrize("key", AWKWARD_NAMES)
def test_files_are_written_described_and_read(fs, s3, bucket, key):
    data = content(1, 10_000)
    with fs.open_output_stream(f"{bucket}/{key}", metadata={
            "Content-Type": "text/x-arrow", "Cache-Control": "max-age=60"}) as file:
        file.write(data)
    assert stored(s3, bucket, key)[::2] == (data, "text/x-arrow")
    info = fs.get_file_info(f"{bucket}/{key}")
    assert (info.type, info.size) == (pyarrow.fs.FileType.File, len(data))
    assert just_now(info.mtime)
    with fs.open_input_file(f"{bucket}/{key}") as file:
        described = file.metadata()
        assert (described["Cache-Control"], described["Content-Type"], described["ETag"]) == (
            b"max-age=60", b"text/x-arrow", stored(s3, bucket, key).etag.encode())
        assert file.read_at(1000, 5000) == data[5000:6000]
        assert file.readall() == data
    fs.copy_file(f"{bucket}/{key}", f"{bucket}/the copy")
    assert stored(s3, bucket, "the copy").data == data
    fs.move(f"{bucket}/the copy", f"{bucket}/moved")
    listed = fs.get_file_info(pyarrow.fs.FileSelector(bucket, recursive=True))
    assert {one.path for one in listed if one.is_file} == {f"{bucket}/{key}", f"{bucket}/moved"}


def test_a_large_stream_goes_up_in_parts(fs, s3, bucket):
    data = content(2, 23 * MIB)
    with fs.open_output_stream(f"{bucket}/big") as file:
        for begin in range(0, len(data), 4 * MIB):
            file.write(data[begin:begin + 4 * MIB])
    found = stored(s3, bucket, "big")
    assert found.data == data
    assert found.etag in {multipart_etag(data, size * MIB) for size in (5, 8, 10)}


def test_folders_are_made_listed_and_deleted(fs, bucket):
    fs.create_dir(f"{bucket}/a b/c+d", recursive=True)
    assert fs.get_file_info(f"{bucket}/a b/c+d").type == pyarrow.fs.FileType.Directory
    with fs.open_output_stream(f"{bucket}/a b/c+d/file") as file:
        file.write(b"v")
    fs.delete_dir(f"{bucket}/a b/c+d")
    assert fs.get_file_info(f"{bucket}/a b/c+d/file").type == pyarrow.fs.FileType.NotFound
    fs.delete_dir_contents(bucket)
    fs.delete_dir(bucket)
    fs.create_dir("other-bucket")
    assert [one.path for one in fs.get_file_info(pyarrow.fs.FileSelector(""))] == ["other-bucket"]


def test_a_partitioned_dataset_is_written_and_filtered(fs, s3, bucket):
    table = pyarrow.table({"split": ["train", "test", "té st"] * 1000,
                           "number": list(range(3000)), "weight": [0.5] * 3000})
    pyarrow.dataset.write_dataset(
        table, f"{bucket}/data set", filesystem=fs, format="parquet",
        partitioning=pyarrow.dataset.partitioning(
            pyarrow.schema([("split", pyarrow.string())]), flavor="hive"))
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert len([key for key in keys if key.endswith(".parquet")]) == 3
    dataset = pyarrow.dataset.dataset(f"{bucket}/data set", filesystem=fs, format="parquet",
                                      partitioning="hive")
    assert dataset.count_rows() == 3000
    found = dataset.to_table(columns=["number"],
                             filter=pyarrow.compute.field("split") == "té st")
    assert sorted(found["number"].to_pylist()) == list(range(2, 3000, 3))
