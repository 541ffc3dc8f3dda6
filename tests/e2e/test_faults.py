"""What a network and a store do wrong: one clear line, the exit code, nothing half-written."""
import datetime
import email.utils
import re
import socket
import subprocess

import pytest

from tests.e2e.fault_proxy import (Answer, Corrupt, CorruptRequest, Cut, Hang, Reset, Stall,
                                   s3_error)
from tests.e2e.files import (assert_one_line_error, content, put_all, read_bucket, read_tree, write,
                             write_tree)

MIB = 1 << 20


def of_object(request, name=""):
    return request.method == "GET" and request.path.startswith(f"/box/{name}") and (
        "list-type" not in request.query)


def range_of(request):
    return {name.lower(): value for name, value in request.headers.items()}.get("range")


class Once:
    """A script that does `action` to the first request for which `applies`, and nothing after."""

    def __init__(self, applies, action, times=1):
        self.applies = applies
        self.action = action
        self.left = times

    def __call__(self, request):
        if self.left == 0 or not self.applies(request):
            return None
        self.left -= 1
        return self.action


# --- who asks ---------------------------------------------------------------------------------


def test_missing_credentials_say_where_they_were_looked_for(server, bare_headrace):
    outcome = bare_headrace("ls", env={"AWS_ENDPOINT_URL": server.url})
    assert_one_line_error(outcome, 4, "no credentials", "AWS_ACCESS_KEY_ID", "--no-sign-request")


def test_half_a_key_pair_is_told(headrace):
    outcome = headrace("ls", env={"AWS_SECRET_ACCESS_KEY": ""})
    assert_one_line_error(outcome, 4, "AWS_SECRET_ACCESS_KEY")


@pytest.mark.parametrize("variables", [{"AWS_SECRET_ACCESS_KEY": "wrong-secret-value"},
                                       {"AWS_ACCESS_KEY_ID": "wrong-key"}])
def test_wrong_credentials_are_denied_and_not_tried_again(headrace, s3, proxied, variables):
    put_all(s3, "box", {"key": "1"})
    proxy = proxied(lambda request: None, attempts=5)
    outcome = headrace("cat", "s3://box/key", env=variables)
    assert_one_line_error(outcome, 4, "s3://box/key")
    assert "wrong-secret-value" not in outcome.stderr
    assert len(proxy.requests) == 1
    outcome = headrace("cp", "-", "s3://box/new", stdin="x", env=variables)
    assert_one_line_error(outcome, 4, "s3://box/new")


def test_an_unsigned_request_is_denied(headrace, s3):
    put_all(s3, "box", {"key": "1"})
    assert_one_line_error(headrace("--no-sign-request", "ls", "s3://box"), 4, "s3://box")


def test_expired_credentials_are_named(headrace, s3, proxied, tmp_path):
    proxied(lambda request: s3_error(400, "ExpiredToken", "The provided token has expired."))
    outcome = headrace("ls", "s3://box", env={"AWS_SESSION_TOKEN": "token-value"})
    assert_one_line_error(outcome, 4, "expired", "environment")
    assert "token-value" not in outcome.stderr


EMPTY_LIST = (b"<ListBucketResult><Name>box</Name><KeyCount>0</KeyCount>"
              b"<IsTruncated>false</IsTruncated></ListBucketResult>")


def test_a_wrong_clock_is_corrected_by_the_servers(headrace, proxied):
    server_now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    date = {"Date": email.utils.format_datetime(server_now.replace(microsecond=0), usegmt=True)}

    def script(request):
        stamp = {name.lower(): value for name, value in request.headers.items()}["x-amz-date"]
        signed_at = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%S%z")
        if abs(signed_at - server_now) > datetime.timedelta(minutes=15):
            refusal = s3_error(403, "RequestTimeTooSkewed")
            return Answer(refusal.status, refusal.body, {**refusal.headers, **date})
        return Answer(200, EMPTY_LIST, date)

    proxy = proxied(script)
    outcome = headrace.ok("ls", "s3://box")
    assert len(proxy.requests) == 2
    assert "clock" in outcome.stderr


