"""The AWS CLI: high-level s3 commands and s3api."""
import json

from tests.clients.objects import (AWKWARD_NAMES, MIB, content, md5, multipart_etag, read_tree,
                                   stored, write)


def test_cp_carries_a_large_file_in_parts_with_type_and_metadata(run_client, s3, bucket, tmp_path):
    data = content(1, 17 * MIB)
    write(tmp_path / "big + file.png", data)
    run_client("aws", "s3", "cp", "--no-progress", "--metadata", "camera=left",
               tmp_path / "big + file.png", f"s3://{bucket}/a b/")
    assert stored(s3, bucket, "a b/big + file.png") == (
        data, multipart_etag(data, 8 * MIB), "image/png", {"camera": "left"})
    run_client("aws", "s3", "cp", "--no-progress", f"s3://{bucket}/a b/big + file.png",
               tmp_path / "back.png")
    assert (tmp_path / "back.png").read_bytes() == data


def test_cp_streams_both_ways(run_client, s3, bucket):
    data = content(2, 9 * MIB)
    run_client("aws", "s3", "cp", "-", f"s3://{bucket}/stream", stdin=data)
    assert stored(s3, bucket, "stream").data == data
    assert run_client("aws", "s3", "cp", f"s3://{bucket}/stream", "-") == data


def test_sync_carries_a_tree_once_and_keeps_modification_times(run_client, s3, bucket, tmp_path):
    files = {name: content(number, 1000 + number) for number, name in enumerate(AWKWARD_NAMES)}
    for name, data in files.items():
        write(tmp_path / "up" / name, data)
    assert run_client("aws", "s3", "sync", "--no-progress", tmp_path / "up",
                      f"s3://{bucket}/tree").count(b"upload:") == len(files)
    for name, data in files.items():
        assert stored(s3, bucket, f"tree/{name}")[:3] == (data, md5(data), "text/plain")
    # What is there already, with size and time as they were, is not sent again.
    assert run_client("aws", "s3", "sync", tmp_path / "up", f"s3://{bucket}/tree") == b""
    run_client("aws", "s3", "sync", "--no-progress", f"s3://{bucket}/tree", tmp_path / "down")
    assert read_tree(tmp_path / "down") == files
    for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        path = tmp_path / "down" / entry["Key"].removeprefix("tree/")
        assert path.stat().st_mtime == int(entry["LastModified"].timestamp())


def test_rm_recursive_takes_the_prefix_and_nothing_else(run_client, s3, bucket):
    for key in [*(f"gone/{name}" for name in AWKWARD_NAMES), "gone", "kept/one"]:
        s3.put_object(Bucket=bucket, Key=key, Body=b"v")
    run_client("aws", "s3", "rm", "--recursive", f"s3://{bucket}/gone/")
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [
        "gone", "kept/one"]


def test_mv_between_keys_keeps_type_metadata_and_tags(run_client, s3, bucket):
    data = content(3, 100_000)
    s3.put_object(Bucket=bucket, Key="from + here", Body=data, ContentType="text/x-one",
                  Metadata={"a": "1"}, Tagging="split=train")
    run_client("aws", "s3", "mv", "--no-progress", f"s3://{bucket}/from + here",
               f"s3://{bucket}/to %20 there")
    assert stored(s3, bucket, "to %20 there") == (data, md5(data), "text/x-one", {"a": "1"})
    assert s3.get_object_tagging(Bucket=bucket, Key="to %20 there")["TagSet"] == [
        {"Key": "split", "Value": "train"}]
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def test_cp_between_keys_copies_a_large_object_in_parts(run_client, s3, bucket):
    data = content(5, 9 * MIB)
    s3.put_object(Bucket=bucket, Key="from", Body=data)
    run_client("aws", "s3", "cp", "--no-progress", f"s3://{bucket}/from", f"s3://{bucket}/to")
    assert stored(s3, bucket, "to")[:2] == (data, multipart_etag(data, 8 * MIB))


def test_s3api_shows_what_was_stored(run_client, s3, bucket, tmp_path):
    def s3api(operation, *arguments):
        text = run_client("aws", "s3api", operation, "--bucket", bucket, "--output", "json",
                          *arguments)
        return json.loads(text) if text.strip() else None

    data = content(4, 3000)
    write(tmp_path / "file", data)
    put = s3api("put-object", "--key", "日本 +%", "--body", tmp_path / "file", "--content-type",
                "text/csv", "--metadata", "a=1", "--checksum-algorithm", "CRC32C")
    assert put["ETag"] == md5(data)
    head = s3api("head-object", "--key", "日本 +%", "--checksum-mode", "ENABLED")
    assert (head["ContentLength"], head["ContentType"], head["Metadata"], head["ETag"]) == (
        3000, "text/csv", {"a": "1"}, md5(data))
    assert head["ChecksumCRC32C"] == put["ChecksumCRC32C"]
    listed = s3api("list-objects-v2", "--prefix", "日本")
    assert [(entry["Key"], entry["Size"]) for entry in listed["Contents"]] == [("日本 +%", 3000)]
    attributes = s3api("get-object-attributes", "--key", "日本 +%", "--object-attributes", "ETag",
                       "ObjectSize", "Checksum")
    assert (attributes["ObjectSize"], attributes["ETag"]) == (3000, md5(data).strip('"'))
    s3api("get-object", "--key", "日本 +%", "--range", "bytes=1000-1999", tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == data[1000:2000]
    s3api("delete-object", "--key", "日本 +%")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
