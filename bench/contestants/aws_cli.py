"""aws CLI: a cp an object, side by side, where there are few; a recursive cp for many."""
import shlex

import harness

NAME = "aws CLI"
REQUESTS = 32


def setting(work):
    if work.unit == "GiB":
        return "four cp processes at once; requests signed"
    return f"cp --recursive, max_concurrent_requests {REQUESTS}; requests signed"


def cannot(work):
    if work.reads:
        return "reads no ranges of a list"
    if work.unit == "GiB":
        return None
    if work.target == "memory":
        return "delivers many objects into files alone"
    return None


# Many objects: it lists before it copies.
def needs_listing(work):
    return work.unit != "GiB"


def command(run):
    job = run.job
    program = harness.peer("aws")
    config = run.folder / "aws.conf"
    config.write_text("[default]\ns3 =\n  addressing_style = path\n"
                      f"  max_concurrent_requests = {run.concurrency or REQUESTS}\n"
                      "  max_queue_size = 10000\n")
    run.environment["AWS_CONFIG_FILE"] = str(config)
    common = [str(program), "s3", "cp", "--quiet", "--endpoint-url", run.url]
    if needs_listing(job.work):
        return [*common, "--recursive", f"s3://{job.data.name}", run.target]
    copies = [shlex.join([*common, f"s3://{job.data.name}/{key}",
                          str(run.target / key) if run.target else "-"])
              for key in job.keys]
    into = "" if run.target else " >/dev/null"
    jobs = "".join(f"{copy}{into} & pids+=($!); " for copy in copies)
    return ["bash", "-c",
            f'pids=(); {jobs} for pid in "${{pids[@]}}"; do wait $pid || exit 1; done']


HASHES_FILES = True


# To memory: what it prints is thrown away.
PRINTS_BYTES = True
