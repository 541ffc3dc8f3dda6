"""headrace, through its own `headrace bench`."""
import harness
import race_work

NAME = "headrace"


def setting(_work):
    return "defaults; requests signed"


def cannot(_work):
    return None


def command(run):
    flags = []
    if run.job.work.reads:
        flags = ["--range-size", race_work.RANGE_BYTES, "--reads", len(run.job.reads), "--seed",
                 run.seed]
    if run.target:
        flags += ["--mode", "file", "--target", run.target]
    elif run.hashes:
        flags += ["--hash"]
    return [harness.HEADRACE, "bench", f"s3://{run.job.data.name}", "--listing", run.job.listing,
            "--json", *flags]
