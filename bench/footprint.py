"""What the program costs apart from speed: peak memory of any transfer, and its start.

usage: bench/footprint.py [--rounds 5] [--large-gib 8]
"""
import argparse
import os
import pathlib
import shutil
import tempfile

import harness
from harness import Contestant, DATA, HEADRACE


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large-gib", type=int, default=8)
    options = parser.parse_args()
    buckets = DATA / "buckets"
    sparse = buckets / "sparse/object.bin"
    sparse.parent.mkdir(parents=True, exist_ok=True)
    size_bytes = options.large_gib << 30
    with open(sparse, "wb") as file:
        os.truncate(file.fileno(), size_bytes)
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="scratch-", dir=DATA))
    target = scratch / "object.bin"
    small = scratch / "small"
    harness.make_files(buckets / "small", 20_000, 40 * 1024)
    try:
        with harness.Server(buckets) as server:
            contestants = [
                Contestant(f"cp one {options.large_gib} GiB object down",
                           [HEADRACE, "cp", "--quiet", "s3://sparse/object.bin", target],
                           harness.empty(scratch), harness.holds(scratch, 1, size_bytes),
                           server.env),
                Contestant(f"cp one {options.large_gib} GiB object up",
                           [HEADRACE, "cp", "--quiet", sparse, "s3://sparse/copy"], env=server.env),
                Contestant(f"cat one {options.large_gib} GiB object",
                           [HEADRACE, "cat", "s3://sparse/object.bin"], env=server.env),
                Contestant("cp 20,000 objects of 40 KiB down",
                           [HEADRACE, "cp", "--recursive", "--quiet", "s3://small/", small],
                           harness.empty(small), harness.holds(small, 20_000, 40 * 1024),
                           server.env),
            ]
            moved = harness.summary(harness.race(contestants, 1), 1, "transfers")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.rmtree(sparse.parent, ignore_errors=True)
    start = harness.summary(
        harness.race([Contestant("headrace --version", [HEADRACE, "--version"]),
                      Contestant("true", ["/bin/true"])], options.rounds), 1, "starts")
    peak = max(row["rss_mib"] for row in moved)
    start_ms = 1000 / start[0]["rate"]
    harness.record("footprint", "bench/footprint.py", "Footprint", [
        {"title": "Transfers", "rows": moved},
        {"title": "Start", "rows": start}],
        [{"asked": "peak memory of any transfer at most 256 MiB plus the listing",
          "reached": f"{peak:.0f} MiB", "met": peak <= 258},
         {"asked": "headrace --version in under 20 ms", "reached": f"{start_ms:.0f} ms",
          "met": start_ms < 20}])


if __name__ == "__main__":
    main()
