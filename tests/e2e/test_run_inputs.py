"""Where `headrace run` takes a channel from and who gets which part of it: docs/channels.md."""
import json
import os
import pathlib
import subprocess
import sys
import time

import pytest

from tests.conftest import PROGRAM
from tests.e2e.fault_proxy import s3_error
from tests.e2e.files import assert_one_line_error, put_all, read_tree, write
from tests.e2e.record_io import records

KEYS = {f"{number:02}": b"of %02d" % number for number in range(10)}


@pytest.fixture
def box(s3):
    put_all(s3, "box", {f"train/{key}": data for key, data in KEYS.items()})
    return s3


def mounts():
    return pathlib.Path("/proc/self/mountinfo").read_text()


def mount_namespaces():
    """Of all processes that there are."""
    found = set()
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            found.add(os.stat(process / "ns/mnt").st_ino)
        except OSError:
            pass  # It has ended, or is another user's.
    return found


# --- directories ------------------------------------------------------------------------------


def test_a_directory_is_the_channel_and_nothing_is_copied(bare_headrace, tmp_path):
    write(tmp_path / "nfs/sub/a.txt", "alpha")
    job = tmp_path / "job"
    shown = bare_headrace.ok("run", "--base", job, "--channel", f"train={tmp_path}/nfs", "--",
                             "cat", job / "input/data/train/sub/a.txt")
    assert shown.stdout == "alpha"
    assert read_tree(job / "input/data") == {}
    assert "read-only" in shown.stderr or "a link to" in shown.stderr


def test_a_directory_is_written_to_only_where_the_job_says_so(bare_headrace, tmp_path):
    write(tmp_path / "nfs/a.txt", "alpha")
    job = tmp_path / "job"
    base = ["run", "--base", job, "--channel"]
    command = ["--", "sh", "-c", "echo x > $SM_CHANNEL_TRAIN/new"]
    refused = bare_headrace(*base, f"train={tmp_path}/nfs", *command)
    if "a mount of" not in refused.stderr:
        pytest.skip("this user may not mount")
    assert refused.code != 0 and not (tmp_path / "nfs/new").exists()
    bare_headrace.ok(*base, f"train=file://{tmp_path}/nfs,access=rw", *command)
    assert (tmp_path / "nfs/new").read_text() == "x\n"


def test_nothing_stays_mounted_after_kill_9(bare_headrace, tmp_path):
    write(tmp_path / "nfs/a.txt", "alpha")
    job = tmp_path / "job"
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    process = bare_headrace.start("run", "--base", job, "--channel", f"train={tmp_path}/nfs", "--",
                                  "sh", "-c", f"echo $$ > {ready}; exec sleep 1000")
    command = int(ready.read_text())
    namespace = os.stat(f"/proc/{command}/ns/mnt").st_ino
    process.kill()
    process.communicate(timeout=30)  # Until the command has ended, too.
    assert str(tmp_path) not in mounts()
    while namespace in mount_namespaces() - {os.stat("/proc/self/ns/mnt").st_ino}:
        time.sleep(0.01)  # It is on its way out: its output ends a moment before its namespace.
    assert (tmp_path / "nfs/a.txt").read_text() == "alpha"
    # The next job in this tree gets its directory too.
    bare_headrace.ok("run", "--base", job, "--channel", f"train={tmp_path}/nfs", "--",
                     "test", "-e", job / "input/data/train/a.txt")


