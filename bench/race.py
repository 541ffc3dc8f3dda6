"""The race: headrace, its peers and two floors over the same files, in interleaved rounds.

usage: bench/race.py [--work a,c] [--peers headrace_bench,obstore_get] [--servers nginx]
                     [--rounds 5] [--concurrency N] [--quick] [--out FOLDER]

Results go to bench/results/race.{json,md,html}, work by work into one report as long as machine and
rounds are the same; each work says at which commit it was measured. Those of a race of some
contestants, or of a quick one, whose figures mean nothing, go to build/race/. Servers are not
pinned to processors: on a machine of two, as on a training host, contestant and server share what
there is. A contestant that took more than COUNTED_SECONDS over many objects in the round that
checks bytes reads the first of them alone in the other rounds, as many as take about so long.
"""
import argparse
import contextlib
import dataclasses
import importlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import harness
import race_report
import race_servers
import race_work
from harness import DATA, RESULTS, ROOT

# The order of a round, and of the tables.
CONTESTANTS = ("floor_loop", "curl", "headrace_bench", "headrace_no_hedge", "obstore_get",
               "awscrt_get", "s3torchconnector_get", "s3dlio_get", "s5cmd", "rclone",
               "boto3_threads", "s3fs_cat", "aws_cli")
RUN_SECONDS_MAX = 600
# Five runs as long as this give a rate within the machine's noise; the slowest peers would take
# minutes over each.
COUNTED_SECONDS = 5


@dataclasses.dataclass
class Run:
    """One run of a contestant: what its command is made of."""
    job: race_work.Job
    url: str
    ca_file: pathlib.Path | None
    folder: pathlib.Path  # For lists and configurations.
    target: pathlib.Path | None
    environment: dict
    hashes: bool = False
    concurrency: int | None = None  # Only when the race was told to try another than the best.
    range_bytes: int = 8 * race_work.MIB
    seed: int = race_work.SEED

    def python(self, program, venv="bench"):
        """A library's command: its file, in the environment that has the library."""
        told = self.folder / "job.json"
        self.job.tell(told, endpoint=self.url, hashes=self.hashes,
                      ca_file=str(self.ca_file) if self.ca_file else None,
                      target=str(self.target) if self.target else None,
                      concurrency=self.concurrency or self.job.work.concurrency,
                      is_tuned=self.concurrency is not None)
        return [harness.peer_python(venv), program, told]


class Failed(Exception):
    """A contestant did not do its work."""


def timed(command, environment, output):
    """Runs a command; seconds, CPU seconds and peak MiB of it and the children it waited for."""
    with open(output, "wb") as stdout, open(f"{output}.err", "wb") as stderr:
        begin = time.monotonic()
        process = subprocess.Popen([str(part) for part in command], env=environment, stdout=stdout,
                                   stderr=stderr, stdin=subprocess.DEVNULL, start_new_session=True)
        status, usage = wait(process, begin + RUN_SECONDS_MAX)
    seconds = time.monotonic() - begin
    if status is None:
        raise Failed(f"not done after {RUN_SECONDS_MAX} s")
    if status != 0:
        words = pathlib.Path(f"{output}.err").read_text(errors="replace").strip()[-400:]
        raise Failed(f"ended with {status}: {words}")
    return {"seconds": seconds, "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "process_cpu_seconds": usage.ru_utime + usage.ru_stime,
            "rss_mib": usage.ru_maxrss / 1024}


def wait(process, deadline):
    """The exit code and resource usage; no exit code when it had to be ended at the deadline."""
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, usage
        if time.monotonic() > deadline:
            os.killpg(process.pid, 9)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            return None, usage
        time.sleep(0.001)


