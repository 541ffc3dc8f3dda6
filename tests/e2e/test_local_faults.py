"""What goes wrong on this machine: full disks, closed folders, broken pipes, Ctrl-C."""
import contextlib
import os
import resource
import shutil
import signal
import stat
import subprocess
import tempfile
import threading

import pytest

from tests.conftest import ACCESS_KEY, PROGRAM, SECRET_KEY, Headrace
from tests.e2e.awaiting import PATIENCE_SECONDS, await_that
from tests.e2e.fault_proxy import Hang
from tests.e2e.files import (assert_one_line_error, content, put_all, read_bucket, read_tree, write,
                             write_tree)

MIB = 1 << 20
NOBODY = 65534


@pytest.fixture
def small_disk(tmp_path, request):
    """A file system of 1 MiB, or of as many as the test's parameter says."""
    size_mib = getattr(request, "param", 1)
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "tmpfs", str(folder)],
                          capture_output=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"cannot mount a small file system here: {made.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("size_bytes", [3 * MIB, 20 * MIB])
def test_a_full_disk_is_told_and_leaves_nothing_half_written(headrace, s3, small_disk, size_bytes):
    put_all(s3, "box", {"big": content(1, size_bytes), "small": "fits"})
    outcome = headrace("cp", "-r", "s3://box", small_disk)
    assert outcome.code == 5, outcome
    assert "big" in outcome.stderr and "disk is full" in outcome.stderr
    assert read_tree(small_disk) == {"small": b"fits"}
    assert_one_line_error(headrace("cp", "s3://box/big", small_disk / "big"), 1, "disk is full")
    assert read_tree(small_disk) == {"small": b"fits"}


@pytest.mark.parametrize("small_disk", [24], indirect=True)
def test_a_file_larger_than_half_the_free_space_fits(headrace, s3, tmp_path, small_disk):
    # Each of its parts may be the first to make the file: only one of them may take its room.
    data = content(2, 20 * MIB)
    put_all(s3, "box", {"big": data})
    headrace.ok("cp", "s3://box/big", small_disk / "big")
    assert read_tree(small_disk) == {"big": data}


@pytest.mark.parametrize("soft, hard", [(256, 256), (256, 4096)])
def test_few_open_files_are_enough_for_a_store_far_away(start_server, bare_headrace, tmp_path,
                                                        soft, hard):
    # The further away, the more requests are in flight: more than there may be files.
    tree = {f"{number:04}": "x" for number in range(1000)}
    write_tree(tmp_path / "store/box", tree)
    server = start_server("--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY,
                          "--shape", "first-byte=100ms,seed=1")

    def allow_few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    bare_headrace.ok("cp", "-r", "s3://box", tmp_path / "out", env=server.variables(),
                     preexec_fn=allow_few)
    assert len(read_tree(tmp_path / "out")) == len(tree)


def test_checkpoints_that_do_not_fit_fail_before_the_command(headrace, s3, tmp_path, small_disk):
    put_all(s3, "box", {"ckpt/big": content(1, 3 * MIB), "ckpt/small": "fits"})
    outcome = headrace("run", "--base", tmp_path / "job", "--checkpoint",
                       f"s3://box/ckpt={small_disk}/ckpt", "--", "touch", tmp_path / "started")
    assert_one_line_error(outcome, 1, f"{small_disk}/ckpt", "need 3.0 MiB more")
    assert read_tree(small_disk) == {}
    assert not (tmp_path / "started").exists()


def test_a_disk_that_checkpoints_fill_is_named(headrace, s3, tmp_path, small_disk):
    put_all(s3, "box", {})
    outcome = headrace("run", "--base", tmp_path / "job", "--checkpoint",
                       f"s3://box/ckpt={small_disk}", "--", "sh", "-c",
                       f"echo 1 > {small_disk}/latest; cat /dev/zero > {small_disk}/weights")
    assert outcome.code != 0
    assert f"the disk of {small_disk} is full" in outcome.stderr
    assert read_bucket(s3, "box")["ckpt/latest"] == b"1\n"


