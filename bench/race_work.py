"""The race's work as data: what is read, from which servers, to where; and the jobs made of it."""
import copy
import dataclasses
import hashlib
import json

import harness
from harness import DATA

MIB = 1 << 20
RANGE_BYTES = 256 * 1024
PAGE_BYTES = 4096
SEED = 1


@dataclasses.dataclass(frozen=True)
class DataSet:
    """A bucket of equal files."""
    name: str
    count: int
    size_bytes: int


@dataclasses.dataclass(frozen=True)
class Work:
    letter: str
    title: str
    data: str
    servers: tuple  # Of "nginx", "headrace", "shaped", "far" and "tls".
    target: str = "memory"  # Or "disk", "shm".
    reads: int = 0  # Random ranges of RANGE_BYTES; 0: every object once, whole.
    unit: str = "objects"
    # Requests in flight, for contestants that have to be told.
    concurrency: int = 64
    # Who races, by their files' names; empty: everybody.
    contestants: tuple = ()


WORK = (
    Work("a", "4 x 1 GiB to memory", "large", ("nginx", "headrace"), unit="GiB", concurrency=16),
    Work("b", "4 x 1 GiB to disk", "large", ("nginx",), "disk", unit="GiB", concurrency=16),
    Work("c", "20,000 x 100 KiB to memory", "small", ("nginx", "headrace")),
    Work("d", "20,000 x 100 KiB to /dev/shm", "small", ("nginx", "headrace"), "shm"),
    Work("e", "200,000 x 1 KiB to memory", "tiny", ("nginx",)),
    Work("f", "10,000 random 256 KiB ranges of a 4 GiB object", "one", ("nginx",), reads=10_000,
         unit="requests"),
    Work("ga", "(a) from a far, slow, failing store", "large", ("shaped",), unit="GiB",
         concurrency=64),
    Work("gc", "(c) from a far, slow, failing store", "small", ("shaped",), concurrency=512),
    # What the machine allows at most: nobody who has to find out how far away a store is, and to
    # wait for what went wrong, is faster than a loop that need not.
    Work("gf", "(c) from a far store where nothing fails", "small", ("far",),
         concurrency=1024, contestants=("floor_loop", "headrace_bench")),
    Work("h", "(a) over TLS", "large", ("tls",), unit="GiB", concurrency=16),
)


def data_sets(is_quick):
    if is_quick:
        return {"large": DataSet("quick-large", 4, 24 * MIB),
                "small": DataSet("quick-small", 400, 100 * 1024),
                "tiny": DataSet("quick-tiny", 2000, 1024),
                "one": DataSet("quick-one", 1, 64 * MIB)}
    return {"large": DataSet("large", 4, 1024 * MIB),
            "small": DataSet("small", 20_000, 100 * 1024),
            "tiny": DataSet("tiny", 200_000, 1024),
            "one": DataSet("one", 1, 4096 * MIB)}


class SplitMix64:
    """headrace::Random, so that all contestants read the ranges that `headrace bench` chooses."""
    MASK = (1 << 64) - 1

    def __init__(self, seed):
        self.state = seed & self.MASK

    def below(self, bound):
        self.state = (self.state + 0x9E3779B97F4A7C15) & self.MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & self.MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & self.MASK
        return ((z ^ (z >> 31)) * bound) >> 64


def random_ranges(keys, size_bytes, count):
    """(key, offset, length) of each read, as `headrace bench --range-size` with SEED reads them."""
    length = min(RANGE_BYTES, size_bytes)
    ranges = []
    for index in range(count):
        random = SplitMix64(SEED + index)
        key = keys[random.below(len(keys))]
        ranges.append((key, random.below((size_bytes - length) // PAGE_BYTES + 1) * PAGE_BYTES,
                       length))
    return ranges


def keys_of(data):
    """The keys that harness.make_files gives a data set, in byte order."""
    return [f"{index // 1000:03d}/{index:06d}.bin" for index in range(data.count)]


class Job:
    """A work row with its data in place: what contestants are told and must deliver."""

    def __init__(self, work, is_quick):
        self.work = work
        self.data = data_sets(is_quick)[work.data]
        self.folder = DATA / "buckets" / self.data.name
        harness.make_files(self.folder, self.data.count, self.data.size_bytes)
        self.keys = keys_of(self.data)
        count = min(work.reads, 500) if is_quick else work.reads
        self.reads = (random_ranges(self.keys, self.data.size_bytes, count) if work.reads
                      else [(key, 0, self.data.size_bytes) for key in self.keys])
        self._set_totals(f"{self.data.name}.jsonl")

    def _set_totals(self, listing_name):
        self.bytes = sum(length for _, _, length in self.reads)
        self.listing = DATA / listing_name
        self.listing.write_text("".join(
            json.dumps({"key": key, "size_bytes": self.data.size_bytes}) + "\n"
            for key in self.keys))
        self._digests = {}

    def first(self, count):
        """The job over its first `count` objects; of jobs that read whole objects."""
        part = copy.copy(self)
        part.keys, part.reads = self.keys[:count], self.reads[:count]
        part._set_totals(f"{self.data.name}-first-{count}.jsonl")
        return part

    def bring_into_cache(self):
        """Reads what will be asked for, so that no server reads its disk: the kernel may have given
        back what the slow contestants before, who read a few objects, have left alone."""
        piece = bytearray(4 * MIB)
        for key in dict.fromkeys(key for key, _, _ in self.reads):
            with open(self.folder / key, "rb", buffering=0) as file:
                while file.readinto(piece):
                    pass

    def amount(self):
        """What a rate counts."""
        return self.bytes / (1 << 30) if self.work.unit == "GiB" else len(self.reads)

    def tell(self, path, **more):
        """Writes the job for a contestant. `range_bytes`: objects above are read in such pieces."""
        path.write_text(json.dumps({
            "bucket": self.data.name, "keys": self.keys, "size_bytes": self.data.size_bytes,
            "reads": self.reads if self.work.reads else None, "range_bytes": 8 * MIB,
            "listing": str(self.listing), "target_kind": self.work.target,
            "unit": self.work.unit, **more}))

    def digest(self, piece_bytes):
        """The digest of everything, whole reads (0) or cut into pieces; see contestants/job.py."""
        if piece_bytes not in self._digests:
            total = 0
            for key, begin, length in self.reads:
                with open(self.folder / key, "rb") as file:
                    step = piece_bytes or length
                    for offset in range(begin, begin + length, step):
                        file.seek(offset)
                        summed = read_digest(file, min(step, begin + length - offset))
                        head = f"{key}\n{offset}\n".encode()
                        total += int.from_bytes(hashlib.sha256(head + summed).digest())
            self._digests[piece_bytes] = f"{total % (1 << 256):064x}"
        return self._digests[piece_bytes]


def read_digest(file, length):
    digest = hashlib.sha256()
    while length > 0:
        block = file.read(min(length, MIB))
        if not block:
            break
        digest.update(block)
        length -= len(block)
    return digest.digest()


def folder_problem(job, folder):
    """Why the files below `folder` are not the job's objects, byte for byte; None when they are."""
    for key in job.keys:
        copy = folder / key
        if not copy.exists():
            return f"{key} is not there"
        with open(copy, "rb") as ours, open(job.folder / key, "rb") as theirs:
            if read_digest(ours, job.data.size_bytes + 1) != read_digest(theirs,
                                                                         job.data.size_bytes):
                return f"{key} has other bytes"
    return None
