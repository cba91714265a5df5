"""Servers on loopback that behave badly on purpose."""

from __future__ import annotations

import contextlib
import re
import socket
import threading

import pytest

from tests.certificates import make_authority, make_server_context


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
    """Make a certificate for a name: (path of its authority's PEM, server context)."""

    def make(name):
        folder = tmp_path_factory.mktemp("tls")
        pem = folder / "authority.pem"
        return pem, make_server_context(folder, name, make_authority(pem))

    return make
