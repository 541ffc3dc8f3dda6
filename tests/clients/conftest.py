"""Clients that are not ours against `headrace serve`, each as its users run it.

Every test has a server and an empty bucket of its own; requests are signed.
"""
import os
import pathlib
import subprocess
import sys

import pytest

from tests.conftest import PROGRAM

VENV_PROGRAMS = pathlib.Path(sys.prefix) / "bin"
BUCKET = "bucket"


@pytest.fixture
def bucket(s3):
    s3.create_bucket(Bucket=BUCKET)
    return BUCKET


@pytest.fixture
def client_variables(server, tmp_path):
    """The environment of a client: this server, these keys, nothing of the machine's own."""
    home = tmp_path / "client-home"
    home.mkdir()
    return {
        **server.variables(),
        "AWS_DEFAULT_REGION": server.variables()["AWS_REGION"],
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(home / "no-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "no-credentials"),
        "S3_ENDPOINT_URL": server.url,  # s5cmd's name for it.
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PATH": os.pathsep.join([str(VENV_PROGRAMS), str(PROGRAM.parent), os.environ["PATH"]]),
    }


@pytest.fixture
def in_process(client_variables, monkeypatch):
    """For clients that are libraries: their environment is this process's."""
    for name, value in client_variables.items():
        if name != "PATH":
            monkeypatch.setenv(name, value)


@pytest.fixture
def run_client(client_variables, tmp_path):
    """run_client("s5cmd", "ls", ...): runs it to its end, expects success and gives its stdout."""
    def run(*command, stdin=None, env=None, code=0, cwd=tmp_path):
        outcome = subprocess.run(
            [str(part) for part in command], input=stdin, capture_output=True, timeout=60, cwd=cwd,
            env={**client_variables, **(env or {})})
        assert outcome.returncode == code, f"{command}: {outcome}"
        return outcome.stdout

    return run
