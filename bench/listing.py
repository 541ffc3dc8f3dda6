"""Listing 1,000,000 keys from a synthetic server: keys per second, and memory per key.

usage: bench/listing.py [--rounds 5] [--keys 1000000]
"""
import argparse
import json
import os
import subprocess

import harness
from harness import Contestant, HEADRACE, ROOT


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keys", type=int, default=1_000_000)
    options = parser.parse_args()
    server = subprocess.Popen([ROOT / "build/bench/listing_server", "--keys", str(options.keys)],
                              stdout=subprocess.PIPE, text=True)
    try:
        url = server.stdout.readline().split()[2]
        env = {**os.environ, "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "benchsecret",
               "AWS_ENDPOINT_URL_S3": url, "S3_ENDPOINT_URL": url, "AWS_REGION": "us-east-1"}
        contestants = [
            Contestant("headrace ls --recursive",
                       [HEADRACE, "ls", "--recursive", "s3://bench/"], env=env),
            Contestant("into memory (plan::ListPrefix)",
                       [ROOT / "build/bench/list_keys", "bench"], env=env),
            Contestant("s5cmd ls", [harness.peer("s5cmd"), "ls", "s3://bench/*"], env=env),
        ]
        rows = harness.summary(harness.race(contestants, options.rounds), options.keys, "keys")
        said = json.loads(subprocess.run([ROOT / "build/bench/list_keys", "bench"], env=env,
                                         capture_output=True, check=True).stdout)
    finally:
        server.terminate()
        server.wait()
    overhead = (said["memory_bytes"] - said["key_bytes"]) / said["keys"]
    harness.record("listing", "bench/listing.py", "Listing", [
        {"title": f"{options.keys} keys, a thousand to a folder", "rows": rows,
         "note": f"The table in memory: {said['memory_bytes']} bytes for {said['keys']} keys of "
                 f"{said['key_bytes'] / said['keys']:.1f} bytes."}],
        [{"asked": "headrace ls --recursive: at least 100,000 keys/s",
          "reached": f"{rows[0]['rate']:.0f} keys/s", "met": rows[0]["rate"] >= 100_000},
         {"asked": "at most 48 bytes plus the key's own bytes per key",
          "reached": f"{overhead:.1f} bytes", "met": overhead <= 48}])


if __name__ == "__main__":
    main()
