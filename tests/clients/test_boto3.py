"""boto3: the resource-free client, its transfer manager, waiters, paginators and signed URLs."""
import io
import urllib.error
import urllib.request

import boto3
import boto3.s3.transfer
import botocore.config
import botocore.exceptions
import pytest

from tests.clients.objects import (AWKWARD_NAMES, MIB, content, just_now, md5, multipart_etag,
                                   stored)
from tests.conftest import ACCESS_KEY, REGION, SECRET_KEY

PART_BYTES = 8 * MIB


def test_a_file_above_the_threshold_goes_up_in_parts_and_comes_back(s3, bucket):
    data = content(1, 2 * PART_BYTES + 12_345)
    config = boto3.s3.transfer.TransferConfig(multipart_threshold=PART_BYTES,
                                              multipart_chunksize=PART_BYTES)
    s3.upload_fileobj(io.BytesIO(data), bucket, "big.bin", Config=config, ExtraArgs={
        "ContentType": "image/png", "Metadata": {"camera": "front left", "at": "10% + 1"}})
    found = stored(s3, bucket, "big.bin")
    assert found == (data, multipart_etag(data, PART_BYTES), "image/png",
                     {"camera": "front left", "at": "10% + 1"})
    back = io.BytesIO()
    s3.download_fileobj(bucket, "big.bin", back, Config=config)
    assert back.getvalue() == data


def test_awkward_keys_keep_bytes_and_metadata_and_list_as_written(s3, bucket):
    for number, key in enumerate(AWKWARD_NAMES):
        s3.put_object(Bucket=bucket, Key=key, Body=content(number, 100 + number),
                      ContentType="text/x-awkward", Metadata={"number": str(number)})
    for number, key in enumerate(AWKWARD_NAMES):
        data = content(number, 100 + number)
        assert stored(s3, bucket, key) == (data, md5(data), "text/x-awkward",
                                           {"number": str(number)})
    listed = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert [entry["Key"] for entry in listed] == sorted(AWKWARD_NAMES, key=str.encode)
    for entry in listed:
        number = AWKWARD_NAMES.index(entry["Key"])
        assert entry["ETag"] == md5(content(number, 100 + number))
        assert entry["Size"] == 100 + number
        assert just_now(entry["LastModified"])
    gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": k} for k in AWKWARD_NAMES]})
    assert {entry["Key"] for entry in gone["Deleted"]} == set(AWKWARD_NAMES)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_an_empty_object_leaves_its_connection_fit_for_the_next(in_process, bucket):
    config = botocore.config.Config(read_timeout=5, retries={"total_max_attempts": 1},
                                    max_pool_connections=1)
    client = boto3.client("s3", config=config)
    for key, body in (("empty", b""), ("next", b"bytes"), ("again", b"")):
        client.put_object(Bucket=bucket, Key=key, Body=body)
        assert client.get_object(Bucket=bucket, Key=key)["Body"].read() == body


def test_waiters_see_what_comes_and_goes(s3, bucket):
    soon = {"Delay": 1, "MaxAttempts": 2}
    s3.get_waiter("bucket_exists").wait(Bucket=bucket, WaiterConfig=soon)
    s3.get_waiter("object_not_exists").wait(Bucket=bucket, Key="k", WaiterConfig=soon)
    s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    s3.get_waiter("object_exists").wait(Bucket=bucket, Key="k", WaiterConfig=soon)
    s3.delete_object(Bucket=bucket, Key="k")
    s3.get_waiter("object_not_exists").wait(Bucket=bucket, Key="k", WaiterConfig=soon)
    s3.delete_bucket(Bucket=bucket)
    s3.get_waiter("bucket_not_exists").wait(Bucket=bucket, WaiterConfig=soon)


@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2", "list_object_versions"])
def test_paginators_give_every_key_once_and_in_order(s3, bucket, operation):
    keys = sorted([f"{number % 7} +%/{number:02}é" for number in range(23)], key=str.encode)
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    member = "Versions" if operation == "list_object_versions" else "Contents"
    pages = list(s3.get_paginator(operation).paginate(
        Bucket=bucket, PaginationConfig={"PageSize": 5}))
    assert len(pages) == 5
    assert [entry["Key"] for page in pages for entry in page[member]] == keys
    folders = s3.get_paginator(operation).paginate(Bucket=bucket, Delimiter="/",
                                                   PaginationConfig={"PageSize": 3})
    assert [entry["Prefix"] for page in folders for entry in page.get("CommonPrefixes", [])] == [
        f"{number} +%/" for number in range(7)]


def test_uploads_and_their_parts_are_paginated(s3, bucket):
    uploads = {f"up load+{number}": s3.create_multipart_upload(
        Bucket=bucket, Key=f"up load+{number}")["UploadId"] for number in range(4)}
    pages = s3.get_paginator("list_multipart_uploads").paginate(
        Bucket=bucket, PaginationConfig={"PageSize": 3})
    assert {entry["Key"]: entry["UploadId"]
            for page in pages for entry in page["Uploads"]} == uploads
    key, upload_id = next(iter(uploads.items()))
    sent = {number: s3.upload_part(Bucket=bucket, Key=key, UploadId=upload_id, PartNumber=number,
                                   Body=content(number, 1000))["ETag"] for number in range(1, 6)}
    pages = s3.get_paginator("list_parts").paginate(
        Bucket=bucket, Key=key, UploadId=upload_id, PaginationConfig={"PageSize": 2})
    assert {part["PartNumber"]: part["ETag"] for page in pages for part in page["Parts"]} == sent
    for key, upload_id in uploads.items():
        s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


