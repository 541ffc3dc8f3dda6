"""`headrace run --checkpoint` as a training script and the machine under it see it."""
import json
import signal
import time

import pytest

from tests.e2e.awaiting import PATIENCE_SECONDS, await_that
from tests.e2e.fault_proxy import s3_error
from tests.e2e.files import assert_one_line_error, content, put_all, read_bucket, read_tree, write
from tests.e2e.test_run import python

PLACE = "s3://box/ckpt"
QUICK = ("--checkpoint", PLACE, "--checkpoint-interval", "20ms")


@pytest.fixture
def job(tmp_path):
    return tmp_path / "job"


@pytest.fixture
def box(s3):
    put_all(s3, "box", {})
    return s3


def checkpoints(client):
    """What is stored, without names that scripts write under before they rename: on a machine that
    is busy enough, two quick looks can show those unchanged."""
    return {key.removeprefix("ckpt/"): data for key, data in read_bucket(client, "box").items()
            if key.startswith("ckpt/") and not key.endswith(".new")}


def await_checkpoint(client, name):
    """Looks until the object is there: nothing else tells what the program has uploaded."""
    await_that(lambda: name in checkpoints(client), f"an upload of {name}")


# Saves a checkpoint of two shards and an index, as scripts do: what names the others comes last.
SAVE = """
import os, pathlib, signal, sys, time
folder = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"]) / "checkpoints"
def save(step):
    (folder / f"step-{step}").mkdir()
    for shard in ("z", "a"):
        (folder / f"step-{step}" / shard).write_bytes(bytes([step]) * 300_000)
        time.sleep(0.02)
    (folder / "latest.new").write_text(str(step))
    os.rename(folder / "latest.new", folder / "latest")
def start():
    try:
        return int((folder / "latest").read_text())
    except FileNotFoundError:
        return 0
"""


def step(number):
    return {f"step-{number}/{shard}": bytes([number]) * 300_000 for shard in "az"}


def test_a_run_goes_on_from_the_checkpoint_of_the_one_before(headrace, box, tmp_path):
    script = python(SAVE + "save(start() + 1)")
    for number, base in enumerate(("one", "two"), 1):
        headrace.ok("run", "--base", tmp_path / base, *QUICK, "--", *script)
        expected = {**step(1), "latest": str(number).encode()}
        if number == 2:
            expected.update(step(2))
        assert checkpoints(box) == expected
        # The folder holds the script's files and nothing else.
        assert read_tree(tmp_path / base / "checkpoints") == expected


def test_checkpoints_go_up_while_the_command_runs_and_survive_a_kill(headrace, box, job):
    process = headrace.start("run", "--base", job, *QUICK, "--", *python(SAVE + """
save(1)
(folder / "step-2").mkdir()
half = open(folder / "step-2" / "a.new", "wb", buffering=0)
while True:
    half.write(bytes(1000))
    time.sleep(0.002)
"""))
    try:
        await_checkpoint(box, "latest")
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE_SECONDS)
    assert checkpoints(box) == {**step(1), "latest": b"1"}


def test_what_is_saved_on_a_request_to_stop_is_uploaded(headrace, box, job):
    with headrace.start("run", "--base", job, "--checkpoint", PLACE, "--", *python(SAVE + """
def stop(*_):
    save(1)
    sys.exit(3)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
while True: signal.pause()
""")) as process:
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 3
    assert checkpoints(box) == {**step(1), "latest": b"1"}


def test_a_spot_notice_lets_the_command_save_its_work(headrace, box, job, http_peer):
    ready = job / "checkpoints/ready"

    def metadata(handler):
        if handler.command == "PUT":
            return 200, b"TOKEN"
        if not ready.exists():
            return 404, b""
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 120))
        return 200, b'{"action": "terminate", "time": "%s"}' % at.encode()

    url, requests = http_peer(metadata)
    outcome = headrace("run", "--base", job, "--checkpoint", PLACE, "--", *python(SAVE + """
def stop(*_):
    save(1)
    sys.exit(3)
signal.signal(signal.SIGTERM, stop)
(folder / "ready").write_text("")
while True: signal.pause()
"""), env={"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": url})
    assert outcome.code == 3, outcome
    assert "about to terminate" in outcome.stderr
    assert {path for _, path, _ in requests} == {"/latest/api/token",
                                                 "/latest/meta-data/spot/instance-action"}
    assert checkpoints(box) == {**step(1), "latest": b"1", "ready": b""}


def test_what_the_store_does_not_take_is_named_with_its_size(headrace, box, job, proxied):
    proxied(lambda request: s3_error(503, "SlowDown")
            if request.method == "PUT" and request.path.endswith("/step-1/a") else None)
    outcome = headrace("run", "--base", job, "--checkpoint", PLACE, "--checkpoint-deadline", "1s",
                       "--", *python(SAVE + "save(1)"))
    assert outcome.code == 7, outcome
    told = outcome.stderr.splitlines()[-1]
    assert "2 files (293.0 KiB) not uploaded" in told
    assert "step-1/a (293.0 KiB), latest (1 B)" in told and str(job / "checkpoints") in told
    assert sorted(checkpoints(box)) == ["step-1/z"]


