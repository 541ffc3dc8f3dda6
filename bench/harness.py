"""What every benchmark here shares: data, the server under test, interleaved rounds, and results.

A figure is a ratio between contestants of one run: rounds take the contestants in turn, so that a
machine that gets slower for a while slows them all. A contestant is one command, timed as a whole
process.
"""
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADRACE = ROOT / "build/headrace"
DATA = ROOT / "build/bench-data"
RESULTS = ROOT / "bench/results"


@dataclasses.dataclass
class Run:
    """One timed process. CPU and memory are those of the process and the children it waited for."""
    wall_s: float
    cpu_s: float
    rss_mib: float


@dataclasses.dataclass
class Contestant:
    name: str
    command: list
    # Called before every round, untimed: empties targets.
    prepare: object = None
    # Called after every round, untimed: raises when the work was not done.
    check: object = None
    env: dict | None = None
    setting: str = ""  # The setting it ran with, for the report.


def timed(command, env=None, stdout=subprocess.DEVNULL):
    """Runs a command and returns its Run; a non-zero exit ends the benchmark."""
    start = time.monotonic()
    process = subprocess.Popen([str(part) for part in command], env=env, stdout=stdout,
                               stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    error_text = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        last_words = error_text.decode(errors="replace")[-2000:]
        sys.exit(f"{command[0]} ended with {process.returncode}:\n{last_words}")
    return Run(max(wall, 1e-6), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def race(contestants, rounds=5):
    """Runs each contestant once untimed, then `rounds` times in turn; returns name -> [Run].

    Every other round takes them from the last to the first: who follows whom matters where one
    leaves the disk dirty bytes to write and the kernel memory to reclaim.
    """
    runs = {contestant.name: [] for contestant in contestants}
    for round_number in range(rounds + 1):
        for contestant in contestants[::-1] if round_number % 2 else contestants:
            if contestant.prepare:
                contestant.prepare()
            run = timed(contestant.command, env=contestant.env)
            if contestant.check:
                contestant.check()
            if round_number > 0:
                runs[contestant.name].append(run)
            print(f"  round {round_number} {contestant.name}: {run.wall_s:.2f} s", flush=True)
    return runs


def median(runs, field):
    return statistics.median(getattr(run, field) for run in runs)


def summary(runs, amount, unit):
    """A row per contestant: rate as median with its spread, CPU seconds, peak memory."""
    rows = []
    for name, contestant_runs in runs.items():
        rates = [amount / run.wall_s for run in contestant_runs]
        rows.append({"name": name, "rate": statistics.median(rates), "rate_min": min(rates),
                     "rate_max": max(rates), "unit": unit + "/s",
                     "cpu_s": median(contestant_runs, "cpu_s"),
                     "rss_mib": max(run.rss_mib for run in contestant_runs)})
    return rows


def machine():
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory_kib = int(re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text())[1])
    return {"cpu": cpu[1] if cpu else platform.processor(), "cores": os.cpu_count(),
            "memory_gib": round(memory_kib / 2**20), "kernel": platform.release()}


def commit():
    def git(*arguments):
        return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True,
                              text=True).stdout.strip()
    changed = git("status", "--porcelain", "--", ".", ":!bench/results")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


