"""rclone: copy, check and sync; it compares MD5s and keeps a file's time as metadata."""
import json
import os

import pytest

from tests.clients.conftest import VENV_PROGRAMS
from tests.clients.objects import (AWKWARD_NAMES, MIB, content, md5, multipart_etag, read_tree,
                                   stored, write)
from tests.conftest import ACCESS_KEY, REGION, SECRET_KEY

MODIFIED = 1_600_000_000.123456789


@pytest.fixture
def rclone_to(run_client, tmp_path):
    def to(url):
        variables = {"RCLONE_CONFIG": str(tmp_path / "no-rclone.conf"),
                     "RCLONE_CONFIG_HR_TYPE": "s3", "RCLONE_CONFIG_HR_PROVIDER": "Other",
                     "RCLONE_CONFIG_HR_ACCESS_KEY_ID": ACCESS_KEY,
                     "RCLONE_CONFIG_HR_SECRET_ACCESS_KEY": SECRET_KEY,
                     "RCLONE_CONFIG_HR_REGION": REGION, "RCLONE_CONFIG_HR_ENDPOINT": url}
        return lambda *arguments, **options: run_client(
            VENV_PROGRAMS / "rclone", "--retries=1", "--low-level-retries=1", *arguments,
            env=variables, **options)

    return to


@pytest.fixture
def rclone(rclone_to, server):
    return rclone_to(server.url)


@pytest.fixture
def tree(tmp_path):
    files = {name: content(number, 1000 + number) for number, name in enumerate(AWKWARD_NAMES)}
    for name, data in files.items():
        os.utime(write(tmp_path / "up" / name, data), (MODIFIED, MODIFIED))
    return files


def test_copy_then_check_and_nothing_is_copied_twice(rclone, s3, bucket, tmp_path, tree):
    rclone("copy", "--metadata-set", "camera=left", "-M", tmp_path / "up", f"hr:{bucket}/tree")
    for name, data in tree.items():
        found = stored(s3, bucket, f"tree/{name}")
        assert found[:2] == (data, md5(data))
        assert found.content_type.split(";")[0] == "text/plain"
        assert found.metadata["camera"] == "left"
        assert float(found.metadata["mtime"]) == pytest.approx(MODIFIED, abs=1e-6)
    rclone("check", "--one-way", tmp_path / "up", f"hr:{bucket}/tree")
    rclone("check", "--download", tmp_path / "up", f"hr:{bucket}/tree")
    before = s3.list_objects_v2(Bucket=bucket)["Contents"]
    log = tmp_path / "log"
    rclone("copy", "-v", "--log-file", log, tmp_path / "up", f"hr:{bucket}/tree")
    assert "Copied" not in log.read_text()
    assert s3.list_objects_v2(Bucket=bucket)["Contents"] == before


def test_copy_down_brings_bytes_and_times_back(rclone, bucket, tmp_path, tree):
    rclone("copy", tmp_path / "up", f"hr:{bucket}/tree")
    rclone("copy", f"hr:{bucket}/tree", tmp_path / "down")
    assert read_tree(tmp_path / "down") == tree
    for name in tree:
        assert (tmp_path / "down" / name).stat().st_mtime == pytest.approx(MODIFIED, abs=1e-6)


def test_sync_deletes_what_the_source_has_not(rclone, s3, bucket, tmp_path, tree):
    s3.put_object(Bucket=bucket, Key="tree/too much + %", Body=b"x")
    rclone("sync", tmp_path / "up", f"hr:{bucket}/tree")
    listed = json.loads(rclone("lsjson", "-R", "--hash", "--files-only", f"hr:{bucket}/tree"))
    assert {entry["Path"]: (entry["Size"], entry["Hashes"]["md5"]) for entry in listed} == {
        name: (len(data), md5(data).strip('"')) for name, data in tree.items()}


def test_a_touched_file_gets_its_new_time_without_a_new_upload(rclone, s3, bucket, tmp_path, tree):
    rclone("copy", tmp_path / "up", f"hr:{bucket}")
    name = "with space/two  spaces.txt"
    os.utime(tmp_path / "up" / name, (MODIFIED + 60, MODIFIED + 60))
    log = tmp_path / "log"
    rclone("copy", "-v", "--log-file", log, tmp_path / "up", f"hr:{bucket}")
    assert "Copied" not in log.read_text()
    found = stored(s3, bucket, name)
    assert found.data == tree[name]
    assert float(found.metadata["mtime"]) == pytest.approx(MODIFIED + 60, abs=1e-6)


def test_a_large_file_goes_up_in_parts_and_keeps_its_md5(rclone, s3, bucket, tmp_path):
    data = content(9, 12 * MIB)
    write(tmp_path / "big/+ %.bin", data)
    rclone("copy", "--s3-upload-cutoff", "5M", "--s3-chunk-size", "5M", tmp_path / "big",
           f"hr:{bucket}")
    found = stored(s3, bucket, "+ %.bin")
    assert (found.data, found.etag) == (data, multipart_etag(data, 5 * MIB))
    assert "md5chksum" in found.metadata
    rclone("check", tmp_path / "big", f"hr:{bucket}")
    rclone("copyto", f"hr:{bucket}/+ %.bin", f"hr:{bucket}/moved to/+ %.bin")
    assert stored(s3, bucket, "moved to/+ %.bin").data == data
    rclone("purge", f"hr:{bucket}")
    assert s3.list_buckets()["Buckets"] == []


def test_random_etags_do_once_rclone_is_told_not_to_compare_them(rclone_to, start_server, tmp_path):
    store = tmp_path / "random"
    (store / "bucket").mkdir(parents=True)
    server = start_server("--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY,
                          "--etags", "random", folder=store)
    rclone = rclone_to(server.url)
    files = {"small": content(1, 1000), "large": content(2, 12 * MIB)}
    for name, data in files.items():
        write(tmp_path / "up" / name, data)
    options = ["--s3-upload-cutoff=6Mi", "--s3-use-multipart-etag=false"]
    rclone("copy", *options, tmp_path / "up", "hr:bucket/tree")
    rclone("check", "--download", tmp_path / "up", "hr:bucket/tree")
    rclone("copy", "hr:bucket/tree", tmp_path / "down")
    assert read_tree(tmp_path / "down") == files
    etags = {name: server.client().head_object(Bucket="bucket", Key=f"tree/{name}")["ETag"]
             for name in files}
    assert etags["small"].endswith('-1"') and etags["large"].endswith('-3"'), etags
    assert etags["large"] != multipart_etag(files["large"], 5 * MIB)
