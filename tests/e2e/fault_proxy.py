"""An HTTP proxy in front of a real server that breaks what its script says, request by request.

The Host header passes through unchanged, so signatures made for the proxy's address still verify
behind it.
"""
import dataclasses
import http.client
import http.server
import socket
import struct
import threading
import urllib.parse


@dataclasses.dataclass
class Request:
    """A request as the script sees it. `number` counts, from 0, the requests of its method."""
    method: str
    path: str
    query: str
    headers: dict
    number: int


@dataclasses.dataclass
class Answer:
    """Answers without asking the server behind."""
    status: int
    body: bytes = b""
    headers: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Cut:
    """Forwards, and ends the connection after so many bytes of the body."""
    body_bytes: int


@dataclasses.dataclass
class Stall:
    """Forwards, and goes silent after so many bytes of the body."""
    body_bytes: int


@dataclasses.dataclass
class CorruptRequest:
    """Forwards, and flips the byte of the request's body at this offset."""
    offset: int


@dataclasses.dataclass
class Corrupt:
    """Forwards, and flips the byte of the body at this offset."""
    offset: int


@dataclasses.dataclass
class Hang:
    """Reads the request and never answers; the connection ends when the proxy does."""


@dataclasses.dataclass
class Reset:
    """Ends the connection with a reset instead of an answer."""


def s3_error(status, code, message="scripted"):
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    return Answer(status, body, {"Content-Type": "application/xml"})


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256  # The program opens up to 64 connections at once.


class FaultProxy:
    """`script(request)` returns None to forward untouched, or one of the actions above. It may
    block, and may change the world before it returns: that is how an object is replaced during its
    download."""

    def __init__(self, upstream_url, script):
        upstream = urllib.parse.urlsplit(upstream_url)
        self.requests = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_):
                pass

            def handle_any(self):
                proxy._handle(self, upstream)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any

        self._script = script
        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    def count(self, method):
        with self._lock:
            return sum(request.method == method for request in self.requests)

    def _handle(self, handler, upstream):
        parts = urllib.parse.urlsplit(handler.path)
        length = int(handler.headers.get("Content-Length") or 0)
        if handler.headers.get("Expect", "").lower() == "100-continue":
            handler.send_response_only(100)
            handler.end_headers()
        body = handler.rfile.read(length)
        with self._lock:
            number = sum(request.method == handler.command for request in self.requests)
            request = Request(handler.command, parts.path, parts.query, dict(handler.headers),
                              number)
            self.requests.append(request)
        action = self._script(request)
        if isinstance(action, Answer):
            self._send(handler, action.status, action.headers, action.body)
        elif isinstance(action, Hang):
            self._ended.wait()
            handler.close_connection = True
        elif isinstance(action, Reset):
            # Linger 0 turns close into a reset.
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                          struct.pack("ii", 1, 0))
            handler.connection.close()
            handler.close_connection = True
        else:
            if isinstance(action, CorruptRequest) and action.offset < len(body):
                body = bytearray(body)
                body[action.offset] ^= 0xFF
            self._forward(handler, upstream, bytes(body), action)

    @staticmethod
    def _send(handler, status, headers, body):
        handler.send_response_only(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)

    def _forward(self, handler, upstream, body, action):
        connection = http.client.HTTPConnection(upstream.hostname, upstream.port)
        connection.putrequest(handler.command, handler.path, skip_host=True,
                              skip_accept_encoding=True)
        for name, value in handler.headers.items():
            if name.lower() not in ("connection", "expect"):
                connection.putheader(name, value)
        connection.endheaders(body or None)
        answer = connection.getresponse()
        content = bytearray(answer.read())
        announced = answer.headers.get("Content-Length", str(len(content)))
        connection.close()
        handler.send_response_only(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in ("connection", "content-length", "transfer-encoding"):
                handler.send_header(name, value)
        handler.send_header("Content-Length", announced)
        handler.end_headers()
        if isinstance(action, Corrupt) and action.offset < len(content):
            content[action.offset] ^= 0xFF
        if isinstance(action, (Cut, Stall)):
            content = content[:action.body_bytes]
        if handler.command != "HEAD":
            handler.wfile.write(content)
        if isinstance(action, Cut):
            handler.wfile.flush()
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
        if isinstance(action, Stall):
            handler.wfile.flush()
            self._ended.wait()
            handler.close_connection = True
