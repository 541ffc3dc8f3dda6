"""The sections of bench/server.py that read and upload, through the bare client loop."""
import dataclasses
import datetime
import hashlib
import hmac
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import urllib.request

import harness
from harness import DATA, ROOT
from measured_servers import ACCESS_KEY, SECRET_KEY, Nginx, floor_put, headrace_serve

MIB = 1 << 20
RANGE_BYTES = 8 * MIB
LARGE_BYTES = 1 << 30
SMALL_BYTES = 100 * 1024
PUT_BYTES = 40 * 1024
# The threads of the server that stands beside nginx's one worker.
ONE_THREAD = ("--threads", "1")


@dataclasses.dataclass
class Bench:
    rounds: int
    divisor: int  # Of the work; 1 for figures that count.
    disk: pathlib.Path
    memory: pathlib.Path


@dataclasses.dataclass
class Load:
    """What one round asks of one server: the client's list, made anew by `lines()`."""
    name: str
    server: object
    lines: object
    connections: int
    put_bytes: int | None = None
    prepare: object = None  # Called before every round, untimed.


def run_client(load, list_path):
    """One round. Gives wall seconds, the server's CPU seconds and the bytes of bodies."""
    if load.prepare:
        load.prepare()
    list_path.write_text("".join(line + "\n" for line in load.lines()))
    command = [ROOT / "build/bench/floor_http", "--url", load.server.url, "--connections",
               str(load.connections), "--list", list_path]
    if load.put_bytes is not None:
        command += ["--put", str(load.put_bytes)]
    before = load.server.cpu_seconds()
    client = subprocess.run(command, capture_output=True, text=True)
    if client.returncode != 0:
        sys.exit(f"{load.name}: the client failed: {client.stdout}{client.stderr}")
    said = json.loads(client.stdout)
    said["server_cpu_s"] = load.server.cpu_seconds() - before
    return said


def interleaved(bench, loads, amount, unit):
    """Rounds over the loads in turn after one untimed; rows for harness.table."""
    found = {load.name: [] for load in loads}
    for round_number in range(bench.rounds + 1):
        for load in loads:
            said = run_client(load, bench.disk / "list.txt")
            if round_number > 0:
                found[load.name].append(said)
            print(f"  round {round_number} {load.name}: {said['seconds']:.3f} s, server CPU "
                  f"{said['server_cpu_s']:.3f} s", flush=True)
    rows = []
    for load in loads:
        rates = [amount / said["seconds"] for said in found[load.name]]
        cpu_s = statistics.median(said["server_cpu_s"] for said in found[load.name])
        rows.append({"name": load.name, "rate": statistics.median(rates), "rate_min": min(rates),
                     "rate_max": max(rates), "unit": unit + "/s", "cpu_s": cpu_s,
                     "rss_mib": load.server.peak_mib(), "cpu_per_unit": cpu_s / amount})
    return rows


def cpu_note(rows, factor, what):
    return "Server CPU: " + ", ".join(
        f"{row['name']} {row['cpu_per_unit'] * factor:.3g} {what}" for row in rows) + "."


def at_least(asked, ours, theirs, factor):
    return {"asked": asked, "reached": f"{ours / theirs:.2f} x", "met": ours >= factor * theirs}


def at_most(asked, ours, theirs, factor):
    return {"asked": asked, "reached": f"{ours / theirs:.2f} x", "met": ours <= factor * theirs}


def twin(bench, bucket_folder, name):
    """A folder of its own for a second server, over the same files: hard links share the cache."""
    root = bench.disk / name
    shutil.copytree(bucket_folder, root / bucket_folder.name, copy_function=os.link)
    return root


