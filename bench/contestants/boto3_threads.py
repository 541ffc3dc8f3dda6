"""boto3: threads that read get_object's body; s3transfer where the target is files."""
import sys

NAME = "boto3"
THREADS = 16
# boto3 repeats requests, but not bodies that break off; s3transfer reads those so often.
BODY_TRIES = 5


def setting(work):
    if work.target != "memory":
        return f"s3transfer, {THREADS} threads; requests signed"
    pieces = ", 8 MiB ranges" if work.unit == "GiB" else ""
    return f"{THREADS} threads of get_object{pieces}; requests signed"


def cannot(work):
    return "left out: several minutes a round" if work.letter == "e" else None


def command(run):
    return run.python(__file__)


def main():
    import boto3
    import job as shared
    from boto3.s3.transfer import TransferConfig
    from botocore.config import Config
    from s3transfer.manager import TransferManager

    job = shared.Job(sys.argv[1])
    threads = job.concurrency_or(THREADS)
    config = Config(max_pool_connections=threads, s3={"addressing_style": "path"},
                    response_checksum_validation="when_required")
    client = boto3.client("s3", endpoint_url=job.endpoint, verify=job.ca_file or None,
                          config=config)
    if job.target:
        tally = shared.Tally(job)
        with shared.measured(tally):
            config = TransferConfig(max_concurrency=threads, multipart_chunksize=job.range_bytes)
            # boto3's own wrapper makes a manager and its threads anew for every file.
            with TransferManager(client, config) as manager:
                futures = [(key, manager.download(job.bucket, key, str(job.target / key)))
                           for key in job.keys]
                for key, future in futures:
                    try:
                        future.result()
                        tally.count(job.size_bytes)
                    except Exception as error:  # noqa: BLE001 - counted and shown
                        tally.fail(error)
        return

    is_ranged = bool(job.reads) or job.is_large()
    tally = shared.Tally(job, job.range_bytes if job.is_large() and not job.reads else 0)

    def read(piece):
        key, offset, length = piece
        more = {"Range": f"bytes={offset}-{offset + length - 1}"} if is_ranged else {}
        for tries_left in reversed(range(BODY_TRIES)):
            try:
                body = client.get_object(Bucket=job.bucket, Key=key, **more)["Body"]
                tally.add(key, offset, body.read())
                return
            except Exception as error:  # noqa: BLE001
                if tries_left == 0:
                    tally.fail(error)

    with shared.measured(tally):
        shared.in_threads(threads, job.pieces(), read)


if __name__ == "__main__":
    main()