def test_a_clock_that_stays_wrong_is_told(headrace, proxied):
    proxied(lambda request: s3_error(403, "RequestTimeTooSkewed", "The difference is too large"))
    assert_one_line_error(headrace("ls", "s3://box"), 4, "s3://box", "clock")


# --- what is in the store ---------------------------------------------------------------------


def test_a_key_that_is_file_and_folder_fails_alone(headrace, s3, tmp_path):
    put_all(s3, "box", {"t/a": "file", "t/a/b": "below", "t/z": "other"})
    outcome = headrace("cp", "-r", "s3://box/t", tmp_path / "target")
    assert outcome.code == 5, outcome
    assert "t/a/b" in outcome.stderr
    assert read_tree(tmp_path / "target") == {"a": b"file", "z": b"other"}


REFUSED_KEYS = {"t/../up": "..", "t/a//b": "t/a//b", "t//begins": "t//begins", "t/./x": "t/./x",
                "t/" + "n" * 256: "255", "t/nul\0here": "\\x00"}


@pytest.mark.parametrize("key", REFUSED_KEYS)
def test_a_key_that_can_be_no_file_fails_alone(headrace, s3, tmp_path, key):
    put_all(s3, "box", {key: "bad", "t/good": "good"})
    outcome = headrace("cp", "-r", "s3://box/t/", tmp_path / "in/target")
    assert outcome.code == 5, outcome
    assert REFUSED_KEYS[key] in outcome.stderr
    assert read_tree(tmp_path / "in") == {"target/good": b"good"}
    outcome = headrace("sync", "s3://box/t/", tmp_path / "in/target")
    assert outcome.code == 5, outcome
    assert read_tree(tmp_path / "in") == {"target/good": b"good"}


def test_folder_markers_are_passed_over(headrace, s3, tmp_path):
    put_all(s3, "box", {"t/": "", "t/sub/": "", "t/sub/x": "1", "t/empty/": ""})
    headrace.ok("cp", "-r", "s3://box/t", tmp_path / "target")
    assert read_tree(tmp_path / "target") == {"sub/x": b"1"}
    assert headrace.ok("sync", "s3://box/t", tmp_path / "target").stdout == ""


@pytest.mark.parametrize("size_bytes", [3 * MIB, 20 * MIB])
def test_an_object_replaced_during_its_download_is_told(headrace, s3, proxied, tmp_path,
                                                        size_bytes):
    put_all(s3, "box", {"key": content(1, size_bytes)})
    old = write(tmp_path / "target", "what was there before")

    def script(request):
        if of_object(request, "key") and request.number == 0:
            s3.put_object(Bucket="box", Key="key", Body=content(2, size_bytes))
        return None

    proxied(script)
    outcome = headrace("cp", "s3://box/key", old)
    assert_one_line_error(outcome, 6, "s3://box/key")
    assert read_tree(tmp_path)["target"] == b"what was there before"
    assert [path.name for path in tmp_path.iterdir() if "target" in path.name] == ["target"]


def test_an_object_replaced_between_two_tries_never_mixes(headrace, s3, proxied, tmp_path):
    put_all(s3, "box", {"key": content(1, 3 * MIB)})

    def script(request):
        if not of_object(request):
            return None
        if range_of(request) is None:
            return Cut(MIB)
        s3.put_object(Bucket="box", Key="key", Body=content(2, 3 * MIB))
        return None

    proxied(script)
    assert_one_line_error(headrace("cp", "s3://box/key", tmp_path / "t/x"), 6, "s3://box/key")
    assert read_tree(tmp_path / "t") == {}


# --- bytes on their way -----------------------------------------------------------------------


@pytest.mark.parametrize("action", [Cut(1_000_000), Reset(), Answer(503), Answer(500)])
def test_a_broken_download_goes_on(headrace, s3, proxied, tmp_path, action):
    data = content(3, 3 * MIB)
    put_all(s3, "box", {"key": data})
    proxy = proxied(Once(of_object, action))
    headrace.ok("cp", "s3://box/key", tmp_path / "key")
    assert (tmp_path / "key").read_bytes() == data
    ranges = [range_of(request) for request in proxy.requests if of_object(request)]
    assert len(ranges) == 2
    if isinstance(action, Cut):
        assert ranges[1] == f"bytes=1000000-{3 * MIB - 1}"