def test_a_server_whose_disk_is_full_says_so_and_keeps_serving(start_server, small_disk,
                                                               bare_headrace, tmp_path):
    server = start_server("--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY, folder=small_disk)
    headrace = Headrace(bare_headrace.home, {**server.variables(), "AWS_MAX_ATTEMPTS": "1"})
    headrace.ok("mb", "s3://box")
    path = write(tmp_path / "big", content(3, 3 * MIB))
    outcome = headrace("cp", path, "s3://box/big")
    assert_one_line_error(outcome, 1, str(path), "InsufficientStorage")
    assert headrace.ok("ls", "s3://box").stdout == ""
    headrace.ok("cp", "-", "s3://box/small", stdin="fits")
    assert headrace.ok("cat", "s3://box/small").stdout == "fits"


@contextlib.contextmanager
def unprivileged(variables):
    """The program as a user who may write nothing but the folder this gives as its home."""
    if os.getuid() != 0:
        yield Headrace(tempfile.mkdtemp(), variables), {}
        return
    home = tempfile.mkdtemp(prefix="headrace-test-")
    os.chown(home, NOBODY, NOBODY)
    os.chmod(home, 0o755)
    try:
        yield Headrace(home, variables), {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    finally:
        shutil.rmtree(home)


def test_a_target_that_cannot_be_written_is_told(server, s3):
    put_all(s3, "box", {"a": "1", "b/c": "2"})
    with unprivileged(server.variables()) as (headrace, user):
        probe = subprocess.run([str(PROGRAM), "--version"], check=False, capture_output=True,
                               **user)
        if probe.returncode != 0:
            pytest.skip("another user cannot run the program where it is built")
        closed = os.path.join(headrace.home, "closed")
        os.mkdir(closed, 0o555)
        outcome = headrace("cp", "-r", "s3://box", closed, **user)
        assert outcome.code == 4, outcome
        assert closed in outcome.stderr and "ermission denied" in outcome.stderr
        assert_one_line_error(headrace("cp", "s3://box/a", closed + "/a", **user), 4, closed)
        assert os.listdir(closed) == []


def test_a_file_that_cannot_be_read_fails_alone(server, s3):
    s3.create_bucket(Bucket="box")
    with unprivileged(server.variables()) as (headrace, user):
        folder = os.path.join(headrace.home, "folder")
        os.mkdir(folder, 0o755)
        for name, mode in (("open", 0o644), ("secret", 0o000)):
            with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                file.write(name)
            os.chmod(os.path.join(folder, name), mode)
        outcome = headrace("cp", "-r", folder, "s3://box", **user)
        assert outcome.code == 5, outcome
        assert "secret" in outcome.stderr
    assert read_bucket(s3, "box") == {"open": b"open"}


def test_a_folder_where_a_file_belongs_is_told(headrace, s3, tmp_path):
    put_all(s3, "box", {"t/a/b": "1"})
    write(tmp_path / "target/a", "a file where a folder is needed")
    outcome = headrace("cp", "-r", "s3://box/t", tmp_path / "target")
    assert outcome.code == 5 and str(tmp_path / "target/a") in outcome.stderr, outcome
    assert read_tree(tmp_path / "target") == {"a": b"a file where a folder is needed"}


def test_a_full_standard_output_is_an_error(headrace, s3):
    put_all(s3, "box", {"key": content(4, 200_000)})
    with open("/dev/full", "wb") as full:
        for arguments in (["cat", "s3://box/key"], ["ls", "s3://box"]):
            outcome = headrace(*arguments, stdout=full)
            assert outcome.code == 1 and "standard output" in outcome.stderr, outcome


def test_a_reader_that_leaves_ends_the_command(headrace, s3):
    put_all(s3, "box", {"key": content(4, 30 * MIB)})
    process = headrace.start("cat", "s3://box/key")
    process.stdout.read(10)
    process.stdout.close()
    assert process.wait(timeout=PATIENCE_SECONDS) != 0
    assert len(process.stderr.read().splitlines()) <= 1
    process.stderr.close()


def test_a_transfer_whose_lines_nobody_reads_goes_on_to_its_end(headrace, s3, tmp_path):
    tree = {f"{number:03}": "x" for number in range(300)}
    put_all(s3, "box", tree)
    process = headrace.start("cp", "-r", "s3://box", tmp_path / "out")
    process.stdout.close()
    assert process.wait(timeout=PATIENCE_SECONDS) == 1
    assert b"standard output" in process.stderr.read()
    process.stderr.close()
    assert len(read_tree(tmp_path / "out")) == len(tree)


def run_with_closed(headrace, redirections, *arguments):
    """Runs it by a shell that closes streams first: redirections like "<&- >&-"."""
    with subprocess.Popen(["sh", "-c", f'exec "$0" "$@" {redirections}', str(PROGRAM),
                           *map(str, arguments)], env=headrace.variables, cwd=headrace.home,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, out.decode(), err.decode()


def test_a_closed_standard_input_is_no_input(headrace, s3):
    s3.create_bucket(Bucket="box")
    code, _, errors = run_with_closed(headrace, "<&-", "cp", "-", "s3://box/key")
    assert code == 2 and "standard input is closed" in errors
    assert read_bucket(s3, "box") == {}
    assert s3.list_multipart_uploads(Bucket="box").get("Uploads", []) == []


@pytest.mark.parametrize("redirections", [">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_closed_standard_output_fails_as_a_full_one_does(headrace, s3, tmp_path, redirections):
    put_all(s3, "box", {"key": "1"})
    for arguments in (["ls", "s3://box"], ["cat", "s3://box/key"], ["--version"], ["--help"]):
        code, _, errors = run_with_closed(headrace, redirections, *arguments)
        assert code == 1, (arguments, code, errors)
        assert "2>" in redirections or "standard output" in errors
    assert run_with_closed(headrace, redirections, "cat", "s3://box/none")[0] == 3
    assert run_with_closed(headrace, redirections, "cp", "s3://box/key", tmp_path / "f")[0] == 1
    assert (tmp_path / "f").read_bytes() == b"1"
    quiet = run_with_closed(headrace, redirections, "-q", "cp", "s3://box/key", tmp_path / "g")
    assert quiet[0] == 0


def test_a_full_standard_error_ends_nothing_early(headrace, s3):
    s3.create_bucket(Bucket="box")
    with open("/dev/full", "wb") as full:
        assert headrace("cat", "s3://box/none", stderr=full).code == 3


def make_special(folder):
    """A pipe, and as root a device that takes everything: name to path."""
    os.mkfifo(folder / "pipe")
    made = {"pipe": folder / "pipe"}
    with contextlib.suppress(PermissionError):
        os.mknod(folder / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        made["null"] = folder / "null"
    return made


def test_a_device_or_pipe_is_written_into_and_stays_one(headrace, s3, tmp_path):
    data = content(7, 3 * MIB)
    put_all(s3, "box", {"key": data})
    special = make_special(tmp_path)
    if "null" in special:
        assert headrace.ok("cp", "s3://box/key", special["null"]).stdout == ""
        assert stat.S_ISCHR(special["null"].stat().st_mode)
    process = headrace.start("cp", "s3://box/key", special["pipe"])
    assert special["pipe"].read_bytes() == data
    assert process.wait(timeout=PATIENCE_SECONDS) == 0
    process.communicate()
    assert stat.S_ISFIFO(special["pipe"].stat().st_mode)
    waiting = headrace.start("cp", "s3://box/key", special["pipe"])
    waiting.send_signal(signal.SIGINT)
    assert waiting.wait(timeout=PATIENCE_SECONDS) in (130, -signal.SIGINT)
    waiting.communicate()


def test_standard_output_by_its_name_is_no_file_to_replace(headrace, s3, tmp_path):
    put_all(s3, "box", {"key": "bytes"})
    link = tmp_path / "stdout"
    link.symlink_to("/proc/self/fd/1")
    assert headrace.ok("cp", "s3://box/key", link).stdout == "bytes"
    assert headrace.ok("cp", "s3://box/key", "/proc/self/fd/1").stdout == "bytes"
    with open(tmp_path / "out", "wb") as out:
        out.write(b"before ")
        out.flush()
        assert headrace("cp", "s3://box/key", "/proc/self/fd/1", stdout=out).code == 0
    assert (tmp_path / "out").read_bytes() == b"before bytes"


def test_no_file_takes_the_place_of_a_device_or_pipe(headrace, s3, tmp_path):
    for name, path in make_special(tmp_path).items():
        put_all(s3, name, {name: "x", "other": "y"})
        assert_one_line_error(headrace("mv", f"s3://{name}/{name}", path), 2, str(path))
        for command in (["cp", "-r"], ["mv", "-r"], ["sync"]):
            outcome = headrace(*command, f"s3://{name}", tmp_path)
            assert outcome.code in (2, 5) and str(path) in outcome.stderr, outcome
        assert not stat.S_ISREG(path.stat().st_mode)
        assert name in read_bucket(s3, name)


# --- Ctrl-C -------------------------------------------------------------------------------------


class HoldBack:
    """A script that lets requests through until `applies` says to hold one back for ever."""

    def __init__(self, applies):
        self.applies = applies
        self.is_holding = threading.Event()

    def __call__(self, request):
        if not self.applies(request):
            return None
        self.is_holding.set()
        return Hang()


def interrupt(process, number=signal.SIGINT):
    process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130, (process.returncode, errors)
    assert errors.count(b"\n") == 1 and b"interrupted" in errors, errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_download_that_was_interrupted_goes_on_where_it_was(headrace, server, s3, proxied,
                                                              tmp_path, number):
    tree = {f"{number:02}": content(number, 1000) for number in range(20)}
    tree["99-large"] = content(99, 20 * MIB)
    put_all(s3, "box", tree)
    held = {f"/box/{key}" for key in tree if key >= "10"}
    script = HoldBack(lambda request: request.path in held and request.method == "GET")
    proxy = proxied(script)
    target = tmp_path / "target"
    process = headrace.start("sync", "s3://box", target)
    assert script.is_holding.wait(PATIENCE_SECONDS)
    await_that(lambda: all((target / f"{done:02}").exists() for done in range(10)), "ten files")
    interrupt(process, number)
    assert sorted(read_tree(target)) == [f"{done:02}" for done in range(10)]

    script.applies = lambda request: False
    before = len(proxy.requests)
    headrace.ok("sync", "s3://box", target)
    assert read_tree(target) == tree
    fetched = {request.path for request in proxy.requests[before:] if request.method == "GET"}
    assert fetched - held == {"/box"} or fetched - held == {"/box/"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_an_upload_that_was_interrupted_leaves_no_parts(headrace, s3, proxied, tmp_path, number):
    tree = {"large": content(5, 20 * MIB), "small": b"1"}
    source = write_tree(tmp_path / "source", tree)
    s3.create_bucket(Bucket="box")
    script = HoldBack(lambda request: "partNumber=2" in request.query)
    proxied(script)
    process = headrace.start("sync", source, "s3://box")
    assert script.is_holding.wait(PATIENCE_SECONDS)
    await_that(lambda: "small" in read_bucket(s3, "box"), "the small object")
    interrupt(process, number)
    assert s3.list_multipart_uploads(Bucket="box").get("Uploads", []) == []
    assert read_bucket(s3, "box") == {"small": b"1"}
    script.applies = lambda request: False
    assert "small" not in headrace.ok("sync", source, "s3://box").stdout
    assert read_bucket(s3, "box") == tree


PHASES = {
    "listing": (["sync", "s3://box", "target"], lambda request: "list-type" in request.query),
    "head": (["cp", "s3://box/key", "target/key"], lambda request: request.method == "HEAD"),
    "first byte": (["cat", "s3://box/key"], lambda request: request.path == "/box/key"),
    "copy": (["cp", "s3://box/key", "s3://box/other"], lambda request: request.method == "PUT"),
    "delete": (["rm", "-r", "s3://box"], lambda request: request.method == "POST"),
    "making": (["mb", "s3://new"], lambda request: request.method == "PUT"),
    "level": (["ls", "s3://box"], lambda request: True),
}


@pytest.mark.parametrize("phase", PHASES)
def test_ctrl_c_ends_each_phase_at_once(headrace, s3, proxied, phase):
    put_all(s3, "box", {"key": "1"})
    arguments, applies = PHASES[phase]
    script = HoldBack(applies)
    proxied(script)
    process = headrace.start(*arguments)
    assert script.is_holding.wait(PATIENCE_SECONDS)
    interrupt(process)
    assert read_bucket(s3, "box") == {"key": b"1"}


def test_ctrl_c_ends_a_wait_for_standard_input(headrace, s3):
    s3.create_bucket(Bucket="box")
    process = headrace.start("cp", "-", "s3://box/key", stdin=subprocess.PIPE)
    process.stdin.write(content(6, 9 * MIB))  # Returns once all but a pipe's worth was taken.
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130, errors
    assert read_bucket(s3, "box") == {}
    assert s3.list_multipart_uploads(Bucket="box").get("Uploads", []) == []
