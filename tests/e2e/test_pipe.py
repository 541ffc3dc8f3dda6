"""Pipe mode as a training script sees it: real FIFOs, read the ways AWS's readers read them."""
import gzip
import json
import signal
import sys

import pytest

from tests.e2e import record_io
from tests.e2e.awaiting import await_that
from tests.e2e.fault_proxy import s3_error
from tests.e2e.files import content, put_all, write

FILES = {"a": content(1, 300_000), "b": content(2, 70_000), "c/d": b"", "e": b"tail"}
WHOLE = b"".join(FILES.values())


@pytest.fixture
def job(tmp_path):
    """The base directory of the test's job."""
    return tmp_path / "job"


@pytest.fixture
def box(s3):
    put_all(s3, "box", {f"train/{name}": data for name, data in FILES.items()})
    return s3


def script(body):
    """A command: Python that has `pipe(epoch)`, a path, and `out(name)`, a file to write."""
    return [sys.executable, "-c", f"""
import os, select, sys, time
def pipe(epoch, channel="train"):
    return os.path.join(os.environ["SM_INPUT_DATA_DIR"], f"{{channel}}_{{epoch}}")
def wait_for(path):
    # As AWS's sample does, which polls every 100 ms.
    while not os.path.exists(path):
        time.sleep(0.001)
    return path
def out(name):
    return open(os.path.join(os.environ["SM_OUTPUT_DATA_DIR"], name), "wb")
def look_at_signals():
    # Python runs handlers between two operations and when one is interrupted: a signal that
    # arrives just before read() blocks would wait for the next.
    import signal
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
{body}
"""]


def run(headrace, job, body, channel="train=s3://box/train/,mode=Pipe", *more):
    return headrace("run", "--base", job, "--channel", channel, *more, "--", *script(body))


def ran(*arguments):
    outcome = run(*arguments)
    assert outcome.code == 0, outcome
    return outcome


def output(job, name):
    return (job / "output/data" / name).read_bytes()


# --- readers ----------------------------------------------------------------------------------


def test_two_epochs_read_to_their_end(headrace, box, job):
    outcome = ran(headrace, job, """
for epoch in range(2):
    with open(wait_for(pipe(epoch)), "rb", buffering=16 << 20) as file:
        out(str(epoch)).write(file.read())
""")
    assert output(job, "0") == output(job, "1") == WHOLE
    assert "channel train: 2 epochs opened, 2 written to the end, 8 objects" in outcome.stderr
    assert list((job / "input/data").iterdir()) == []


def test_the_first_pipe_is_there_before_the_script(headrace, box, job):
    # What XGBoost's container asks before it does anything.
    ran(headrace, job, """
import stat
assert stat.S_ISFIFO(os.stat(pipe(0)).st_mode)
assert not os.path.exists(os.environ["SM_CHANNEL_TRAIN"])
""")
    config = json.loads((job / "input/config/inputdataconfig.json").read_text())
    assert config["train"]["TrainingInputMode"] == "Pipe"


def test_closing_early_moves_on_to_the_next_epoch(headrace, s3, job):
    put_all(s3, "box", {f"train/{i}": content(i, 1 << 20) for i in range(20)})
    ran(headrace, job, """
for epoch in range(5):
    with open(wait_for(pipe(epoch)), "rb", buffering=0) as file:
        out(str(epoch)).write(file.read(1000))
""")
    assert {output(job, str(epoch)) for epoch in range(5)} == {content(0, 1 << 20)[:1000]}


def test_a_reader_that_never_blocks_sees_no_false_end(headrace, box, job):
    # As mlio opens them: O_NONBLOCK, then select(); every read without data says EAGAIN.
    ran(headrace, job, """
for epoch in range(3):
    reader = os.open(pipe(epoch), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    seen = b""
    while True:
        try:
            data = os.read(reader, 65536)
        except BlockingIOError:
            assert select.select([reader], [], [], 60)[0]
            continue
        if not data:
            break
        seen += data
    os.close(reader)
    out(str(epoch)).write(seen)
""")
    assert output(job, "0") == output(job, "1") == output(job, "2") == WHOLE


