"""The examples of docs/channels.md, run as they stand: each `sh` block, and the job file.

They talk about a bucket `stamps` and a script `train.py`; both are made here. The script reads
every channel the way the page says and writes what it saw.
"""
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

from tests.conftest import PROGRAM, ROOT
from tests.e2e.files import content, put_all

PAGE = (ROOT / "docs/channels.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
OBJECTS = {f"{folder}/{i}.png": content(i, 10_000) for folder in ("train", "shards")
           for i in range(3)}

# `epochs` is the page's own reader of a Pipe channel.
SCRIPT = "\n".join(text for language, text in BLOCKS if language == "python") + """
import json, pathlib
seen = {}
for channel, config in json.loads(os.environ["SM_INPUT_DATA_CONFIG"]).items():
    if config["TrainingInputMode"] == "Pipe":
        seen[channel] = [len(pipe.read()) for pipe in epochs(channel, 2)]
    else:
        folder = pathlib.Path(os.environ["SM_CHANNEL_" + channel.upper()])
        seen[channel] = sorted(path.name for path in folder.rglob("*") if path.is_file())
pathlib.Path(os.environ["SM_MODEL_DIR"], "seen.json").write_text(json.dumps(seen))
pathlib.Path(os.environ["SM_INPUT_DIR"], "seen.json").write_text(json.dumps(seen))
"""


def blocks(language):
    found = [text for name, text in BLOCKS if name == language]
    assert found, f"docs/channels.md has no {language} block"
    return found


@pytest.fixture
def sh(tmp_path, server, s3, headrace):
    """Runs text as a user would who has headrace and python3 on their path; what the script saw."""
    put_all(s3, "stamps", OBJECTS)
    (headrace.home / "train.py").write_text(SCRIPT)
    places = [PROGRAM.parent, pathlib.Path(sys.executable).parent, os.environ["PATH"]]
    variables = {**headrace.variables, "PATH": ":".join(map(str, places))}

    def run(text):
        done = subprocess.run(["sh", "-e", "-c", text], cwd=headrace.home, env=variables,
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
        return json.loads((headrace.home / "job/input/seen.json").read_text())

    return run


@pytest.mark.parametrize("text", blocks("sh"))
def test_a_command_of_the_page_does_what_it_shows(sh, text):
    seen = sh(text)
    assert seen, "the script saw no channel"
    for channel, found in seen.items():
        assert found in ([30_000, 30_000], ["0.png", "1.png", "2.png"]), (channel, found)


def test_the_job_file_of_the_page_is_one(sh, headrace):
    (headrace.home / "job.toml").write_text(blocks("toml")[0])
    assert sh("headrace run job.toml") == {"training": ["0.png", "1.png", "2.png"]}
