"""What every test below tests/ may ask for: the built program, a server of its own, a boto3 client.

Nothing of the machine's own AWS configuration reaches a test.
"""
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import typing

import boto3
import botocore.config
import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("HEADRACE_PROGRAM", ROOT / "build/headrace"))

ACCESS_KEY = "test-access-key"
SECRET_KEY = "test-secret-key/with+signs="
REGION = "us-east-1"


class Outcome(typing.NamedTuple):
    code: int
    stdout: str
    stderr: str

    def json_lines(self):
        return [json.loads(line) for line in self.stdout.splitlines()]


class Headrace:
    """Runs the program in an environment that holds nothing but what a test puts there."""

    def __init__(self, home, variables):
        self.variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LANG": "C.UTF-8",
            # No request ever leaves the machine to look for credentials.
            "AWS_EC2_METADATA_DISABLED": "true",
            **variables,
        }
        self.home = home

    def start(self, *arguments, env=None, **options):
        """Starts `headrace ARGUMENTS` and returns the Popen; the caller ends it."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        options.setdefault("cwd", self.home)
        return subprocess.Popen([str(PROGRAM), *map(str, arguments)],
                                env={**self.variables, **(env or {})}, **options)

    def __call__(self, *arguments, stdin=None, env=None, timeout=60, binary=False, **options):
        """Runs it to its end. `stdin`: bytes or text to feed; `binary` leaves stdout as bytes."""
        if isinstance(stdin, str):
            stdin = stdin.encode()
        if stdin is not None:
            options["stdin"] = subprocess.PIPE
        with self.start(*arguments, env=env, **options) as process:
            try:
                out, err = process.communicate(stdin, timeout=timeout)
            except BaseException:
                process.kill()
                raise
        out = out or b""
        return Outcome(process.returncode, out if binary else out.decode(),
                       (err or b"").decode(errors="replace"))

    def ok(self, *arguments, **options):
        """Runs it and says what it printed; anything but success fails the test."""
        outcome = self(*arguments, **options)
        assert outcome.code == 0, f"headrace {arguments}: {outcome}"
        return outcome


class Server:
    """A running `headrace serve`."""

    def __init__(self, process, folder, log):
        self.process = process
        self.folder = folder
        self._log = log
        first = process.stdout.readline().decode()
        if not first.startswith(("listening on http://", "listening on https://")):
            process.kill()
            raise AssertionError(f"serve said {first!r}\n{self.log_text()}")
        self.url = first.split()[2]

    def log_text(self):
        return self._log.read_text(errors="replace")

    def variables(self):
        """What a client puts into its environment to use this server."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": REGION,
        }

    def client(self):
        return boto3_client(self.url)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=20)
        finally:
            self.process.kill()
            self.process.stdout.close()


def boto3_client(url, access_key=ACCESS_KEY, secret_key=SECRET_KEY):
    config = botocore.config.Config(retries={"total_max_attempts": 1},
                                    s3={"addressing_style": "path"})
    return boto3.client("s3", endpoint_url=url, region_name=REGION, config=config,
                        aws_access_key_id=access_key, aws_secret_access_key=secret_key)


@contextlib.contextmanager
def running_server(home, folder, *arguments, env=None):
    """`headrace serve FOLDER` on a free port, for as long as the block lasts."""
    if "--listen" not in arguments:
        arguments = ("--listen", "127.0.0.1:0", *arguments)
    folder.mkdir(parents=True, exist_ok=True)
    log = home / "serve.log"
    with open(log, "wb") as errors:
        process = Headrace(home, {}).start("serve", folder, *arguments, env=env, stderr=errors)
    server = Server(process, folder, log)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def bare_headrace(tmp_path):
    """The program with no store to talk to."""
    home = tmp_path / "home"
    home.mkdir()
    return Headrace(home, {})


@pytest.fixture
def server(tmp_path):
    """A server of the test's own over the empty folder tmp_path/store."""
    with running_server(tmp_path, tmp_path / "store", "--access-key", ACCESS_KEY,
                        "--secret-key", SECRET_KEY) as running:
        yield running


@pytest.fixture
def start_server(tmp_path):
    """A function that starts a server with other arguments: start_server("--anonymous")."""
    with contextlib.ExitStack() as stack:
        def start(*arguments, folder=tmp_path / "store", env=None):
            return stack.enter_context(running_server(tmp_path, folder, *arguments, env=env))

        yield start


@pytest.fixture
def headrace(server, bare_headrace):
    """The program with its environment pointing at the test's own server."""
    return Headrace(bare_headrace.home, server.variables())


@pytest.fixture
def s3(server):
    """A boto3 client of the test's own server: an opinion that is not ours."""
    return server.client()
