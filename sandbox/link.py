"""The connection under an event stream: waits that notice at once when the client has gone."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time

from sandbox.clock import LOOK_EVERY_S, SandboxClock


class Gone(Exception):
    """The client hung up, or the sandbox is stopping."""


class Link:
    """One open stream's socket."""

    def __init__(self, sock: socket.socket, stopping: threading.Event) -> None:
        self._socket, self._stopping = sock, stopping
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN | select.POLLHUP | select.POLLERR)

    def wait_until(self, due_s: float, clock: SandboxClock) -> None:
        """Waits for a running time of the clock. Raises Gone as soon as the client hung up."""
        clock.pass_time(due_s)
        while True:
            if self._stopping.is_set():
                raise Gone
            left_s = due_s - clock.running_s()
            # a clock that others move has to be looked at
            step_s = left_s if clock.mode == "wall" else min(left_s, LOOK_EVERY_S)
            events = self._poll.poll(max(0.0, step_s) * 1000)
            if events and self._hung_up():
                raise Gone
            if due_s <= clock.running_s():
                return
            # unread request bytes keep the socket readable: sleep in short steps instead
            if events:
                time.sleep(min(0.05, max(0.0, step_s)))

    def cut(self) -> None:
        """Breaks the connection without ending the body properly."""
        cut_socket(self._socket)

    def _hung_up(self) -> bool:
        try:
            return self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True


def cut_socket(sock: socket.socket) -> None:
    """Breaks a connection; what was not sent never will be."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


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
