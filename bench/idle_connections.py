#!/usr/bin/env python3
"""What idle kept-alive connections cost `headrace serve` in memory.

usage: idle_connections.py [COUNT]     COUNT: 10,000 by default; needs that many descriptors

Each connection gets a 404 of its own before it idles, so that its buffers have been in use.
"""
import pathlib
import resource
import socket
import subprocess
import sys
import tempfile

PROGRAM = pathlib.Path(__file__).resolve().parent.parent / "build/headrace"
REQUEST = b"GET /bucket/none HTTP/1.1\r\nHost: localhost\r\n\r\n"


def resident_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS")


def read_answer(connection):
    received = b""
    while b"</Error>" not in received:
        piece = connection.recv(65536)
        if not piece:
            raise RuntimeError("the server closed a connection")
        received += piece


def measure(folder, count):
    (folder / "bucket").mkdir()
    command = [PROGRAM, "serve", folder, "--anonymous", "--listen", "127.0.0.1:0",
               "--idle-timeout", "600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        try:
            host, port = server.stdout.readline().decode().split("//")[1].split(":")
            before = resident_mib(server.pid)
            connections = []
            for _ in range(count):
                connection = socket.create_connection((host, int(port)))
                connection.sendall(REQUEST)
                read_answer(connection)
                connections.append(connection)
            after = resident_mib(server.pid)
            for connection in connections:
                connection.close()
        finally:
            server.terminate()
    return before, after


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 100), hard))
    with tempfile.TemporaryDirectory() as folder:
        before, after = measure(pathlib.Path(folder), count)
    print(f"{count} idle connections: {after - before:.1f} MiB more than the {before:.1f} MiB "
          f"before, {(after - before) * 1024 / count:.2f} KiB each")


if __name__ == "__main__":
    main()
