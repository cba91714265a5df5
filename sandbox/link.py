"""The connection under an event stream: waits that notice at once when the client has gone."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time


class Gone(Exception):
    """The client hung up, or the sandbox is stopping."""


class Link:
    """One open stream's socket."""

    def __init__(self, sock: socket.socket, stopping: threading.Event) -> None:
        self._socket, self._stopping = sock, stopping
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN | select.POLLHUP | select.POLLERR)

    def wait(self, seconds: float) -> None:
        """Waits so long without waking up in between. Raises Gone as soon as the client hung up."""
        until = time.monotonic() + seconds
        while True:
            if self._stopping.is_set():
                raise Gone
            left_s = until - time.monotonic()
            events = self._poll.poll(max(0.0, left_s) * 1000)
            if not events:
                return
            if self._hung_up():
                raise Gone
            # unread request bytes keep the socket readable: sleep in short steps instead
            if left_s <= 0:
                return
            time.sleep(min(0.05, left_s))

    def cut(self) -> None:
        """Breaks the connection without ending the body properly."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _hung_up(self) -> bool:
        try:
            return self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True


class Links:
    """All open streams, so that stopping can wake every one of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[Link] = set()

    def add(self, link: Link) -> None:
        """Remembers an open stream."""
        with self._lock:
            self._open.add(link)

    def remove(self, link: Link) -> None:
        """Forgets a stream that ended."""
        with self._lock:
            self._open.discard(link)

    def cut_all(self) -> None:
        """Breaks every open stream."""
        with self._lock:
            links = list(self._open)
        for link in links:
            link.cut()
