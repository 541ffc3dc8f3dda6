"""The floor: one thread, one epoll loop, kept-alive sockets, one buffer, nothing signed or kept."""
import harness

NAME = "bare loop"
IS_FLOOR = True
LARGE_CONNECTIONS = 8
SMALL_CONNECTIONS = 32


def connections(work):
    if work.letter.startswith("g"):
        return work.concurrency
    return LARGE_CONNECTIONS if work.unit == "GiB" else SMALL_CONNECTIONS


def setting(work):
    pieces = ", 8 MiB ranges" if work.unit == "GiB" else ""
    return f"{connections(work)} connections{pieces}; nothing signed"


def cannot(work):
    if work.target != "memory":
        return "keeps no bytes"
    if "tls" in work.servers:
        return "speaks no TLS"
    return None


def command(run):
    job = run.job
    requests = run.folder / "floor.tsv"
    lines = []
    for key, begin, length in job.reads:
        path = f"/{job.data.name}/{key}"
        if not job.work.reads and length <= run.range_bytes:
            lines.append(path)
            continue
        step = min(length, run.range_bytes)
        lines += [f"{path}\t{offset}\t{min(step, begin + length - offset)}"
                  for offset in range(begin, begin + length, step)]
    requests.write_text("\n".join(lines) + "\n")
    tolerate = ["--tolerate"] if job.work.letter.startswith("g") else []
    return [harness.ROOT / "build/bench/floor_http", "--url", run.url, "--connections",
            run.concurrency or connections(job.work), "--list", requests, *tolerate]
