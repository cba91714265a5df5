"""Why low descriptors are kept free: Celery's poller under gevent cannot watch a high one."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import need_descriptors

CODE = """
from gevent import monkey
monkey.patch_all()
import os, resource, socket
from kombu.utils import eventio
resource.setrlimit(resource.RLIMIT_NOFILE, (2048, 2048))
poller = eventio.poll()
taken = [os.open(os.devnull, os.O_RDONLY) for _ in range({0})]
broker, _ = socket.socketpair()
poller.register(broker, eventio.READ)
print(poller.poll(0.01))
"""


def poll_with(taken: int) -> subprocess.CompletedProcess[str]:
    """Watch a socket in a process that has so many descriptors taken."""
    need_descriptors(2048)
    command = [sys.executable, "-c", CODE.format(taken)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_broker_above_1024_ends_the_worker():
    assert "filedescriptor out of range in select()" in poll_with(1100).stderr


def test_a_broker_below_does_not():
    assert poll_with(500).returncode == 0
