"""Servers on loopback that behave badly on purpose."""

from __future__ import annotations

import contextlib
import datetime
import re
import socket
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Server:
    """Accepts connections on loopback and hands each, with the head of its request, to `reply`."""

    def __init__(self, reply, *, host="127.0.0.1", port=0, tls=None):
        self.requests: list[bytes] = []
        self.connections = 0
        self.closing = threading.Event()
        self._reply, self._tls = reply, tls
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server((host, port))
        self._listener.settimeout(0.05)
        self.port = self._listener.getsockname()[1]
        self._spawn(self._accept)

    def _spawn(self, target, *args):
        thread = threading.Thread(target=target, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while not self.closing.is_set():
            with contextlib.suppress(TimeoutError):
                conn, _ = self._listener.accept()
                self.connections += 1
                self._spawn(self._serve, conn)

    def _serve(self, conn):
        conn.settimeout(10)
        with contextlib.suppress(OSError), contextlib.closing(conn):
            if self._tls:
                with self._tls.wrap_socket(conn, server_side=True) as wrapped:
                    self._answer(wrapped)
            else:
                self._answer(conn)

    def _answer(self, conn):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = conn.recv(65536)
            if not piece:
                return
            head += piece
        head, _, body = head.partition(b"\r\n\r\n")
        announced = re.search(rb"(?i)content-length: (\d+)", head)
        # Unread bytes at close would reset the connection under the reply.
        while announced and len(body) < int(announced[1]):
            body += conn.recv(65536)
        self.requests.append(head + b"\r\n\r\n" + body)
        self._reply(self, conn)

    def close(self):
        self.closing.set()
        for thread in self._threads:
            thread.join(10)
        self._listener.close()


@pytest.fixture
def serve():
    """Start servers that are all closed at the end of the test."""
    servers = []

    def start(reply, **options):
        if isinstance(reply, bytes):
            fixed, reply = reply, lambda _, conn: conn.sendall(fixed)
        servers.append(Server(reply, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """Make a self-signed certificate for a name: (path of the PEM, server context)."""

    def make(name):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        cert = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        folder = tmp_path_factory.mktemp("tls")
        pem = folder / "cert.pem"
        pem.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
        (folder / "key.pem").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem, folder / "key.pem")
        return pem, context

    return make
