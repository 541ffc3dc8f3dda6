"""`headrace run` as a user and a training script see it: docs/channels.md, sentence by sentence."""
import io
import json
import os
import signal
import subprocess
import sys
import tarfile

import pytest

from tests.e2e.fault_proxy import s3_error
from tests.e2e.files import (assert_one_line_error, content, put_all, read_bucket, read_tree, write)

FILES = {"a.txt": b"alpha", "deep/er/b.bin": content(1, 300_000), "empty": b""}


@pytest.fixture
def job(tmp_path):
    """The base directory of the test's job."""
    return tmp_path / "job"


@pytest.fixture
def box(s3):
    """A bucket `box` with FILES below train/, a folder marker, a neighbour and a bucket `out`."""
    put_all(s3, "box", {f"train/{name}": data for name, data in FILES.items()})
    put_all(s3, "out", {})
    s3.put_object(Bucket="box", Key="train/deep/", Body=b"")
    s3.put_object(Bucket="box", Key="training2/c.txt", Body=b"neighbour")
    return s3


def python(script):
    return [sys.executable, "-c", script]


DUMP = "import json, os, sys; json.dump(dict(os.environ), open(sys.argv[1], 'w'))"


def variables_of(headrace, target, *arguments):
    """The command's environment."""
    headrace.ok("run", *arguments, "--", sys.executable, "-c", DUMP, target)
    return json.loads(target.read_text())


def objects_read(proxy):
    """Paths of the objects whose bytes were asked for, once per request."""
    return sorted(request.path for request in proxy.requests
                  if request.method == "GET" and "list-type" not in request.query)


# --- the command line -------------------------------------------------------------------------


def test_what_follows_the_dashes_reaches_the_command_untouched(bare_headrace, job):
    words = ["--channel", "x", "--help", "--", "", "[a,b]", "{}", "two words", "cp", "-q", "é"]
    shown = bare_headrace.ok("run", "--base", job, "--", *python(
        "import json, sys; print(json.dumps(sys.argv[1:]))"), *words)
    assert json.loads(shown.stdout) == words


def test_hyperparameters_are_arguments_when_asked_for(bare_headrace, job):
    """A script that parses --epochs, as SageMaker calls it, trains with what the job says."""
    shown = bare_headrace.ok("run", "--base", job, "--hyperparameter", "lr=0.5",
                             "--hyperparameter", "epochs=3", "--pass-hyperparameters", "--",
                             *python("import sys; print(sys.argv[1:])"), "own")
    assert shown.stdout.strip() == "['own', '--epochs', '3', '--lr', '0.5']"


def test_a_command_without_dashes_is_explained(bare_headrace, job):
    outcome = bare_headrace("run", "--base", job, "python3", "train.py")
    assert outcome.code == 2
    assert "write the command after --" in outcome.stderr
    assert not job.exists()


def test_every_channel_of_a_repeated_flag_is_there(headrace, box, job):
    headrace.ok("run", "--base", job, "--channel", "one=s3://box/train/",
                "--channel", "two=s3://box/training2/", "--", "true")
    assert read_tree(job / "input/data/one") == FILES
    assert read_tree(job / "input/data/two") == {"c.txt": b"neighbour"}


def test_a_job_file_says_what_flags_say(headrace, box, job, tmp_path):
    by_flags = variables_of(
        headrace, tmp_path / "flags.json", "--base", job, "--job-name", "same", "--channel",
        "training=s3://box/train/,content-type=text/plain", "--hyperparameter", "epochs=3",
        "--hyperparameter", "name=x", "--env", "COLOUR=blue", "--hosts", "algo-1,algo-2")
    configs = read_tree(job / "input/config")
    file = write(tmp_path / "job.toml", f"""
name = "same"
base = "{job}"
command = {json.dumps([sys.executable, "-c", DUMP, str(tmp_path / "file.json")])}
hosts = ["algo-1", "algo-2"]
[channels.training]
uri = "s3://box/train/"
content-type = "text/plain"
[hyperparameters]
epochs = 3
name = "x"
[environment]
COLOUR = "blue"
""")
    headrace.ok("run", file)
    by_file = json.loads((tmp_path / "file.json").read_text())
    assert by_file == by_flags
    assert read_tree(job / "input/config") == configs
    # Flags win, the command too.
    changed = variables_of(headrace, tmp_path / "both.json", file, "--hyperparameter", "epochs=9")
    assert (changed["SM_HP_EPOCHS"], changed["SM_HP_NAME"]) == ("9", "x")


