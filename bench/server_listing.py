"""The sections of bench/server.py that list a million keys and hold idle connections."""
import http.client
import os
import re
import resource
import socket
import statistics
import time

from harness import DATA
from measured_servers import headrace_serve

KEYS_PER_FOLDER = 1000


def make_empty_files(bucket, count, in_folders):
    """A bucket of empty files; the listing does not depend on what is in them."""
    marker = DATA / f"{bucket.name}-{count}.complete"
    if marker.exists():
        return
    bucket.mkdir(parents=True, exist_ok=True)
    for first in range(0, count, KEYS_PER_FOLDER):
        folder = bucket / f"{first // KEYS_PER_FOLDER:06d}" if in_folders else bucket
        folder.mkdir(exist_ok=True)
        at = os.open(folder, os.O_RDONLY)
        for index in range(first, min(first + KEYS_PER_FOLDER, count)):
            os.close(os.open(f"image_{index:010d}.jpg", os.O_CREAT | os.O_WRONLY, 0o644,
                             dir_fd=at))
        os.close(at)
    marker.touch()


def list_all(server, bucket):
    """Seconds of every page, and how many keys there were."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    seconds, keys, token = [], 0, ""
    while token is not None:
        begin = time.perf_counter()
        connection.request("GET", f"/{bucket}?list-type=2{token}")
        answer = connection.getresponse()
        body = answer.read()
        seconds.append(time.perf_counter() - begin)
        if answer.status != 200:
            raise SystemExit(f"listing {bucket}: {answer.status} {body[:500]}")
        keys += body.count(b"<Key>")
        more = re.search(rb"<NextContinuationToken>(.*?)</NextContinuationToken>", body)
        token = f"&continuation-token={more[1].decode()}" if more else None
    connection.close()
    return seconds, keys


def listing_rows(bench, folder, bucket, count):
    """Rows of first pages and of the others; a fresh server every round, whose caches are cold."""
    firsts, others, cpu, peak = [], [], [], 0
    for round_number in range(bench.rounds + 1):
        with headrace_serve(folder) as server:
            before = server.cpu_seconds()
            seconds, keys = list_all(server, bucket)
            used = server.cpu_seconds() - before
            peak = max(peak, server.peak_mib())
        if keys != count:
            raise SystemExit(f"{bucket}: {keys} keys of {count}")
        print(f"  round {round_number} {bucket}: first {seconds[0]:.3f} s, median "
              f"{statistics.median(seconds[1:] or seconds) * 1000:.2f} ms", flush=True)
        if round_number > 0:  # The first computes the ETags of files it has never seen.
            firsts.append(seconds[0])
            others.append(statistics.median(seconds[1:] or seconds))
            cpu.append(used)

    def row(name, values):
        return {"name": name, "rate": 1 / statistics.median(values), "rate_min": 1 / max(values),
                "rate_max": 1 / min(values), "unit": "pages/s", "cpu_s": statistics.median(cpu),
                "rss_mib": peak, "seconds": statistics.median(values)}

    return [row("first page", firsts), row("median of the other pages", others)]


def listing(bench):
    count = 1_000_000 // bench.divisor
    folder = DATA / f"server-listing-{count}"
    sections, bars = [], []
    for bucket, in_folders, what in ((f"flat-{count}", False, "flat"),
                                     (f"folders-{count}", True, "1,000 to a folder")):
        make_empty_files(folder / bucket, count, in_folders)
        rows = listing_rows(bench, folder, bucket, count)
        sections.append({"title": f"Pages of 1,000 out of {count} keys, {what}", "rows": rows,
                         "note": "CPU s: of the whole listing. A fresh server every round."})
        first_s, other_ms = rows[0]["seconds"], rows[1]["seconds"] * 1000
        bars += [{"asked": f"a listing page, {what}: median at most 5 ms",
                  "reached": f"{other_ms:.2f} ms", "met": other_ms <= 5},
                 {"asked": f"the first page, {what}: at most 3 s", "reached": f"{first_s:.2f} s",
                  "met": first_s <= 3}]
    return sections, bars


def idle(bench):
    """Memory of the server that holds connections which have each made a request."""
    count = max(100, 10_000 // bench.divisor)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + 1000
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    folder = bench.disk / "idle"
    folder.mkdir()
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with headrace_serve(folder) as server:
        host, port = server.url.removeprefix("http://").split(":")
        before = server.resident_mib()
        sockets = []
        for _ in range(count):
            one = socket.create_connection((host, int(port)))
            one.sendall(request)
            if not one.recv(65536).startswith(b"HTTP/1.1 200"):
                raise SystemExit("an idle connection was refused")
            sockets.append(one)
        after = server.resident_mib()
        cpu_s = server.cpu_seconds()
        for one in sockets:
            one.close()
    rows = [{"name": f"{count} idle connections", "rate": count / max(after - before, 1e-3),
             "rate_min": 0, "rate_max": 0, "unit": "connections/MiB", "cpu_s": cpu_s,
             "rss_mib": after}]
    return [{"title": "Idle connections", "rows": rows, "note":
             f"Resident: {before:.0f} MiB before, {after:.0f} MiB with {count} connections that "
             "each made one request. Measured once."}], [
        {"asked": f"{count:,} idle connections: at most 200 MiB",
         "reached": f"{after - before:.0f} MiB more", "met": after - before <= 200}]
