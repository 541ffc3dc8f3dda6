"""s5cmd: one `run` over a list of commands."""
import harness

NAME = "s5cmd"
WORKERS = 64


def setting(work):
    what = "cat to /dev/null" if work.target == "memory" else "cp"
    return f"run with {WORKERS} workers, a {what} an object; requests signed"


def cannot(work):
    if work.reads:
        return "reads no ranges"
    return None


def command(run):
    job = run.job
    # Bytes of concurrent cats are mixed up on standard output: the hash round copies to files.
    verb, into = ("cp", run.target) if run.target else ("cat", None)
    commands = run.folder / "s5cmd.txt"
    commands.write_text("".join(
        f"{verb} s3://{job.data.name}/{key}{f' {into / key}' if into else ''}\n"
        for key in job.keys))
    return [harness.peer("s5cmd"), "--endpoint-url", run.url, "--numworkers",
            run.concurrency or WORKERS, "run", commands]


# What a check has to give this contestant where the work is to memory.
HASHES_FILES = True


# To memory: what it prints is thrown away.
PRINTS_BYTES = True
