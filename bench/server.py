"""`headrace serve` against nginx and bare loops: reads, uploads, listings, idle connections.

usage: bench/server.py [--rounds 5] [--quick] [--only large_get,small_get,signed,parts,small_put,
                       listing,idle]

CPU and memory in the tables are the server's. --quick does a hundredth of the work, to see that
everything runs; its figures mean nothing and are not recorded.
"""
import argparse
import pathlib
import shutil
import tempfile

import harness
import server_listing
import server_work
from harness import DATA

SECTIONS = {
    "large_get": server_work.large_get,
    "small_get": server_work.small_get,
    "signed": server_work.signed,
    "parts": server_work.parts,
    "small_put": server_work.small_put,
    "listing": server_listing.listing,
    "idle": server_listing.idle,
}


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default=",".join(SECTIONS))
    options = parser.parse_args()
    unknown = set(options.only.split(",")) - set(SECTIONS)
    if unknown:
        parser.error(f"no such section: {', '.join(sorted(unknown))}")
    return options


def main():
    options = parse_options()
    rounds = 1 if options.quick else options.rounds
    sections, bars = [], []
    DATA.mkdir(parents=True, exist_ok=True)
    disk = pathlib.Path(tempfile.mkdtemp(prefix="server-", dir=DATA))
    memory = pathlib.Path(tempfile.mkdtemp(prefix="headrace-bench-", dir="/dev/shm"))
    try:
        for name in options.only.split(","):
            print(name, flush=True)
            bench = server_work.Bench(rounds, 100 if options.quick else 1, disk, memory)
            found_sections, found_bars = SECTIONS[name](bench)
            sections += found_sections
            bars += found_bars
    finally:
        shutil.rmtree(disk, ignore_errors=True)
        shutil.rmtree(memory, ignore_errors=True)
    whole = not options.quick and options.only == ",".join(SECTIONS)
    command = "bench/server.py" + ("" if options.rounds == 5 else f" --rounds {options.rounds}")
    if whole:
        harness.record("server", command, "The server", sections, bars)
        return
    for section in sections:
        print(f"\n{section['title']}\n{harness.table(section['rows'])}\n{section.get('note', '')}")
    for bar in bars:
        print(f"{bar['asked']}: {bar['reached']} ({'yes' if bar['met'] else 'NO'})")


if __name__ == "__main__":
    main()