def test_a_reader_that_dies_leaves_the_next_epoch_to_another(headrace, s3, job):
    put_all(s3, "box", {f"train/{i}": content(i, 1 << 20) for i in range(20)})
    ran(headrace, job, """
child = os.fork()
if child == 0:
    with open(pipe(0), "rb", buffering=0) as file:
        file.read(10)
        os.kill(os.getpid(), 9)
os.waitpid(child, 0)
with open(wait_for(pipe(1)), "rb") as file:
    out("next").write(file.read())
""")
    assert len(output(job, "next")) == 20 << 20


def test_an_unread_pipe_costs_nothing_and_hangs_nothing(proxied, headrace, box, job):
    proxy = proxied(lambda request: None)
    outcome = ran(headrace, job, "pass")
    assert "channel train: the command opened no epoch" in outcome.stderr
    assert [request.path for request in proxy.requests
            if request.method == "GET" and "list-type" not in request.query] == []


def test_two_channels_are_read_at_once(headrace, box, job):
    put_all(box, "other", {"x": content(9, 3_000_000)})
    outcome = headrace(
        "run", "--base", job, "--channel", "train=s3://box/train/,mode=Pipe",
        "--channel", "val=s3://other/,mode=Pipe", "--channel", "file=s3://box/train/e", "--",
        *script("""
with open(pipe(0), "rb") as one, open(pipe(0, "val"), "rb") as two:
    val = two.read()
    out("train").write(one.read())
    out("val").write(val)
assert open(os.environ["SM_CHANNEL_FILE"] + "/e").read() == "tail"
"""))
    assert outcome.code == 0, outcome
    assert output(job, "train") == WHOLE
    assert output(job, "val") == content(9, 3_000_000)


# --- what is in them --------------------------------------------------------------------------


def test_records_are_read_back_by_a_reader_of_the_published_layout(headrace, box, job):
    ran(headrace, job, """
with open(pipe(0), "rb") as file:
    out("stream").write(file.read())
""", "train=s3://box/train/,mode=Pipe,record-wrapper=RecordIO")
    with open(job / "output/data/stream", "rb") as stream:
        assert list(record_io.records(stream)) == list(FILES.values())


def test_gzip_is_inflated_object_by_object(headrace, s3, job):
    texts = [content(i, 200_000) for i in range(4)]
    put_all(s3, "box", {"train/0.gz": gzip.compress(texts[0]) + gzip.compress(texts[1]),
                        "train/1.gz": gzip.compress(texts[2]), "train/2.gz": b"",
                        "train/3.gz": gzip.compress(texts[3]) + bytes(512)})
    channel = "train=s3://box/train/,mode=Pipe,compression=Gzip"
    read = "out('seen').write(open(pipe(0), 'rb').read())"
    ran(headrace, job, read, channel)
    assert output(job, "seen") == b"".join(texts)
    ran(headrace, job, read, channel + ",record-wrapper=RecordIO", "--fresh")
    with open(job / "output/data/seen", "rb") as stream:
        assert list(record_io.records(stream)) == [texts[0] + texts[1], texts[2], b"", texts[3]]


def test_a_manifest_gives_its_order_and_its_repeats(headrace, box, job):
    manifest = [{"prefix": "s3://box/train/"}, "e", "b", "e"]
    box.put_object(Bucket="box", Key="m.json", Body=json.dumps(manifest))
    ran(headrace, job, "out('seen').write(open(pipe(0), 'rb').read())",
        "train=s3://box/m.json,mode=Pipe,data-type=ManifestFile")
    assert output(job, "seen") == FILES["e"] + FILES["b"] + FILES["e"]


def test_an_augmented_manifest_gives_a_record_for_each_attribute(headrace, box, job):
    lines = [{"source-ref": f"s3://box/train/{name}", "class": number, "other": None}
             for number, name in enumerate(FILES)]
    box.put_object(Bucket="box", Key="m.jsonl", Body="\n".join(map(json.dumps, lines)))
    ran(headrace, job, "out('stream').write(open(pipe(0), 'rb').read())",
        "train=s3://box/m.jsonl,mode=Pipe,data-type=AugmentedManifestFile,"
        "record-wrapper=RecordIO,attributes=source-ref,class")
    expected = [part for number, data in enumerate(FILES.values())
                for part in (data, str(number).encode())]
    with open(job / "output/data/stream", "rb") as stream:
        assert list(record_io.records(stream)) == expected


