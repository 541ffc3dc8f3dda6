"""An S3 server that is not ours, for our client: SeaweedFS, started by the test run itself."""
import itertools
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from tests.conftest import ACCESS_KEY, REGION, SECRET_KEY, Headrace

WEED = pathlib.Path(sys.prefix) / "bin/weed"
START_SECONDS_MAX = 45

# A bucket takes whole volumes. Left alone the server plans volumes of 1 GiB and as many as the free
# disk holds, so on a nearly full disk the last tests' buckets get none and writes to them fail.
VOLUMES = ["-master.volumeSizeLimitMB=64", "-volume.max=128"]
BUCKET_NUMBERS = itertools.count(1)


def free_ports(count):
    """Ports nothing listens on, held until all are found so that they differ."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def await_answer(url, process, log):
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except urllib.error.HTTPError:
            return  # It answers; that it refuses us without credentials is right.
        except OSError:
            time.sleep(0.1)  # A foreign process says in no other way that it is ready.
    raise AssertionError(f"SeaweedFS did not start:\n{log.read_text(errors='replace')[-4000:]}")


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory):
    """The URL of a SeaweedFS with one account (ACCESS_KEY, SECRET_KEY)."""
    if not WEED.exists():
        pytest.fail(f"{WEED} is missing: it comes with tests/requirements.txt")
    folder = tmp_path_factory.mktemp("seaweedfs")
    names = ["master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port",
             "filer.port.grpc", "s3.port", "s3.port.grpc"]
    ports = dict(zip(names, free_ports(len(names))))
    log = folder / "log"
    arguments = [f"-{name}={port}" for name, port in ports.items()]
    with open(log, "wb") as out:
        process = subprocess.Popen(
            [str(WEED), "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
             "-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0",
             *VOLUMES, *arguments],
            stdout=out, stderr=subprocess.STDOUT, cwd=folder, start_new_session=True,
            env={"PATH": os.environ["PATH"], "HOME": str(folder),
                 "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY})
    url = f"http://127.0.0.1:{ports['s3.port']}"
    try:
        await_answer(url, process, log)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def headrace(seaweedfs, bare_headrace):
    return Headrace(bare_headrace.home, {
        "AWS_ENDPOINT_URL": seaweedfs, "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY})


@pytest.fixture
def bucket(headrace, request):
    """A fresh bucket, named after the test; the run of a parametrized test by a number."""
    name = f"bucket-{next(BUCKET_NUMBERS)}-{request.node.originalname.replace('_', '-')}"[:60]
    headrace.ok("mb", f"s3://{name.strip('-')}")
    return name.strip("-")
