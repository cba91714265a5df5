"""Webhook receivers that mean harm, in a process of their own: each way on a port of its own.

    with hostile(folder) as receivers:
        receivers.urls["drips its body"]

`python -m tests.hostile FOLDER` serves until its standard input ends.
"""

from __future__ import annotations

import contextlib
import functools
import gzip
import json
import re
import socket
import ssl
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.certificates import make_authority, make_server_context

BULK = 300 * 2**20
PIECE = b"x" * 65536
#: 300 MB of zeros in 300 kB.
BOMB = gzip.compress(bytes(10 * 2**20)) * 30
RETRY_AFTERS = {
    "in 31 years": "1000000000",
    "before now": "-5",
    "in 1970": "Thu, 01 Jan 1970 00:00:00 GMT",
    "in 9999": "Fri, 31 Dec 9999 23:59:59 GMT",
    "never read": "soon \x07 %00",
}

Way = Callable[[socket.socket], None]


def say(*pieces: bytes) -> Way:
    """Send these bytes and hang up."""
    return lambda conn: conn.sendall(b"".join(pieces))


def drip(head: bytes) -> Way:
    """A byte each second."""

    def answer(conn: socket.socket) -> None:
        conn.sendall(head)
        while not _CLOSING.wait(1):
            conn.sendall(b"x")

    return answer


def flood(head: bytes, piece: bytes = PIECE) -> Way:
    """300 MB as fast as they are taken."""

    def answer(conn: socket.socket) -> None:
        conn.sendall(head)
        for _ in range(BULK // len(piece)):
            conn.sendall(piece)

    return answer


def hang(conn: socket.socket) -> None:
    """Keep the connection and say nothing."""
    _CLOSING.wait()


def reset(conn: socket.socket) -> None:
    """Hang up by RST."""
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


_OK = b"HTTP/1.1 200 OK\r\n"
_LENGTH = b"Content-Length: %d\r\n\r\n" % BULK
_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
_CLOSING = threading.Event()

#: What a receiver does once it has read the request.
WAYS: dict[str, Way] = {
    "drips its body": drip(_OK + b"Content-Length: 4000\r\n\r\n"),
    "drips its headers": drip(_OK + b"X-Slow: "),
    "drips its status": drip(b"HTTP/1.1 200 "),
    "redirects with 300 MB": flood(
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n" + _LENGTH
    ),
    "answers with 300 MB": flood(_OK + _LENGTH),
    "answers with 300 MB in chunks": flood(_CHUNKED, b"10000\r\n" + PIECE + b"\r\n"),
    "is a gzip bomb": say(
        _OK, b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB), BOMB
    ),
    "never ends its headers": flood(_OK, b"X-More: " + b"a" * 60_000 + b"\r\n"),
    "never ends a header": flood(_OK + b"X-Long: ", b"a" * 65536),
    "never ends its trailers": flood(_CHUNKED + b"0\r\n", b"X-More: a\r\n" * 5000),
    "wraps each byte in 8 kB": flood(_CHUNKED, b"1;" + b"a" * 8000 + b"\r\nx\r\n"),
    "sends 100 for ever": flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2000),
    "sends 103 for ever": flood(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 2000),
    "speaks HTTP/0.9": flood(b"", b"no status line at all\n" * 2000),
    "sends noise": flood(b"", bytes(range(256)) * 256),
    "breaks off in its headers": say(_OK, b"X-Half: "),
    "breaks off in its body": say(_OK, b"Content-Length: 1000\r\n\r\nhalf"),
    "closes before it answers": say(),
    "resets before it answers": reset,
    "hangs": hang,
    **{
        f"asks to wait: {when}": say(
            f"HTTP/1.1 429 Slow\r\nRetry-After: {text}\r\nContent-Length: 0\r\n\r\n".encode()
        )
        for when, text in RETRY_AFTERS.items()
    },
}
#: Where https is expected: the name in the certificate and whether our authority signed it.
TLS_WAYS = {
    "TLS for another name": ("other.example.com", True),
    "TLS signed by itself": ("localhost", False),
    "TLS as it should be": ("localhost", True),
}
#: Ways that do not even read a request.
RAW_WAYS: dict[str, Way] = {
    "TLS that hangs in its handshake": hang,
    "TLS that is plain text": say(_OK, b"Content-Length: 0\r\n\r\n"),
}


@dataclass(frozen=True, slots=True)
class Receivers:
    """Addresses by what their receiver does; `authority` is the PEM file of who signs for them."""

    urls: Mapping[str, str]
    authority: Path

    @property
    def ports(self) -> list[str]:
        return [url.rpartition(":")[2].rstrip("/") for url in self.urls.values()]


@contextlib.contextmanager
def hostile(folder: Path) -> Iterator[Receivers]:
    """Start all of them; they end with the block."""
    command = [sys.executable, "-m", "tests.hostile", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            yield Receivers(json.loads(line), folder / "authority.pem")
        finally:
            process.terminate()


def _serve(way: Way, *, tls: ssl.SSLContext | None = None, reads: bool = True) -> int:
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)

    def accept() -> None:
        while True:
            conn, _ = listener.accept()
            threading.Thread(target=answer, args=(conn,), daemon=True).start()

    def answer(conn: socket.socket) -> None:
        conn.settimeout(30)
        with contextlib.suppress(OSError), contextlib.closing(conn):
            if tls:
                conn = tls.wrap_socket(conn, server_side=True)
            if reads:
                _read_request(conn)
            way(conn)

    threading.Thread(target=accept, daemon=True).start()
    return int(listener.getsockname()[1])


def _read_request(conn: socket.socket) -> None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = conn.recv(65536)
        if not piece:
            raise ConnectionError
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    announced = re.search(rb"(?i)content-length: (\d+)", head)
    while announced and len(body) < int(announced[1]):
        body += conn.recv(65536)


def main(folder: Path) -> None:
    """Serve until standard input ends; prints the addresses as one line of JSON."""
    authority = make_authority(folder / "authority.pem")
    context = functools.partial(make_server_context, folder)
    ok = say(_OK, b"Content-Length: 0\r\n\r\n")
    urls = {name: f"http://127.0.0.1:{_serve(way)}/" for name, way in WAYS.items()}
    for name, (host, is_signed) in TLS_WAYS.items():
        tls = context(host, authority if is_signed else None)
        urls[name] = f"https://localhost:{_serve(ok, tls=tls)}/"
    for name, way in RAW_WAYS.items():
        urls[name] = f"https://localhost:{_serve(way, reads=False)}/"
    print(json.dumps(urls), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
