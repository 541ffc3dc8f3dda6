#!/usr/bin/env python3
"""Outputs of a job: a model folder of 2 GiB on its way to the output URI, packed and as it is.

What is asked is memory: at most 128 MiB resident, whatever the folder's size. The rates are those
of one processor's zlib, and of the server on the same machine.
usage: bench/outputs.py [--size-mib 2048]
"""
import argparse
import shutil

import harness

RESIDENT_MIB_MAX = 128
FILE_MIB = 256


def link_model(source, base):
    """An empty tree beside the data, into which the command links it: nothing is copied."""
    def prepare():
        shutil.rmtree(base, ignore_errors=True)
        base.mkdir(parents=True)
    return prepare, ["cp", "-rl", f"{source}/.", f"{base}/model/"]


def uploaded_bytes(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size-mib", type=int, default=2048)
    size_mib = parser.parse_args().size_mib
    source = harness.DATA / f"model-{size_mib}"
    harness.make_files(source, max(1, size_mib // FILE_MIB), FILE_MIB << 20)
    base, bucket = harness.DATA / "outputs-job", harness.DATA / "outputs-store"
    prepare, link = link_model(source, base)
    rows, bars = [], []
    shutil.rmtree(bucket, ignore_errors=True)
    (bucket / "models").mkdir(parents=True)
    with harness.Server(bucket) as server:
        for compression in ("NONE", "GZIP"):
            prepare()
            run = harness.timed(
                [harness.HEADRACE, "run", "--base", base, "--job-name", compression,
                 "--output", "s3://models/jobs", "--output-compression", compression, "--", *link],
                env={**server.env, "AWS_EC2_METADATA_DISABLED": "true"})
            stored = uploaded_bytes(bucket / "models/jobs" / compression)
            if compression == "NONE" and stored < size_mib << 20:
                raise SystemExit(f"only {stored} bytes were uploaded")
            rate = size_mib / run.wall_s
            rows.append({"name": f"--output-compression {compression}", "rate": rate,
                         "rate_min": rate, "rate_max": rate, "unit": "MiB/s", "cpu_s": run.cpu_s,
                         "rss_mib": run.rss_mib})
            bars.append({"asked": f"{compression}: at most {RESIDENT_MIB_MAX} MiB resident",
                         "reached": f"{run.rss_mib:.0f} MiB",
                         "met": run.rss_mib <= RESIDENT_MIB_MAX})
            shutil.rmtree(bucket / "models/jobs", ignore_errors=True)
    shutil.rmtree(base, ignore_errors=True)
    harness.record("outputs", "bench/outputs.py", "Outputs of a job",
                   [{"title": f"A model of {size_mib} MiB in files of {FILE_MIB} MiB", "rows": rows,
                     "note": "One run each: the memory is what is asked. The bytes are random, so "
                             "that packing them costs the most."}], bars)


if __name__ == "__main__":
    main()