def test_a_download_in_parts_resumes_where_it_broke(headrace, s3, proxied, tmp_path):
    data = content(4, 20 * MIB)
    put_all(s3, "box", {"key": data})
    # As many tries as cuts and one: whose request is cut is not said.
    proxy = proxied(Once(of_object, Cut(MIB), times=3), attempts=4)
    headrace.ok("cp", "s3://box/key", tmp_path / "key")
    assert (tmp_path / "key").read_bytes() == data
    resumed = [request for request in proxy.requests if re.match(r"bytes=\d*1048576-",
                                                                range_of(request) or "")]
    assert resumed


def test_a_body_that_always_breaks_is_told(headrace, s3, proxied, tmp_path):
    put_all(s3, "box", {"key": content(3, 3 * MIB)})
    proxied(lambda request: Cut(1000) if of_object(request) else None)
    outcome = headrace("cp", "s3://box/key", tmp_path / "t/key")
    assert_one_line_error(outcome, 7, "s3://box/key", "tried 2 times")
    assert read_tree(tmp_path / "t") == {}


def test_damaged_bytes_are_found_and_fetched_again(headrace, s3, proxied, tmp_path):
    data = content(5, 100_000)
    put_all(s3, "box", {"key": data})  # boto3 sends a CRC32 along.
    proxied(Once(of_object, Corrupt(50_000)))
    headrace.ok("cp", "s3://box/key", tmp_path / "key")
    assert (tmp_path / "key").read_bytes() == data


@pytest.mark.parametrize("size_bytes", [100_000, 20 * MIB])
def test_bytes_that_stay_damaged_are_no_file(headrace, s3, proxied, tmp_path, size_bytes):
    path = write(tmp_path / "source", content(6, size_bytes))
    s3.create_bucket(Bucket="box")
    headrace.ok("cp", path, "s3://box/key")  # Our own upload brings a CRC64NVME with it.
    proxied(lambda request: Corrupt(50_000) if of_object(request) else None)
    outcome = headrace("cp", "s3://box/key", tmp_path / "t/key")
    assert_one_line_error(outcome, 1, "s3://box/key", "CRC64NVME")
    assert read_tree(tmp_path / "t") == {}
    assert headrace("cat", "s3://box/key", binary=True).code == 1


@pytest.mark.parametrize("size_bytes", [100_000, 9 * MIB])
def test_an_upload_damaged_on_its_way_is_refused_and_sent_again(headrace, s3, proxied, tmp_path,
                                                                size_bytes):
    data = content(7, size_bytes)
    path = write(tmp_path / "source", data)
    s3.create_bucket(Bucket="box")
    proxied(Once(lambda request: request.method == "PUT", CorruptRequest(1000)), attempts=3)
    headrace.ok("cp", path, "s3://box/key")
    assert s3.get_object(Bucket="box", Key="key")["Body"].read() == data


def test_an_upload_that_stays_damaged_is_no_object(headrace, s3, proxied, tmp_path):
    path = write(tmp_path / "source", content(7, 2 * MIB))
    s3.create_bucket(Bucket="box")
    proxied(lambda request: CorruptRequest(1000) if request.method == "PUT" else None)
    outcome = headrace("cp", path, "s3://box/key")
    assert_one_line_error(outcome, 1, str(path))
    assert read_bucket(s3, "box") == {}


def test_a_failed_upload_in_parts_is_aborted(headrace, s3, proxied, tmp_path):
    path = write(tmp_path / "source", content(7, 20 * MIB))
    s3.create_bucket(Bucket="box")
    proxied(lambda request: s3_error(403, "AccessDenied") if "partNumber=2" in request.query else
            None)
    assert_one_line_error(headrace("cp", path, "s3://box/key"), 4, str(path))
    assert s3.list_multipart_uploads(Bucket="box").get("Uploads", []) == []
    assert read_bucket(s3, "box") == {}


def test_an_error_inside_a_200_is_an_error(headrace, s3, proxied, tmp_path):
    path = write(tmp_path / "source", content(7, 9 * MIB))
    s3.create_bucket(Bucket="box")
    hidden = s3_error(200, "InternalError", "We encountered an internal error.")
    completes = lambda request: request.method == "POST" and "uploadId" in request.query
    proxied(Once(completes, hidden))
    headrace.ok("cp", path, "s3://box/key")
    proxied(lambda request: hidden if completes(request) else None)
    outcome = headrace("cp", path, "s3://box/other")
    assert_one_line_error(outcome, 7, str(path))
    assert sorted(read_bucket(s3, "box")) == ["key"]


