"""The AWS CRT: awscrt's S3 client, and Mountpoint's below the PyTorch connector."""

from urllib.parse import quote

import awscrt.auth
import awscrt.http
import awscrt.io
import awscrt.s3
import pytest
from s3torchconnectorclient._mountpoint_s3_client import MountpointS3Client, S3Exception

from tests.clients.objects import (AWKWARD_NAMES, MIB, content, md5, multipart_etag, stored, write)
from tests.conftest import ACCESS_KEY, REGION, SECRET_KEY

PART_BYTES = 5 * MIB


@pytest.fixture
def crt():
    credentials = awscrt.auth.AwsCredentialsProvider.new_static(ACCESS_KEY, SECRET_KEY)
    loops = awscrt.io.EventLoopGroup(1)
    bootstrap = awscrt.io.ClientBootstrap(loops, awscrt.io.DefaultHostResolver(loops))
    return awscrt.s3.S3Client(
        bootstrap=bootstrap, region=REGION, part_size=PART_BYTES, throughput_target_gbps=1,
        tls_mode=awscrt.s3.S3RequestTlsMode.DISABLED,
        signing_config=awscrt.s3.create_default_s3_signing_config(
            region=REGION, credential_provider=credentials))


def send(crt, server, request_type, method, bucket, key, headers=(), **options):
    """One meta request; gives the answer's headers."""
    host = server.url.removeprefix("http://")
    request = awscrt.http.HttpRequest(method, f"/{bucket}/{quote(key)}", awscrt.http.HttpHeaders(
        [("Host", host), *headers]))
    answered = {}

    def on_headers(status_code, headers, **_):
        answered.update({name.lower(): value for name, value in headers}, status=status_code)

    crt.make_request(type=request_type, request=request, on_headers=on_headers,
                     **options).finished_future.result(timeout=60)
    return answered


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_awscrt_uploads_parts_with_trailing_checksums(crt, server, s3, bucket, tmp_path,
                                                       algorithm):
    data = content(1, 2 * PART_BYTES + 1)
    path = write(tmp_path / "file", data)
    send(crt, server, awscrt.s3.S3RequestType.PUT_OBJECT, "PUT", bucket, "big + %",
         [("Content-Length", str(len(data))), ("Content-Type", "text/x-crt"),
          ("x-amz-meta-camera", "left")], send_filepath=str(path),
         checksum_config=awscrt.s3.S3ChecksumConfig(
             algorithm=awscrt.s3.S3ChecksumAlgorithm[algorithm],
             location=awscrt.s3.S3ChecksumLocation.TRAILER))
    assert stored(s3, bucket, "big + %") == (
        data, multipart_etag(data, PART_BYTES), "text/x-crt", {"camera": "left"})


@pytest.mark.parametrize("key", AWKWARD_NAMES)
def test_awscrt_gets_in_ranges_and_checks_what_it_got(crt, server, s3, bucket, tmp_path, key):
    data = content(2, 2 * PART_BYTES + 77)
    s3.put_object(Bucket=bucket, Key=key, Body=data, ChecksumAlgorithm="CRC32C",
                  ContentType="text/x-crt", Metadata={"a": "1"})
    answered = send(crt, server, awscrt.s3.S3RequestType.GET_OBJECT, "GET", bucket, key,
                    recv_filepath=str(tmp_path / "back"),
                    checksum_config=awscrt.s3.S3ChecksumConfig(validate_response=True))
    assert (tmp_path / "back").read_bytes() == data
    assert answered["etag"] == md5(data)
    assert answered["content-type"] == "text/x-crt"
    assert answered["x-amz-meta-a"] == "1"


@pytest.fixture
def mountpoint(server, in_process):
    client = MountpointS3Client(region=REGION, endpoint=server.url, force_path_style=True,
                                part_size=PART_BYTES, throughput_target_gbps=1.0, max_attempts=1,
                                user_agent_prefix="tests")
    yield client


@pytest.mark.parametrize("key", AWKWARD_NAMES)
def test_the_pytorch_connector_puts_describes_copies_and_gets(mountpoint, s3, bucket, key):
    data = content(3, 2 * PART_BYTES + 5)
    stream = mountpoint.put_object(bucket, key)
    for begin in range(0, len(data), MIB):
        stream.write(data[begin:begin + MIB])
    stream.close()
    found = stored(s3, bucket, key)
    assert found[:2] == (data, multipart_etag(data, PART_BYTES))
    head = mountpoint.head_object(bucket, key)
    assert (head.size, head.etag) == (len(data), found.etag)
    assert b"".join(mountpoint.get_object(bucket, key, 1000, 2000)) == data[1000:2000]
    mountpoint.delete_object(bucket, key)
    with pytest.raises(S3Exception):
        mountpoint.head_object(bucket, key)
    # A copy's source is a plain name here: the CRT asks for it without encoding it.
    s3.put_object(Bucket=bucket, Key="source.bin", Body=data)
    mountpoint.copy_object(bucket, "source.bin", bucket, key)
    assert b"".join(mountpoint.get_object(bucket, key)) == data


def test_the_pytorch_connector_lists_with_folders_and_pages(mountpoint, s3, bucket):
    for number in range(7):
        s3.put_object(Bucket=bucket, Key=f"a b+%/{number}", Body=b"x" * number)
    s3.put_object(Bucket=bucket, Key="top", Body=b"")
    pages = list(mountpoint.list_objects(bucket, "a b+%/", max_keys=3))
    assert [(one.key, one.size) for page in pages for one in page.object_info] == [
        (f"a b+%/{number}", number) for number in range(7)]
    top = list(mountpoint.list_objects(bucket, delimiter="/"))
    assert [prefix for page in top for prefix in page.common_prefixes] == ["a b+%/"]
