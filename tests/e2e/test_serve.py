"""`headrace serve` as its user meets it: the first line, the key pair, who is let in."""
import os
import re
import signal
import socket
import stat
import struct

import botocore.exceptions
import pytest

from tests.conftest import ACCESS_KEY, SECRET_KEY, boto3_client
from tests.e2e.files import assert_one_line_error, read_tree, write


def test_the_first_line_is_the_address_and_requests_are_answered(start_server):
    server = start_server("--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", server.url)
    assert server.client().list_buckets()["Buckets"] == []


def test_folders_are_buckets_and_files_are_objects(start_server, tmp_path):
    write(tmp_path / "store/photos/2026/a.png", "pixels")
    server = start_server("--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY)
    client = server.client()
    assert [bucket["Name"] for bucket in client.list_buckets()["Buckets"]] == ["photos"]
    assert client.get_object(Bucket="photos", Key="2026/a.png")["Body"].read() == b"pixels"
    client.put_object(Bucket="photos", Key="new/b.txt", Body=b"plain")
    assert (tmp_path / "store/photos/new/b.txt").read_bytes() == b"plain"


def test_a_key_pair_is_made_once_kept_private_and_told(start_server, tmp_path, bare_headrace):
    first = start_server()
    pair = tmp_path / "store/.headrace/credentials"
    assert stat.S_IMODE(pair.stat().st_mode) == 0o600
    text = pair.read_text()
    assert f"export AWS_SHARED_CREDENTIALS_FILE={pair}" in first.log_text()
    assert first.stop() == 0
    second = start_server()
    assert pair.read_text() == text
    user = {"AWS_SHARED_CREDENTIALS_FILE": str(pair), "AWS_ENDPOINT_URL": second.url}
    bare_headrace.ok("mb", "s3://mine", env=user)
    assert bare_headrace("ls", env={"AWS_ENDPOINT_URL": second.url}).code == 4
    # The pair is no object and its folder no bucket.
    assert [line.split()[-1] for line in bare_headrace.ok("ls", env=user).stdout.splitlines()] == [
        "mine"]
    assert bare_headrace("cat", "s3://.headrace/credentials", env=user).code != 0


def test_a_pair_that_others_can_read_is_refused(bare_headrace, tmp_path):
    pair = write(tmp_path / "store/.headrace/credentials", "[default]\n")
    pair.chmod(0o644)
    outcome = bare_headrace("serve", tmp_path / "store", "--listen", "127.0.0.1:0")
    assert_one_line_error(outcome, 4, str(pair), "chmod 600")


def test_keys_come_from_the_environment_too(start_server):
    server = start_server(env={"HEADRACE_ACCESS_KEY": ACCESS_KEY,
                               "HEADRACE_SECRET_KEY": SECRET_KEY})
    assert server.client().list_buckets()["Buckets"] == []
    assert not (server.folder / ".headrace/credentials").exists()


@pytest.mark.parametrize("access_key, secret_key, code", [
    (ACCESS_KEY, "wrong", "SignatureDoesNotMatch"), ("wrong", SECRET_KEY, "InvalidAccessKeyId")])
def test_wrong_keys_are_refused(server, access_key, secret_key, code):
    with pytest.raises(botocore.exceptions.ClientError, match=code):
        boto3_client(server.url, access_key, secret_key).list_buckets()


def test_anonymous_lets_everyone_in(start_server, bare_headrace):
    server = start_server("--anonymous")
    anyone = {"AWS_ENDPOINT_URL": server.url}
    bare_headrace.ok("--no-sign-request", "mb", "s3://open", env=anyone)
    boto3_client(server.url, "any", "thing").put_object(Bucket="open", Key="k", Body=b"1")
    assert bare_headrace.ok("--no-sign-request", "cat", "s3://open/k", env=anyone).stdout == "1"
    assert not (server.folder / ".headrace/credentials").exists()


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
def test_anonymous_stays_on_this_machine_unless_told_otherwise(bare_headrace, tmp_path, address):
    store = tmp_path / "store"
    store.mkdir()
    refused = bare_headrace("serve", store, "--anonymous", "--listen", address)
    assert_one_line_error(refused, 2, "--allow-anonymous-remote")
    assert read_tree(store) == {}


def test_anonymous_remote_works_when_it_is_meant(start_server):
    with_flag = start_server("--anonymous", "--allow-anonymous-remote", "--listen", "0.0.0.0:0")
    assert with_flag.url.startswith("http://0.0.0.0:")


@pytest.mark.parametrize("arguments, code, word", [
    (["--access-key", "only"], 2, "secret key"),
    (["--listen", "nonsense"], 2, "nonsense"),
    (["--listen", "127.0.0.1:70000"], 2, "70000")])
def test_a_wrong_start_is_one_line(bare_headrace, tmp_path, arguments, code, word):
    store = tmp_path / "store"
    store.mkdir()
    assert_one_line_error(bare_headrace("serve", store, *arguments), code, word)


def test_a_taken_port_and_a_missing_folder_are_named(server, bare_headrace, tmp_path):
    address = server.url.removeprefix("http://")
    other = tmp_path / "other"
    other.mkdir()
    taken = bare_headrace("serve", other, "--anonymous", "--listen", address)
    assert taken.code != 0 and address in taken.stderr and len(taken.stderr.splitlines()) == 1
    file = write(tmp_path / "file")
    no_folder = bare_headrace("serve", file, "--anonymous", "--listen", "127.0.0.1:0")
    assert no_folder.code != 0 and str(file) in no_folder.stderr, no_folder


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(start_server, number):
    server = start_server("--anonymous")
    server.process.send_signal(number)
    assert server.process.wait(timeout=20) == 0


def test_it_listens_on_ipv6_too(start_server, bare_headrace):
    if not os.path.exists("/proc/net/if_inet6"):
        pytest.skip("this machine has no IPv6")
    server = start_server("--anonymous", "--listen", "[::1]:0")
    assert re.fullmatch(r"http://\[::1\]:\d+", server.url)
    env = {"AWS_ENDPOINT_URL": server.url}
    open_to_all = ("--no-sign-request",)
    bare_headrace.ok(*open_to_all, "mb", "s3://six", env=env)
    bare_headrace.ok(*open_to_all, "cp", "-", "s3://six/key", stdin="over six", env=env)
    assert bare_headrace.ok(*open_to_all, "cat", "s3://six/key", env=env).stdout == "over six"


def test_clients_that_leave_in_the_middle_of_an_answer_do_not_end_it(start_server, tmp_path):
    size_bytes = 256 << 20
    path = write(tmp_path / "store/box/huge", b"")
    os.truncate(path, size_bytes)
    server = start_server("--anonymous")
    host, _, port = server.url.removeprefix("http://").partition(":")
    for number in range(40):
        with socket.create_connection((host, int(port)), timeout=20) as client:
            if number % 2:  # Ends with a reset.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(b"GET /box/huge HTTP/1.1\r\nHost: h\r\n\r\n")
            assert client.recv(1000).startswith(b"HTTP/1.1 200")
    assert server.client().head_object(Bucket="box", Key="huge")["ContentLength"] == size_bytes


def test_it_goes_on_when_the_reader_of_its_log_is_gone(bare_headrace, tmp_path):
    (tmp_path / "store/box").mkdir(parents=True)
    process = bare_headrace.start("serve", tmp_path / "store", "--listen", "127.0.0.1:0",
                                  "--anonymous", "--debug")
    try:
        url = process.stdout.readline().decode().split()[2]
        process.stdout.close()
        process.stderr.close()
        for _ in range(3):
            assert boto3_client(url).list_objects_v2(Bucket="box")["KeyCount"] == 0
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