# --- the contract -----------------------------------------------------------------------------


def test_the_tree_holds_the_channel_and_the_three_files(headrace, box, job):
    headrace.ok("run", "--base", job, "--channel", "training=s3://box/train/,content-type=a/b",
                "--hyperparameter", "lr=0.1", "--hyperparameter", "tags=[1, 2]", "--", "true")
    assert read_tree(job / "input/data/training") == FILES
    for folder in ("model", "output/data", "code"):
        assert (job / folder).is_dir()
    config = {name: json.loads(text) for name, text in read_tree(job / "input/config").items()}
    assert config == {
        "hyperparameters.json": {"lr": "0.1", "tags": "[1, 2]"},
        "inputdataconfig.json": {"training": {
            "ContentType": "a/b", "TrainingInputMode": "File",
            "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}},
        "resourceconfig.json": {
            "current_host": "algo-1", "hosts": ["algo-1"], "current_instance_type": "local",
            "current_group_name": "homogeneousCluster", "network_interface_name": "eth0",
            "instance_groups": [{"instance_group_name": "homogeneousCluster",
                                 "instance_type": "local", "hosts": ["algo-1"]}]},
    }


def test_the_script_sees_the_contract_s_variables(headrace, box, job, tmp_path):
    headrace.variables["SM_CHANNEL_STALE"] = headrace.variables["SM_HP_STALE"] = "of another job"
    seen = variables_of(headrace, tmp_path / "seen.json", "--base", job, "--job-name", "j-1",
                        "--channel", "my-data=s3://box/train/", "--hyperparameter", "lr=0.1",
                        "--hyperparameter", "layers=[1, 2]", "--hyperparameter", "word=é",
                        "--env", "COLOUR=blue")
    expected = {
        "SM_CHANNELS": '["my-data"]',
        "SM_CHANNEL_MY-DATA": f"{job}/input/data/my-data",
        "SM_HPS": '{"layers":[1,2],"lr":0.1,"word":"\\u00e9"}',
        "SM_HP_LR": "0.1", "SM_HP_LAYERS": "[1,2]", "SM_HP_WORD": "é",
        "SM_USER_ARGS": '["--layers","[1, 2]","--lr","0.1","--word","\\u00e9"]',
        "SM_MODEL_DIR": f"{job}/model", "SM_OUTPUT_DIR": f"{job}/output",
        "SM_OUTPUT_DATA_DIR": f"{job}/output/data", "SM_INPUT_DIR": f"{job}/input",
        "SM_INPUT_CONFIG_DIR": f"{job}/input/config", "SM_HOSTS": '["algo-1"]',
        "SM_CURRENT_HOST": "algo-1", "SM_NUM_CPUS": str(os.cpu_count()),
        "SM_NETWORK_INTERFACE_NAME": "eth0", "SM_LOG_LEVEL": "20",
        "TRAINING_JOB_NAME": "j-1", "SAGEMAKER_REGION": "us-east-1", "COLOUR": "blue",
    }
    assert {name: seen.get(name) for name in expected} == expected
    assert not {"SM_CHANNEL_STALE", "SM_HP_STALE"} & set(seen)
    training = json.loads(seen["SM_TRAINING_ENV"])
    assert training["channel_input_dirs"] == {"my-data": f"{job}/input/data/my-data"}
    assert training["hyperparameters"] == {"lr": 0.1, "layers": [1, 2], "word": "é"}


def test_the_sagemaker_training_toolkit_reads_the_tree(headrace, box, job):
    """AWS's own library, in a script, agrees with every variable it knows."""
    script = """
import json, os
from sagemaker_training import environment
env = environment.Environment()
theirs = env.to_env_vars()
told, known = (json.loads(place["SM_TRAINING_ENV"]) for place in (os.environ, theirs))
print(json.dumps({
    "differ": [name for name, value in theirs.items()
               if name != "SM_TRAINING_ENV" and os.environ.get(name) != value],
    "told": told,
    "known": known,
    "count": len(theirs),
    "channels": dict(env.channel_input_dirs),
    "hyperparameters": dict(env.hyperparameters),
    "hosts": env.hosts,
    "mode": env.input_data_config["training"]["TrainingInputMode"],
}))
"""
    shown = headrace.ok("run", "--base", job, "--channel", "training=s3://box/train/",
                        "--hyperparameter", "lr=0.1", "--hyperparameter", "name=x",
                        "--hyperparameter", "sagemaker_program=train.py",
                        "--hyperparameter", "sagemaker_submit_directory=/elsewhere",
                        "--hyperparameter", "sagemaker_container_log_level=10", "--",
                        *python(script))
    seen = json.loads(shown.stdout.splitlines()[-1])
    assert seen["differ"] == []
    assert seen["told"] == seen["known"]
    assert seen["count"] > 20
    assert seen["channels"] == {"training": f"{job}/input/data/training"}
    assert seen["hyperparameters"] == {"lr": 0.1, "name": "x"}
    assert (seen["hosts"], seen["mode"]) == (["algo-1"], "File")


def test_a_prefix_is_a_string_and_a_key_may_be_the_channel(headrace, box, job):
    headrace.ok("run", "--base", job, "--channel", "all=s3://box/train",
                "--channel", "one=s3://box/train/a.txt", "--", "true")
    assert "training2/c.txt" in read_tree(job / "input/data/all")
    assert read_tree(job / "input/data/one") == {"a.txt": b"alpha"}


def test_a_sharded_channel_is_split_over_the_hosts(headrace, s3, tmp_path):
    put_all(s3, "box", {f"n/{number}": str(number) for number in range(7)})
    shares = []
    for host in ("algo-1", "algo-2"):
        base = tmp_path / host
        headrace.ok("run", "--base", base, "--hosts", "algo-2,algo-1", "--current-host", host,
                    "--channel", "n=s3://box/n/,distribution=ShardedByS3Key", "--", "true")
        shares.append(sorted(read_tree(base / "input/data/n")))
    assert shares == [["0", "2", "4", "6"], ["1", "3", "5"]]


# --- the command's end ------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 1, 42])
def test_the_exit_code_is_the_command_s(bare_headrace, job, code):
    outcome = bare_headrace("run", "--base", job, "--", "sh", "-c", f"echo seen; exit {code}")
    assert (outcome.code, outcome.stdout) == (code, "seen\n")
    assert (job / "output/failure").exists() == (code != 0)
    assert outcome.stderr.count(f"code {code}") == (code != 0)  # Said once.


def test_a_killed_command_gives_137_and_a_reason(bare_headrace, job):
    outcome = bare_headrace("run", "--base", job, "--", "sh", "-c", "kill -KILL $$")
    assert outcome.code == 137
    assert "signal 9" in (job / "output/failure").read_text()


def test_the_command_s_own_failure_text_is_kept_and_shown(bare_headrace, job):
    outcome = bare_headrace("run", "--base", job, "--", "sh", "-c",
                            'printf "loss is NaN" >"$SM_OUTPUT_FAILURE"; exit 7')
    assert outcome.code == 7
    assert (job / "output/failure").read_text() == "loss is NaN"
    assert "loss is NaN" in outcome.stderr


@pytest.mark.parametrize("executable, code", [("no-such-command", 127), ("./plain.txt", 126)])
def test_a_command_that_cannot_run_fails_before_anything_else(bare_headrace, job, executable, code):
    write(bare_headrace.home / "plain.txt")
    outcome = bare_headrace("run", "--base", job, "--channel", "training=s3://box/train/", "--",
                            executable)
    assert_one_line_error(outcome, code, executable)
    assert not job.exists()


WAIT = "import signal; print('ready', flush=True); signal.pause()"


def started(headrace, job, script, *arguments):
    """A running job whose command has printed a line."""
    process = headrace.start("run", "--base", job, *arguments, "--", *python(script))
    assert process.stdout.readline() == b"ready\n", process.stderr.read()
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_signals_reach_the_command_and_its_code_is_kept(bare_headrace, job, number):
    with started(bare_headrace, job, f"""
import os, signal
def end(number, frame):
    os.write(1, b"%d\\n" % number)
    os._exit(5)
signal.signal({int(number)}, end)
os.write(1, b"ready\\n")
while True: signal.pause()
""") as process:
        process.send_signal(number)
        out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (5, f"{int(number)}\n".encode())


def test_a_command_without_a_handler_ends_as_the_signal_says(bare_headrace, job):
    with started(bare_headrace, job, WAIT) as process:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM


def test_a_command_that_ignores_the_request_is_killed_after_the_grace(bare_headrace, job):
    with started(bare_headrace, job, """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
while True: signal.pause()
""", "--stop-grace", "0.2") as process:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 137


def test_nothing_of_the_command_outlives_it(bare_headrace, job):
    outcome = bare_headrace("run", "--base", job, "--", "sh", "-c",
                            "sleep 1000 >/dev/null 2>&1 & echo $!")
    assert outcome.code == 0
    state = subprocess.run(["ps", "-o", "stat=", "-p", outcome.stdout.strip()],
                           capture_output=True, text=True).stdout.strip()
    assert state == "" or state.startswith("Z")


@pytest.mark.parametrize("ending, grace, last_words", [
    ("os.write(1, b'saved'); os._exit(0)", "60", b"saved"),  # It saves its work.
    ("pass", "0.2", b""),  # It does not stop.
])
def test_the_command_of_a_killed_runner_is_ended(bare_headrace, job, ending, grace, last_words):
    script = f"""
import os, signal
def stop(*_):
    {ending}
signal.signal(signal.SIGTERM, stop)
os.write(1, b"ready\\n")
while True: signal.pause()
"""
    process = bare_headrace.start("run", "--base", job, "--stop-grace", grace, "--", "sh", "-c",
                                  '"$@"; echo the shell went on', "sh", *python(script))
    with process:
        assert process.stdout.readline() == b"ready\n"
        process.kill()
        # The end of its output is the end of all that could have written to it.
        out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (-signal.SIGKILL, last_words)
    bare_headrace.ok("run", "--base", job, "--", "true")  # Nobody holds the tree.


# --- outputs ----------------------------------------------------------------------------------

SAVE = """
import os, sys
os.makedirs(os.environ["SM_MODEL_DIR"] + "/sub")
open(os.environ["SM_MODEL_DIR"] + "/sub/weights.bin", "wb").write(bytes(range(256)) * 4000)
open(os.environ["SM_OUTPUT_DATA_DIR"] + "/metrics.json", "w").write("{}")
sys.exit(int(sys.argv[1]))
"""


@pytest.mark.parametrize("code", [0, 3])
def test_outputs_are_archives_that_tar_reads(headrace, box, job, code):
    outcome = headrace("run", "--base", job, "--job-name", "j1", "--output", "s3://out/jobs",
                       "--", *python(SAVE), code)
    assert outcome.code == code, outcome
    uploaded = read_bucket(box, "out")
    assert sorted(uploaded) == ["jobs/j1/output/headrace-report.json",
                                "jobs/j1/output/model.tar.gz", "jobs/j1/output/output.tar.gz"]
    assert "s3://out/jobs/j1/output/model.tar.gz" in outcome.stderr
    with tarfile.open(fileobj=io.BytesIO(uploaded["jobs/j1/output/model.tar.gz"])) as model:
        assert sorted(model.getnames()) == ["sub", "sub/weights.bin"]
        assert model.extractfile("sub/weights.bin").read() == bytes(range(256)) * 4000
    listed = subprocess.run(["tar", "-tzf", "-"], input=uploaded["jobs/j1/output/output.tar.gz"],
                            capture_output=True, check=True)
    assert listed.stdout == b"metrics.json\n"


def test_empty_outputs_upload_nothing(headrace, box, job):
    headrace.ok("run", "--base", job, "--job-name", "j1", "--output", "s3://out/jobs", "--", "true")
    assert list(read_bucket(box, "out")) == ["jobs/j1/output/headrace-report.json"]


def test_uncompressed_outputs_are_plain_objects(headrace, box, job):
    outcome = headrace.ok("run", "--base", job, "--job-name", "j1", "--output", "s3://out/jobs",
                          "--output-compression", "NONE", "--", *python(SAVE), 0)
    uploaded = read_bucket(box, "out")
    assert uploaded.pop("jobs/j1/output/headrace-report.json")
    assert uploaded == {"jobs/j1/output/model/sub/weights.bin": bytes(range(256)) * 4000,
                        "jobs/j1/output/data/metrics.json": b"{}"}
    assert "s3://out/jobs/j1/output/model/" in outcome.stderr


def test_the_report_says_what_the_run_moved(headrace, box, job, proxied):
    failures = [2]

    def script(request):
        if request.path != "/box/train/a.txt" or not failures[0]:
            return None
        failures[0] -= 1
        return s3_error(503, "SlowDown")

    proxied(script, attempts=4)
    outcome = headrace("run", "--base", job, "--job-name", "j1", "--output", "s3://out/jobs",
                       "--channel", "training=s3://box/train/", "--", *python(SAVE), 3)
    assert outcome.code == 3, outcome
    text = (job / "output/headrace-report.json").read_bytes()
    assert read_bucket(box, "out")["jobs/j1/output/headrace-report.json"] == text
    report = json.loads(text)
    assert (report["format"], report["version"]) == ("headrace-run-report", 1)
    assert (report["exit_code"], report["failure"]) == (3, "the command exited with code 3")
    assert report["succeeded"] is False
    [channel] = report["channels"]
    assert (channel["name"], channel["objects"], channel["bytes"]) == (
        "training", len(FILES), sum(map(len, FILES.values())))
    assert [output["name"] for output in report["outputs"]] == ["model.tar.gz", "output.tar.gz"]
    assert report["retries"]["throttled"] == channel["retries"] == 2
    assert "2 requests sent again (2 throttled)" in outcome.stderr
    assert all(seconds >= 0 for seconds in report["seconds"].values())


def test_a_command_that_runs_too_long_is_stopped(bare_headrace, job):
    outcome = bare_headrace("run", "--base", job, "--max-runtime", "200ms", "--", *python(WAIT))
    assert outcome.code == 124, outcome
    assert "--max-runtime" in (job / "output/failure").read_text()


def test_an_earlier_job_s_model_is_not_taken_for_this_one_s(headrace, box, job):
    command = ("run", "--base", job, "--job-name", "j1", "--output", "s3://out", "--",
               *python(SAVE), 0)
    headrace.ok(*command)
    assert_one_line_error(headrace(*command), 6, f"{job}/model", "--fresh")
    headrace.ok("run", "--fresh", *command[1:])


# --- what fails before the command starts -----------------------------------------------------


@pytest.mark.parametrize("channel, code, words", [
    ("training=s3://box/nothing/", 3, ["training", "s3://box/nothing/"]),
    ("training=s3://no-such-bucket/x", 3, ["training", "no-such-bucket"]),
    ("training=s3://box/nothing/,mode=Pipe", 3, ["training", "s3://box/nothing/"]),
    ("training=s3://box/train/,mode=Pipe,resume=3", 2, ["training", "EPOCH:POSITION"]),
    ("training=s3://box/train/,mode=FastFile", 2, ["training", "mode FastFile"]),
    ("training=s3://box/none.json,data-type=ManifestFile", 3, ["training", "s3://box/none.json"]),
    ("training=s3://box/train/,compression=Gzip", 2, ["training", "Gzip", "Pipe"]),
    ("training=s3://box/train/,shuffle-seed=one", 2, ["training", "shuffle-seed"]),
    ("training=https://box/train/", 2, ["training", "https://box/train/"]),
    ("a/b=s3://box/train/", 2, ["a/b"]),
])
def test_a_channel_that_cannot_be_fails_first(headrace, box, job, tmp_path, channel, code, words):
    outcome = headrace("run", "--base", job, "--channel", channel, "--", "touch",
                       tmp_path / "started")
    assert_one_line_error(outcome, code, *words)
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("keys, word", [
    (["p/x", "p/x/y"], "p/x"),
    (["p/../escape"], "p/../escape"),
    (["p//x"], "p//x"),
    (["p/" + "n" * 256], "nnn"),
])
def test_a_key_that_is_no_file_fails_first(bare_headrace, job, tmp_path, http_peer, keys, word):
    entries = "".join(
        f"<Contents><Key>{key}</Key><Size>1</Size><ETag>\"e\"</ETag>"
        "<LastModified>2024-01-01T00:00:00.000Z</LastModified></Contents>" for key in keys)
    listing = f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>"
    url, _ = http_peer(lambda handler: (200, listing.encode()))
    outcome = bare_headrace("run", "--base", job, "--channel", "training=s3://box/p/", "--",
                            "touch", tmp_path / "started",
                            env={"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "a",
                                 "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"})
    assert_one_line_error(outcome, 2, "training", word)
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("variables", [{"AWS_SECRET_ACCESS_KEY": "wrong-secret"},
                                       {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}])
def test_wrong_or_missing_credentials_fail_first(headrace, box, job, tmp_path, variables):
    outcome = headrace("run", "--base", job, "--channel", "training=s3://box/train/", "--",
                       "touch", tmp_path / "started", env=variables)
    assert_one_line_error(outcome, 4, "training")
    assert "wrong-secret" not in outcome.stderr
    assert not (tmp_path / "started").exists()


def test_a_job_file_that_cannot_be_read_is_none(bare_headrace, job, tmp_path):
    (tmp_path / "job.toml").mkdir()
    outcome = bare_headrace("run", tmp_path / "job.toml", "--base", job, "--", "touch",
                            tmp_path / "started")
    assert_one_line_error(outcome, 2, str(tmp_path / "job.toml"), "Is a directory")
    assert not (tmp_path / "started").exists()


def test_a_missing_output_bucket_fails_first(headrace, box, job, tmp_path):
    outcome = headrace("run", "--base", job, "--output", "s3://nowhere-to-be/x", "--", "touch",
                       tmp_path / "started")
    assert_one_line_error(outcome, 3, "nowhere-to-be")
    assert not (tmp_path / "started").exists()


def test_a_file_that_is_not_the_channel_s_is_told(headrace, box, job):
    write(job / "input/data/training/stray.txt")
    outcome = headrace("run", "--base", job, "--channel", "training=s3://box/train/", "--", "true")
    assert_one_line_error(outcome, 6, "stray.txt")


# --- running it again -------------------------------------------------------------------------


def test_a_rerun_downloads_no_finished_file_again(headrace, box, job, proxied):
    proxy = proxied(lambda request: None)
    command = ("run", "--base", job, "--channel", "training=s3://box/train/", "--", "true")
    headrace.ok(*command)
    # An empty object needs no request of its own.
    assert {"/box/train/a.txt", "/box/train/deep/er/b.bin"} <= set(objects_read(proxy))
    proxy.requests.clear()
    headrace.ok(*command)
    assert objects_read(proxy) == []
    box.put_object(Bucket="box", Key="train/a.txt", Body=b"a longer alpha")
    headrace.ok(*command)
    assert objects_read(proxy) == ["/box/train/a.txt"]
    assert (job / "input/data/training/a.txt").read_bytes() == b"a longer alpha"


def test_a_failed_download_starts_no_command_and_goes_on_later(headrace, box, job, tmp_path,
                                                              proxied):
    broken = [True]

    def script(request):
        if broken[0] and request.path == "/box/train/deep/er/b.bin":
            return s3_error(503, "SlowDown")
        return None

    proxy = proxied(script)
    command = ("run", "--base", job, "--channel", "training=s3://box/train/", "--", "touch",
               tmp_path / "started")
    assert_one_line_error(headrace(*command), 7, "training", "train/deep/er/b.bin")
    assert not (tmp_path / "started").exists()
    assert "b.bin" in (job / "output/failure").read_text()
    broken[0] = False
    proxy.requests.clear()
    headrace.ok(*command)
    assert "/box/train/a.txt" not in objects_read(proxy)
    assert read_tree(job / "input/data/training") == FILES


def test_two_jobs_do_not_share_a_tree(bare_headrace, job):
    with started(bare_headrace, job, WAIT) as process:
        outcome = bare_headrace("run", "--base", job, "--", "true")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert_one_line_error(outcome, 7, "another job")
