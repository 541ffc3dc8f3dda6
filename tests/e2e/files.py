"""Folders and bytes for the tests: made, and compared."""
import os
import random


def content(seed, size_bytes):
    return random.Random(seed).randbytes(size_bytes)


def write(path, data=b"x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def write_tree(folder, files):
    """`files`: path below the folder to content."""
    for name, data in files.items():
        write(folder / name, data)
    return folder


def read_tree(folder):
    """Every file below the folder, hidden and half-written ones too."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found


def put_all(client, bucket, objects):
    """Makes the bucket and, with a client that is not ours, its objects."""
    client.create_bucket(Bucket=bucket)
    for key, data in objects.items():
        client.put_object(Bucket=bucket, Key=key,
                          Body=data if isinstance(data, bytes) else data.encode())


def read_bucket(client, bucket):
    """Key to content, with a client that is not ours."""
    keys = [entry["Key"]
            for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
            for entry in page.get("Contents", [])]
    return {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def assert_one_line_error(outcome, code, *words):
    """The exit code, and one line on standard error that holds all the words."""
    assert outcome.code == code, outcome
    lines = outcome.stderr.splitlines()
    assert len(lines) == 1, outcome
    for word in words:
        assert word in lines[0], outcome
