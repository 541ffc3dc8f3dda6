"""The S3 API of `headrace serve` as boto3 and plain sockets see it: what the unit tests of the
gateway cannot ask for with a client that is not ours."""
import base64
import hashlib
import http.client
import io
import urllib.parse

import boto3
import botocore.config
import botocore.exceptions
import pytest

from tests.conftest import ACCESS_KEY, SECRET_KEY
from tests.e2e.files import content

MIB = 1 << 20
# The algorithms that botocore computes without its C extension.
IN_PYTHON = ["CRC32", "SHA1", "SHA256"]


def failure(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(**arguments)
    return raised.value.response


def code_of(call, **arguments):
    return failure(call, **arguments)["Error"]["Code"]


def version_4_client(server):
    """boto3 presigns with Signature Version 2 unless it is told not to."""
    config = botocore.config.Config(signature_version="s3v4", s3={"addressing_style": "path"})
    return boto3.client("s3", endpoint_url=server.url, region_name="us-east-1", config=config,
                        aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY)


@pytest.fixture
def bucket(s3):
    s3.create_bucket(Bucket="bucket")
    return "bucket"


@pytest.mark.parametrize("algorithm", IN_PYTHON)
def test_a_checksum_is_kept_and_told_on_request(s3, bucket, algorithm):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"text", ChecksumAlgorithm=algorithm)
    field = f"Checksum{algorithm}"
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert put[field] == head[field]
    assert head["ChecksumType"] == "FULL_OBJECT"
    assert field not in s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED",
                                       Range="bytes=0-1")
    told = s3.get_object_attributes(Bucket=bucket, Key="k",
                                    ObjectAttributes=["Checksum", "ObjectSize", "ETag"])
    assert told["Checksum"][field] == put[field]
    assert told["ObjectSize"] == 4


@pytest.mark.parametrize("algorithm", ["SHA512", "MD5"])
def test_a_checksum_in_a_header_is_verified(s3, bucket, algorithm):
    digest = hashlib.new(algorithm, b"text").digest()
    right = {f"Checksum{algorithm}": base64.b64encode(digest).decode()}
    wrong = {f"Checksum{algorithm}": base64.b64encode(bytes(len(digest))).decode()}
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"text", **right)[f"Checksum{algorithm}"]
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"text", **wrong) == "BadDigest"
    wrong = {f"Checksum{algorithm}": base64.b64encode(bytes(3)).decode()}
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"text", **wrong) == "InvalidRequest"


@pytest.mark.parametrize("algorithm, type_, composite", [
    ("CRC32", "FULL_OBJECT", False), ("CRC32", "COMPOSITE", True), ("SHA256", "COMPOSITE", True)])
def test_an_upload_has_the_checksum_type_it_asked_for(s3, bucket, algorithm, type_, composite):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm,
                                        ChecksumType=type_)
    assert upload["ChecksumType"] == type_
    where = {"Bucket": bucket, "Key": "k", "UploadId": upload["UploadId"]}
    parts = []
    for number, data in enumerate([content(1, 5 * MIB), content(2, 10)], 1):
        made = s3.upload_part(**where, PartNumber=number, Body=data, ChecksumAlgorithm=algorithm)
        parts.append({"PartNumber": number, "ETag": made["ETag"],
                      f"Checksum{algorithm}": made[f"Checksum{algorithm}"]})
    listed = s3.list_parts(**where)
    assert [part[f"Checksum{algorithm}"] for part in listed["Parts"]] == [
        part[f"Checksum{algorithm}"] for part in parts]
    done = s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    assert done["ChecksumType"] == type_
    assert done[f"Checksum{algorithm}"].endswith("-2") == composite
    again = s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    assert again["ETag"] == done["ETag"]
    told = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts"],
                                    MaxParts=1)["ObjectParts"]
    assert told["TotalPartsCount"] == 2 and told["IsTruncated"]
    assert told["Parts"][0]["Size"] == 5 * MIB
    second = s3.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert second["Body"].read() == content(2, 10) and second["PartsCount"] == 2


