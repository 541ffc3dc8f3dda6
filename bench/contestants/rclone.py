"""rclone: copy of a list of objects, into its own memory backend or into files."""
import harness

NAME = "rclone"
TRANSFERS = 64
STREAMS = 4


def setting(work):
    into = "the :memory: backend" if work.target == "memory" else "files"
    return (f"copy --files-from into {into}, {TRANSFERS} transfers, {STREAMS} streams each; "
            "requests signed")


def cannot(work):
    return "reads no ranges of a list" if work.reads else None


def command(run):
    job = run.job
    names = run.folder / "rclone.txt"
    names.write_text("".join(f"/{key}\n" for key in job.keys))
    remote = (f":s3,provider=Other,access_key_id=bench,secret_access_key=benchsecret,"
              f"endpoint='{run.url}',force_path_style=true:{job.data.name}")
    trust = ["--ca-cert", run.ca_file] if run.ca_file else []
    return [harness.peer("rclone"), "copy", remote, run.target or ":memory:race",
            "--files-from-raw", names, "--no-traverse", "--ignore-checksum", "--config",
            "/dev/null", "--transfers", run.concurrency or TRANSFERS, "--checkers", TRANSFERS,
            "--multi-thread-streams", STREAMS, "--s3-no-check-bucket", *trust]


# What stays in its memory cannot be summed: the hash round copies to files.
HASHES_FILES = True
