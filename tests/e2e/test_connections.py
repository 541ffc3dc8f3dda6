"""How the program finds its keys and its store, and the ways there: https, proxies, IPv6."""
import datetime
import json
import os
import stat
import urllib.parse

import pytest

from tests.conftest import ACCESS_KEY, REGION, SECRET_KEY, Headrace
from tests.e2e.files import assert_one_line_error, content, put_all, write
from tests.e2e.tls_forwarder import (absolute_form_proxy, connect_proxy, make_certificate,
                                     tls_forwarder)

MIB = 1 << 20
KEYS = f"aws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n"


def reply(**more):
    expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    return {"AccessKeyId": ACCESS_KEY, "SecretAccessKey": SECRET_KEY,
            "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"), **more}


@pytest.fixture
def keyless(server, bare_headrace, s3):
    """The program that knows the store and no keys; s3://box/key holds "found"."""
    put_all(s3, "box", {"key": "found"})
    return Headrace(bare_headrace.home, {"AWS_ENDPOINT_URL": server.url, "AWS_REGION": REGION,
                                         "AWS_MAX_ATTEMPTS": "1"})


def assert_finds_keys(headrace, *arguments, **variables):
    outcome = headrace(*arguments, "cat", "s3://box/key", env=variables)
    assert (outcome.code, outcome.stdout) == (0, "found"), outcome


# --- keys -------------------------------------------------------------------------------------


def test_keys_come_from_the_default_files(keyless):
    write(keyless.home / ".aws/credentials", f"[default]\n{KEYS}")
    assert_finds_keys(keyless)


def test_keys_come_from_a_profile_of_a_named_file(keyless):
    path = write(keyless.home / "elsewhere", f"[default]\naws_access_key_id = no\n"
                                             f"aws_secret_access_key = no\n[team]\n{KEYS}")
    named = {"AWS_SHARED_CREDENTIALS_FILE": str(path)}
    assert_finds_keys(keyless, "--profile", "team", **named)
    assert_finds_keys(keyless, AWS_PROFILE="team", **named)
    assert_one_line_error(keyless("cat", "s3://box/key", env=named), 4, "s3://box/key")
    missing = keyless("--profile", "nobody", "ls", env=named)
    assert_one_line_error(missing, 2, "nobody", str(path))


def test_the_environment_wins_over_the_default_profile_and_loses_to_a_flag(keyless):
    write(keyless.home / ".aws/credentials", f"[default]\naws_access_key_id = no\n"
                                             f"aws_secret_access_key = no\n[team]\n{KEYS}")
    good = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
    assert_finds_keys(keyless, **good)
    wrong = {"AWS_ACCESS_KEY_ID": "wrong", "AWS_SECRET_ACCESS_KEY": "wrong"}
    assert_finds_keys(keyless, "--profile", "team", **wrong)


def test_keys_come_from_a_credential_process(keyless):
    answer = write(keyless.home / "answer.json", json.dumps({"Version": 1, **reply()}))
    write(keyless.home / ".aws/config", f"[default]\ncredential_process = cat {answer}\n")
    assert_finds_keys(keyless)


def test_a_credential_process_that_fails_is_told(keyless):
    write(keyless.home / ".aws/config", "[default]\ncredential_process = false\n")
    assert_one_line_error(keyless("ls", "s3://box"), 4, "credential_process")


@pytest.mark.parametrize("from_file", [False, True])
def test_keys_come_from_a_container_endpoint(keyless, http_peer, from_file):
    url, requests = http_peer(lambda handler: (200, json.dumps(reply()).encode()))
    variables = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/keys?task=1"}
    if from_file:
        token = write(keyless.home / "token", "container-token\n")
        variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = str(token)
    else:
        variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "container-token"
    assert_finds_keys(keyless, **variables)
    [(method, path, headers)] = requests
    assert (method, path, headers["Authorization"]) == ("GET", "/keys?task=1", "container-token")


def test_keys_come_from_the_instances_metadata_service(keyless, http_peer):
    def answer(handler):
        if handler.command == "PUT" and handler.path == "/latest/api/token":
            return 200, b"session-of-metadata"
        if handler.headers["X-aws-ec2-metadata-token"] != "session-of-metadata":
            return 401, b""
        place = "/latest/meta-data/iam/security-credentials/"
        if handler.path == place:
            return 200, b"trainer"
        if handler.path == place + "trainer":
            return 200, json.dumps(reply(Code="Success")).encode()
        return 404, b""

    url, requests = http_peer(answer)
    assert_finds_keys(keyless, AWS_EC2_METADATA_DISABLED="false",
                      AWS_EC2_METADATA_SERVICE_ENDPOINT=url)
    assert [method for method, _, _ in requests] == ["PUT", "GET", "GET"]


