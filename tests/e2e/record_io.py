"""A RecordIO reader written from the published layout (dmlc-core's recordio.h), not from ours.

usage: python3 record_io.py PIPE    prints the records of the stream, as hexadecimal, a line each
"""
import struct
import sys

MAGIC = 0xCED7230A


def exactly(stream, size_bytes):
    data = stream.read(size_bytes)
    if len(data) != size_bytes:
        raise EOFError(f"the stream ends {size_bytes - len(data)} bytes inside a record")
    return data


def records(stream):
    """The payloads of a stream of whole records; anything else raises."""
    while header := stream.read(8):
        if len(header) != 8:
            raise EOFError("the stream ends inside a header")
        magic, word = struct.unpack("<II", header)
        if magic != MAGIC:
            raise ValueError(f"magic {magic:#x} at a record's begin")
        if word >> 29:
            raise ValueError(f"a record in parts: flag {word >> 29}")
        size_bytes = word & (1 << 29) - 1
        yield exactly(stream, size_bytes)
        exactly(stream, -size_bytes % 4)


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as pipe:
        for record in records(pipe):
            print(record.hex())
