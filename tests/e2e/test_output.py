"""What a person sees: debugging lines, and the progress line on a terminal."""
import fcntl
import os
import pty
import re
import struct
import termios
import threading

from tests.conftest import ACCESS_KEY, SECRET_KEY
from tests.e2e.fault_proxy import s3_error
from tests.e2e.files import content, put_all, read_tree, write_tree

MIB = 1 << 20


def test_debug_shows_requests_tries_and_times_and_no_secret(headrace, s3, proxied, tmp_path):
    put_all(s3, "box", {"key": "1"})
    proxied(lambda request: s3_error(503, "SlowDown") if request.number == 0 else None, attempts=4)
    token = "session-token-value"
    outcome = headrace.ok("--debug", "ls", "s3://box")
    lines = [line for line in outcome.stderr.splitlines() if "status=" in line]
    assert len(lines) == 2, outcome
    assert "status=503" in lines[0] and "try=1" in lines[0]
    assert "status=200" in lines[1] and "try=2" in lines[1]
    assert all(re.search(r"GET 127\.0\.0\.1:\d+ /box\?\S+ .*ms=\d+\.\d", line) for line in lines)
    assert re.search(r"next try in \d+ ms", outcome.stderr)
    denied = headrace("--debug", "ls", "s3://box", env={"AWS_SESSION_TOKEN": token})
    signed = headrace.ok("--debug", "presign", "s3://box/key")
    for said in (outcome.stderr, denied.stdout + denied.stderr, signed.stderr):
        assert SECRET_KEY not in said and token not in said and "Signature=" not in said
    assert ACCESS_KEY in signed.stdout


def test_without_debug_nothing_but_results_is_said(headrace, s3, tmp_path):
    put_all(s3, "box", {"key": "1"})
    for arguments in (["ls", "s3://box"], ["cp", "s3://box/key", tmp_path / "key"],
                      ["stat", "s3://box/key"], ["du", "s3://box"]):
        outcome = headrace.ok(*arguments)
        assert outcome.stdout and not outcome.stderr


def start_on_terminal(headrace, *arguments):
    """Starts the program with a terminal of 100 columns as all its streams: (process, our end)."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    process = headrace.start(*arguments, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    return process, ours


def pieces_of(terminal):
    """What comes out of the terminal until its last user has gone."""
    while True:
        try:
            yield os.read(terminal, 65536).decode()
        except OSError:
            os.close(terminal)
            return


def on_terminal(headrace, *arguments):
    """Runs it to its end: (exit code, what it showed)."""
    process, terminal = start_on_terminal(headrace, *arguments)
    shown = "".join(pieces_of(terminal))
    return process.wait(timeout=30), shown


def test_a_terminal_gets_a_progress_line_and_a_pipe_gets_plain_ones(headrace, s3, tmp_path):
    tree = {f"{number}": content(number, 100_000) for number in range(40)}
    source = write_tree(tmp_path / "source", tree)
    s3.create_bucket(Bucket="box")
    code, shown = on_terminal(headrace, "sync", source, "s3://box")
    assert code == 0, shown
    assert "\r\x1b[K" in shown and "upload:" not in shown
    assert re.search(r"40 files, 3\.8 MiB in ", shown), shown
    code, shown = on_terminal(headrace, "sync", "--no-progress", "s3://box", tmp_path / "plain")
    assert code == 0 and "\x1b" not in shown and shown.count("download: ") == 40
    code, shown = on_terminal(headrace, "sync", "--quiet", "s3://box", tmp_path / "quiet")
    assert (code, shown) == (0, "")
    assert read_tree(tmp_path / "quiet") == tree
    piped = headrace.ok("sync", "s3://box", tmp_path / "piped")
    assert "\x1b" not in piped.stdout + piped.stderr
    assert piped.stdout.count("download: ") == 40


def shown_while_the_last_of_eight_waits(headrace, s3, proxied, *arguments):
    """Runs a download of bucket box, eight files of 200,000 bytes, whose last one comes once a
    line was drawn with all others done: (exit code, what the terminal showed)."""
    put_all(s3, "box", {f"{number}": content(number, 200_000) for number in range(8)})
    drawn = threading.Event()

    def script(request):
        if request.path == "/box/7" and request.method == "GET":
            drawn.wait(20)

    proxied(script)
    process, terminal = start_on_terminal(headrace, *arguments)
    shown = ""
    for piece in pieces_of(terminal):
        shown += piece
        if "7 of 8 files" in shown:
            drawn.set()
    return process.wait(timeout=30), shown


PROGRESS = r"\[=+ +\]  1\.3 MiB of 1\.5 MiB  7 of 8 files  [\d.]+ [KM]?i?B/s  \d+:\d\d left"


def test_the_progress_line_tells_bytes_files_rate_and_time_left(headrace, s3, proxied, tmp_path):
    code, shown = shown_while_the_last_of_eight_waits(
        headrace, s3, proxied, "cp", "-r", "s3://box", tmp_path / "target")
    assert code == 0
    assert re.search(PROGRESS, shown), shown


def test_a_job_shows_the_progress_of_its_downloads_until_its_command_starts(headrace, s3, proxied,
                                                                            tmp_path):
    code, shown = shown_while_the_last_of_eight_waits(
        headrace, s3, proxied, "run", "--channel", "train=s3://box", "--base", tmp_path / "job",
        "--", "sh", "-c", "echo trained")
    assert code == 0
    before, _, after = shown.partition("channel train:")
    assert re.search(PROGRESS, before) and before.endswith("\r\x1b[Kheadrace run: "), shown
    assert "trained" in after.rpartition("\r\x1b[K")[2] and "files" not in after, shown
    again = on_terminal(headrace, "run", "--no-progress", "--channel", "train=s3://box", "--base",
                        tmp_path / "again", "--", "true")
    assert again[0] == 0 and "\x1b" not in again[1], again


def test_control_characters_of_keys_reach_no_terminal(headrace, s3, tmp_path):
    key = "a\x1b[2J\rb\nupload: forged\x9b"
    put_all(s3, "box", {key: "1"})
    for arguments in (["ls", "s3://box"], ["ls", "-r", "s3://box"], ["stat", f"s3://box/{key}"],
                      ["du", f"s3://box/{key}"], ["cp", "-r", "s3://box", tmp_path / "target"],
                      ["rm", "-r", "--dry-run", "s3://box"]):
        outcome = headrace.ok(*arguments)
        assert "\x1b" not in outcome.stdout and "\r" not in outcome.stdout, outcome
        assert "\x9b" not in outcome.stdout and "\nupload: forged" not in outcome.stdout, outcome
        assert "\\x1b[2J\\x0db\\x0aupload: forged\\xc2\\x9b" in outcome.stdout, outcome
    assert "\x1b" not in headrace("cat", f"s3://box/{key}none").stderr
    assert headrace.ok("--json", "ls", "s3://box").json_lines()[0]["key"] == key
