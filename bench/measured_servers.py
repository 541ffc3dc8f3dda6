"""Servers whose own CPU time and memory are read while a client keeps them busy.

Each runs for the length of a with block, on a free loopback port, and is ended by its process id.
"""
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from harness import HEADRACE, ROOT

ACCESS_KEY = "bench"
SECRET_KEY = "benchsecret"
START_SECONDS_MAX = 10

# As Debian ships it where it matters (sendfile, tcp_nopush, no file cache), with one worker.
NGINX_CONFIG = """
daemon off;
worker_processes 1;
error_log {folder}/error.log;
pid {folder}/nginx.pid;
{user}
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  default_type application/octet-stream;
  server {{
    listen 127.0.0.1:{port};
    root {root};
  }}
}}
"""


class MeasuredServer:
    """`command` prints "listening on URL" first."""

    def __init__(self, command):
        self.command = [str(part) for part in command]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            self.__exit__()
            sys.exit(f"{' '.join(self.command)} did not start: {line!r}")
        self.url = line.split()[2]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def process_ids(self):
        return [self.process.pid]

    def cpu_seconds(self):
        """User and system time, of threads that have ended too; exact, unlike stat's ticks."""
        # The clock of another process, as clock_getcpuclockid(3) makes it.
        return sum(time.clock_gettime(~process_id << 3 | 2) for process_id in self.process_ids())

    def _status_mib(self, field):
        total = 0
        for process_id in self.process_ids():
            for line in pathlib.Path(f"/proc/{process_id}/status").read_text().splitlines():
                if line.startswith(field + ":"):
                    total += int(line.split()[1])
        return total / 1024

    def resident_mib(self):
        return self._status_mib("VmRSS")

    def peak_mib(self):
        return self._status_mib("VmHWM")


def headrace_serve(folder, *flags, keys=False):
    access = (["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY] if keys
              else ["--anonymous"])
    return MeasuredServer([HEADRACE, "serve", folder, "--listen", "127.0.0.1:0", *access, *flags])


def floor_put(folder, *flags):
    return MeasuredServer([ROOT / "build/bench/floor_put", folder, *flags])


class Nginx(MeasuredServer):
    def __init__(self, root):
        self.root = root

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="headrace-nginx-"))
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        config = self.folder / "nginx.conf"
        config.write_text(NGINX_CONFIG.format(
            folder=self.folder, port=port, root=self.root,
            user="user root;" if os.geteuid() == 0 else ""))
        self.process = subprocess.Popen(
            [shutil.which("nginx") or "/usr/sbin/nginx", "-p", self.folder, "-c", config],
            stderr=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{port}"
        self._await_start(port)
        return self

    def _await_start(self, port):
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                if len(self.process_ids()) > 1:
                    return
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > deadline:
                log = (self.folder / "error.log").read_text()[-2000:]
                self.__exit__()
                sys.exit(f"nginx did not start: {log}")
            time.sleep(0.02)

    def __exit__(self, *_):
        super().__exit__()
        shutil.rmtree(self.folder, ignore_errors=True)

    def process_ids(self):
        """The master and its worker."""
        master = self.process.pid
        children = pathlib.Path(f"/proc/{master}/task/{master}/children").read_text().split()
        return [master, *map(int, children)]