def told_by(output):
    """The JSON line that a contestant printed last; nothing for programs that print none."""
    with open(output, "rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 65536))
        lines = file.read().decode(errors="replace").strip().splitlines()
    try:
        told = json.loads(lines[-1])
    except (IndexError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def prints_bytes(contestant, run):
    """Programs that deliver to standard output: it is thrown away unread."""
    return getattr(contestant, "PRINTS_BYTES", False) and run.target is None


def empty_target(run):
    if not run.target:
        return
    shutil.rmtree(run.target, ignore_errors=True)
    for folder in {str(pathlib.PurePath(key).parent) for key in run.job.keys}:
        (run.target / folder).mkdir(parents=True)


def run_once(contestant, run):
    """One run, checked for completeness; its figures."""
    empty_target(run)
    command = contestant.command(run)
    output = run.folder / "output"
    figures = timed(command, run.environment,
                    os.devnull if prints_bytes(contestant, run) else output)
    told = {} if prints_bytes(contestant, run) else told_by(output)
    if told.get("failed") or told.get("samples_failed"):
        if not getattr(contestant, "IS_FLOOR", False):
            raise Failed(f"{told.get('failed') or told['samples_failed']} requests failed")
    if "bytes" in told and told["bytes"] != run.job.bytes and not told.get("failed"):
        raise Failed(f"delivered {told['bytes']} of {run.job.bytes} bytes")
    figures.update({name: told[name] for name in race_report.TOLD if name in told})
    if "cpu_user_seconds" in told:
        figures["cpu_seconds"] = told["cpu_user_seconds"] + told["cpu_system_seconds"]
    figures["amount"] = run.job.amount()
    figures["digest"] = told.get("digest")
    figures["piece_bytes"] = told.get("piece_bytes", 0)
    return figures


def check_bytes(contestant, run, scratch):
    """The hash round: one uncounted run whose bytes are compared with the files'; how they were
    compared, and the seconds it took."""
    if getattr(contestant, "IS_FLOOR", False):
        return "not compared", 0
    run = dataclasses.replace(run, hashes=True)
    into_files = getattr(contestant, "HASHES_FILES", False)
    if run.target is None and into_files:
        run.target = scratch / "hash"
    figures = run_once(contestant, run)
    if run.target:
        problem = race_work.folder_problem(run.job, run.target)
        shutil.rmtree(run.target)
        if problem:
            raise Failed("wrong bytes: " + problem)
        return "files compared", figures["seconds"]
    if figures["digest"] != run.job.digest(figures["piece_bytes"]):
        raise Failed("wrong bytes: the digests differ")
    return "digest compared", figures["seconds"]


@contextlib.contextmanager
def scratch_folder(where):
    parent = {"shm": pathlib.Path("/dev/shm"), "disk": DATA}.get(where)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="headrace-race-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def linked(folder):
    """The folder that holds a bucket of the same files under other names: a folder has one server
    at a time, and the page cache knows both names."""
    other = DATA / "buckets-anonymous" / folder.name
    one = next(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    # Left by earlier runs; the files may have been made anew since.
    if not ((other / one).exists() and (other / one).samefile(folder / one)):
        shutil.rmtree(other, ignore_errors=True)
        other.parent.mkdir(exist_ok=True)
        subprocess.run(["cp", "-al", folder, other], check=True)
    return other.parent


def servers_for(kind, bucket):
    """(the server of floors, the server of everybody else), of which nginx is one and the same."""
    root = bucket.parent
    if kind in ("headrace", "shaped", "far"):
        shape = {"shaped": race_servers.SHAPE, "far": race_servers.FAR}.get(kind)
        return (race_servers.HeadraceServe(linked(bucket), is_anonymous=True, shape=shape),
                race_servers.HeadraceServe(root, shape=shape))
    server = race_servers.Nginx(root, is_tls=kind == "tls")
    return server, server


def lists_first(contestant, work):
    """It lists the bucket and takes all of it."""
    return getattr(contestant, "needs_listing", lambda _work: False)(work)


def reason_against(contestant, work, server):
    if lists_first(contestant, work) and not server.can_list:
        return "lists before it copies, which this server cannot"
    return contestant.cannot(work)


def race_on(job, kind, contestants, options):
    """All rounds of one work row on one server; the section of the report."""
    floors, others = servers_for(kind, job.folder)
    with contextlib.ExitStack() as stack:
        stack.enter_context(others)
        if floors is not others:
            stack.enter_context(floors)
        scratch = stack.enter_context(scratch_folder(job.work.target))
        lists = stack.enter_context(scratch_folder("memory"))
        rows = {}
        for contestant in contestants:
            server = floors if getattr(contestant, "IS_FLOOR", False) else others
            row = rows[contestant] = {
                "name": contestant.NAME, "runs": [],
                "is_floor": getattr(contestant, "IS_FLOOR", False),
                "is_variant": getattr(contestant, "IS_VARIANT", False),
                "setting": contestant.setting(job.work),
                "cannot": reason_against(contestant, job.work, server)}
            target = scratch / "target" if job.work.target != "memory" else None
            row["run"] = Run(job, server.url, server.ca_file, lists, target,
                             race_servers.client_environment(server.url, server.ca_file),
                             concurrency=options.concurrency)
        for round_number in range(-1, options.rounds + 1):
            for contestant, row in rows.items():
                if not row["cannot"]:
                    take_turn(contestant, row, round_number, scratch)
    for row in rows.values():
        del row["run"]
    # A variant says something in some works alone; peers that cannot are shown.
    rows = {key: row for key, row in rows.items() if row["runs"] or not row["is_variant"]}
    return {"letter": job.work.letter, "title": job.work.title, "server": others.name,
            "unit": job.work.unit, "amount": job.amount(), "requests": len(job.reads),
            "bytes": job.bytes, "rows": list(rows.values())}


def shorten(row, seconds):
    """Gives who is too slow for the counted rounds fewer objects of the same work."""
    job = row["run"].job
    count = int(len(job.keys) * COUNTED_SECONDS / seconds) if seconds > COUNTED_SECONDS else 0
    if job.work.unit != "objects" or not count:
        return
    row["run"] = dataclasses.replace(row["run"], job=job.first(count))
    row["setting"] += f"; counted over the first {count:,} objects"


def take_turn(contestant, row, round_number, scratch):
    """Round -1 checks bytes, round 0 warms up, the others count. Who fails is out of this row."""
    try:
        row["run"].job.bring_into_cache()
        if round_number < 0:
            row["checked"], seconds = check_bytes(contestant, row["run"], scratch)
            if not lists_first(contestant, row["run"].job.work):
                shorten(row, seconds)
            return
        figures = run_once(contestant, row["run"])
        if round_number > 0:
            row["runs"].append(figures)
        print(f"  round {round_number} {row['name']}: {figures['seconds']:.2f} s", flush=True)
    except Failed as error:
        row["cannot"] = f"failed: {error}"
        print(f"  {row['name']} {row['cannot']}", flush=True)


def chosen(all_names, wanted, of):
    if not wanted:
        return list(all_names)
    names = wanted.split(",")
    unknown = [name for name in names if name not in all_names]
    if unknown:
        sys.exit(f"no {of} {', '.join(unknown)}; there are {', '.join(all_names)}")
    return [name for name in all_names if name in names]


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", help="work rows, as a,c; the others stay as they were measured")
    parser.add_argument("--peers", help="contestants by their files' names: " +
                        ", ".join(CONTESTANTS))
    parser.add_argument("--servers", help="nginx, headrace, shaped, far, tls")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--concurrency", type=int, help="try another than each peer's best")
    parser.add_argument("--quick", action="store_true", help="tiny work: does everything run?")
    parser.add_argument("--out", type=pathlib.Path)
    return parser.parse_args()


def main():
    options = parse()
    # Servers and folders go with the race when it is told to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.path.insert(0, str(ROOT / "bench/contestants"))
    order = [work.letter for work in race_work.WORK]
    letters = chosen(order, options.work, "work")
    kinds = chosen(["nginx", "headrace", "shaped", "far", "tls"], options.servers, "server")
    names = chosen(CONTESTANTS, options.peers, "contestant")
    contestants = [importlib.import_module(name) for name in names]
    is_part = options.peers or options.concurrency
    folder = options.out or (ROOT / "build/race" if is_part or options.quick else RESULTS)
    folder.mkdir(parents=True, exist_ok=True)
    sections = []
    for work in race_work.WORK:
        if work.letter not in letters:
            continue
        job = race_work.Job(work, options.quick)
        racers = [one for one in contestants if one.__name__ in (work.contestants or names)]
        for kind in work.servers:
            if kind in kinds:
                print(f"({work.letter}) {work.title}, {kind}", flush=True)
                sections.append(race_on(job, kind, racers, options))
                race_report.write(folder, sections, options, order)
    print((folder / "race.md").read_text())


if __name__ == "__main__":
    main()