def test_impossible_checksums_of_uploads_are_refused(s3, bucket):
    start = s3.create_multipart_upload
    for algorithm, type_ in [("SHA256", "FULL_OBJECT"), ("CRC64NVME", "COMPOSITE")]:
        assert code_of(start, Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm,
                       ChecksumType=type_) == "InvalidRequest"


def test_tags_come_with_an_upload_in_parts(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", Tagging="a=b")
    where = {"Bucket": bucket, "Key": "k", "UploadId": upload["UploadId"]}
    part = s3.upload_part(**where, PartNumber=1, Body=b"x")
    s3.complete_multipart_upload(
        **where, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a", "Value": "b"}]


def test_part_numbers_and_sizes_of_parts_are_checked(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")
    where = {"Bucket": bucket, "Key": "k", "UploadId": upload["UploadId"]}
    for number in (0, 10_001):
        assert code_of(s3.upload_part, **where, PartNumber=number, Body=b"x") == "InvalidArgument"
    etags = {number: s3.upload_part(**where, PartNumber=number, Body=b"x")["ETag"]
             for number in (1, 10_000)}
    complete = s3.complete_multipart_upload

    def parts(*numbers):
        return {"Parts": [{"PartNumber": n, "ETag": etags.get(n, etags[1])} for n in numbers]}

    assert code_of(complete, **where, MultipartUpload=parts(1, 10_000)) == "EntityTooSmall"
    assert code_of(complete, **where, MultipartUpload=parts(10_000, 1)) == "InvalidPartOrder"
    assert code_of(complete, **where, MultipartUpload=parts(2)) == "InvalidPart"
    assert code_of(complete, **where, MultipartUpload=parts(0)) == "InvalidArgument"
    assert code_of(complete, **where, MultipartUpload=parts(1),
                   MpuObjectSize=7) == "InvalidRequest"
    complete(**where, MultipartUpload=parts(10_000), MpuObjectSize=1)


def test_uploads_are_listed_with_a_delimiter(s3, bucket):
    for key in ("a", "folder/1", "folder/2"):
        s3.create_multipart_upload(Bucket=bucket, Key=key)
    page = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [upload["Key"] for upload in page["Uploads"]] == ["a"]
    assert [prefix["Prefix"] for prefix in page["CommonPrefixes"]] == ["folder/"]


@pytest.mark.parametrize("call, code", [
    ("get_bucket_policy", "NoSuchBucketPolicy"), ("get_bucket_policy_status", "NoSuchBucketPolicy"),
    ("get_bucket_cors", "NoSuchCORSConfiguration"),
    ("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration"),
    ("get_bucket_website", "NoSuchWebsiteConfiguration"),
    ("get_public_access_block", "NoSuchPublicAccessBlockConfiguration"),
    ("get_bucket_encryption", "ServerSideEncryptionConfigurationNotFoundError"),
    ("get_bucket_tagging", "NoSuchTagSet"),
    ("get_bucket_replication", "ReplicationConfigurationNotFoundError"),
    ("get_object_lock_configuration", "ObjectLockConfigurationNotFoundError"),
    ("get_bucket_ownership_controls", "OwnershipControlsNotFoundError")])
def test_a_feature_no_bucket_has_is_answered_by_its_own_code(s3, bucket, call, code):
    response = failure(getattr(s3, call), Bucket=bucket)
    assert response["Error"]["Code"] == code
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert code_of(getattr(s3, call), Bucket="absent") == "NoSuchBucket"


def test_what_a_bucket_always_is_is_told(s3, bucket):
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    assert not s3.list_bucket_metrics_configurations(Bucket=bucket)["IsTruncated"]
    s3.get_bucket_notification_configuration(Bucket=bucket)
    s3.get_bucket_accelerate_configuration(Bucket=bucket)
    s3.delete_bucket_policy(Bucket=bucket)
    assert code_of(s3.put_bucket_policy, Bucket=bucket, Policy="{}") == "NotImplemented"
    assert code_of(s3.put_bucket_versioning, Bucket=bucket,
                   VersioningConfiguration={"Status": "Enabled"}) == "NotImplemented"


def test_objects_are_their_own_null_version(s3, bucket):
    s3.put_object(Bucket=bucket, Key="other", Body=b"x")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    (version, _) = s3.list_object_versions(Bucket=bucket)["Versions"]
    assert version["VersionId"] == "null" and version["IsLatest"]
    assert s3.get_object(Bucket=bucket, Key="k", VersionId="null")["Body"].read() == b"x"
    assert code_of(s3.get_object, Bucket=bucket, Key="k", VersionId="other") == "NoSuchVersion"
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [
        {"Key": "k", "VersionId": "other"}, {"Key": "other", "ETag": '"wrong"'}]})
    assert [error["Code"] for error in answer["Errors"]] == ["NoSuchVersion", "PreconditionFailed"]
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k", "VersionId": "null"},
                                                         {"Key": "other"}]})
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_express_renames_and_appends(s3, bucket):
    s3.put_object(Bucket=bucket, Key="log", Body=b"one", ContentType="text/x")
    s3.put_object(Bucket=bucket, Key="log", Body=b"two", WriteOffsetBytes=3)
    assert code_of(s3.put_object, Bucket=bucket, Key="log", Body=b"x",
                   WriteOffsetBytes=3) == "InvalidWriteOffset"
    s3.rename_object(Bucket=bucket, Key="a folder/log", RenameSource="log")
    got = s3.get_object(Bucket=bucket, Key="a folder/log")
    assert got["Body"].read() == b"onetwo" and got["ContentType"] == "text/x"
    assert code_of(s3.head_object, Bucket=bucket, Key="log") == "404"


