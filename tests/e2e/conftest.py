import contextlib
import http.server
import socketserver
import threading

import pytest

from tests.e2e.fault_proxy import FaultProxy


@pytest.fixture
def proxied(server, headrace):
    """proxied(script): a FaultProxy in front of the test's server. The program talks to it from
    then on, and gives up after `attempts` tries."""
    with contextlib.ExitStack() as stack:
        def start(script, attempts=2):
            proxy = stack.enter_context(FaultProxy(server.url, script))
            headrace.variables["AWS_ENDPOINT_URL"] = proxy.url
            headrace.variables["AWS_MAX_ATTEMPTS"] = str(attempts)
            return proxy

        yield start


@pytest.fixture
def http_peer():
    """http_peer(answer): the URL of an HTTP server whose every answer is answer(handler) ->
    (status, body), and whose requests (method, path, headers) gather in the list it also gives."""
    with contextlib.ExitStack() as stack:
        def start(answer):
            requests = []

            class Handler(http.server.BaseHTTPRequestHandler):
                protocol_version = "HTTP/1.1"
                disable_nagle_algorithm = True

                def log_message(self, *_):
                    pass

                def handle_any(self):
                    self.rfile.read(int(self.headers.get("Content-Length") or 0))
                    requests.append((self.command, self.path, dict(self.headers)))
                    status, body = answer(self)
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    if self.command != "HEAD":
                        self.wfile.write(body)

                do_GET = do_HEAD = do_PUT = do_POST = handle_any

            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            server.daemon_threads = True
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            return f"http://127.0.0.1:{server.server_address[1]}", requests

        yield start


@pytest.fixture
def raw_peer():
    """raw_peer(answer): the URL of a peer that sends answer(method, path) -> bytes as they are and
    closes, and the list its requests (method, path) gather in."""
    with contextlib.ExitStack() as stack:
        def start(answer):
            requests = []

            class Handler(socketserver.StreamRequestHandler):
                def handle(self):
                    line = self.rfile.readline().decode().split()
                    size_bytes = 0
                    while (field := self.rfile.readline().decode().strip()):
                        name, _, value = field.partition(":")
                        if name.lower() == "content-length":
                            size_bytes = int(value)
                    self.rfile.read(size_bytes)
                    if len(line) == 3:
                        requests.append((line[0], line[1]))
                        self.wfile.write(answer(line[0], line[1]))

            server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
            server.daemon_threads = True
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            return f"http://127.0.0.1:{server.server_address[1]}", requests

        yield start