def test_a_file_that_the_store_refuses_is_told_and_nobody_else_blamed(headrace, box, job, proxied):
    proxied(lambda request: s3_error(400, "KeyTooLongError")
            if request.method == "PUT" and request.path.endswith("/odd") else None)
    outcome = headrace("run", "--base", job, *QUICK, "--", "sh", "-c",
                       "cd $SAGEMAKER_BASE_DIR/checkpoints; echo 1 > odd; echo 2 > even")
    assert outcome.code == 1, outcome
    assert "1 files or folders cannot be uploaded: odd: " in outcome.stderr
    assert "signal" not in outcome.stderr
    assert checkpoints(box) == {"even": b"2\n"}


def test_a_store_that_fails_for_a_while_gets_everything_in_the_end(headrace, box, job, proxied):
    failures = [6]

    def script(request):
        if request.method != "PUT" or not failures[0]:
            return None
        failures[0] -= 1
        return s3_error(503, "SlowDown")

    proxied(script)
    headrace.ok("run", "--base", job, *QUICK, "--", *python(SAVE + "save(1)"))
    assert checkpoints(box) == {**step(1), "latest": b"1"}


def test_removed_files_stay_in_the_store_unless_asked(headrace, box, tmp_path):
    put_all(box, "box", {"ckpt/old": "o", "ckpt/kept": "k"})
    rotate = python(SAVE + "(folder / 'old').unlink(); (folder / 'new').write_text('n')")
    headrace.ok("run", "--base", tmp_path / "one", "--checkpoint", PLACE, "--", *rotate)
    assert sorted(checkpoints(box)) == ["kept", "new", "old"]
    headrace.ok("run", "--base", tmp_path / "two", "--checkpoint", PLACE, "--checkpoint-delete",
                "--", *rotate)
    assert sorted(checkpoints(box)) == ["kept", "new"]


def test_a_job_file_names_checkpoint_and_folder(headrace, box, job, tmp_path):
    put_all(box, "box", {"ckpt/a": "1"})
    file = write(tmp_path / "job.toml", f"""
base = "{job}"
command = ["sh", "-c", "cp here/a here/b"]
[checkpoint]
uri = "{PLACE}/"
folder = "here"
""")
    headrace.ok("run", file)
    assert checkpoints(box) == {"a": b"1", "b": b"1"}


@pytest.mark.parametrize("arguments, code, words", [
    (["--checkpoint", "s3://nowhere-to-be/x"], 3, ["checkpoint", "nowhere-to-be"]),
    (["--checkpoint", "/data/x"], 2, ["checkpoint", "/data/x"]),
    (["--checkpoint", PLACE + "=model"], 2, ["model", "one inside the other"]),
    (["--checkpoint-delete"], 2, ["--checkpoint"]),
    (["--checkpoint", "s3://box", "--output", "s3://box/jobs"], 2, ["outputs"]),
])
def test_a_checkpoint_that_cannot_be_fails_first(headrace, box, tmp_path, arguments, code, words):
    outcome = headrace("run", "--base", headrace.home, *arguments, "--", "touch",
                       tmp_path / "started")
    assert_one_line_error(outcome, code, *words)
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("option", ["--checkpoint-interval", "--checkpoint-deadline"])
def test_a_time_that_is_none_is_refused(headrace, option):
    outcome = headrace("run", "--checkpoint", PLACE, option, "soon", "--", "true")
    assert outcome.code == 2
    assert f"{option}: 'soon' is no time" in outcome.stderr


def test_a_file_in_the_place_of_a_folder_fails_before_a_byte_moves(headrace, box, job, tmp_path):
    put_all(box, "box", {"ckpt/a": "1", "ckpt/b/c": content(1, 10)})
    write(job / "checkpoints/b")
    outcome = headrace("run", "--base", job, "--checkpoint", PLACE, "--", "touch",
                       tmp_path / "started")
    assert_one_line_error(outcome, 6, "s3://box/ckpt/b/c", str(job / "checkpoints/b"))
    assert read_tree(job / "checkpoints") == {"b": b"x"}
    assert not (tmp_path / "started").exists()


def test_a_check_plans_the_restore_and_moves_nothing(headrace, box, job, tmp_path):
    put_all(box, "box", {"ckpt/a": content(1, 1000), "ckpt/b/c": content(2, 1048)})
    check = ["run", "--base", job, "--checkpoint", PLACE, "--check", "--", "touch",
             tmp_path / "started"]
    assert "checkpoint: 2 files to restore, 2.0 KiB; 0 already there" in headrace.ok(*check).stderr
    assert not (job / "checkpoints").exists()
    headrace.ok("run", "--base", job, "--checkpoint", PLACE, "--", "true")
    assert "checkpoint: 0 files to restore, 0 B; 2 already there" in headrace.ok(*check).stderr
    (job / "checkpoints/a").unlink()
    write(job / "checkpoints/a/inside")
    assert_one_line_error(headrace(*check), 6, "s3://box/ckpt/a", "a folder is in its place")
    assert not (tmp_path / "started").exists()


def test_the_config_file_names_the_folder_of_a_job_that_has_checkpoints(headrace, box, job):
    read = 'cat "$SM_CHECKPOINT_CONFIG_FILE"'
    shown = headrace.ok("run", "--base", job, "--checkpoint", PLACE, "--", "sh", "-c", read)
    assert json.loads(shown.stdout) == {"LocalPath": f"{job}/checkpoints"}
    assert headrace("run", "--base", job, "--", "sh", "-c", read).code == 1
