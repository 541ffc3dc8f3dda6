"""Who `headrace serve` lets in and how it is addressed, as boto3 and our own client meet it."""
import signal
import socket
import ssl
import time
import urllib.error
import urllib.request

import boto3
import botocore.config
import botocore.exceptions
import pytest

from tests.conftest import REGION, boto3_client
from tests.e2e.files import assert_one_line_error, write
from tests.e2e.tls_forwarder import make_certificate

USERS = """
[[user]]
access_key = "READER"
secret_key = "reader-secret"
read = ["data"]

[[user]]
access_key = "WRITER"
secret_key = "writer-secret"
read = ["copies"]
write = ["data", "copies"]

[[user]]
access_key = "ADMIN"
secret_key = "admin-secret"
read = ["*"]
write = ["*"]

[anonymous]
read = ["public"]
"""


class People:
    """Clients of a server with the users above; data/k, public/k and private/k are there."""

    def __init__(self, server, users_file):
        self.server = server
        self.users_file = users_file
        self.admin = boto3_client(server.url, "ADMIN", "admin-secret")
        self.reader = boto3_client(server.url, "READER", "reader-secret")
        self.writer = boto3_client(server.url, "WRITER", "writer-secret")
        for bucket in "data", "public", "private", "copies":
            self.admin.create_bucket(Bucket=bucket)
            self.admin.put_object(Bucket=bucket, Key="k", Body=bucket.encode())

    def reload(self, text, done):
        """Replaces the file, sends SIGHUP and waits until `done()`."""
        self.users_file.write_text(text)
        self.server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 20
        while not done():
            assert time.monotonic() < deadline, self.server.log_text()


@pytest.fixture
def people(start_server, tmp_path):
    users_file = write(tmp_path / "users.toml", USERS)
    users_file.chmod(0o600)
    return People(start_server("--users", users_file), users_file)


def refused(code, call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] == code
    return True


def is_refused(call, **arguments):
    try:
        call(**arguments)
    except botocore.exceptions.ClientError:
        return True
    return False