def large_get(bench):
    folder = DATA / "server"
    harness.make_files(folder / "large", 1, LARGE_BYTES)
    passes = max(1, 4 // bench.divisor)
    lines = [f"/large/000/000000.bin\t{offset}\t{RANGE_BYTES}" for _ in range(passes)
             for offset in range(0, LARGE_BYTES, RANGE_BYTES)]
    with Nginx(folder) as nginx, headrace_serve(folder, *ONE_THREAD) as ours, \
            headrace_serve(twin(bench, folder / "large", "large-twin")) as ours_default:
        rows = interleaved(bench, [
            Load("nginx, one worker", nginx, lambda: lines, 8),
            Load("headrace serve --threads 1", ours, lambda: lines, 8),
            Load("headrace serve", ours_default, lambda: lines, 8),
        ], passes * LARGE_BYTES / (1 << 30), "GiB")
    theirs, mine = rows[0], rows[1]
    return [{"title": f"GET of 1 GiB in the page cache, {passes} times, 8 connections, 8 MiB "
                      "ranges", "rows": rows, "note": cpu_note(rows, 1, "s/GiB")}], [
        at_least("GET of 1 GiB: at least 0.9 x nginx", mine["rate"], theirs["rate"], 0.9),
        at_most("the same: at most 1.3 x its CPU per GiB", mine["cpu_per_unit"],
                theirs["cpu_per_unit"], 1.3)]


def small_objects(bench):
    """The folder, its bucket, and the path of every object in it."""
    folder, count = DATA / "server", 20_000 // bench.divisor
    bucket = f"small-{count}"
    harness.make_files(folder / bucket, count, SMALL_BYTES)
    paths = [f"/{bucket}/{index // 1000:03d}/{index:06d}.bin" for index in range(count)]
    return folder, folder / bucket, paths


def small_get(bench):
    folder, bucket, lines = small_objects(bench)
    with Nginx(folder) as nginx, headrace_serve(folder, *ONE_THREAD) as ours, \
            headrace_serve(twin(bench, bucket, "small-twin")) as ours_default:
        rows = interleaved(bench, [
            Load("nginx, one worker", nginx, lambda: lines, 32),
            Load("headrace serve --threads 1", ours, lambda: lines, 32),
            Load("headrace serve", ours_default, lambda: lines, 32),
        ], len(lines), "objects")
    return [{"title": f"GET of {len(lines)} x 100 KiB, 32 connections, anonymous", "rows": rows,
             "note": cpu_note(rows, 1e6, "us/request")}], [
        at_least("GET of 100 KiB objects: at least 0.7 x nginx", rows[1]["rate"],
                 rows[0]["rate"], 0.7)]


class Signer:
    """SigV4 header signatures for GET of plain paths, with the signing key made once."""

    def __init__(self, url):
        self.host = url.removeprefix("http://")
        self.time = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        day = self.time[:8]
        self.scope = f"{day}/us-east-1/s3/aws4_request"
        self.key = b"AWS4" + SECRET_KEY.encode()
        for part in (day, "us-east-1", "s3", "aws4_request"):
            self.key = hmac.digest(self.key, part.encode(), "sha256")

    def line(self, path):
        names = "host;x-amz-content-sha256;x-amz-date"
        request = (f"GET\n{path}\n\nhost:{self.host}\nx-amz-content-sha256:UNSIGNED-PAYLOAD\n"
                   f"x-amz-date:{self.time}\n\n{names}\nUNSIGNED-PAYLOAD")
        text = (f"AWS4-HMAC-SHA256\n{self.time}\n{self.scope}\n"
                + hashlib.sha256(request.encode()).hexdigest())
        signature = hmac.digest(self.key, text.encode(), "sha256").hex()
        return (f"{path}\t-\t-\tx-amz-content-sha256: UNSIGNED-PAYLOAD|x-amz-date: {self.time}|"
                f"Authorization: AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{self.scope}, "
                f"SignedHeaders={names}, Signature={signature}")


def signed(bench):
    folder, bucket, paths = small_objects(bench)
    with headrace_serve(folder, *ONE_THREAD) as is_open, \
            headrace_serve(twin(bench, bucket, "signed-twin"), *ONE_THREAD, keys=True) as checks:

        def signed_lines():
            signer = Signer(checks.url)
            return [signer.line(path) for path in paths]

        rows = interleaved(bench, [Load("anonymous", is_open, lambda: paths, 32),
                                   Load("signed", checks, signed_lines, 32)],
                           len(paths), "objects")
    extra_us = (rows[1]["cpu_per_unit"] - rows[0]["cpu_per_unit"]) * 1e6
    return [{"title": f"Signatures: GET of {len(paths)} x 100 KiB, 32 connections", "rows": rows,
             "note": cpu_note(rows, 1e6, "us/request")}], [
        {"asked": "signed requests: at most 10 us more CPU each", "reached": f"{extra_us:.1f} us",
         "met": extra_us <= 10}]


class UploadRounds:
    """Parts of a fresh multipart upload for every round; the round before is thrown away."""

    def __init__(self, server, count):
        self.server = server
        self.count = count
        self.upload = None

    def _ask(self, method, query):
        request = urllib.request.Request(f"{self.server.url}/parts/object?{query}", method=method)
        with urllib.request.urlopen(request) as answer:
            return answer.read().decode()

    def prepare(self):
        if self.upload:
            self._ask("DELETE", f"uploadId={self.upload}")
        self.upload = re.search("<UploadId>(.*?)</UploadId>", self._ask("POST", "uploads"))[1]

    def lines(self):
        return [f"/parts/object?partNumber={number}&uploadId={self.upload}\t-\t-\t"
                "x-amz-content-sha256: UNSIGNED-PAYLOAD" for number in range(1, self.count + 1)]


def part_load(name, server, count):
    uploads = UploadRounds(server, count)
    return Load(name, server, uploads.lines, 8, RANGE_BYTES, uploads.prepare)


def bare_load(name, server, folder, count, connections, put_bytes):
    return Load(name, server, lambda: [f"/{number}" for number in range(count)], connections,
                put_bytes, harness.empty(folder))


def parts(bench):
    count = max(8, 64 // bench.divisor)
    stored, flushed = bench.disk / "stored", bench.disk / "flushed"
    random = bench.disk / "random"
    bare, bare_flushed = bench.disk / "bare", bench.disk / "bare-flushed"
    one = bench.disk / "bare-one-thread"
    for folder in (stored / "parts", flushed / "parts", random / "parts", bare, bare_flushed, one):
        folder.mkdir(parents=True)
    with headrace_serve(stored, "--durability", "none") as ours, \
            headrace_serve(flushed) as ours_flushed, floor_put(bare) as floor, \
            floor_put(bare_flushed, "--sync") as floor_flushed, \
            floor_put(one, "--one-thread") as floor_one, \
            headrace_serve(random, "--durability", "none", "--etags", "random") as ours_random:
        rows = interleaved(bench, [
            part_load("headrace serve --durability none", ours, count),
            bare_load("bare receive and write", floor, bare, count, 8, RANGE_BYTES),
            part_load("headrace serve", ours_flushed, count),
            bare_load("bare receive, write, fdatasync", floor_flushed, bare_flushed, count, 8,
                      RANGE_BYTES),
            part_load("headrace serve --durability none --etags random", ours_random, count),
            bare_load("bare receive and write, one thread", floor_one, one, count, 8, RANGE_BYTES),
        ], count * RANGE_BYTES / (1 << 30), "GiB")
    return [{"title": f"PUT of {count} parts of 8 MiB, unsigned payload, 8 connections",
             "rows": rows, "note": cpu_note(rows, 1, "s/GiB")}], [
        at_least("PUT of parts: at least 0.8 x a bare receive-and-write loop", rows[0]["rate"],
                 rows[1]["rate"], 0.8),
        at_least("the same: at least 0.8 x a bare loop of one thread", rows[0]["rate"],
                 rows[5]["rate"], 0.8),
        at_least("the same, each flushed: at least 0.8 x the loop that flushes", rows[2]["rate"],
                 rows[3]["rate"], 0.8),
        at_least("the same, not flushed, without MD5 (--etags random): at least 0.8 x the loop",
                 rows[4]["rate"], rows[1]["rate"], 0.8)]


def put_section(bench, folder, count, deletes):
    """Small PUT against the bare loop of the same file system, in turn.

    Every round has a bucket and a folder of its own. Those of the round before are deleted in
    memory, for its size, and kept on disk: ext4 takes three times as long to find an inode where
    thousands were given back in the minutes before.
    """
    store, bare = folder / "put", folder / "bare-files"
    rounds = []

    def start_over():
        if deletes and rounds:
            shutil.rmtree(store / f"bucket{len(rounds)}")
            shutil.rmtree(bare / str(len(rounds)))
        rounds.append(None)
        (store / f"bucket{len(rounds)}").mkdir(parents=True)
        bare.mkdir(exist_ok=True)

    store.mkdir()
    floor_runs, rows = [], []
    with headrace_serve(store, "--durability", "none") as ours:
        load = Load("headrace serve --durability none", ours,
                    lambda: [f"/bucket{len(rounds)}/{index // 1000:03d}/{index:06d}\t-\t-\t"
                             "x-amz-content-sha256: UNSIGNED-PAYLOAD" for index in range(count)],
                    32, PUT_BYTES)
        for round_number in range(bench.rounds + 1):
            start_over()
            run = harness.timed([ROOT / "build/bench/floor_files", bare / str(len(rounds)), count,
                                 PUT_BYTES])
            said = run_client(load, bench.disk / "list.txt")
            print(f"  round {round_number}: {said['seconds']:.3f} s, bare {run.wall_s:.3f} s",
                  flush=True)
            if round_number > 0:
                floor_runs.append(run)
                rows.append(said)
        peak = ours.peak_mib()
    rates = [count / said["seconds"] for said in rows]
    mine = {"name": load.name, "rate": statistics.median(rates), "rate_min": min(rates),
            "rate_max": max(rates), "unit": "objects/s", "rss_mib": peak,
            "cpu_s": statistics.median(said["server_cpu_s"] for said in rows)}
    return [mine, *harness.summary({"bare create-write-rename": floor_runs}, count, "objects")]


def small_put(bench):
    count = max(100, 10_000 // bench.divisor)
    disk = put_section(bench, bench.disk, count, deletes=False)
    memory = put_section(bench, bench.memory, count, deletes=True)
    return [{"title": f"PUT of {count} x 40 KiB, 32 connections, on disk", "rows": disk},
            {"title": "The same in /dev/shm", "rows": memory}], [
        at_least("PUT of 40 KiB: at least 0.5 x a bare create-write-rename loop", disk[0]["rate"],
                 disk[1]["rate"], 0.5),
        {"asked": "the same in /dev/shm: at least 5,000/s",
         "reached": f"{memory[0]['rate']:.0f}/s", "met": memory[0]["rate"] >= 5000}]
