"""curl as it comes: one process, transfers side by side, whole objects."""
NAME = "curl"
IS_FLOOR = True


def at_once(work):
    return 4 if work.unit == "GiB" else min(work.concurrency, 300)  # 300: curl's own limit.


def setting(work):
    return f"--parallel --parallel-max {at_once(work)}{retries(work)}; nothing signed"


def retries(work):
    return " --retry 10 --retry-all-errors" if work.letter.startswith("g") else ""


def cannot(_work):
    return None


# To memory: to standard output, which is thrown away. It could not repeat a transfer into a
# /dev/null that it opened itself.
PRINTS_BYTES = True


def command(run):
    job = run.job
    config = run.folder / "curl.conf"
    with open(config, "w") as lines:
        for key, begin, length in job.reads:
            lines.write(f'url = "{run.url}/{job.data.name}/{key}"\n')
            if run.target:
                lines.write(f'output = "{run.target / key}"\n')
            if job.work.reads:
                lines.write(f'range = "{begin}-{begin + length - 1}"\nnext\n')
    if job.work.reads:
        # Options are each transfer's own behind "next", and parallel is not one of them.
        text = config.read_text()
        config.write_text(text.removesuffix("next\n").replace(
            "next\n", "next\nsilent\nshow-error\nfail\n"))
    trust = ["--cacert", run.ca_file] if run.ca_file else []
    return ["curl", "--silent", "--show-error", "--fail", "--disable", "--parallel",
            "--parallel-immediate", "--parallel-max", run.concurrency or at_once(job.work), *trust,
            *retries(job.work).split(), "--config", config]
