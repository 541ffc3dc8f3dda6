"""TLS in front of a plain server, and HTTP proxies: all pass bytes through."""
import contextlib
import socket
import socketserver
import ssl
import subprocess
import threading


def make_certificate(folder, name):
    """A certificate for this address or host name that is its own authority: (certificate, key)."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    kind = "IP" if name[0].isdigit() else "DNS"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=headrace test", "-addext",
         f"subjectAltName={kind}:{name}", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True)
    return certificate, key


def pump(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def join(one, other):
    """Passes bytes both ways until both sides have ended."""
    back = threading.Thread(target=pump, args=(other, one), daemon=True)
    back.start()
    pump(one, other)
    back.join()


class Forwarder:
    """Accepts on a free port of 127.0.0.1; `serve(connection)` runs in a thread for each."""

    def __init__(self, serve):
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                with contextlib.suppress(OSError):
                    serve(self.request)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def tls_forwarder(upstream, certificate, key):
    """https in front of `upstream` (host, port)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def serve(connection):
        with context.wrap_socket(connection, server_side=True) as secure, \
                socket.create_connection(upstream) as plain:
            join(secure, plain)

    return Forwarder(serve)


def connect_proxy(requests):
    """A proxy that knows CONNECT alone; what it was asked for gathers in `requests`."""
    def serve(connection):
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        requests.append(head.decode())
        host, port = head.split()[1].decode().rsplit(":", 1)
        with socket.create_connection((host, int(port))) as target:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            join(connection, target)

    return Forwarder(serve)


def absolute_form_proxy(requests):
    """A proxy for plain http: the target of a request is the whole URL. It answers one request for
    each connection."""
    def serve(connection):
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        requests.append(head.decode())
        method, url, rest = head.split(b" ", 2)
        authority, path = url.removeprefix(b"http://").split(b"/", 1)
        host, port = authority.decode().rsplit(":", 1)
        rest = rest.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        with socket.create_connection((host, int(port))) as target:
            target.sendall(method + b" /" + path + b" " + rest)
            join(connection, target)

    return Forwarder(serve)