def test_copies_take_conditions_and_a_checksum_of_their_own(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="a", Body=b"text", ChecksumAlgorithm="CRC32")["ETag"]
    source = {"Bucket": bucket, "Key": "a"}
    copied = s3.copy_object(Bucket=bucket, Key="b", CopySource=source, ChecksumAlgorithm="SHA256")
    assert copied["CopyObjectResult"]["ChecksumSHA256"] == base64.b64encode(
        hashlib.sha256(b"text").digest()).decode()
    assert code_of(s3.copy_object, Bucket=bucket, Key="b", CopySource=source,
                   CopySourceIfNoneMatch=etag) == "PreconditionFailed"
    upload = s3.create_multipart_upload(Bucket=bucket, Key="c", ChecksumAlgorithm="SHA256")
    where = {"Bucket": bucket, "Key": "c", "UploadId": upload["UploadId"], "PartNumber": 1}
    part = s3.upload_part_copy(**where, CopySource=source, CopySourceRange="bytes=1-2")
    assert part["CopyPartResult"]["ChecksumSHA256"] == base64.b64encode(
        hashlib.sha256(b"ex").digest()).decode()
    assert code_of(s3.upload_part_copy, **where, CopySource=source,
                   CopySourceIfMatch='"other"') == "PreconditionFailed"
    assert code_of(s3.upload_part_copy, **where, CopySource=source,
                   CopySourceRange="bytes=0-9") == "InvalidRange"


@pytest.mark.parametrize("source", [
    "bucket/../../secret", "../secret", "/bucket/../../secret", "bucket/%2e%2e/%2e%2e/secret",
    ".headrace/index.sqlite", "bucket/link"])
def test_a_copy_source_never_leaves_the_served_folder(s3, server, bucket, source):
    (server.folder.parent / "secret").write_text("secret")
    (server.folder / "secret").write_text("secret")
    (server.folder / "bucket/link").symlink_to("../secret")
    assert code_of(s3.copy_object, Bucket=bucket, Key="k", CopySource=source) in (
        "NoSuchKey", "NoSuchBucket", "InvalidArgument")


