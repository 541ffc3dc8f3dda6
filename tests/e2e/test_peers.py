"""Stores and proxies that answer otherwise than S3 does: nothing is lost and nothing is made up."""
import pytest

from tests.e2e.files import assert_one_line_error, read_tree

BODY = b"A" * 1000


def use(headrace, url):
    headrace.variables.update({"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "key",
                               "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1",
                               "AWS_MAX_ATTEMPTS": "2"})


@pytest.mark.parametrize("command", ["cp", "mv", "cat"])
def test_an_object_of_untold_size_is_no_empty_object(bare_headrace, raw_peer, tmp_path, command):
    def answer(method, _):
        head = b'HTTP/1.1 200 OK\r\nETag: "e1"\r\nConnection: close\r\n'
        if method == "HEAD":
            return head + b"\r\n"
        return head + b"Transfer-Encoding: chunked\r\n\r\n3e8\r\n" + BODY + b"\r\n0\r\n\r\n"

    url, requests = raw_peer(answer)
    use(bare_headrace, url)
    target = [] if command == "cat" else [tmp_path / "target/file"]
    outcome = bare_headrace(command, "s3://box/key", *target)
    assert_one_line_error(outcome, 1, "s3://box/key", "Content-Length")
    assert outcome.stdout == "" and read_tree(tmp_path / "target") == {}
    assert {method for method, _ in requests} == {"HEAD"}
