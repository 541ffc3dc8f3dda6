#!/usr/bin/env python3
"""PUT of 8 MiB bodies over 8 connections, against a bare loop that receives and writes.

usage: upload.py [--folder DIR] [--rounds N] [--parts N] [--floor PROGRAM] [PROGRAM...]

Contestants take turns: the floor (bench/floor_receive.cc) and each `headrace` program named. The
bodies are unsigned, the store is written without fsync, and the client is one thread a connection
that sends from one buffer.
"""
import argparse
import pathlib
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONNECTIONS = 8
PART_BYTES = 8 << 20
BODY = memoryview(bytes(range(256)) * (PART_BYTES // 256))


def read_until(connection, end):
    received = b""
    while not received.endswith(end):
        piece = connection.recv(4096)
        if not piece:
            raise RuntimeError(f"the server closed the connection after {received!r}")
        received += piece
    return received


def send_parts(address, number, parts, is_http):
    with socket.create_connection(address) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in range(parts):
            if is_http:
                head = (f"PUT /bucket/{number}-{part} HTTP/1.1\r\nHost: h\r\n"
                        "x-amz-content-sha256: UNSIGNED-PAYLOAD\r\n"
                        f"Content-Length: {PART_BYTES}\r\n\r\n")
                connection.sendall(head.encode())
            connection.sendall(BODY)
            if is_http:
                answer = read_until(connection, b"\r\n\r\n")
                if not answer.startswith(b"HTTP/1.1 200"):
                    raise RuntimeError(answer)
            else:
                read_until(connection, b"k")


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def run(program, folder, parts, is_http):
    """Seconds of wall time and of the server's CPU for all parts."""
    (folder / "bucket").mkdir(parents=True)
    command = [program, folder, str(PART_BYTES)]
    if is_http:
        command = [program, "serve", folder, "--anonymous", "--durability", "none",
                   "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        try:
            port = int(server.stdout.readline().decode().strip().rsplit(":", 1)[-1])
            threads = [threading.Thread(target=send_parts,
                                        args=(("127.0.0.1", port), number, parts, is_http))
                       for number in range(CONNECTIONS)]
            cpu_before = cpu_seconds(server.pid)
            began = time.monotonic()
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return time.monotonic() - began, cpu_seconds(server.pid) - cpu_before
        finally:
            server.terminate()
            server.wait()
            shutil.rmtree(folder)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", default="/dev/shm")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--parts", type=int, default=16)
    parser.add_argument("--floor", default=ROOT / "build/bench/floor_receive")
    parser.add_argument("programs", nargs="*", default=[ROOT / "build/headrace"])
    options = parser.parse_args()
    contestants = [(options.floor, False), *((program, True) for program in options.programs)]
    results = {program: [] for program, _ in contestants}
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for number in range(options.rounds + 1):
            for program, is_http in contestants:
                result = run(program, pathlib.Path(folder) / "store", options.parts, is_http)
                if number > 0:  # The first round warms up.
                    results[program].append(result)
    gib = CONNECTIONS * options.parts * PART_BYTES / 2**30
    floor_rate = None
    for program, runs in results.items():
        rate = gib / statistics.median(wall for wall, _ in runs)
        cpu = statistics.median(cpu for _, cpu in runs) / gib
        floor_rate = floor_rate or rate
        print(f"{program}: {rate:.2f} GiB/s, {cpu:.2f} CPU s/GiB, {rate / floor_rate:.2f} x floor")


if __name__ == "__main__":
    main()