def test_what_is_not_done_is_refused_and_not_ignored(s3, bucket):
    for arguments in ({"ServerSideEncryption": "aws:kms"},
                      {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}):
        # botocore sends customer keys over https alone.
        with pytest.raises((botocore.exceptions.ClientError,
                            botocore.exceptions.ParamValidationError)):
            s3.put_object(Bucket=bucket, Key="k", Body=b"x", **arguments)
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"x",
                   ObjectLockLegalHoldStatus="ON") == "InvalidRequest"
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_a_stream_without_a_length_is_taken_chunked(s3, server, bucket):
    class Stream(io.RawIOBase):
        def __init__(self, data):
            self.data = io.BytesIO(data)

        def read(self, count=-1):
            return self.data.read(count)

    url = version_4_client(server).generate_presigned_url(
        "put_object", Params={"Bucket": bucket, "Key": "k"})
    parsed = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parsed.netloc)
    connection.request("PUT", f"{parsed.path}?{parsed.query}", body=Stream(content(1, 100_000)),
                       headers={"Transfer-Encoding": "chunked"}, encode_chunked=True)
    assert connection.getresponse().status == 200
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == content(1, 100_000)


def post(server, fields, data, name="cat.png"):
    """What a browser sends for a form with one file: the answer's status, headers and body."""
    boundary = "form-boundary"
    lines = [f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
             for key, value in fields.items()]
    lines.append(f'--{boundary}\r\nContent-Disposition: form-data; name="file"; '
                 f'filename="{name}"\r\nContent-Type: image/png\r\n\r\n')
    body = "".join(lines).encode() + data + f"\r\n--{boundary}--\r\n".encode()
    connection = http.client.HTTPConnection(server.url.split("//")[1])
    connection.request("POST", "/bucket", body,
                       {"Content-Type": f"multipart/form-data; boundary={boundary}"})
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read().decode()


def presigned_form(server, **fields):
    conditions = [{name: value} for name, value in fields.items()]
    return version_4_client(server).generate_presigned_post(
        "bucket", "a folder/${filename}", Fields=fields,
        Conditions=[*conditions, ["content-length-range", 1, 5000]])["fields"]


def test_a_form_upload_holds_its_policy(s3, server, bucket):
    form = presigned_form(server, **{"Content-Type": "image/png", "x-amz-meta-by": "form"})
    data = content(1, 5000)
    status, headers, _ = post(server, form, data)
    assert status == 204 and headers["ETag"] == f'"{hashlib.md5(data).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="a folder/cat.png")
    assert got["Body"].read() == data
    assert (got["ContentType"], got["Metadata"]) == ("image/png", {"by": "form"})
    for changed, size, code in [({}, 5001, "EntityTooLarge"), ({}, 0, "EntityTooSmall"),
                                ({"x-amz-meta-by": "other"}, 9, "AccessDenied"),
                                ({"extra": "field"}, 9, "AccessDenied"),
                                ({"x-amz-signature": "0" * 64}, 9, "SignatureDoesNotMatch"),
                                ({"policy": "e30="}, 9, "SignatureDoesNotMatch")]:
        _, _, body = post(server, {**form, **changed}, content(2, size), "refused.png")
        assert f"<Code>{code}</Code>" in body, body
    unsigned = {"key": "refused.png"}
    assert "<Code>AccessDenied</Code>" in post(server, unsigned, b"x")[2]
    assert [found["Key"] for found in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [
        "a folder/cat.png"]


def test_a_form_upload_answers_as_it_was_asked_to(server, bucket):
    created = presigned_form(server, success_action_status="201")
    status, _, body = post(server, created, b"x")
    assert status == 201 and "<Key>a folder/cat.png</Key>" in body
    redirect = presigned_form(server, success_action_redirect="http://127.0.0.1/done?a=1")
    status, headers, _ = post(server, redirect, b"x")
    assert status == 303
    assert headers["Location"].startswith(
        "http://127.0.0.1/done?a=1&bucket=bucket&key=a%20folder%2Fcat.png&etag=%22")
