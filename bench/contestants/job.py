"""What the contestants share: the job they are told, and how they tell what they did.

A contestant is a module with NAME, SETTING (its setting for a work row, in words), cannot(work)
(the reason why it cannot do a row, or None) and command(run) (the program to time). A library's
command is its own file: main() then reads the job, does it and prints one line of JSON. `seconds`
and `cpu_seconds` count from the first request on, imports left out; programs are timed whole.
"""
import contextlib
import hashlib
import json
import os
import pathlib
import resource
import sys
import threading
import time


class Job:
    def __init__(self, path):
        told = json.loads(pathlib.Path(path).read_text())
        self.endpoint = told["endpoint"]
        self.bucket = told["bucket"]
        self.keys = told["keys"]
        self.size_bytes = told["size_bytes"]
        self.range_bytes = told["range_bytes"]
        self.ca_file = told["ca_file"]
        self.hashes = told["hashes"]
        self.concurrency = told["concurrency"]
        self.is_tuned = told["is_tuned"]
        self.target = pathlib.Path(told["target"]) if told["target"] else None
        self.reads = [tuple(read) for read in told["reads"]] if told["reads"] else None

    def concurrency_or(self, own):
        """For who has a best setting of its own: that, unless the race was told to try another."""
        return self.concurrency if self.is_tuned else own

    def is_large(self):
        return self.size_bytes > self.range_bytes

    def whole_objects(self):
        return [(key, 0, self.size_bytes) for key in self.keys]

    def pieces(self):
        """(key, offset, length) of every request for who cuts large objects by itself."""
        if self.reads:
            return self.reads
        return [(key, offset, min(self.range_bytes, self.size_bytes - offset))
                for key in self.keys for offset in range(0, self.size_bytes, self.range_bytes)]


class Tally:
    """Counts what was delivered; sums it for the hash round. May be used by many threads."""

    def __init__(self, job, piece_bytes=0):
        self.job = job
        # Into what pieces of an object the delivered bytes are summed; 0: whole reads.
        self.piece_bytes = piece_bytes
        self.lock = threading.Lock()
        self.requests = self.bytes = self.failed = self.sum = 0

    def add(self, key, offset, data):
        """Takes bytes, or a list of pieces of bytes that follow each other."""
        pieces = data if isinstance(data, (list, tuple)) else [data]
        size = sum(len(piece) for piece in pieces)
        summed = 0
        if self.job.hashes:
            digest = hashlib.sha256()
            for piece in pieces:
                digest.update(piece)
            head = f"{key}\n{offset}\n".encode()
            summed = int.from_bytes(hashlib.sha256(head + digest.digest()).digest())
        with self.lock:
            self.requests += 1
            self.bytes += size
            self.sum += summed

    def count(self, size):
        """Takes a whole object or range whose bytes were seen elsewhere."""
        with self.lock:
            self.requests += 1
            self.bytes += size

    def fail(self, error):
        with self.lock:
            self.failed += 1
            if self.failed <= 3:
                print(f"failed: {error!r}"[:500], file=sys.stderr)


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


@contextlib.contextmanager
def measured(tally):
    """Times the block, prints what the tally counted in it and ends the process there: some
    libraries abort when Python tears down what their threads still use.
    """
    cpu, begin = cpu_seconds(), time.monotonic()
    yield
    told = {"seconds": time.monotonic() - begin, "cpu_seconds": cpu_seconds() - cpu,
            "requests": tally.requests, "bytes": tally.bytes, "failed": tally.failed}
    if tally.job.hashes:
        told["digest"] = f"{tally.sum % (1 << 256):064x}"
        told["piece_bytes"] = tally.piece_bytes
    print(json.dumps(told), flush=True)
    os._exit(0)


def in_threads(count, items, work):
    """work(item) for every item on `count` threads that take the next one each."""
    rest = iter(items)
    lock = threading.Lock()

    def run():
        while True:
            with lock:
                item = next(rest, None)
            if item is None:
                return
            work(item)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


async def in_tasks(count, items, work):
    """await work(item) for every item, `count` at once."""
    import asyncio
    rest = iter(items)

    async def run():
        for item in rest:
            await work(item)

    await asyncio.gather(*(run() for _ in range(count)))
