"""`headrace serve` killed in the middle of its work: what was acknowledged is whole, nothing half
made can be seen, and what is stale is gone after the next start."""
import os
import random
import signal
import threading

import botocore.exceptions
import pytest

from tests.conftest import ACCESS_KEY, SECRET_KEY
from tests.e2e.files import content

KEYS = ("--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY)
MIB = 1 << 20


class Writer(threading.Thread):
    """Puts objects, small ones and uploads in parts, until the server is gone."""

    def __init__(self, client, number):
        super().__init__()
        self.client = client
        self.number = number
        self.written = {}  # key: (seed, size) that was acknowledged last
        self.tried = {}    # key: all that may be there
        self.first_done = threading.Event()

    def put(self, key, seed, size):
        self.tried.setdefault(key, []).append((seed, size))
        if size <= MIB:
            self.client.put_object(Bucket="bucket", Key=key, Body=content(seed, size))
        else:
            data = content(seed, size)
            upload = self.client.create_multipart_upload(Bucket="bucket", Key=key)
            where = {"Bucket": "bucket", "Key": key, "UploadId": upload["UploadId"]}
            parts = [{"PartNumber": n, "ETag": self.client.upload_part(
                **where, PartNumber=n, Body=piece)["ETag"]}
                for n, piece in ((1, data[:5 * MIB]), (2, data[5 * MIB:]))]
            self.client.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
        self.written[key] = (seed, size)
        self.first_done.set()

    def run(self):
        numbers = random.Random(self.number)
        try:
            while True:
                # Few keys, so that objects are replaced; some that cannot be paths.
                key = f"{self.number}/" + numbers.choice(["a", "b/c", "odd//x", "big"])
                size = 6 * MIB if key.endswith("big") else numbers.randrange(100_000)
                self.put(key, numbers.randrange(1 << 30), size)
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
            pass


@pytest.mark.parametrize("durability", ["object", "none"])
def test_a_kill_loses_nothing_acknowledged_and_shows_nothing_half_made(start_server, durability):
    folder = None
    expected = {}
    for round_number in range(3):
        server = start_server(*KEYS, "--durability", durability)
        folder = server.folder
        if round_number == 0:
            server.client().create_bucket(Bucket="bucket")
        writers = [Writer(server.client(), number) for number in range(4)]
        for writer in writers:
            writer.start()
        for writer in writers:
            assert writer.first_done.wait(60)
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        for writer in writers:
            writer.join()
            for key, tried in writer.tried.items():
                # The last acknowledged one, or one that was under way.
                done = writer.written.get(key)
                start = tried.index(done) if done else 0
                before = [] if done else expected.get(key, [None])
                expected[key] = before + tried[start:]
    server = start_server(*KEYS)
    client = server.client()
    listed = {found["Key"]: found for page in client.get_paginator("list_objects_v2").paginate(
        Bucket="bucket") for found in page.get("Contents", [])}
    assert set(listed) <= set(expected)
    for key, versions in expected.items():
        if key not in listed:
            assert None in versions, f"{key} was acknowledged and is gone"
            continue
        body = client.get_object(Bucket="bucket", Key=key)["Body"].read()
        assert len(body) == listed[key]["Size"]
        assert any(body == content(*one) for one in versions if one), f"{key} is half made"
    assert os.listdir(folder / ".headrace/tmp") == []
    uploads = {upload["UploadId"] for upload in
               client.list_multipart_uploads(Bucket="bucket").get("Uploads", [])}
    assert set(os.listdir(folder / ".headrace/parts")) <= uploads
    for upload in client.list_multipart_uploads(Bucket="bucket").get("Uploads", []):
        client.abort_multipart_upload(Bucket="bucket", Key=upload["Key"],
                                      UploadId=upload["UploadId"])
    assert os.listdir(folder / ".headrace/parts") == []
