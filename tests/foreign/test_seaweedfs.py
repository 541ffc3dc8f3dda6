"""Our client through the command line against an S3 server that is not ours."""
import random

import pytest

MIB = 1 << 20


def content(seed, size_bytes):
    return random.Random(seed).randbytes(size_bytes)


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_one_object_travels_up_and_down(headrace, bucket, tmp_path):
    data = content(1, 100_000)
    write(tmp_path / "one.bin", data)
    headrace.ok("cp", tmp_path / "one.bin", f"s3://{bucket}/folder/one.bin")
    headrace.ok("cp", f"s3://{bucket}/folder/one.bin", tmp_path / "back.bin")
    assert (tmp_path / "back.bin").read_bytes() == data
    assert headrace.ok("cat", f"s3://{bucket}/folder/one.bin", binary=True).stdout == data


def test_a_large_object_travels_in_parts(headrace, bucket, tmp_path):
    data = content(2, 20 * MIB + 12_345)
    write(tmp_path / "big.bin", data)
    headrace.ok("cp", tmp_path / "big.bin", f"s3://{bucket}/big.bin")
    headrace.ok("cp", f"s3://{bucket}/big.bin", tmp_path / "back.bin")
    assert (tmp_path / "back.bin").read_bytes() == data


def test_a_large_object_is_copied_inside_the_store(headrace, bucket, tmp_path):
    data = content(3, 17 * MIB)
    write(tmp_path / "big.bin", data)
    headrace.ok("cp", tmp_path / "big.bin", f"s3://{bucket}/source.bin")
    headrace.ok("cp", f"s3://{bucket}/source.bin", f"s3://{bucket}/copy.bin")
    assert headrace.ok("cat", f"s3://{bucket}/copy.bin", binary=True).stdout == data


@pytest.mark.parametrize("key", ["a b", "a+b", "a%20b", "a=b&c", "a?b#c", "\u65e5\u672c/\u00e9"])
def test_awkward_keys_are_signed_right(headrace, bucket, tmp_path, key):
    write(tmp_path / "file", b"text")
    headrace.ok("cp", tmp_path / "file", f"s3://{bucket}/{key}")
    assert headrace.ok("cat", f"s3://{bucket}/{key}").stdout == "text"
    listed = headrace.ok("ls", f"s3://{bucket}/", "--recursive", "--json").json_lines()
    assert [entry["key"] for entry in listed] == [key]


def test_a_tree_is_synced_up_listed_and_down(headrace, bucket, tmp_path):
    source = tmp_path / "source"
    files = {f"{folder}/{number}.bin": content(number, 1000 + number)
             for folder in ("a", "b/c") for number in range(20)}
    for name, data in files.items():
        write(source / name, data)
    headrace.ok("sync", source, f"s3://{bucket}/tree/")
    listed = headrace.ok("ls", f"s3://{bucket}/tree/", "--recursive", "--json").json_lines()
    assert sorted(entry["key"] for entry in listed) == sorted(f"tree/{name}" for name in files)
    headrace.ok("sync", f"s3://{bucket}/tree/", tmp_path / "target")
    found = {str(path.relative_to(tmp_path / "target")): path.read_bytes()
             for path in (tmp_path / "target").rglob("*") if path.is_file()}
    assert found == files


def test_objects_are_removed_in_batches_and_the_bucket_after_them(headrace, bucket, tmp_path):
    for number in range(5):
        write(tmp_path / f"source/{number}", b"x")
    headrace.ok("cp", "--recursive", tmp_path / "source", f"s3://{bucket}/")
    headrace.ok("rm", f"s3://{bucket}/0")
    assert len(headrace.ok("ls", f"s3://{bucket}/", "--json").stdout.splitlines()) == 4
    headrace.ok("rm", "--recursive", f"s3://{bucket}/")
    headrace.ok("rb", f"s3://{bucket}")
    assert headrace("ls", f"s3://{bucket}/").code == 3


def test_a_wrong_secret_is_denied(headrace, bucket):
    outcome = headrace("ls", f"s3://{bucket}/", env={"AWS_SECRET_ACCESS_KEY": "wrong"})
    assert outcome.code == 4
    assert len(outcome.stderr.strip().splitlines()) == 1
