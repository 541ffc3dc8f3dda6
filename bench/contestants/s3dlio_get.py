"""s3dlio: Rust's AWS SDK from Python, many objects at once."""
import sys

NAME = "s3dlio"
# Objects it is asked for at once: it holds all of a call in memory.
BATCH = 2000


def setting(work):
    if work.target != "memory":
        return f"download, {work.concurrency} in flight; requests signed"
    if work.reads:
        return f"{work.concurrency} threads of get_range; requests signed"
    return f"get_many, {work.concurrency} in flight; requests signed"


def cannot(_work):
    return None


def needs_listing(work):
    return work.target != "memory"


def command(run):
    # It reads the endpoint from the environment.
    return run.python(__file__)


def main():
    import job as shared
    import s3dlio

    job = shared.Job(sys.argv[1])
    tally = shared.Tally(job)

    def uri(key):
        return f"s3://{job.bucket}/{key}"

    def read_range(piece):
        key, offset, length = piece
        try:
            tally.add(key, offset, memoryview(s3dlio.get_range(uri(key), offset, length)))
        except Exception as error:  # noqa: BLE001 - counted and shown
            tally.fail(error)

    with shared.measured(tally):
        if job.target:
            try:
                s3dlio.download(uri(""), str(job.target), max_in_flight=job.concurrency,
                                recursive=True)
                for key in job.keys:
                    tally.count((job.target / key).stat().st_size)
            except Exception as error:  # noqa: BLE001
                tally.fail(error)
            return
        if job.reads:
            shared.in_threads(job.concurrency, job.reads, read_range)
            return
        key_of = {uri(key): key for key in job.keys}
        uris = list(key_of)
        batch = 1 if job.is_large() else BATCH
        for begin in range(0, len(uris), batch):
            try:
                for name, data in s3dlio.get_many(uris[begin:begin + batch],
                                                  max_in_flight=job.concurrency):
                    tally.add(key_of[name], 0, memoryview(data))
            except Exception as error:  # noqa: BLE001
                tally.fail(error)


if __name__ == "__main__":
    main()