class Server:
    """`headrace serve` over a folder, on a free loopback port, for the length of a with block."""

    def __init__(self, folder, *flags):
        self.folder = folder
        self.flags = flags

    def __enter__(self):
        self.process = subprocess.Popen(
            [HEADRACE, "serve", self.folder, "--listen", "127.0.0.1:0", "--access-key", "bench",
             "--secret-key", "benchsecret", *self.flags],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            sys.exit(f"headrace serve did not start: {line!r}")
        self.url = line.split()[2]
        self.env = {**os.environ, "AWS_ACCESS_KEY_ID": "bench",
                    "AWS_SECRET_ACCESS_KEY": "benchsecret", "AWS_REGION": "us-east-1",
                    "AWS_ENDPOINT_URL_S3": self.url, "S3_ENDPOINT_URL": self.url}
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def make_files(folder, count, size_bytes):
    """`count` files of pseudo-random bytes; many of them are spread over folders of 1,000. Those of
    an earlier benchmark stay when they are the same; several use one folder."""
    marker = DATA / f"{'-'.join(folder.relative_to(DATA).parts)}.complete"
    made = f"{count} x {size_bytes}\n"
    if marker.exists() and marker.read_text() == made:
        return
    marker.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    block = os.urandom(1 << 20)
    for index in range(count):
        path = folder / f"{index // 1000:03d}" / f"{index:06d}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as file:
            written = 0
            while written < size_bytes:
                step = min(size_bytes - written, len(block) - 4096)
                offset = (index * 613 + written // 4096) % 4096
                file.write(block[offset:offset + step])
                written += step
    marker.write_text(made)


def empty(folder):
    def prepare():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    return prepare


def holds(folder, count, size_bytes):
    """A check that the folder holds that many files of that size, and nothing half-written."""
    def check():
        files = [path for path in folder.rglob("*.bin")]
        wrong = [path for path in files if path.stat().st_size != size_bytes]
        if len(files) != count or wrong:
            sys.exit(f"{folder}: {len(files)} files of {count}, {len(wrong)} of a wrong size")
    return check


def peer_python(venv="bench"):
    """The Python of a venv with the peers of bench/requirements.txt, or, for "bench-NAME", of
    requirements-NAME.txt: those that want other versions of what they share. Made on first use and
    when the file changes.
    """
    folder = ROOT / ".venv" / venv
    wanted = ROOT / "bench" / f"requirements{venv.removeprefix('bench')}.txt"
    installed = folder / "requirements.txt"
    if not installed.exists() or installed.read_text() != wanted.read_text():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin/pip", "install", "-q", "--disable-pip-version-check", "-r",
                        wanted], check=True)
        shutil.copy(wanted, installed)
    return folder / "bin/python"


def peer(name):
    """The path of a peer's program in the benchmark venv; made on first use."""
    venv = peer_python().parent.parent
    # Some wheels put a Python launcher in front of the program; what is raced is the program.
    return next(venv.glob(f"lib/python*/site-packages/{name}/bin/{name}"), venv / "bin" / name)


def table(rows):
    lines = ["| contestant | rate | spread | CPU s | peak MiB |", "|---|---|---|---|---|"]
    for row in rows:
        lines.append(f"| {row['name']} | {row['rate']:.4g} {row['unit']} | "
                     f"{row['rate_min']:.4g} – {row['rate_max']:.4g} | {row['cpu_s']:.2f} | "
                     f"{row['rss_mib']:.0f} |")
    return "\n".join(lines)


def record(name, command, title, sections, bars):
    """Writes bench/results/<name>.json and .md: machine, commit, command, tables, bars."""
    RESULTS.mkdir(exist_ok=True)
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    where = machine()
    (RESULTS / f"{name}.json").write_text(json.dumps(
        {"command": command, "commit": commit(), "date": now, "machine": where,
         "sections": sections, "bars": bars}, indent=1) + "\n")
    text = [f"# {title}", "",
            f"`{command}` at commit {commit()}, {now}; {where['cpu']}, {where['cores']} cores, "
            f"{where['memory_gib']} GiB, kernel {where['kernel']}. Medians of interleaved rounds "
            "after one untimed; spread is slowest to fastest.", ""]
    for section in sections:
        text += [f"## {section['title']}", "", table(section["rows"]), ""]
        if section.get("note"):
            text += [section["note"], ""]
    text += ["## Asked and reached", "", "| asked | reached | |", "|---|---|---|"]
    for bar in bars:
        text.append(f"| {bar['asked']} | {bar['reached']} | {'yes' if bar['met'] else '**no**'} |")
    (RESULTS / f"{name}.md").write_text("\n".join(text) + "\n")
    print("\n".join(text))
