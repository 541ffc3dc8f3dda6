"""Requests that no client sends: each gets the right S3 error, and the server lives on."""
import base64
import os
import re
import socket
import urllib.parse

import pytest

from tests.conftest import running_server
from tests.e2e.files import write

ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
BOMB = f'<!DOCTYPE x [<!ENTITY e0 "aaaaaaaaaa">{ENTITIES}]>'
EXTERNAL = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'


@pytest.fixture(scope="module")
def open_server(tmp_path_factory):
    """One server for all: each test leaves it as it found it."""
    home = tmp_path_factory.mktemp("bad-input")
    write(home / "store/bucket/key", "text")
    write(home / "secret", "secret")
    write(home / "store/secret", "secret")
    (home / "store/bucket/link").symlink_to("../../secret")
    (home / "store/bucket/folder-link").symlink_to("..")
    with running_server(home, home / "store", "--anonymous") as server:
        yield server


class Answer:
    def __init__(self, raw):
        head, _, body = raw.partition(b"\r\n\r\n")
        self.status = int(head.split()[1]) if head else 0
        self.head = head.decode("latin-1")
        self.text = body.decode("utf-8", "replace")
        found = re.search("<Code>(.*)</Code>", self.text)
        self.code = found.group(1) if found else ""


class Wire:
    def __init__(self, server):
        address = urllib.parse.urlsplit(server.url)
        self.address = (address.hostname, address.port)

    def __call__(self, request, close=True):
        if isinstance(request, str):
            request = request.encode("latin-1")
        if close:
            request = request.replace(b"Host: x\r\n", b"Host: x\r\nConnection: close\r\n", 1)
        with socket.create_connection(self.address, timeout=20) as connection:
            try:
                connection.sendall(request)
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            raw = b""
            try:
                while piece := connection.recv(65536):
                    raw += piece
            except ConnectionResetError:
                pass
        return Answer(raw)


@pytest.fixture
def wire(open_server):
    yield Wire(open_server)
    # Whatever came before: it still answers, and nothing got out or in.
    assert Wire(open_server)("GET /bucket/key HTTP/1.1\r\nHost: x\r\n\r\n").text == "text"
    home = open_server.folder.parent
    assert (home / "secret").read_text() == "secret"
    assert (home / "store/secret").read_text() == "secret"
    assert set(os.listdir(home)) == {"secret", "serve.log", "store"}
    assert set(os.listdir(home / "store")) == {".headrace", "bucket", "secret"}