def test_an_object_of_an_augmented_manifest_that_goes_ends_the_job(proxied, headrace, box, job):
    # The first line's object is there when the manifest is checked, and gone when it is read.
    lines = [{"source-ref": f"s3://box/train/{name}"} for name in "ab"]
    box.put_object(Bucket="box", Key="m.jsonl", Body="\n".join(map(json.dumps, lines)))

    def delete_when_read(request):
        if request.method == "GET" and request.path == "/box/train/b":
            box.delete_object(Bucket="box", Key="train/b")

    proxied(delete_when_read)
    outcome = run(headrace, job, "open(pipe(0), 'rb').read(); time.sleep(600)",
                  "train=s3://box/m.jsonl,mode=Pipe,data-type=AugmentedManifestFile,"
                  "attributes=source-ref")
    assert outcome.code != 0
    assert "headrace run: channel train: " in outcome.stderr
    assert "s3://box/train/b" in outcome.stderr


def test_a_shuffled_epoch_is_resumed_where_it_was(headrace, s3, job):
    put_all(s3, "box", {f"train/{i:02}": b"%02d" % i for i in range(50)})
    channel = "train=s3://box/train/,mode=Pipe,shuffle-seed=3"
    read = """
for epoch in range(2):
    out(str(epoch)).write(open(pipe(epoch), "rb").read())
"""
    ran(headrace, job, read, channel)
    first, second = output(job, "0"), output(job, "1")
    assert first != second and sorted(first) == sorted(second)
    ran(headrace, job, read, channel, "--resume", "1:17", "--fresh")
    assert output(job, "0") == second[2 * 17:]


def test_the_report_tells_the_retries_of_each_channel(proxied, headrace, s3, job):
    put_all(s3, "box", {f"{name}/{i}": content(i, 1000) for name in "ab" for i in range(3)})
    failures = {"/box/a/0": 2, "/box/a/1": 1, "/box/b/2": 1}

    def refuse_at_first(request):
        # Channel a comes first; c reads the same objects after it.
        if request.method != "GET" or not failures.get(request.path):
            return None
        failures[request.path] -= 1
        return s3_error(503, "SlowDown")

    proxied(refuse_at_first, attempts=5)
    channels = [word for name in "abc" for word in (
        "--channel", f"{name}=s3://box/{name if name != 'c' else 'a'}/,mode=Pipe")]
    outcome = headrace.ok("run", "--base", job, *channels, "--", *script("""
for channel in "abc":
    assert len(open(pipe(0, channel), "rb").read()) == 3000
"""))
    report = json.loads((job / "output/headrace-report.json").read_bytes())
    assert {channel["name"]: channel["retries"] for channel in report["channels"]} == {
        "a": 3, "b": 1, "c": 0}
    assert report["retries"]["throttled"] == 4
    for channel in report["channels"]:
        assert channel["bytes_per_second"] == pytest.approx(3000 / channel["open_seconds"])
        assert channel["objects_per_second"] == pytest.approx(3 / channel["open_seconds"])
    assert "channel a: 1 epoch opened" in outcome.stderr
    assert ", 3 requests sent again; the command waited" in outcome.stderr


# --- what goes wrong --------------------------------------------------------------------------


def test_a_corrupt_member_fails_the_job_with_its_name(headrace, s3, job):
    broken = bytearray(gzip.compress(content(1, 100_000)))
    broken[-5] ^= 1
    put_all(s3, "box", {"train/0.gz": gzip.compress(b"fine"), "train/1.gz": bytes(broken)})
    outcome = run(headrace, job, "open(pipe(0), 'rb').read(); time.sleep(600)",
                  "train=s3://box/train/,mode=Pipe,compression=Gzip")
    assert outcome.code == 1
    assert "channel train: s3://box/train/1.gz: gzip member 1 is damaged" in outcome.stderr
    assert "s3://box/train/1.gz" in (job / "output/failure").read_text()