STS_ANSWER = """<{0}Response><{0}Result><Credentials><AccessKeyId>{1}</AccessKeyId>
<SecretAccessKey>{2}</SecretAccessKey><SessionToken></SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></{0}Result></{0}Response>"""


def test_a_role_is_assumed_from_another_profile(keyless, http_peer):
    text = STS_ANSWER.format("AssumeRole", ACCESS_KEY, SECRET_KEY)
    text = text.replace("<SessionToken></SessionToken>", "<SessionToken>t</SessionToken>")
    url, requests = http_peer(lambda handler: (200, text.encode()))
    write(keyless.home / ".aws/credentials", "[base]\naws_access_key_id = base-key\n"
                                             "aws_secret_access_key = base-secret\n")
    write(keyless.home / ".aws/config", "[profile train]\nrole_arn = arn:aws:iam::1:role/train\n"
                                        "source_profile = base\n")
    assert_finds_keys(keyless, "--profile", "train", AWS_ENDPOINT_URL_STS=url)
    [(method, _, headers)] = requests
    assert method == "POST" and "base-key" in headers["Authorization"]


def test_a_web_identity_is_exchanged(keyless, http_peer):
    text = STS_ANSWER.format("AssumeRoleWithWebIdentity", ACCESS_KEY, SECRET_KEY)
    text = text.replace("<SessionToken></SessionToken>", "<SessionToken>t</SessionToken>")
    url, requests = http_peer(lambda handler: (200, text.encode()))
    token = write(keyless.home / "token", "web-token")
    assert_finds_keys(keyless, AWS_WEB_IDENTITY_TOKEN_FILE=str(token),
                      AWS_ROLE_ARN="arn:aws:iam::1:role/train", AWS_ENDPOINT_URL_STS=url)
    [(method, _, headers)] = requests
    assert method == "POST" and "Authorization" not in headers


# --- the store --------------------------------------------------------------------------------


def test_the_endpoint_comes_from_a_profile(server, keyless):
    del keyless.variables["AWS_ENDPOINT_URL"]
    write(keyless.home / ".aws/credentials", f"[local]\n{KEYS}")
    write(keyless.home / ".aws/config",
          f"[profile local]\nregion = {REGION}\nendpoint_url = {server.url}\n")
    assert_finds_keys(keyless, "--profile", "local")
    write(keyless.home / ".aws/config", f"[profile local]\nservices = here\n[services here]\n"
                                        f"s3 =\n  endpoint_url = {server.url}\n")
    assert_finds_keys(keyless, "--profile", "local")


def test_the_nearest_word_about_the_endpoint_wins(server, headrace, s3):
    put_all(s3, "box", {"key": "found"})
    nowhere = "http://127.0.0.1:1"
    assert_finds_keys(headrace, AWS_ENDPOINT_URL=nowhere, AWS_ENDPOINT_URL_S3=server.url)
    assert_finds_keys(headrace, "--endpoint-url", server.url, AWS_ENDPOINT_URL_S3=nowhere)


def test_a_bucket_in_the_host_name_is_reached(server, headrace, s3):
    put_all(s3, "box", {"a/key": "found"})
    port = urllib.parse.urlsplit(server.url).port
    write(headrace.home / ".aws/config", "[default]\ns3 =\n  addressing_style = virtual\n")
    outcome = headrace("--debug", "cat", "s3://box/a/key",
                       env={"AWS_ENDPOINT_URL": f"http://localhost:{port}",
                            "AWS_MAX_ATTEMPTS": "1"})
    if "resolve" in outcome.stderr or "not known" in outcome.stderr:
        pytest.skip("names below localhost do not resolve on this machine")
    assert f"box.localhost:{port} /a/key" in outcome.stderr, outcome


def test_the_store_is_reached_over_ipv6(start_server, bare_headrace):
    if not os.path.exists("/proc/net/if_inet6"):
        pytest.skip("this machine has no IPv6")
    server = start_server("--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY, "--listen",
                          "[::1]:0")
    headrace = Headrace(bare_headrace.home, server.variables())
    headrace.ok("mb", "s3://box")
    headrace.ok("cp", "-", "s3://box/key", stdin="found")
    assert_finds_keys(headrace)


def test_all_addresses_of_a_name_are_tried(server, headrace, s3):
    # The server listens on 127.0.0.1 alone; localhost may also be ::1, where nothing answers.
    put_all(s3, "box", {"key": "found"})
    port = urllib.parse.urlsplit(server.url).port
    assert_finds_keys(headrace, AWS_ENDPOINT_URL=f"http://localhost:{port}", AWS_MAX_ATTEMPTS="1")


