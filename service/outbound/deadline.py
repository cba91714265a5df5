"""A deadline for a whole attempt: its sockets are shut when the time is over.

Timeouts of `requests` count silence between two reads, so a host that drips a byte a second holds a
call for ever. A watch keeps a duplicate of every socket dialled inside it and shuts the connection
down through that, which works in every phase: connecting, the TLS handshake, headers, body.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextvars import ContextVar

from service.clock import Clock
from service.errors import OutboundTimeout

_CURRENT: ContextVar[Watch | None] = ContextVar("outbound_watch", default=None)


class Watch:
    """The deadline of one attempt; made by `watched`."""

    def __init__(self, deadline_s: float, clock: Clock) -> None:
        self.deadline_s = deadline_s
        self._clock = clock
        self._until_s = clock.monotonic_s() + deadline_s
        self._cut = False
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(max(0.0, deadline_s), self.cut)
        self._timer.daemon = True

    @property
    def expired(self) -> bool:
        return self._cut or self._clock.monotonic_s() >= self._until_s

    @property
    def left_s(self) -> float:
        """Seconds left, at least 0."""
        return 0.0 if self._cut else max(0.0, self._until_s - self._clock.monotonic_s())

    def check(self) -> None:
        """Raise OutboundTimeout when the time is over."""
        if self.expired:
            raise OutboundTimeout(f"The address took longer than {self.deadline_s:g} s in all.")

    def hold(self, sock: socket.socket) -> None:
        """Take charge of a connection, before its first byte."""
        duplicate = socket.fromfd(sock.fileno(), sock.family, sock.type)
        with self._lock:
            self._sockets.append(duplicate)
        if self._cut:
            self.cut()

    def cut(self) -> None:
        """End every connection of this attempt; readers wake up at once."""
        with self._lock:
            self._cut = True
            for sock in self._sockets:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def start(self) -> None:
        self._timer.start()

    def close(self) -> None:
        self._timer.cancel()
        with self._lock:
            for sock in self._sockets:
                sock.close()
            self._sockets.clear()


@contextlib.contextmanager
def watched(deadline_s: float, clock: Clock) -> Iterator[Watch]:
    """Bound everything that guarded sessions do inside the block to `deadline_s` in all.

    The caller asks `check()` after an end of data, since a cut body can look like a finished one.
    """
    watch = Watch(deadline_s, clock)
    token = _CURRENT.set(watch)
    watch.start()
    try:
        yield watch
    finally:
        _CURRENT.reset(token)
        watch.close()


def current_watch() -> Watch | None:
    """The watch around this call, if there is one."""
    return _CURRENT.get()
