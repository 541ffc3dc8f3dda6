"""Pipe mode against a bare loop and against memory mode; RecordIO from small objects; planning and
parsing.

usage: bench/pipe.py [--rounds 5] [--shards 32] [--small 20000] [--objects 10000000]
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

import harness
from harness import Contestant, DATA, HEADRACE, ROOT

MIB = 1 << 20
SHARD_BYTES = 128 * MIB
RANGE_BYTES = 8 * MIB
SMALL_BYTES = 40 * 1024
FLOOR = ROOT / "build/bench/pipe_floor"


def pipe_mode(base, channel):
    """A job whose command reads the channel's first epoch to its end and drops it."""
    return [HEADRACE, "run", "--quiet", "--fresh", "--base", base, "--channel", f"train={channel}",
            "--", FLOOR, "drain", base / "input/data/train_0"]


class OwnFigure:
    """A contestant that says itself how fast it was, without its start and listing. `rate_of` finds
    the bytes per second in what it leaves in the file `report`."""

    def __init__(self, name, command, report, rate_of, prepare, env):
        self.rates = []

        def take():
            self.rates.append(rate_of(json.loads(report.read_text())))

        self.contestant = Contestant(name, command, prepare, take, env)

    def row(self, row, unit_bytes, **changes):
        rates = [rate / unit_bytes for rate in self.rates[1:]]
        return {**row, "rate": statistics.median(rates), "rate_min": min(rates),
                "rate_max": max(rates), **changes}


def measured_pipe_mode(base, env):
    return OwnFigure(
        "headrace run, Pipe mode", pipe_mode(base, "s3://shards/,mode=Pipe"),
        base / "output/headrace-report.json",
        lambda report: report["channels"][0]["bytes"] / report["seconds"]["command"],
        harness.empty(base), env)


def memory_mode(uri, report, env):
    return OwnFigure(
        "headrace bench --mode memory",
        ["sh", "-c", 'exec "$0" bench "$1" --mode memory --json >"$2"', HEADRACE, uri, report],
        report, lambda found: found["bytes_per_second"], None, env)


def bare_loop(server, scratch, shards, source):
    """The same ranges over one connection into a FIFO, read by the same reader."""
    lines = [f"/shards/{path.relative_to(source)} {first} {first + RANGE_BYTES - 1}"
             for path in shards for first in range(0, SHARD_BYTES, RANGE_BYTES)]
    ranges = scratch / "ranges.txt"
    ranges.write_text("\n".join(lines) + "\n")
    fifo = scratch / "bare_0"

    def prepare():
        fifo.unlink(missing_ok=True)
        os.mkfifo(fifo)

    script = '"$0" drain "$3" & "$0" feed "$1" "$2" "$3" && wait $!'
    return Contestant("bare loop into a FIFO",
                      ["sh", "-c", script, FLOOR, server.url, ranges, fifo], prepare)


def large_shards(server, scratch, source, rounds):
    shards = sorted(source.rglob("*.bin"))
    pipe = measured_pipe_mode(scratch / "job", server.env)
    memory = memory_mode("s3://shards/", scratch / "memory.json", server.env)
    runs = harness.race([pipe.contestant, bare_loop(server, scratch, shards, source),
                         memory.contestant], rounds)
    rows = harness.summary(runs, len(shards) * SHARD_BYTES / (1 << 30), "GiB")
    rows[2] = memory.row(rows[2], 1 << 30)
    rows.append(pipe.row(rows[0], 1 << 30, name="headrace run, Pipe mode, its command alone"))
    return rows


def small_records(server, scratch, count, rounds):
    channel = "s3://small/,mode=Pipe,record-wrapper=RecordIO"
    runs = harness.race([Contestant("headrace run, Pipe mode, RecordIO",
                                    pipe_mode(scratch / "job", channel),
                                    harness.empty(scratch / "job"), env=server.env)], rounds)
    return harness.summary(runs, count, "records")


def told(*command):
    """What one of our programs prints as a line of JSON."""
    return json.loads(subprocess.run([str(word) for word in command], check=True,
                                     capture_output=True, text=True).stdout)


def streams(options):
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="headrace-bench-", dir="/dev/shm"))
    buckets = DATA / "buckets"
    harness.make_files(buckets / "shards", options.shards, SHARD_BYTES)
    harness.make_files(buckets / "small", options.small, SMALL_BYTES)
    try:
        with harness.Server(buckets, "--anonymous") as server:
            return (large_shards(server, scratch, buckets / "shards", options.rounds),
                    small_records(server, scratch, options.small, options.rounds))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def rate_row(name, rate):
    return {"name": name, "rate": rate / 1e9, "rate_min": rate / 1e9, "rate_max": rate / 1e9,
            "unit": "GB/s", "cpu_s": 0.0, "rss_mib": 0.0}


def bars_of(large, small, plan, parse):
    # Whole processes; and what both say of themselves, without their start and listing.
    bare, memory = large[0]["rate"] / large[1]["rate"], large[3]["rate"] / large[2]["rate"]
    bars = [
        {"asked": "shards of 128 MiB: at least 0.9 x a bare loop into a FIFO",
         "reached": f"{bare:.2f} x", "met": bare >= 0.9},
        {"asked": "the same: at least 0.6 x memory mode", "reached": f"{memory:.2f} x",
         "met": memory >= 0.6},
        {"asked": "40 KiB objects as RecordIO: at least 10,000 records/s",
         "reached": f"{small[0]['rate']:.0f} records/s", "met": small[0]["rate"] >= 10_000},
        {"asked": f"{plan['objects']:,} objects: first read planned in under 50 ms",
         "reached": f"{plan['first_read_s'] * 1e3:.3f} ms", "met": plan["first_read_s"] < 0.05},
        {"asked": "the same: under 1 us per position",
         "reached": f"{plan['position_s'] * 1e9:.0f} ns",
         "met": plan["position_s"] < 1e-6},
    ]
    for name, found in parse.items():
        ratio = found["parse_bytes_per_s"] / found["memcpy_bytes_per_s"]
        bars.append({"asked": f"parsing {name}, 100 KiB records: at least 0.5 x memcpy",
                     "reached": f"{ratio:.2f} x", "met": ratio >= 0.5})
    return bars


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--shards", type=int, default=32)
    parser.add_argument("--small", type=int, default=20_000)
    parser.add_argument("--objects", type=int, default=10_000_000)
    options = parser.parse_args()
    large, small = streams(options)
    plan = told(ROOT / "build/bench/plan_epoch", options.objects)
    parse = told(ROOT / "build/bench/parse_records", options.rounds)
    parsed = [rate_row(f"{kind} {name}", found[f"{field}_bytes_per_s"])
              for name, found in parse.items()
              for kind, field in (("parse", "parse"), ("memcpy of the same", "memcpy"))]
    command = " ".join(["bench/pipe.py", *sys.argv[1:]])
    harness.record("pipe", command, "Pipe mode", [
        {"title": f"{options.shards} shards of 128 MiB, read and dropped", "rows": large,
         "note": "The first two are whole processes with their readers; the last two figures are "
                 "their own, without start and listing. The server runs on the same cores."},
        {"title": f"{options.small:,} objects of 40 KiB as RecordIO", "rows": small},
        {"title": "Records of 100 KiB in memory, one thread", "rows": parsed,
         "note": "Medians of the program's own rounds; TFRecord with both checksums."}],
        bars_of(large, small, plan, parse))


if __name__ == "__main__":
    main()