@pytest.fixture
def signing(server):
    """Left to itself boto3 still signs URLs of this region the old way, which S3 has retired."""
    return boto3.client("s3", endpoint_url=server.url, region_name=REGION,
                        aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY,
                        config=botocore.config.Config(signature_version="s3v4"))


def fetch(request):
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.status, answer.headers, answer.read()


@pytest.mark.parametrize("key", AWKWARD_NAMES)
def test_presigned_urls_put_and_get(signing, s3, bucket, key):
    data = content(5, 10_000)
    url = signing.generate_presigned_url("put_object", Params={
        "Bucket": bucket, "Key": key, "ContentType": "text/csv", "Metadata": {"by": "url"}})
    fetch(urllib.request.Request(url, data, method="PUT", headers={
        "Content-Type": "text/csv", "x-amz-meta-by": "url"}))
    assert stored(s3, bucket, key) == (data, md5(data), "text/csv", {"by": "url"})
    url = signing.generate_presigned_url("get_object", Params={
        "Bucket": bucket, "Key": key, "ResponseContentDisposition": 'attachment; filename="x y"'})
    _, headers, body = fetch(url)
    assert (body, headers["ETag"], headers["Content-Disposition"]) == (
        data, md5(data), 'attachment; filename="x y"')


def test_a_presigned_url_opens_nothing_but_its_own_object(signing, s3, bucket):
    for key in ("one", "two"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"v")
    url = signing.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "one"})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        fetch(url.replace("/one?", "/two?"))


def test_tags_are_kept_replaced_and_deleted(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k+ %", Body=b"v", Tagging="split=train&owner=a%20b")

    def tags():
        return {tag["Key"]: tag["Value"]
                for tag in s3.get_object_tagging(Bucket=bucket, Key="k+ %")["TagSet"]}

    assert tags() == {"split": "train", "owner": "a b"}
    assert s3.get_object(Bucket=bucket, Key="k+ %")["TagCount"] == 2
    s3.put_object_tagging(Bucket=bucket, Key="k+ %",
                          Tagging={"TagSet": [{"Key": "ä", "Value": "é + <&>"}]})
    assert tags() == {"ä": "é + <&>"}
    s3.delete_object_tagging(Bucket=bucket, Key="k+ %")
    assert tags() == {}


@pytest.mark.parametrize("source", AWKWARD_NAMES)
def test_a_copy_keeps_metadata_or_replaces_it(s3, bucket, source):
    s3.put_object(Bucket=bucket, Key=source, Body=b"bytes", ContentType="text/x-one",
                  Metadata={"a": "1"})
    place = {"Bucket": bucket, "Key": source}
    s3.copy_object(Bucket=bucket, Key="kept", CopySource=place)
    assert stored(s3, bucket, "kept") == (b"bytes", md5(b"bytes"), "text/x-one", {"a": "1"})
    s3.copy_object(Bucket=bucket, Key="replaced", CopySource=place, MetadataDirective="REPLACE",
                   ContentType="text/x-two", Metadata={"b": "2"})
    assert stored(s3, bucket, "replaced") == (b"bytes", md5(b"bytes"), "text/x-two", {"b": "2"})


def test_a_large_object_is_copied_in_parts_inside_the_store(s3, bucket):
    data = content(8, 11 * MIB)
    s3.put_object(Bucket=bucket, Key="from here", Body=data, ContentType="text/x-one")
    config = boto3.s3.transfer.TransferConfig(multipart_threshold=5 * MIB,
                                              multipart_chunksize=5 * MIB)
    s3.copy({"Bucket": bucket, "Key": "from here"}, bucket, "to there", Config=config,
            ExtraArgs={"ContentType": "text/x-one"})
    found = stored(s3, bucket, "to there")
    assert (found.data, found.etag, found.content_type) == (
        data, multipart_etag(data, 5 * MIB), "text/x-one")


def refusal(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(**arguments)
    return raised.value.response["Error"]["Code"]


def test_conditional_puts_never_overwrite_what_they_do_not_know(s3, bucket):
    place = {"Bucket": bucket, "Key": "k"}
    first = s3.put_object(**place, Body=b"1", IfNoneMatch="*")["ETag"]
    assert refusal(s3.put_object, **place, Body=b"2", IfNoneMatch="*") == "PreconditionFailed"
    second = s3.put_object(**place, Body=b"2", IfMatch=first)["ETag"]
    assert refusal(s3.put_object, **place, Body=b"3", IfMatch=first) == "PreconditionFailed"
    assert refusal(s3.get_object, **place, IfMatch=first) == "PreconditionFailed"
    assert refusal(s3.get_object, **place, IfNoneMatch=second) == "304"
    assert stored(s3, bucket, "k").data == b"2"


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_checksums_are_verified_kept_and_checked_on_the_way_back(s3, bucket, algorithm):
    data = content(9, 200_000)
    put = s3.put_object(Bucket=bucket, Key="k", Body=io.BytesIO(data), ChecksumAlgorithm=algorithm)
    member = f"Checksum{algorithm}"
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head[member] == put[member]
    answer = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert answer["Body"].read() == data  # botocore compares it with the checksum itself.
    wrong = put[member][:-4] + ("AAA=" if not put[member].endswith("AAA=") else "BBB=")
    assert refusal(s3.put_object, Bucket=bucket, Key="k", Body=data, **{member: wrong}) in (
        "BadDigest", "InvalidRequest")
    assert stored(s3, bucket, "k").data == data