def request(method, target, body="", **headers):
    lines = [f"{method} {target} HTTP/1.1", "Host: x"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if not {"Content_Length", "Transfer_Encoding"} & set(headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines) + "\r\n\r\n" + body


def assert_error(answer, status, code):
    assert (answer.status, answer.code) == (status, code), answer.head + answer.text
    assert re.search("<Message>.+</Message>", answer.text)
    assert re.search("<RequestId>.+</RequestId>", answer.text)


@pytest.mark.parametrize("raw", [
    "GET /\r\n\r\n", "\0\1\2\r\n\r\n", "GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "GET / HTTP/1.1\r\nHost : x\r\n\r\n", "GET / HTTP/1.1\r\nbroken\r\n\r\n",
    "PUT /bucket/k HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "PUT /bucket/k HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "PUT /bucket/k HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\na: b\r\n c\r\n\r\n", "GET / HTTP/1.1\nHost: x\n\n",
    "PUT /bucket/k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"])
def test_what_is_no_http_is_refused(wire, raw):
    answer = wire(raw + "GET /bucket/key HTTP/1.1\r\nHost: x\r\n\r\n", close=False)
    assert answer.status == 400 and "HTTP/1.1" not in answer.text


@pytest.mark.parametrize("chunks", [
    "+4\r\ntext\r\n0\r\n\r\n", " 4\r\ntext\r\n0\r\n\r\n", "4 \r\ntext\r\n0\r\n\r\n",
    "0x4\r\ntext\r\n0\r\n\r\n", "4\ntext\r\n0\r\n\r\n", "4;a\rb\r\ntext\r\n0\r\n\r\n",
    "4\r\ntext\r\n0\r\na : b\r\n\r\n", "10000000000000004\r\ntext\r\n0\r\n\r\n"])
def test_chunks_that_can_be_read_in_two_ways_are_refused(wire, chunks):
    head = "PUT /bucket/k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = wire(head + chunks + "GET /bucket/key HTTP/1.1\r\nHost: x\r\n\r\n", close=False)
    assert_error(answer, 400, "IncompleteBody")
    assert "HTTP/1.1" not in answer.text


def test_a_mebibyte_of_headers_is_refused(wire):
    answer = wire("GET /bucket/key HTTP/1.1\r\nHost: x\r\n" + f"a: {'b' * 1000}\r\n" * 1000)
    assert (answer.status, answer.code) == (400, "RequestHeaderSectionTooLarge")
    answer = wire(f"GET /bucket/{'k' * (1 << 20)} HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (answer.status, answer.code) == (400, "RequestHeaderSectionTooLarge")


@pytest.mark.parametrize("target, status, code", [
    ("/bucket/%zz", 400, "InvalidURI"), ("/bucket/k?a=%z", 400, "InvalidURI"),
    ("/bucket?prefix=a&prefix=b", 400, "InvalidArgument"),
    ("/bucket?max-keys=-1", 400, "InvalidArgument"), ("/bucket?max-keys=x", 400, "InvalidArgument"),
    ("/bucket?encoding-type=x", 400, "InvalidArgument"),
    ("/bucket?list-type=2&continuation-token=zz", 400, "InvalidArgument"),
    ("/bucket/key?torrent", 501, "NotImplemented"), ("/bucket?nonsense", 501, "NotImplemented"),
    ("/bucket/key?partNumber=0", 400, "InvalidArgument"),
    ("/bucket/key?partNumber=10001", 400, "InvalidArgument"),
    ("/bucket/key?versionId=x", 404, "NoSuchVersion"),
    ("/bucket/" + "k" * 1025, 404, "NoSuchKey"), ("/Bucket_/../etc", 404, "NoSuchBucket"),
    ("//etc/passwd", 400, "InvalidBucketName"), ("/../etc/passwd", 404, "NoSuchBucket"),
    ("/bucket/../../secret", 404, "NoSuchKey"), ("/bucket/../secret", 404, "NoSuchKey"),
    ("/bucket/%2e%2e/secret", 404, "NoSuchKey"), ("/bucket/link", 404, "NoSuchKey"),
    ("/bucket/folder-link/secret", 404, "NoSuchKey"), ("/bucket/a%00b", 404, "NoSuchKey"),
    ("/.headrace/index.sqlite", 404, "NoSuchBucket"), ("/%2e%2e/secret", 404, "NoSuchBucket")])
def test_a_wrong_get_gets_its_code(wire, target, status, code):
    assert_error(wire(request("GET", target)), status, code)
    head = wire(request("HEAD", target.replace("/bucket?", "/bucket/key?")))
    if target.startswith("/bucket?"):
        status = 400 if code == "InvalidURI" or "prefix=b" in target else 501
    assert head.status == status and head.text == ""


@pytest.mark.parametrize("key", [
    "../../secret", "../secret", "folder-link/secret", "link", "a/../../../secret", "..", "."])
def test_a_put_stays_in_the_folder(wire, key):
    assert wire(request("PUT", f"/bucket/{key}", "new")).status == 200
    assert wire(request("GET", f"/bucket/{key}")).text == "new"
    assert wire(request("DELETE", f"/bucket/{key}")).status == 204


def test_keys_that_no_object_can_have_are_refused(wire):
    assert_error(wire(request("PUT", "/bucket/" + "k" * 1025, "x")), 400, "KeyTooLongError")
    not_text = wire(request("PUT", "/bucket/%ff", "x"))
    assert_error(not_text, 400, "InvalidURI")
    assert "the key is not UTF-8" in not_text.text
    for name in ("-bad-", "My_Bucket", "Bucket", "192.168.5.4", "a..b", "xn--bucket", "ab"):
        assert_error(wire(request("PUT", f"/{name}", "")), 400, "InvalidBucketName")


@pytest.mark.parametrize("query, root", [
    ("delete", "Delete"), ("uploadId=none", "CompleteMultipartUpload")])
@pytest.mark.parametrize("body", [
    "", "no xml", "<{root}>", "<{root}/>", "<Other/>", "<{root}></Other>",
    BOMB + "<{root}>&e11;</{root}>", EXTERNAL + "<{root}>&e;</{root}>", "<a>" * 200_000,
    "<{root}>" + "<Object><Key>k</Key></Object><Part><PartNumber>1</PartNumber></Part>" * 10_001])
def test_bad_xml_is_malformed(wire, query, root, body):
    target = "/bucket?delete" if query == "delete" else "/bucket/key?uploadId=none"
    assert_error(wire(request("POST", target, body.replace("{root}", root))), 400, "MalformedXML")


def test_an_entity_is_never_expanded(wire):
    for text in (EXTERNAL, BOMB):
        entity = "&e;" if text == EXTERNAL else "&e11;"
        body = f"{text}<Tagging><TagSet><Tag><Key>k</Key><Value>{entity}</Value></Tag></TagSet>" \
               "</Tagging>"
        wire(request("PUT", "/bucket/key?tagging", body))
        tags = wire(request("GET", "/bucket/key?tagging")).text
        assert "root:" not in tags and len(tags) < 1000


def test_xml_larger_than_any_is_refused(wire):
    answer = wire(request("POST", "/bucket?delete", "<Delete>" + " " * (9 << 20)))
    assert_error(answer, 400, "MalformedXML")


STREAMING = {"x_amz_content_sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
             "Content_Encoding": "aws-chunked", "x_amz_trailer": "x-amz-checksum-crc32"}


@pytest.mark.parametrize("body, code", [
    ("4\r\ntext\r\n0\r\n", "IncompleteBody"), ("4\r\nte", "IncompleteBody"),
    ("5\r\ntext\r\n0\r\n\r\n", "IncompleteBody"), ("x\r\ntext\r\n0\r\n\r\n", "IncompleteBody"),
    ("ffffffffffffffffffff\r\ntext", "IncompleteBody"),
    ("3\r\ntex\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "IncompleteBody"),
    ("4;" + "a" * 9000 + "\r\ntext\r\n0\r\n\r\n", "IncompleteBody"),
    ("4\r\ntext\r\n0\r\n\r\n", "MalformedTrailerError"),
    ("4\r\ntext\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "BadDigest"),
    ("4\r\ntext\r\n0\r\n" + "abc:def\r\n" * 10_000 + "\r\n", "MalformedTrailerError"),
    ("4\r\ntext\r\n0\r\nx-amz-checksum-crc32\r\n\r\n", "MalformedTrailerError"),
    ("4\r\ntext\r\n0\r\nx-amz-checksum-crc32:O4unxw==\r\nabc:def\r\n\r\n",
     "MalformedTrailerError"),
    ("4\r\ntext\r\n0\r\nx-amz-checksum-crc32:O4unxw==\r\n\r\n\r\n", "IncompleteBody"),
    ("4\r\ntext\r\n0\r\nx-amz-checksum-crc32:O4unxw==\r\n\r\n" + "x" * 70_000, "IncompleteBody")])
def test_lying_chunks_are_refused_and_change_nothing(wire, body, code):
    answer = wire(request("PUT", "/bucket/key", body, x_amz_decoded_content_length=4, **STREAMING))
    assert_error(answer, 400, code)


def test_lying_lengths_are_refused_and_change_nothing(wire):
    assert_error(wire(request("PUT", "/bucket/key", "te", Content_Length=4)), 400, "IncompleteBody")
    assert_error(wire(request("PUT", "/bucket/key", "x", Content_Length=1 << 60)), 400,
                 "EntityTooLarge")
    assert_error(wire("PUT /bucket/key HTTP/1.1\r\nHost: x\r\n\r\n"), 411, "MissingContentLength")
    missing = request("PUT", "/bucket/key", "4\r\ntext\r\n0\r\n\r\n", **STREAMING)
    assert_error(wire(missing), 411, "MissingContentLength")
    cut = request("PUT", "/bucket/key", "4\r\nte", Transfer_Encoding="chunked")
    assert_error(wire(cut), 400, "IncompleteBody")


@pytest.mark.parametrize("headers, code", [
    ({"Content_MD5": "x"}, "InvalidDigest"), ({"Content_MD5": "A" * 22 + "=="}, "BadDigest"),
    ({"x_amz_checksum_crc32": "AAAAAA=="}, "BadDigest"),
    ({"x_amz_checksum_crc32": "!"}, "InvalidRequest"),
    ({"x_amz_checksum_crc32": "AAAAAA==", "x_amz_checksum_sha1": "AAAA"}, "InvalidRequest"),
    ({"x_amz_content_sha256": "0" * 64}, "XAmzContentSHA256Mismatch"),
    ({"x_amz_content_sha256": "nonsense"}, "InvalidArgument"),
    ({"x_amz_meta_a": "b" * 2049}, "MetadataTooLarge"),
    ({"x_amz_tagging": "a=1&a=2"}, "InvalidTag"),
    ({"x_amz_content_sha256": "STREAMING-UNSIGNED-PAYLOAD"}, "NotImplemented"),
    (STREAMING | {"x_amz_decoded_content_length": 4, "x_amz_trailer": "x-amz-checksum-md4"},
     "InvalidRequest"),
    ({"x_amz_tagging": "a=%z"}, "InvalidArgument"),
    ({"x_amz_server_side_encryption_customer_algorithm": "AES256"}, "NotImplemented")])
def test_wrong_declarations_of_a_put_are_refused(wire, headers, code):
    answer = wire(request("PUT", "/bucket/key", "text", **headers))
    assert answer.code == code, answer.head + answer.text


def part(name, value, more=""):
    return f'--B\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'


def form(*parts, end="--B--\r\n", **headers):
    return request("POST", "/bucket", "".join(parts) + end,
                   **({"Content_Type": "multipart/form-data; boundary=B"} | headers))


KEY, FILE = part("key", "form-key"), part("file", "x", '; filename="f"')
POLICY = '{"expiration":"2099-01-01T00:00:00Z","conditions":%s}'


def policy(text):
    return part("policy", base64.b64encode(text.encode()).decode())


@pytest.mark.parametrize("raw, status, code", [
    (form(Content_Type="multipart/form-data"), 412, "PreconditionFailed"),
    (form(Content_Type="multipart/form-data; boundary="), 412, "PreconditionFailed"),
    (form(), 400, "MalformedPOSTRequest"), (form(KEY), 400, "MalformedPOSTRequest"),
    (form(KEY, FILE, end=""), 400, "MalformedPOSTRequest"),
    (form(KEY, "--B\r\n\r\nx\r\n"), 400, "MalformedPOSTRequest"),
    (form(FILE), 400, "InvalidArgument"), (form(FILE, KEY), 400, "InvalidArgument"),
    (form(part("key", ""), FILE), 400, "InvalidArgument"),
    (form(KEY, KEY, FILE), 400, "InvalidArgument"),
    (form(part("key", "\xff\xfe"), FILE), 400, "InvalidURI"),
    (form(part("key", "k" * 5000), FILE), 400, "KeyTooLongError"),
    (form(KEY, part("Content-Type", "text/html\r\nX-Evil: 1"), FILE), 400, "InvalidArgument"),
    (form(KEY, part("x-amz-meta-a\nX-Evil: 1\nb", "v"), FILE), 400, "InvalidArgument"),
    (form(KEY, part("success_action_redirect", "http://a/\r\nX: y"), FILE), 400,
     "InvalidArgument"),
    (form(*[part(f"x{n}", "v") for n in range(10_000)], KEY, FILE), 400,
     "MaxPostPreDataLengthExceededError"),
    (form(KEY, "--B\r\n" + "a" * 100_000), 400, "MaxPostPreDataLengthExceededError"),
    (form(KEY, part("policy", "!!!"), FILE), 400, "InvalidPolicyDocument"),
    (form(KEY, policy("["), FILE), 400, "InvalidPolicyDocument"),
    (form(KEY, policy("[" * 10_000), FILE), 400, "InvalidPolicyDocument"),
    (form(KEY, policy('{"expiration":5,"conditions":[]}'), FILE), 400, "InvalidPolicyDocument"),
    (form(KEY, policy(POLICY % '[1,null,["eq",1,2],[]]'), FILE), 400, "InvalidPolicyDocument"),
    (form(KEY, policy(POLICY % '[["content-length-range",0.5,1e30]]'), FILE), 400,
     "InvalidPolicyDocument"),
    (form(KEY, part("x-amz-checksum-crc32", "x"), FILE), 400, "BadDigest"),
    (form(KEY, FILE, Content_Length=100_000), 400, "IncompleteBody")])
def test_a_form_that_is_none_is_refused_and_puts_nothing(wire, raw, status, code):
    assert_error(wire(raw), status, code)
    assert wire(request("GET", "/bucket/form-key")).status == 404


@pytest.mark.parametrize("offset", ["-1", "x", "", "1.5", "5", "18446744073709551616"])
def test_an_append_that_does_not_fit_is_refused(wire, offset):
    answer = wire(request("PUT", "/bucket/key", "more", x_amz_write_offset_bytes=offset))
    assert answer.status == 400
    assert answer.code in ("InvalidArgument", "InvalidWriteOffset")


@pytest.mark.parametrize("source, status, code", [
    ("", 400, "InvalidArgument"), ("%zz", 400, "InvalidArgument"), ("/", 400, "InvalidArgument"),
    ("/bucket/", 400, "InvalidArgument"), ("../../secret", 404, "NoSuchKey"),
    ("%00", 404, "NoSuchKey"), ("a%0d%0aX: y", 404, "NoSuchKey"), ("link", 404, "NoSuchKey")])
def test_a_rename_of_nothing_is_refused(wire, source, status, code):
    answer = wire(request("PUT", "/bucket/renamed?renameObject", "", x_amz_rename_source=source))
    assert_error(answer, status, code)


@pytest.mark.parametrize("source", ["nothing", "bucket", "/", "bucket/%zz", ""])
def test_a_copy_source_that_is_none_is_refused(wire, source):
    answer = wire(request("PUT", "/bucket/copy", "", x_amz_copy_source=source))
    assert_error(answer, 400, "InvalidArgument")


def test_a_method_that_is_none_is_refused(wire):
    assert_error(wire(request("PATCH", "/bucket/key")), 405, "MethodNotAllowed")
    assert_error(wire(request("DELETE", "/")), 405, "MethodNotAllowed")


def test_a_copy_with_tags_that_are_none_copies_nothing(wire):
    answer = wire(request("PUT", "/bucket/copy", x_amz_copy_source="/bucket/key",
                          x_amz_tagging_directive="REPLACE", x_amz_tagging="a=%zz"))
    assert_error(answer, 400, "InvalidArgument")
    assert_error(wire(request("GET", "/bucket/copy")), 404, "NoSuchKey")


def test_a_parameter_brings_no_control_characters_into_the_answer(wire):
    answer = wire(request("GET", "/bucket/key?response-content-type=a%00b"))
    assert answer.status == 200 and "a\0b" not in answer.head
