"""s3fs, as fsspec's users have it, from asyncio."""
import sys

NAME = "s3fs"


def setting(work):
    pieces = "8 MiB ranges, " if work.unit == "GiB" and work.target == "memory" else ""
    return f"asyncio, {pieces}{work.concurrency} at once; requests signed"


def cannot(work):
    if work.letter == "e":
        return "left out: several minutes a round"
    return None


def command(run):
    return run.python(__file__, venv="bench-s3fs")


async def run(job, shared, tally):
    import s3fs
    more = {"verify": job.ca_file} if job.ca_file else {}
    client = s3fs.S3FileSystem(
        key="bench", secret="benchsecret", endpoint_url=job.endpoint, asynchronous=True,
        client_kwargs={"region_name": "us-east-1", **more}, skip_instance_cache=True,
        config_kwargs={"max_pool_connections": job.concurrency, "s3": {"addressing_style": "path"}})
    session = await client.set_session()
    is_ranged = bool(job.reads) or job.is_large()

    async def read(piece):
        key, offset, length = piece
        try:
            if job.target:
                await client._get_file(f"{job.bucket}/{key}", str(job.target / key))
                tally.count(length)
            elif is_ranged:
                tally.add(key, offset, await client._cat_file(
                    f"{job.bucket}/{key}", start=offset, end=offset + length))
            else:
                tally.add(key, offset, await client._cat_file(f"{job.bucket}/{key}"))
        except Exception as error:  # noqa: BLE001 - counted and shown
            tally.fail(error)

    pieces = job.whole_objects() if job.target else job.pieces()
    with shared.measured(tally):
        await shared.in_tasks(job.concurrency, pieces, read)
    await session.close()


def main():
    import asyncio
    import job as shared

    job = shared.Job(sys.argv[1])
    is_cut = job.is_large() and not job.reads and not job.target
    asyncio.run(run(job, shared, shared.Tally(job, job.range_bytes if is_cut else 0)))


if __name__ == "__main__":
    main()
