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


def listing(keys, token=None):
    contents = "".join(f'<Contents><Key>{key}</Key><LastModified>2026-11-22T10:00:00.000Z'
                       f'</LastModified><ETag>"e"</ETag><Size>1</Size></Contents>' for key in keys)
    more = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    body = (f"<ListBucketResult><Name>box</Name><IsTruncated>{'true' if token else 'false'}"
            f"</IsTruncated>{more}{contents}</ListBucketResult>").encode()
    return b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (
        len(body), body)


@pytest.mark.parametrize("keys, token", [
    (["p/a"], "same"), (["p/a", "p/a"], None), (["p/b", "p/a"], None), (["q/evil"], None),
    ([], "same")])
@pytest.mark.parametrize("command", [["ls"], ["ls", "-r"], ["du"]])
def test_a_listing_that_cannot_be_right_is_refused(bare_headrace, raw_peer, command, keys, token):
    url, requests = raw_peer(lambda *_: listing(keys, token))
    use(bare_headrace, url)
    outcome = bare_headrace(*command, "s3://box/p/", timeout=20)
    assert_one_line_error(outcome, 1, "list of bucket 'box'")
    assert "evil" not in outcome.stdout and len(requests) < 50