def get(url, **headers):
    """(status, body) of a plain GET."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_users_may_do_what_their_file_says(people):
    reader, writer = people.reader, people.writer
    assert reader.get_object(Bucket="data", Key="k")["Body"].read() == b"data"
    refused("AccessDenied", reader.put_object, Bucket="data", Key="k", Body=b"x")
    refused("AccessDenied", reader.delete_object, Bucket="data", Key="k")
    refused("AccessDenied", reader.get_object, Bucket="private", Key="k")
    refused("AccessDenied", reader.list_objects_v2, Bucket="missing")
    refused("AccessDenied", reader.create_bucket, Bucket="more")
    writer.put_object(Bucket="data", Key="new", Body=b"new")
    refused("AccessDenied", writer.get_object, Bucket="data", Key="new")
    writer.head_bucket(Bucket="data")
    assert people.admin.get_object(Bucket="data", Key="new")["Body"].read() == b"new"


def test_a_listing_of_buckets_shows_what_its_asker_may_read(people):
    def names(client):
        return [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]

    assert names(people.reader) == ["data"]
    assert names(people.writer) == ["copies"]
    assert names(people.admin) == ["copies", "data", "private", "public"]
    assert get(people.server.url)[0] == 403


def test_no_copy_reaches_what_its_user_may_not_read(people):
    writer = people.writer
    for source in {"Bucket": "private", "Key": "k"}, "/private/k", "private/%6b":
        refused("AccessDenied", writer.copy_object, Bucket="copies", Key="stolen",
                CopySource=source)
    upload = writer.create_multipart_upload(Bucket="copies", Key="stolen")["UploadId"]
    refused("AccessDenied", writer.upload_part_copy, Bucket="copies", Key="stolen",
            UploadId=upload, PartNumber=1, CopySource="private/k")
    writer.copy_object(Bucket="copies", Key="fine", CopySource="copies/k")
    assert is_refused(people.admin.head_object, Bucket="copies", Key="stolen")


def test_a_batch_deletes_nothing_without_the_right(people):
    refused("AccessDenied", people.reader.delete_objects, Bucket="data",
            Delete={"Objects": [{"Key": "k"}]})
    people.admin.head_object(Bucket="data", Key="k")
    people.writer.delete_objects(Bucket="data", Delete={"Objects": [{"Key": "k"}]})
    assert is_refused(people.admin.head_object, Bucket="data", Key="k")


def test_everyone_reads_what_is_public_and_no_more(people):
    url = people.server.url
    assert get(f"{url}/public/k") == (200, b"public")
    assert get(f"{url}/public?list-type=2")[0] == 200
    assert get(f"{url}/data/k")[0] == 403
    status, body = get(f"{url}/missing/k")
    assert status == 403 and b"<Code>AccessDenied</Code>" in body
    request = urllib.request.Request(f"{url}/public/k", data=b"x", method="PUT")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request)


def test_hangup_reloads_users_and_keeps_the_old_ones_when_the_file_is_wrong(people):
    presigner = boto3.client(
        "s3", endpoint_url=people.server.url, region_name=REGION, aws_access_key_id="READER",
        aws_secret_access_key="reader-secret",
        config=botocore.config.Config(signature_version="s3v4"))
    url = presigner.generate_presigned_url("get_object", {"Bucket": "data", "Key": "k"})
    assert get(url) == (200, b"data")
    people.reload("[[user]]\naccess_key = 1\n",
                  lambda: "kept the old users" in people.server.log_text())
    assert "users.toml:2" in people.server.log_text()
    assert get(url) == (200, b"data")
    people.reload(USERS.replace("READER", "OTHER"), lambda: get(url)[0] != 200)
    status, body = get(url)
    assert status == 403 and b"<Code>InvalidAccessKeyId</Code>" in body
    assert boto3_client(people.server.url, "OTHER", "reader-secret").get_object(
        Bucket="data", Key="k")["Body"].read() == b"data"
    assert "secret" not in people.server.log_text()


@pytest.mark.parametrize("text, complaint", [
    ("[[user]]\naccess_key = 'K'\n", "users.toml:1: the user 'K' has no secret_key"),
    ("\x00\x01 garbage", "this is not TOML"),
    ("#" * (1 << 20) + "#", "larger than 1 MiB")])
def test_a_wrong_users_file_ends_the_start(bare_headrace, tmp_path, text, complaint):
    users_file = write(tmp_path / "users.toml", text)
    (tmp_path / "store").mkdir()
    outcome = bare_headrace("serve", tmp_path / "store", "--listen", "127.0.0.1:0",
                            "--users", users_file)
    assert outcome.code != 0 and outcome.stdout == ""
    assert complaint in outcome.stderr


def test_options_that_contradict_each_other_are_refused(bare_headrace, tmp_path):
    users_file = write(tmp_path / "users.toml", USERS)
    store = tmp_path / "store"
    assert_one_line_error(bare_headrace("serve", store, "--users", users_file, "--anonymous"), 2,
                          "--anonymous", "--users")
    assert_one_line_error(bare_headrace("serve", store, "--tls-cert", users_file), 2,
                          "--tls-cert and --tls-key belong together")
    assert_one_line_error(bare_headrace("serve", store, "--domain", "a.b:80"), 2,
                          "--domain 'a.b:80' is no domain name")


def test_sessions_of_directory_buckets(people):
    bucket = "fast--use1-az4--x-s3"
    people.admin.create_bucket(Bucket="shelf")
    client = boto3.client("s3", endpoint_url=people.server.url, region_name=REGION,
                          aws_access_key_id="ADMIN", aws_secret_access_key="admin-secret")
    (people.server.folder / bucket).mkdir()
    client.put_object(Bucket=bucket, Key="k", Body=b"express")
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"express"
    keys = people.admin.create_session(Bucket="shelf", SessionMode="ReadOnly")["Credentials"]
    limited = boto3.client(
        "s3", endpoint_url=people.server.url, region_name=REGION,
        aws_access_key_id=keys["AccessKeyId"], aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        config=botocore.config.Config(s3={"addressing_style": "path"}))
    assert limited.list_objects_v2(Bucket="shelf")["KeyCount"] == 0
    refused("AccessDenied", limited.put_object, Bucket="shelf", Key="k", Body=b"x")
    refused("AccessDenied", limited.get_object, Bucket="data", Key="k")
    refused("AccessDenied", people.reader.create_session, Bucket="shelf")


def test_presigned_urls_of_signature_version_2_are_refused_by_name(people):
    client = boto3.client("s3", endpoint_url=people.server.url, region_name=REGION,
                          aws_access_key_id="READER", aws_secret_access_key="reader-secret",
                          config=botocore.config.Config(signature_version="s3"))
    url = client.generate_presigned_url("get_object", {"Bucket": "data", "Key": "k"})
    status, body = get(url)
    assert status == 400 and b"Signature Version 2 is not supported" in body


# Addressing.


def virtual_host_client(server, domain):
    port = server.url.rsplit(":", 1)[1]
    return boto3.client("s3", endpoint_url=f"http://{domain}:{port}", region_name=REGION,
                        aws_access_key_id="K", aws_secret_access_key="S",
                        config=botocore.config.Config(signature_version="s3v4",
                                                      s3={"addressing_style": "virtual"}))


@pytest.mark.parametrize("domain", ["localhost", "s3.example.test", "other.test"])
@pytest.mark.parametrize("bucket", ["plain", "with.dots.in-it"])
def test_buckets_in_the_host_name(start_server, monkeypatch, domain, bucket):
    server = start_server("--access-key", "K", "--secret-key", "S",
                          "--domain", "S3.example.test", "--domain", "other.test")
    asked = []
    resolve = socket.getaddrinfo

    def resolve_here(host, *arguments, **options):
        asked.append(host)
        return resolve("127.0.0.1", *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_here)
    client = virtual_host_client(server, domain)
    (server.folder / bucket).mkdir()
    client.put_object(Bucket=bucket, Key="a/b", Body=b"vhost")
    assert asked[-1] == f"{bucket}.{domain}"
    assert client.list_objects_v2(Bucket=bucket)["Contents"][0]["Key"] == "a/b"
    assert (server.folder / bucket / "a/b").read_bytes() == b"vhost"
    url = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a/b"})
    assert get(url) == (200, b"vhost")
    path_style = boto3_client(server.url, "K", "S")
    assert path_style.get_object(Bucket=bucket, Key="a/b")["Body"].read() == b"vhost"


# TLS.


@pytest.fixture
def secure(start_server, tmp_path):
    certificate, key = make_certificate(tmp_path, "127.0.0.1")
    server = start_server("--access-key", "K", "--secret-key", "S", "--tls-cert", certificate,
                          "--tls-key", key)
    server.certificate, server.key = certificate, key
    return server


def test_https_for_our_own_client_and_boto3(secure, bare_headrace, tmp_path):
    assert secure.url.startswith("https://127.0.0.1:")
    variables = {"AWS_ENDPOINT_URL": secure.url, "AWS_CA_BUNDLE": str(secure.certificate),
                 "AWS_ACCESS_KEY_ID": "K", "AWS_SECRET_ACCESS_KEY": "S", "AWS_REGION": REGION}
    large = tmp_path / "large"
    large.write_bytes(bytes(range(256)) * (20 << 12))
    bare_headrace.ok("mb", "s3://tls", env=variables)
    bare_headrace.ok("cp", large, "s3://tls/large", env=variables)
    bare_headrace.ok("cp", "s3://tls/large", tmp_path / "back", env=variables)
    assert (tmp_path / "back").read_bytes() == large.read_bytes()
    client = boto3.client("s3", endpoint_url=secure.url, region_name=REGION,
                          aws_access_key_id="K", aws_secret_access_key="S",
                          verify=str(secure.certificate))
    assert client.head_object(Bucket="tls", Key="large")["ContentLength"] == large.stat().st_size
    client.put_object(Bucket="tls", Key="small", Body=b"small")
    assert client.get_object(Bucket="tls", Key="small")["Body"].read() == b"small"
    untrusted = bare_headrace("ls", env={**variables, "AWS_CA_BUNDLE": "", "AWS_MAX_ATTEMPTS": "1"})
    assert untrusted.code != 0


def connect(secure, context, session=None):
    port = int(secure.url.rsplit(":", 1)[1])
    plain = socket.create_connection(("127.0.0.1", port))
    return context.wrap_socket(plain, server_hostname="127.0.0.1", session=session)


def test_tls_sessions_are_resumed(secure):
    context = ssl.create_default_context(cafile=secure.certificate)
    with connect(secure, context) as first:
        first.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        assert first.recv(12) == b"HTTP/1.1 403"
        session = first.session
    with connect(secure, context, session) as second:
        assert second.session_reused


def test_plain_http_to_the_tls_port_is_closed(secure):
    port = int(secure.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        received = b""
        try:
            while more := plain.recv(4096):
                received += more
        except ConnectionResetError:
            pass
    assert b"HTTP/" not in received


def test_hangup_takes_a_renewed_certificate(secure, tmp_path):
    (tmp_path / "new").mkdir()
    certificate, key = make_certificate(tmp_path / "new", "127.0.0.1")
    certificate.replace(secure.certificate)
    key.replace(secure.key)
    context = ssl.create_default_context(cafile=secure.certificate)
    with pytest.raises(ssl.SSLError):
        connect(secure, context)
    secure.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 20
    while True:
        try:
            connect(secure, context).close()
            break
        except ssl.SSLError:
            assert time.monotonic() < deadline, secure.log_text()


def test_certificates_that_do_not_fit_end_the_start(bare_headrace, tmp_path):
    certificate, key = make_certificate(tmp_path, "127.0.0.1")
    (tmp_path / "other").mkdir()
    _, other_key = make_certificate(tmp_path / "other", "127.0.0.1")
    for cert, used_key, complaint in [
            (certificate, other_key, "does not belong to the certificate"),
            (key, key, "is no PEM certificate"),
            (certificate, certificate, "is no PEM key"),
            (tmp_path / "missing.pem", key, "missing.pem"),
            (certificate, tmp_path / "missing.pem", "missing.pem")]:
        outcome = bare_headrace("serve", tmp_path, "--listen", "127.0.0.1:0",
                                "--tls-cert", cert, "--tls-key", used_key)
        assert outcome.code != 0 and outcome.stdout == ""
        assert complaint in outcome.stderr
