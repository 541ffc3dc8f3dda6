"""The race's servers, nginx and `headrace serve`, over the same folders on free loopback ports.

Each runs for the length of a with block, from a temporary folder, and is ended by its process id.
"""
import os
import pathlib
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from harness import HEADRACE

ACCESS_KEY = "bench"
SECRET_KEY = "benchsecret"
FAR = "first-byte=30ms,jitter=lognormal:0.5,per-connection=90MB/s,seed=1"
SHAPE = f"{FAR},error-503=0.5%,reset=0.1%,silent=0.3%:2s"
START_SECONDS_MAX = 10

# Two workers: the contestants, not the server, are to be what is measured. The cache of open files
# saves open(), which costs as much as a small object's send; it holds every file of the race where
# the limit on open files lets it, and never more than half of what a worker may open.
OPEN_FILES_WANTED = 500_000
NGINX_CONFIG = """
daemon off;
worker_processes 2;
error_log {folder}/error.log;
pid {folder}/nginx.pid;
{user}
worker_rlimit_nofile {open_files};
events {{ worker_connections 16384; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  keepalive_timeout 300;
  open_file_cache max={cached_files} inactive=600s;
  open_file_cache_valid 600s;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  default_type application/octet-stream;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    {tls}
    root {root};
  }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_certificate(folder):
    """A key and a certificate for 127.0.0.1, and the authority that signed it; their paths. Some
    clients take no certificate that is its own authority.
    """
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)

    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *new_key, "-days", "30", "-subj", "/CN=the race's authority", "-addext",
            "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign",
            "-keyout", "authority.key", "-out", "authority.pem")
    openssl("req", *new_key, "-subj", "/CN=127.0.0.1", "-keyout", "server.key", "-out",
            "server.csr")
    (folder / "server.ext").write_text("basicConstraints=critical,CA:FALSE\n"
                                       "extendedKeyUsage=serverAuth\n"
                                       "subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "authority.pem", "-CAkey", "authority.key",
            "-CAcreateserial", "-days", "30", "-extfile", "server.ext", "-out", "server.pem")
    return folder / "server.key", folder / "server.pem", folder / "authority.pem"


class Server:
    """Something that answers at `url`; `ca_file` is set where it speaks TLS."""
    name = ""
    ca_file = None
    can_list = False

    def start(self, folder):
        raise NotImplementedError

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="headrace-race-"))
        self.process = None
        try:
            self.start(self.folder)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.terminate()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Nginx(Server):
    def __init__(self, root, is_tls=False):
        self.root = root
        self.is_tls = is_tls
        self.name = "nginx, TLS" if is_tls else "nginx"

    def start(self, folder):
        port = free_port()
        tls = ""
        if self.is_tls:
            key, certificate, self.ca_file = make_certificate(folder)
            tls = (f"ssl on; ssl_certificate {certificate}; ssl_certificate_key {key}; "
                   "ssl_protocols TLSv1.2 TLSv1.3;")
        config = folder / "nginx.conf"
        open_files = min(OPEN_FILES_WANTED, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        config.write_text(NGINX_CONFIG.format(
            open_files=open_files, cached_files=open_files // 2, folder=folder, port=port,
            tls=tls, root=self.root, user="user root;" if os.geteuid() == 0 else ""))
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen([program, "-p", folder, "-c", config],
                                        stderr=subprocess.DEVNULL)
        self.url = f"{'https' if self.is_tls else 'http'}://127.0.0.1:{port}"
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    sys.exit("nginx did not start: " + error_log(folder))
                time.sleep(0.02)


def error_log(folder):
    path = folder / "error.log"
    return path.read_text()[-2000:] if path.exists() else "no log"


class HeadraceServe(Server):
    can_list = True

    def __init__(self, root, is_anonymous=False, shape=None):
        self.root = root
        self.flags = (["--anonymous"] if is_anonymous
                      else ["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY])
        self.name = "headrace serve"
        if shape:
            self.flags += ["--shape", shape]
            self.name += ", shaped"

    def start(self, folder):
        self.process = subprocess.Popen(
            [HEADRACE, "serve", self.root, "--listen", "127.0.0.1:0", *self.flags],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            sys.exit(f"headrace serve {' '.join(self.flags)} did not start: {line!r}")
        self.url = line.split()[2]


def client_environment(url, ca_file):
    """What every contestant is started with: one endpoint, one key, no configuration of a user."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR")
            if name in os.environ}
    trust = {"AWS_CA_BUNDLE": str(ca_file), "SSL_CERT_FILE": str(ca_file)} if ca_file else {}
    return {**kept, **trust, "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_ENDPOINT_URL_S3": url,
            "AWS_ENDPOINT_URL": url, "S3_ENDPOINT_URL": url}
