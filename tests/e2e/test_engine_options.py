"""What the commands that bring objects are told about the engine."""
import json
import re
import subprocess

import pytest

from tests.conftest import PROGRAM, ROOT

MIB = 1 << 20


@pytest.fixture
def large_objects(s3):
    s3.create_bucket(Bucket="box")
    for index in range(4):
        s3.put_object(Bucket="box", Key=f"large/{index}", Body=bytes(48 * MIB))
    return "s3://box/large/"


def own_peak_bytes(headrace, *arguments):
    """The peak memory that `headrace bench` tells. A shell starts it: a process counts the peak of
    whoever started it as its own, and that of pytest is anything."""
    done = subprocess.run(["/bin/sh", "-c", '"$@"; exit $?', "sh", PROGRAM, "bench", *arguments],
                          env=headrace.variables, capture_output=True, timeout=60, check=True)
    return json.loads(done.stdout)["peak_memory_bytes"]


@pytest.mark.parametrize("mode", ["memory", "file"])
def test_memory_stays_below_the_budget_and_64_mib(headrace, large_objects, mode):
    peak = own_peak_bytes(headrace, large_objects, "--mode", mode, "--memory", "32MiB", "--json")
    assert peak <= (32 + 64) * MIB


def test_bytes_come_whole_through_a_budget_below_one_part(headrace, large_objects):
    out = headrace.ok("cat", "--memory", "1MiB", large_objects + "0", binary=True).stdout
    assert out == bytes(48 * MIB)


def test_without_verifying_no_checksum_is_asked_for(headrace, http_peer):
    url, requests = http_peer(lambda handler: (200, b"text"))
    assert headrace.ok("cat", "s3://box/key", "--endpoint-url", url).stdout == "text"
    assert headrace.ok("cat", "s3://box/key", "--endpoint-url", url, "--no-verify").stdout == "text"
    asked = ["x-amz-checksum-mode" in {name.lower() for name in headers}
             for _, _, headers in requests]
    assert asked == [True, True, False, False]


@pytest.mark.parametrize("flags", [["--memory", "0"], ["--memory", "much"],
                                   ["--target-throughput", "-1"], ["--target-throughput", "0"]])
def test_what_limits_nothing_is_exit_code_2(headrace, flags):
    assert headrace("cat", "s3://box/key", *flags).code == 2


def test_a_target_throughput_still_brings_everything(headrace, large_objects):
    told = headrace.ok("bench", large_objects, "--target-throughput", "500MB", "--json")
    told = told.json_lines()[0]
    assert told["samples"] == 4 and told["bytes"] == 4 * 48 * MIB
    assert told["engine"]["headrace_fetch_first_byte_seconds"]["count"] > 4


def section_of_docs(title):
    return (ROOT / "docs/cli.md").read_text().split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_the_docs_tell_the_options_that_the_commands_have(bare_headrace):
    section = section_of_docs("Engine options")
    flags = re.findall(r"^\| `(--[a-z-]+)", section, re.MULTILINE)
    commands = re.findall(r"`([a-z]+)`", section.split(" bring objects")[0])
    assert len(flags) == 3 and len(commands) == 6
    for command in commands:
        own = bare_headrace.ok(command, "--help").stdout
        assert [flag for flag in flags if flag not in own] == [], command


def test_the_docs_tell_no_option_that_bench_does_not_have(bare_headrace):
    flags = re.findall(r"`(--[a-z-]+)", section_of_docs("bench"))
    own = bare_headrace.ok("bench", "--help").stdout
    assert [flag for flag in flags if flag not in own] == []