@pytest.fixture
def no_mounts(bare_headrace):
    """Starts the program without the right to mount, which also root may lack."""
    def start(*arguments):
        return subprocess.Popen(
            ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", PROGRAM,
             *map(str, arguments)], env=bare_headrace.variables, cwd=bare_headrace.home,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return start


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up rights")
def test_without_the_right_to_mount_the_channel_is_a_link_that_goes(no_mounts, tmp_path):
    write(tmp_path / "nfs/a.txt", "alpha")
    channel = tmp_path / "job/input/data/train"
    process = no_mounts("run", "--base", tmp_path / "job", "--channel", f"train={tmp_path}/nfs",
                        "--", "cat", channel / "a.txt")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "alpha"), err
    assert "nothing keeps the command from writing there" in err
    assert channel.is_dir() and not channel.is_symlink() and not list(channel.iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up rights")
def test_no_later_job_follows_the_link_of_a_killed_one(no_mounts, headrace, box, tmp_path):
    write(tmp_path / "nfs/a.txt", "alpha")
    job = tmp_path / "job"
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    process = no_mounts("run", "--base", job, "--channel", f"train={tmp_path}/nfs", "--", "sh",
                        "-c", f"echo $$ > {ready}; exec sleep 1000")
    ready.read_text()
    process.kill()
    process.communicate(timeout=30)  # Until the command has ended, too.
    assert (job / "input/data/train").is_symlink()
    headrace.ok("run", "--base", job, "--channel", "train=s3://box/train/", "--", "true")
    assert read_tree(job / "input/data/train") == KEYS
    assert read_tree(tmp_path / "nfs") == {"a.txt": b"alpha"}


@pytest.mark.parametrize("channel,code,words", [
    ("train={}/none", 3, "is no directory of this machine"),
    ("train={}/empty", 2, "is its file system mounted?"),
    ("train={}/nfs,mode=Pipe", 2, "a directory takes mode File"),
    ("train=file://host/nfs", 2, "names no directory"),
])
def test_a_directory_that_cannot_be_fails_first(bare_headrace, tmp_path, channel, code, words):
    write(tmp_path / "nfs/a.txt", "alpha")
    (tmp_path / "empty").mkdir()
    started = tmp_path / "started"
    outcome = bare_headrace("run", "--base", tmp_path / "job", "--channel",
                            channel.format(tmp_path), "--", "touch", started)
    assert_one_line_error(outcome, code, words)
    assert not started.exists()


# --- augmented manifests ----------------------------------------------------------------------

AUGMENTED = "train=s3://box/m.jsonl,data-type=AugmentedManifestFile,attributes=source-ref,class"


def put_manifest(s3, text):
    s3.put_object(Bucket="box", Key="m.jsonl",
                  Body=text if isinstance(text, bytes) else text.encode())


def lines(*keys):
    return "".join(json.dumps({"class": number, "source-ref": f"s3://box/train/{key}", "x": {}})
                   + "\n" for number, key in enumerate(keys))


def test_an_augmented_manifest_becomes_files_and_a_manifest_of_paths(headrace, box, tmp_path):
    put_manifest(box, lines("03", "01"))
    headrace.ok("run", "--base", tmp_path / "job", "--channel", AUGMENTED, "--", "true")
    folder = tmp_path / "job/input/data/train"
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    assert [row["class"] for row in rows] == [0, 1]
    assert [(folder / row["source-ref"]).read_bytes() for row in rows] == [KEYS["03"], KEYS["01"]]
    assert len(read_tree(folder)) == 3


def test_an_augmented_manifest_s_attributes_are_the_records_of_a_pipe(headrace, box, tmp_path):
    put_manifest(box, lines("03", "01", "02"))
    seen = {}
    for rank in range(2):
        job = tmp_path / f"job-{rank}"
        headrace.ok("run", "--base", job, "--rank", rank, "--world-size", 2, "--channel",
                    AUGMENTED + ",mode=Pipe,record-wrapper=RecordIO,distribution=ShardedByS3Key",
                    "--", "sh", "-c", f"cat {job}/input/data/train_0 > {tmp_path}/seen-{rank}")
        with open(tmp_path / f"seen-{rank}", "rb") as stream:
            seen[rank] = list(records(stream))
    assert seen == {0: [KEYS["03"], b"0", KEYS["02"], b"2"], 1: [KEYS["01"], b"1"]}


@pytest.mark.parametrize("text,code,words", [
    (lines("00").replace('"', "'"), 2, "line 1: column 2: not JSON; JSON needs double quotes"),
    (lines("00", "01").replace("{}}", "{},}"), 2, "a comma too many"),
    (lines("00").encode("utf-16"), 2, "line 1: it is UTF-16"),
    ("\n\r\n", 2, "it is empty"),
    ("", 2, "it is empty"),
    (lines("00").replace("class", "Class"), 2, "attribute 'class' is not there"),
    (lines("00").replace("s3://", "https://"), 2, "'source-ref' must be the URI of an object"),
    (lines("00", "99"), 3, "line 2: no object s3://box/train/99"),
    ('[{"prefix": "s3://box/train/"}, "00"]', 2, "data-type=ManifestFile"),
    (b'{"source-ref": "' + b"x" * (17 << 20), 1, "line 1: it is longer than 16777216 bytes"),
])
def test_a_wrong_augmented_manifest_fails_first(headrace, box, tmp_path, text, code, words):
    put_manifest(box, text)
    started = tmp_path / "started"
    outcome = headrace("run", "--base", tmp_path / "job", "--channel", AUGMENTED, "--", "touch",
                       started)
    assert_one_line_error(outcome, code, words, "channel train", "s3://box/m.jsonl")
    assert not started.exists()
    assert read_tree(tmp_path / "job/input/data") == {}


def test_a_manifest_file_s_mistakes_fail_first(headrace, box, tmp_path):
    channel = "train=s3://box/m.jsonl,data-type=ManifestFile"
    for text, code, words in [
            ("[{'prefix': 's3://box/train/'}, '00']", 2, "JSON needs double quotes"),
            ('[{"prefix": "s3://box/train/"}, "00",]', 2, "a comma too many"),
            ('[{"prefix": "s3://box/train/"}, "00"]'.encode("utf-16"), 2, "UTF-16"),
            ("", 2, "it is empty"), ("[]", 2, "the first element must be"),
            ('[{"prefix": "s3://box/train/"}, "00", "99"]', 3, "no object s3://box/train/99")]:
        put_manifest(box, text)
        outcome = headrace("run", "--base", tmp_path / "job", "--channel", channel, "--", "true")
        assert_one_line_error(outcome, code, words, "channel train")


def test_a_check_finds_what_a_sample_does_not_and_runs_nothing(headrace, box, tmp_path):
    put_manifest(box, lines(*["00"] * 1200).replace('"class": 1100', '"Class": 1100'))
    arguments = ["run", "--base", tmp_path / "job", "--channel", AUGMENTED + ",shuffle-seed=1"]
    outcome = headrace(*arguments, "--check", "--", "touch", tmp_path / "started")
    assert_one_line_error(outcome, 2, "line 1101: attribute 'class' is not there")
    put_manifest(box, lines("00", "01"))
    shown = headrace.ok(*arguments, "--check", "--", "touch", tmp_path / "started")
    assert "channel train: 2 objects, 10 B" in shown.stderr
    assert not (tmp_path / "started").exists()
    assert read_tree(tmp_path / "job/input/data") == {}


# --- ranks ------------------------------------------------------------------------------------

SHARDED = "train=s3://box/train/,distribution=ShardedByS3Key"


def names_of(job):
    return sorted(read_tree(job / "input/data/train"))


@pytest.mark.parametrize("variables", [
    ("RANK", "WORLD_SIZE"), ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"), ("JOB_COMPLETION_INDEX", "JOB_COMPLETIONS")])
def test_a_launcher_s_ranks_share_a_channel_out(headrace, box, tmp_path, variables):
    shares = []
    for rank in range(3):
        headrace.variables.update(zip(variables, (str(rank), "3")))
        headrace.ok("run", "--base", f"{tmp_path}/job-{{rank}}", "--channel", SHARDED, "--", "true")
        shares.append(names_of(tmp_path / f"job-{rank}"))
    assert shares == [sorted(KEYS)[rank::3] for rank in range(3)]


def test_flags_say_the_rank_too(headrace, box, tmp_path):
    headrace.variables.update(RANK="0", WORLD_SIZE="2")
    headrace.ok("run", "--base", tmp_path / "job", "--rank", "3", "--world-size", "4",
                "--channel", SHARDED, "--", "true")
    assert names_of(tmp_path / "job") == sorted(KEYS)[3::4]


def test_sagemaker_s_file_says_the_hosts(headrace, box, tmp_path):
    config = write(tmp_path / "resourceconfig.json", """{"current_host": "algo-2",
        "hosts": ["algo-1", "algo-2"], "network_interface_name": "eth1"}""")
    shown = headrace.ok("run", "--base", tmp_path / "job", "--resource-config", config,
                        "--channel", SHARDED, "--", "sh", "-c", "echo $SM_CURRENT_HOST_RANK")
    assert shown.stdout == "1\n"
    assert names_of(tmp_path / "job") == sorted(KEYS)[1::2]


@pytest.mark.parametrize("arguments,words", [
    (["--rank", "1"], "--rank and --world-size need each other"),
    (["--rank", "2", "--world-size", "2"], "ranks count from 0"),
    (["--hosts", "a,b", "--current-host", "a"], "leave one of the two out"),
])
def test_ranks_that_cannot_be_are_refused(headrace, box, tmp_path, arguments, words):
    headrace.variables.update(RANK="1", WORLD_SIZE="2")
    outcome = headrace("run", "--base", tmp_path / "job", *arguments, "--channel", SHARDED, "--",
                       "true")
    assert_one_line_error(outcome, 2, words)


def test_each_rank_of_torchrun_sees_its_share(headrace, box, tmp_path):
    script = write(tmp_path / "train.py", """
import os, torch
import torch.distributed as dist
dist.init_process_group("gloo")
channel = os.environ["SM_CHANNEL_TRAIN"]
mine = sorted(os.listdir(channel))
everyone = [None] * dist.get_world_size()
dist.all_gather_object(everyone, mine)
assert mine == everyone[dist.get_rank()]
union = sorted(sum(everyone, []))
assert len(union) == len(set(union)) == 10, everyone
total = torch.tensor([len(mine)])
dist.all_reduce(total)
assert total.item() == 10
print("rank", dist.get_rank(), "has", len(mine))
dist.destroy_process_group()
""")
    torchrun = pathlib.Path(sys.executable).with_name("torchrun")
    outcome = subprocess.run(
        [torchrun, "--no-python", "--nproc-per-node", "2", "--standalone",
         PROGRAM, "run", "--base", f"{tmp_path}/job-{{rank}}",
         "--job-name", "two-{rank}", "--channel", SHARDED, "--", sys.executable, script],
        env=headrace.variables, capture_output=True, text=True, timeout=120, check=False)
    assert outcome.returncode == 0, outcome.stderr
    assert sorted(outcome.stdout.splitlines()) == ["rank 0 has 5", "rank 1 has 5"]


# --- outputs ----------------------------------------------------------------------------------


def test_an_output_that_may_not_be_written_fails_before_the_command(headrace, box, tmp_path,
                                                                     proxied):
    started = tmp_path / "started"

    def deny_uploads(request):
        return s3_error(403, "AccessDenied") if request.method == "POST" else None

    proxied(deny_uploads)
    outcome = headrace("run", "--base", tmp_path / "job", "--output", "s3://box/out", "--", "touch",
                       started)
    assert_one_line_error(outcome, 4, "output s3://box/out")
    assert not started.exists()


def test_trying_the_output_leaves_nothing_there(headrace, box, tmp_path):
    def keys():
        found = {entry["Key"] for entry in box.list_objects_v2(Bucket="box")["Contents"]}
        return {key for key in found if not key.endswith("/headrace-report.json")}

    before = keys()
    headrace.ok("run", "--base", tmp_path / "job", "--output", "s3://box/out", "--", "true")
    assert keys() == before
    assert "Uploads" not in box.list_multipart_uploads(Bucket="box")