def test_an_object_deleted_mid_epoch_fails_the_job_with_its_name(proxied, headrace, box, job):
    def delete_when_read(request):
        if request.method == "GET" and request.path == "/box/train/b":
            box.delete_object(Bucket="box", Key="train/b")

    proxied(delete_when_read)
    outcome = run(headrace, job, "open(pipe(0), 'rb').read(); time.sleep(600)")
    assert outcome.code != 0
    assert "headrace run: channel train: " in outcome.stderr
    assert "s3://box/train/b" in outcome.stderr
    # The reader was stopped, not given an end of file as if it had seen everything.
    assert "command completed" not in outcome.stderr


def refuses_b_when_ready(job):
    """For `proxied`: b is refused as soon as the command has written its output `ready`."""
    def script(request):
        if not request.path.endswith("/b"):
            return None
        await_that((job / "output/data/ready").exists, "the command's output `ready`")
        return s3_error(403, "AccessDenied")

    return script


def test_a_script_whose_handler_leaves_the_read_can_save(proxied, headrace, box, job):
    proxied(refuses_b_when_ready(job))
    outcome = run(headrace, job, """
import signal
class Stopped(Exception):
    pass
def stop(*_):
    raise Stopped
signal.signal(signal.SIGTERM, stop)
try:
    look_at_signals()
    out("ready")
    open(pipe(0), "rb").read()
except Stopped:
    out("saved").write(b"yes")
""")
    assert outcome.code == 4
    assert output(job, "saved") == b"yes"


def test_a_script_that_reads_on_never_takes_half_an_epoch_for_a_whole_one(proxied, headrace, box,
                                                                          job):
    proxied(refuses_b_when_ready(job))
    run(headrace, job, """
import signal
def stop(*_):
    out("stopped").write(b"yes")
    signal.signal(signal.SIGALRM, lambda *_: os._exit(3))
    signal.setitimer(signal.ITIMER_REAL, 1)
signal.signal(signal.SIGTERM, stop)
look_at_signals()
out("ready")
open(pipe(0), "rb").read()
out("saved").write(b"half")
""", "train=s3://box/train/,mode=Pipe")
    assert output(job, "stopped") == b"yes"
    assert not (job / "output/data/saved").exists()


def test_a_stopped_job_ends_whatever_its_reader_does(headrace, s3, job):
    put_all(s3, "box", {f"train/{i}": content(i, 1 << 20) for i in range(20)})
    process = headrace.start(
        "run", "--base", job, "--channel", "train=s3://box/train/,mode=Pipe", "--", *script("""
file = open(pipe(0), "rb", buffering=0)
file.read(1)
print("reading", flush=True)
time.sleep(600)
"""))
    with process:
        assert process.stdout.readline() == b"reading\n"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert list((job / "input/data").iterdir()) == []


def test_a_killed_job_leaves_nothing_that_hangs_the_next(headrace, box, job):
    process = headrace.start(
        "run", "--base", job, "--channel", "train=s3://box/train/,mode=Pipe", "--", *script("""
print("ready", flush=True)
time.sleep(600)
"""))
    with process:
        assert process.stdout.readline() == b"ready\n"
        process.kill()
        process.communicate(timeout=30)  # Until the command has ended, too.
    assert (job / "input/data/train_0").exists()
    ran(headrace, job, "out('seen').write(open(pipe(0), 'rb').read())",
        "train=s3://box/train/,mode=Pipe", "--fresh")
    assert output(job, "seen") == WHOLE


def test_an_object_too_large_for_a_record_is_refused_before_the_command(headrace, server, s3, job):
    s3.create_bucket(Bucket="box")
    (server.folder / "box/train").mkdir(parents=True)
    with open(server.folder / "box/train/large", "wb") as file:
        file.truncate(1 << 29)
    outcome = run(headrace, job, "out('started')",
                  "train=s3://box/train/,mode=Pipe,record-wrapper=RecordIO")
    assert outcome.code != 0
    assert "channel train: s3://box/train/large has 536870912 bytes" in outcome.stderr
    assert not (job / "output/data/started").exists()


def test_something_else_in_the_place_of_a_pipe_is_named(headrace, box, job):
    write(job / "input/data/train_1", "mine")
    outcome = run(headrace, job, "out('started')")
    assert outcome.code != 0
    assert "train_1 is in the way of an epoch's pipe" in outcome.stderr