@pytest.fixture
def secure(server, tmp_path):
    """(https URL in front of the test's server, certificate, another authority)."""
    certificate, key = make_certificate(tmp_path, "127.0.0.1")
    (tmp_path / "other").mkdir()
    other, _ = make_certificate(tmp_path / "other", "127.0.0.1")
    upstream = urllib.parse.urlsplit(server.url)
    with tls_forwarder((upstream.hostname, upstream.port), certificate, key) as forwarder:
        yield f"https://127.0.0.1:{forwarder.port}", certificate, other


def test_https_with_a_ca_bundle(headrace, s3, secure, tmp_path):
    url, certificate, _ = secure
    s3.create_bucket(Bucket="box")
    headrace.variables.update(AWS_ENDPOINT_URL=url, AWS_CA_BUNDLE=str(certificate))
    path = write(tmp_path / "big", content(1, 20 * MIB))
    headrace.ok("cp", path, "s3://box/big")
    headrace.ok("cp", "s3://box/big", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == path.read_bytes()


def test_a_certificate_nobody_vouches_for_is_refused(headrace, secure, tmp_path):
    url, _, other = secure
    headrace.variables.update(AWS_ENDPOINT_URL=url)
    for bundle in ("", str(other)):
        outcome = headrace("ls", env={"AWS_CA_BUNDLE": bundle})
        assert_one_line_error(outcome, 4, "AWS_CA_BUNDLE")
        assert "tried" not in outcome.stderr
    headrace.ok("--no-verify-ssl", "ls")
    missing = headrace("ls", env={"AWS_CA_BUNDLE": "/nowhere/bundle.pem"})
    assert_one_line_error(missing, 2, "/nowhere/bundle.pem")
    garbage = headrace("ls", env={"AWS_CA_BUNDLE": write(tmp_path / "notes.txt", b"no PEM")})
    assert_one_line_error(garbage, 2, "notes.txt")
    upload = headrace("cp", tmp_path / "notes.txt", "s3://box/notes",
                      env={"AWS_CA_BUNDLE": str(tmp_path / "notes.txt")})
    assert_one_line_error(upload, 2, "notes.txt")


def test_a_certificate_of_another_name_is_refused(headrace, secure):
    url, certificate, _ = secure
    headrace.variables.update(AWS_ENDPOINT_URL=url.replace("127.0.0.1", "localhost"),
                              AWS_CA_BUNDLE=str(certificate), AWS_MAX_ATTEMPTS="1")
    outcome = headrace("ls")
    assert outcome.code != 0 and len(outcome.stderr.splitlines()) == 1, outcome


def test_requests_go_through_an_http_proxy(headrace, s3):
    put_all(s3, "box", {"key": "found"})
    requests = []
    with absolute_form_proxy(requests) as proxy:
        via = f"http://user:p%40ss@127.0.0.1:{proxy.port}"
        assert_finds_keys(headrace, http_proxy=via)
        assert requests and all(request.split()[1].startswith("http://127.0.0.1:")
                                for request in requests)
        assert "Proxy-Authorization: Basic dXNlcjpwQHNz" in requests[0]
        requests.clear()
        assert_finds_keys(headrace, http_proxy=via, no_proxy="127.0.0.1")
        assert requests == []


def test_https_goes_through_a_tunnel(headrace, s3, secure):
    url, certificate, _ = secure
    put_all(s3, "box", {"key": "found"})
    requests = []
    with connect_proxy(requests) as proxy:
        assert_finds_keys(headrace, AWS_ENDPOINT_URL=url, AWS_CA_BUNDLE=str(certificate),
                          https_proxy=f"http://127.0.0.1:{proxy.port}")
    assert requests and requests[0].startswith(f"CONNECT {url.removeprefix('https://')} ")


def test_an_absent_proxy_is_named(headrace):
    outcome = headrace("ls", env={"http_proxy": "http://secret:word@127.0.0.1:1",
                                  "AWS_MAX_ATTEMPTS": "1"})
    assert outcome.code == 7 and "word" not in outcome.stderr, outcome


def test_a_key_pair_file_of_the_server_is_a_credentials_file(start_server, bare_headrace):
    server = start_server()
    pair = server.folder / ".headrace/credentials"
    assert stat.S_IMODE(pair.stat().st_mode) == 0o600
    bare_headrace.ok("ls", env={"AWS_ENDPOINT_URL": server.url,
                                "AWS_SHARED_CREDENTIALS_FILE": str(pair)})