# --- a store in trouble -----------------------------------------------------------------------


def test_a_store_that_is_busy_for_a_while_is_waited_for(headrace, s3, proxied, tmp_path):
    tree = {f"{number}": b"%d" % number for number in range(20)}
    put_all(s3, "box", tree)
    busy = Once(lambda request: True, s3_error(503, "SlowDown"), times=2)
    proxy = proxied(lambda request: busy(request) or (
        s3_error(503, "SlowDown") if 3 < len(proxy.requests) <= 15 else None), attempts=10)
    headrace.ok("cp", "-r", "s3://box", tmp_path / "target")
    assert read_tree(tmp_path / "target") == tree


def test_a_store_that_stays_busy_is_given_up(headrace, s3, proxied, tmp_path):
    proxy = proxied(lambda request: s3_error(503, "SlowDown", "Please reduce your request rate."),
                    attempts=3)
    outcome = headrace("sync", "s3://box", tmp_path / "target")
    assert_one_line_error(outcome, 7, "s3://box", "tried 3 times")
    assert len(proxy.requests) == 3


def test_one_object_in_trouble_does_not_stop_the_others(headrace, s3, proxied, tmp_path):
    put_all(s3, "box", {"a": "1", "b": "2", "c": "3"})
    proxied(lambda request: s3_error(503, "SlowDown") if of_object(request, "b") else None)
    outcome = headrace("cp", "-r", "s3://box", tmp_path / "target")
    assert outcome.code == 5, outcome
    assert "s3://box/b" in outcome.stderr
    assert read_tree(tmp_path / "target") == {"a": b"1", "c": b"3"}


def test_a_server_that_never_answers_is_given_up(headrace, proxied):
    proxy = proxied(lambda request: Hang())
    outcome = headrace("--read-timeout", "0.2", "ls", "s3://box")
    assert_one_line_error(outcome, 7, "s3://box", "in time")
    assert len(proxy.requests) == 2


@pytest.mark.parametrize("arguments", [
    ["ls", "s3://box"], ["ls", "-r", "s3://box"], ["cp", "s3://box/key", "got"],
    ["cp", "-r", "s3://box", "got"], ["cp", "given", "s3://box/key"], ["cp", "-", "s3://box/key"],
    ["sync", "s3://box", "got"], ["sync", ".", "s3://box"], ["mv", "s3://box/a", "s3://box/b"],
    ["rm", "s3://box/key"], ["rm", "-r", "s3://box"], ["cat", "s3://box/key"],
    ["stat", "s3://box/key"], ["du", "s3://box"], ["mb", "s3://box"], ["rb", "s3://box"],
    ["run", "--base", "job", "--channel", "train=s3://box/", "--", "true"]], ids=" ".join)
def test_a_command_ends_when_its_time_is_over(headrace, proxied, arguments):
    """Though the server accepts and never answers, and each try might take 30 seconds."""
    write(headrace.home / "given", b"1")
    proxied(lambda request: Hang(), attempts=10)
    outcome = headrace("--timeout", "300ms", *arguments, timeout=20, stdin=b"1")
    what_was_not = "not ready in time" if arguments[0] == "run" else "not finished within --timeout"
    assert_one_line_error(outcome, 7, what_was_not)
    assert not (headrace.home / "got").exists() or read_tree(headrace.home / "got") == {}


def test_standard_input_that_never_ends_is_given_up_too(headrace, s3):
    s3.create_bucket(Bucket="box")
    process = headrace.start("--timeout", "0.3s", "cp", "-", "s3://box/key", stdin=subprocess.PIPE)
    assert process.wait(timeout=20) == 7
    process.communicate()
    assert read_bucket(s3, "box") == {}


