"""How `headrace serve` is run: shaping, metrics, the access log, limits, and its end."""
import contextlib
import json
import re
import signal
import socket
import threading
import time
import urllib.error
import urllib.request

import boto3
import botocore.config
import botocore.exceptions
import pytest

from tests.conftest import ACCESS_KEY, REGION, SECRET_KEY
from tests.e2e.awaiting import await_that
from tests.e2e.files import assert_one_line_error, write

KEYS = ("--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY)


def address_of(server):
    host, port = server.url.removeprefix("http://").rsplit(":", 1)
    return host, int(port)


def metrics_url(server):
    line = server.process.stdout.readline().decode()
    return re.fullmatch(r"metrics on (http://127\.0\.0\.1:\d+)/metrics\n", line).group(1)


def fetch(url):
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read().decode()


def metric(text, series):
    found = [line.rsplit(" ", 1)[1] for line in text.splitlines()
             if line.startswith(series + " ")]
    return float(found[0]) if found else None


def receive_all(connection):
    pieces = []
    while piece := connection.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def send_raw(server, request, timeout=20):
    with socket.create_connection(address_of(server), timeout=timeout) as connection:
        connection.sendall(request)
        return receive_all(connection)


def log_lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


# Shaping.

def fates(server, tmp_path, log_name, count=60):
    """What happened to `count` GETs in a row, as the access log tells it."""
    client = server.client()
    for _ in range(count):
        with contextlib.suppress(botocore.exceptions.ClientError,
                                 botocore.exceptions.HTTPClientError):
            client.get_object(Bucket="box", Key="k")["Body"].read()
    lines = await_that(lambda: len(found := log_lines(tmp_path / log_name)) == count and found,
                       "a line of the log for each request")
    server.stop()
    return [(line["status"], line.get("shaped")) for line in lines]


def test_the_same_seed_breaks_the_same_requests(start_server, tmp_path):
    write(tmp_path / "store/box/k", "x" * 100_000)
    shape = "error-503=20%,reset=20%,silent=10%:5ms,seed=7"
    runs = [fates(start_server(*KEYS, "--shape", shape, "--access-log", tmp_path / name),
                  tmp_path, name) for name in ("one.log", "two.log")]
    assert runs[0] == runs[1]
    kinds = [shaped for _, shaped in runs[0]]
    assert {"error-503", "reset", "silent", None} == set(kinds)
    other = fates(start_server(*KEYS, "--shape", shape.replace("seed=7", "seed=8"),
                               "--access-log", tmp_path / "three.log"), tmp_path, "three.log")
    assert other != runs[0]


def test_a_throttled_request_is_slow_down(start_server):
    server = start_server(*KEYS, "--shape", "error-503=100%")
    with pytest.raises(botocore.exceptions.ClientError, match="SlowDown") as raised:
        server.client().list_buckets()
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503


def test_our_own_client_gets_through_a_rough_line(start_server, bare_headrace, tmp_path):
    content = bytes(range(256)) * 80_000  # Three parts of 8 MiB.
    write(tmp_path / "store/box/k", content)
    server = start_server(*KEYS, "--shape",
                          "first-byte=1ms,jitter=lognormal:0.5,error-503=15%,reset=15%,seed=3")
    env = {**server.variables(), "AWS_MAX_ATTEMPTS": "10"}
    for number in range(5):
        bare_headrace.ok("cp", "s3://box/k", tmp_path / f"copy{number}", env=env)
        assert (tmp_path / f"copy{number}").read_bytes() == content
        bare_headrace.ok("cp", tmp_path / f"copy{number}", f"s3://box/up{number}", env=env)
        assert (tmp_path / f"store/box/up{number}").read_bytes() == content


@pytest.mark.parametrize("fault", ["first-byte=300ms", "silent=100%:300ms"])
def test_delays_hold_back_the_first_byte(start_server, fault):
    server = start_server("--anonymous", "--shape", fault)
    began = time.monotonic()
    assert b"200 OK" in send_raw(server, b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert time.monotonic() - began >= 0.3


def test_a_connection_has_its_rate_both_ways(start_server, tmp_path):
    write(tmp_path / "store/box/k", "x" * 1_500_000)
    server = start_server(*KEYS, "--shape", "per-connection=3MB/s")
    client = server.client()
    began = time.monotonic()
    assert len(client.get_object(Bucket="box", Key="k")["Body"].read()) == 1_500_000
    assert time.monotonic() - began >= 0.4
    began = time.monotonic()
    client.put_object(Bucket="box", Key="new", Body=b"y" * 1_500_000)
    assert time.monotonic() - began >= 0.4


@pytest.mark.parametrize("shape, word", [
    ("first-byte=30", "first-byte=30ms"), ("speed=1", "per-connection"),
    ("error-503=70%,reset=70%", "100%")])
def test_a_wrong_shape_says_how_it_is_written(bare_headrace, tmp_path, shape, word):
    (tmp_path / "store").mkdir()
    assert_one_line_error(bare_headrace("serve", tmp_path / "store", "--shape", shape), 2, word)


# Metrics.

def test_metrics_count_what_was_done(start_server, tmp_path):
    write(tmp_path / "store/box/k", "x" * 1000)
    server = start_server(*KEYS, "--metrics-listen", "127.0.0.1:0", "--shape", "seed=1")
    url = metrics_url(server)
    client = server.client()
    client.get_object(Bucket="box", Key="k")["Body"].read()
    client.put_object(Bucket="box", Key="new", Body=b"12345")
    with pytest.raises(botocore.exceptions.ClientError):
        client.get_object(Bucket="box", Key="none")
    send_raw(server, b"nonsense\r\n\r\n")
    series = 'headrace_requests_total{operation="%s",status="%s"}'
    text = await_that(lambda: (text := fetch(url + "/metrics")) and
                      metric(text, series % ("GetObject", "404")) == 1 and text,
                      "the miss, counted")
    assert metric(text, series % ("GetObject", "200")) == 1
    assert metric(text, series % ("PutObject", "200")) == 1
    assert metric(text, series % ("none", "400")) == 1
    assert metric(text, "headrace_sent_bytes_total") > 1000
    assert metric(text, "headrace_received_bytes_total") == 5
    assert metric(text, 'headrace_request_seconds_count{operation="GetObject"}') == 2
    assert metric(text, "headrace_connections_accepted_total") >= 2
    assert metric(text, 'headrace_shaped_requests_total{fate="served"}') == 3
    assert metric(text, "headrace_access_log_dropped_lines_total") == 0


def test_health_is_answered_unsigned_and_unshaped(start_server):
    server = start_server(*KEYS, "--metrics-listen", "127.0.0.1:0", "--shape", "error-503=100%")
    url = metrics_url(server)
    assert fetch(url + "/healthz") == "ok\n"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        fetch(url + "/box/k")


def test_a_taken_metrics_port_is_named(server, bare_headrace, tmp_path):
    (tmp_path / "other").mkdir()
    host, port = address_of(server)
    outcome = bare_headrace("serve", tmp_path / "other", "--anonymous", "--listen", "127.0.0.1:0",
                            "--metrics-listen", f"{host}:{port}")
    assert outcome.code != 0 and f"{host}:{port}" in outcome.stderr


# The access log.

def test_each_request_is_one_line_without_secrets(start_server, tmp_path):
    write(tmp_path / "store/box/a key", "x" * 1000)
    log = tmp_path / "access.log"
    server = start_server(*KEYS, "--access-log", log)
    client = server.client()
    client.get_object(Bucket="box", Key="a key")["Body"].read()
    signer = boto3.client("s3", endpoint_url=server.url, region_name=REGION,
                          aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY,
                          config=botocore.config.Config(signature_version="s3v4"))
    link = signer.generate_presigned_url("get_object", Params={"Bucket": "box", "Key": "gone"})
    with pytest.raises(urllib.error.HTTPError, match="404"):
        fetch(link)
    client.put_object(Bucket="box", Key="new", Body=b"12345")
    got, presigned, put = await_that(lambda: len(found := log_lines(log)) == 3 and found,
                                     "three lines of the log")
    assert got["operation"] == "GetObject" and got["bucket"] == "box" and got["key"] == "a key"
    assert got["status"] == 200 and got["sent_bytes"] == 1000 and got["user"] == ACCESS_KEY
    assert got["remote"] == "127.0.0.1" and "Boto3" in got["user_agent"]
    assert re.fullmatch(r"[0-9A-F]{16}", got["request_id"])
    assert 0 < got["first_byte_us"] <= got["total_us"]
    assert presigned["error"] == "NoSuchKey" and presigned["status"] == 404
    signature = re.search(r"X-Amz-Signature=([0-9a-f]{64})", link).group(1)
    assert "X-Amz-Signature=-" in presigned["target"]
    assert put["received_bytes"] == 5
    text = log.read_text()
    assert SECRET_KEY not in text and signature not in text


def test_the_log_goes_to_standard_output_when_it_is_a_dash(start_server):
    server = start_server(*KEYS, "--access-log", "-")
    server.client().list_buckets()
    line = json.loads(server.process.stdout.readline())
    assert line["operation"] == "ListBuckets" and line["status"] == 200


def test_a_hangup_reopens_the_log_and_ends_nothing(start_server, tmp_path):
    log = tmp_path / "access.log"
    server = start_server(*KEYS, "--access-log", log)
    client = server.client()
    client.list_buckets()
    await_that(log.read_text, "a line of the log")
    log.rename(tmp_path / "access.log.1")
    server.process.send_signal(signal.SIGHUP)
    await_that(log.exists, "the new log")
    client.create_bucket(Bucket="later")
    lines = await_that(lambda: log_lines(log), "a line of the new log")
    assert lines[0]["operation"] == "CreateBucket"
    assert len(log_lines(tmp_path / "access.log.1")) == 1


def test_a_log_that_cannot_be_opened_is_named(bare_headrace, tmp_path):
    (tmp_path / "store").mkdir()
    outcome = bare_headrace("serve", tmp_path / "store", "--access-log", tmp_path / "no/log")
    assert outcome.code != 0 and str(tmp_path / "no/log") in outcome.stderr


# Limits.

def test_malformed_requests_get_errors_that_clients_can_read(start_server):
    server = start_server("--anonymous", "--max-header-bytes", "2048")
    for request, status, code in [
            (b"nonsense\r\n\r\n", b"400", b"BadRequest"),
            (b"GET / HTTP/3.9\r\n\r\n", b"400", b"BadRequest"),
            (b"PUT /box/k HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", b"400",
             b"BadRequest"),
            (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 3000 + b"\r\n\r\n", b"400",
             b"RequestHeaderSectionTooLarge")]:
        answer = send_raw(server, request)
        assert answer.startswith(b"HTTP/1.1 " + status), answer
        assert b"<Code>" + code + b"</Code><Message>" in answer
        assert b"<RequestId>" in answer and b"Connection: close" in answer
        assert re.search(rb"x-amz-request-id: [0-9A-F]{16}\r\n", answer)


def drip(server, head, body):
    """Sends `head` at once and `body` a byte at a time until the server answers."""
    with socket.create_connection(address_of(server), timeout=20) as connection:
        connection.sendall(head)
        ended = threading.Event()

        def send():
            for byte in body:
                if ended.wait(0.1):
                    return
                with contextlib.suppress(OSError):
                    connection.sendall(bytes([byte]))

        thread = threading.Thread(target=send)
        thread.start()
        try:
            return receive_all(connection)
        except ConnectionResetError:
            return b""
        finally:
            ended.set()
            thread.join()


def test_a_dripping_header_and_a_dripping_body_are_given_up(start_server):
    server = start_server("--anonymous", "--header-timeout", "1", "--body-timeout", "1")
    server.client().create_bucket(Bucket="box")
    answer = drip(server, b"GET / HT", b"x" * 200)
    assert b"<Code>RequestTimeout</Code>" in answer
    head = b"PUT /box/k HTTP/1.1\r\nHost: h\r\nContent-Length: 200\r\n\r\n"
    answer = drip(server, head, b"x" * 200)
    assert b"<Code>RequestTimeout</Code>" in answer
    with pytest.raises(botocore.exceptions.ClientError, match="404"):
        server.client().head_object(Bucket="box", Key="k")


def test_an_idle_connection_is_closed(start_server):
    server = start_server("--anonymous", "--idle-timeout", "1")
    assert send_raw(server, b"") == b""


def test_connections_over_the_limit_are_closed_and_counted(start_server):
    server = start_server("--anonymous", "--max-connections", "2",
                          "--metrics-listen", "127.0.0.1:0")
    url = metrics_url(server)
    request = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            connection = stack.enter_context(
                socket.create_connection(address_of(server), timeout=20))
            connection.sendall(request)
            assert connection.recv(12) == b"HTTP/1.1 200"
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            assert send_raw(server, request) == b""
        text = fetch(url + "/metrics")
    assert metric(text, "headrace_connections_refused_total") == 1
    assert metric(text, "headrace_connections") == 2


# Its end.

def test_a_running_upload_may_finish_within_the_grace(start_server, tmp_path):
    server = start_server("--anonymous", "--grace", "15", "--metrics-listen", "127.0.0.1:0")
    url = metrics_url(server)
    server.client().create_bucket(Bucket="box")
    with socket.create_connection(address_of(server), timeout=20) as connection:
        connection.sendall(b"PUT /box/k HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n12345")
        await_that(lambda: metric(fetch(url + "/metrics"), "headrace_requests_in_flight") == 1,
                   "a request in flight")
        server.process.send_signal(signal.SIGTERM)

        def is_closed():
            try:
                socket.create_connection(address_of(server), timeout=1).close()
            except ConnectionRefusedError:
                return True
            except ConnectionResetError:
                # It met the listener in the middle of closing: the next one is refused.
                return False
            return False

        await_that(is_closed, "the port, closed")
        connection.sendall(b"67890")
        answer = receive_all(connection)
    assert answer.startswith(b"HTTP/1.1 200") and b"Connection: close" in answer
    assert server.process.wait(timeout=20) == 0
    assert (tmp_path / "store/box/k").read_bytes() == b"1234567890"


def hold_an_upload(server, stack):
    connection = stack.enter_context(socket.create_connection(address_of(server), timeout=20))
    connection.sendall(b"PUT /box/k HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n"
                       b"Expect: 100-continue\r\n\r\n")
    assert connection.recv(100).startswith(b"HTTP/1.1 100")


def test_what_is_not_done_after_the_grace_is_cut_off(start_server):
    server = start_server("--anonymous", "--grace", "1")
    server.client().create_bucket(Bucket="box")
    with contextlib.ExitStack() as stack:
        hold_an_upload(server, stack)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=20) == 0
    assert not (server.folder / "box/k").exists()


def test_a_second_signal_ends_at_once(start_server):
    server = start_server("--anonymous", "--grace", "600")
    server.client().create_bucket(Bucket="box")
    with contextlib.ExitStack() as stack:
        hold_an_upload(server, stack)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.1)  # Two signals at once may arrive as one.
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=20) == 130
