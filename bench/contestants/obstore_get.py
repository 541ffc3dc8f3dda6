"""obstore: Rust's object_store from Python's asyncio."""
import sys

NAME = "obstore"


def setting(work):
    pieces = "8 MiB ranges, " if work.unit == "GiB" else ""
    return f"asyncio, {pieces}{work.concurrency} at once; requests signed"


def cannot(work):
    return "has no way into files of its own" if work.target != "memory" else None


def command(run):
    return run.python(__file__)


async def run(job, tally, store):
    import job as shared
    import obstore

    async def ranged(piece):
        key, offset, length = piece
        try:
            data = await obstore.get_range_async(store, key, start=offset, length=length)
            tally.add(key, offset, memoryview(data))
        except Exception as error:  # noqa: BLE001 - counted and shown
            tally.fail(error)

    async def whole(piece):
        key, offset, _ = piece
        try:
            response = await obstore.get_async(store, key)
            tally.add(key, offset, memoryview(await response.bytes_async()))
        except Exception as error:  # noqa: BLE001
            tally.fail(error)

    work = ranged if job.reads or job.is_large() else whole
    await shared.in_tasks(job.concurrency, job.pieces(), work)


def main():
    import asyncio
    import job as shared
    from obstore.store import S3Store

    job = shared.Job(sys.argv[1])
    client = {"allow_http": True, "timeout": "600s", "connect_timeout": "30s"}
    store = S3Store(job.bucket, endpoint=job.endpoint, region="us-east-1",
                    access_key_id="bench", secret_access_key="benchsecret",
                    virtual_hosted_style_request=False, client_options=client)
    tally = shared.Tally(job, job.range_bytes if job.is_large() and not job.reads else 0)
    with shared.measured(tally):
        asyncio.run(run(job, tally, store))


if __name__ == "__main__":
    main()
