"""s3torchconnector's client: Mountpoint's, which is the Common Runtime's, as a Python stream."""
import sys

NAME = "s3torchconnectorclient"
TARGET_GBPS = 100
THREADS_LARGE = 4
THREADS_SMALL = 32


def threads(work):
    if work.letter.startswith("g"):
        return THREADS_LARGE if work.unit == "GiB" else work.concurrency
    return THREADS_LARGE if work.unit == "GiB" else THREADS_SMALL


def setting(work):
    return (f"throughput target {TARGET_GBPS} Gbit/s, 8 MiB parts, {threads(work)} threads; "
            "requests signed")


def cannot(work):
    return "has no way into files of its own" if work.target != "memory" else None


def command(run):
    return run.python(__file__)


def main():
    import job as shared
    from s3torchconnectorclient._mountpoint_s3_client import MountpointS3Client

    job = shared.Job(sys.argv[1])
    client = MountpointS3Client(region="us-east-1", throughput_target_gbps=TARGET_GBPS,
                                part_size=job.range_bytes, endpoint=job.endpoint,
                                force_path_style=True)
    tally = shared.Tally(job)

    def read(piece):
        key, offset, length = piece
        more = {"start": offset, "end": offset + length} if job.reads else {}
        try:
            stream = client.get_object(job.bucket, key, **more)
            if job.hashes:
                tally.add(key, offset, list(stream))
            else:
                tally.count(sum(len(chunk) for chunk in stream))
        except Exception as error:  # noqa: BLE001 - counted and shown
            tally.fail(error)

    default = THREADS_LARGE if job.is_large() and not job.reads else THREADS_SMALL
    with shared.measured(tally):
        shared.in_threads(job.concurrency_or(default), job.reads or job.whole_objects(), read)


if __name__ == "__main__":
    main()