def test_what_was_done_in_time_stays_and_a_rerun_goes_on(headrace, s3, proxied, tmp_path):
    put_all(s3, "box", {"a": "1", "b": "2"})
    proxied(lambda request: Hang() if of_object(request, "b") else None)
    outcome = headrace("--timeout", "3s", "sync", "s3://box", tmp_path / "target")
    assert outcome.code == 7
    assert outcome.stderr == ("headrace sync: not finished within --timeout: 1 item done; "
                              "run it again to continue\n")
    assert read_tree(tmp_path / "target") == {"a": b"1"}


@pytest.mark.parametrize("time", ["0", "-1", "10 parsecs", "soon"])
def test_a_time_that_is_none_is_refused(headrace, time):
    assert headrace(f"--timeout={time}", "ls").code == 2


@pytest.mark.parametrize("target", ["s3://box/to", "file"])
def test_an_object_replaced_during_its_move_stays(headrace, s3, proxied, tmp_path, target):
    put_all(s3, "box", {"from/a": "old", "from/b": "other"})

    def script(request):
        if request.method == "DELETE" and request.path == "/box/from/a":
            s3.put_object(Bucket="box", Key="from/a", Body=b"newer")

    proxied(script)
    outcome = headrace("mv", "-r", "s3://box/from",
                       tmp_path / target if target == "file" else target)
    assert outcome.code == 5, outcome
    assert "s3://box/from/a changed while it was moved: it stays" in outcome.stderr
    kept = read_bucket(s3, "box")
    moved = ({name.removeprefix("to/"): data for name, data in kept.items() if "to/" in name}
             if target != "file" else read_tree(tmp_path / "file"))
    assert moved == {"a": b"old", "b": b"other"}
    assert kept["from/a"] == b"newer" and "from/b" not in kept


def test_a_body_that_goes_silent_is_resumed(headrace, s3, proxied, tmp_path):
    data = content(8, 3 * MIB)
    put_all(s3, "box", {"key": data})
    proxied(Once(of_object, Stall(MIB)))
    headrace.ok("--read-timeout", "0.5", "cp", "s3://box/key", tmp_path / "key")
    assert (tmp_path / "key").read_bytes() == data


def test_a_refused_connection_names_the_address(headrace):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    headrace.variables.update(AWS_ENDPOINT_URL=f"http://{address}", AWS_MAX_ATTEMPTS="2")
    assert_one_line_error(headrace("ls", "s3://box"), 7, address, "refused",
                          "is the store running", "--endpoint-url", "tried 2 times")


def test_something_that_is_no_http_server_is_told(headrace):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        headrace.variables.update(AWS_MAX_ATTEMPTS="1",
                                  AWS_ENDPOINT_URL=f"http://127.0.0.1:{listener.getsockname()[1]}")
        process = headrace.start("ls", "s3://box")
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"220 mail.example.com ESMTP\r\n\r\n")
            _, errors = process.communicate(timeout=30)
    assert process.returncode in (1, 7)
    assert len(errors.splitlines()) == 1 and b"s3://box" in errors


def test_a_redirect_to_another_region_is_followed(headrace, s3, proxied):
    put_all(s3, "box", {"key": "1"})

    def script(request):
        scope = {name.lower(): value for name, value in request.headers.items()}["authorization"]
        if "/us-east-1/" in scope:
            return None
        refusal = s3_error(400, "AuthorizationHeaderMalformed")
        return Answer(400, refusal.body, {"x-amz-bucket-region": "us-east-1"})

    proxied(script)
    assert headrace.ok("--region", "eu-west-1", "cat", "s3://box/key").stdout == "1"


def test_a_tree_arrives_whole_through_a_bad_network(headrace, s3, proxied, tmp_path):
    tree = {f"d{number % 7}/{number}": content(number, number * 3000) for number in range(60)}
    write_tree(tmp_path / "source", tree)
    s3.create_bucket(Bucket="box")
    faults = [Reset(), Cut(500), s3_error(503, "SlowDown"), s3_error(500, "InternalError"), None]

    def script(request):
        return faults[request.number % 11] if request.number % 11 < len(faults) else None

    proxied(script, attempts=10)
    headrace.ok("sync", tmp_path / "source", "s3://box")
    headrace.ok("sync", "s3://box", tmp_path / "target")
    assert read_bucket(s3, "box") == tree
    assert read_tree(tmp_path / "target") == tree
