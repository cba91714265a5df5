"""Numbers of file descriptors: the low ones are left to those who cannot use others.

`select(2)` takes no descriptor of 1024 or above, and under gevent Celery's broker connection is
watched by it: a worker whose many streams have taken the low numbers dies when it must reconnect.
So a process that opens many sockets moves them above, where streams do as well as below.
"""

from __future__ import annotations

import fcntl
import os
import resource
import socket

#: The first number that `select(2)` does not take.
SELECT_ENDS = 1024
_floor = 0


def keep_low_free(floor: int = SELECT_ENDS) -> bool:
    """From now on move sockets of this process above `floor`; false where its limit forbids it."""
    global _floor  # noqa: PLW0603  descriptors are the process's, and so is this
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * floor
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    _floor = floor if soft >= 2 * floor else 0
    return _floor > 0


def lift(sock: socket.socket) -> socket.socket:
    """The same socket under a number above the floor, where there is one; `sock` is used up."""
    if not _floor or sock.fileno() >= _floor:
        return sock
    try:
        high = fcntl.fcntl(sock.fileno(), fcntl.F_DUPFD_CLOEXEC, _floor)
    except OSError:  # all are in use: a low one will do
        return sock
    family, kind, protocol = sock.family, sock.type, sock.proto
    os.close(sock.detach())
    return socket.socket(family, kind, protocol, fileno=high)
