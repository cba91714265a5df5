"""Sockets of ours leave the low descriptors to those who cannot use others."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from service.outbound import descriptors
from service.outbound.descriptors import lift
from tests.conftest import need_descriptors


@pytest.fixture
def pair():
    """Two ends of a connection."""
    ends = socket.socketpair()
    yield ends
    for end in ends:
        if end.fileno() >= 0:
            end.close()


def test_a_lifted_socket_works_under_its_new_number(pair, monkeypatch):
    # Given a process that keeps its low descriptors free
    monkeypatch.setattr(descriptors, "_floor", 300)
    here, there = pair
    low = here.fileno()
    # When a socket is lifted; then it is the same connection, and the low number is free again
    with lift(here) as lifted:
        assert lifted.fileno() >= 300
        there.sendall(b"x")
        assert lifted.recv(1) == b"x"
        with socket.socket() as another:
            assert another.fileno() == low
    assert there.recv(1) == b""


def test_without_the_wish_nothing_is_moved(pair):
    assert lift(pair[0]) is pair[0]


def test_a_socket_that_cannot_be_lifted_stays(pair, monkeypatch):
    # Given a floor above all that this process may have
    monkeypatch.setattr(descriptors, "_floor", 10_000_000)
    assert lift(pair[0]) is pair[0]
    pair[1].sendall(b"x")
    assert pair[0].recv(1) == b"x"


@pytest.mark.parametrize(("most", "kept"), [(1024, False), (4096, True), (2500, True)])
def test_the_limit_of_open_files_decides(most, kept):
    need_descriptors(most)
    # Given a process that may have so many files open
    code = (
        f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (512, {most}));"
        "from service.outbound.descriptors import keep_low_free; print(keep_low_free());"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    # When it wants to keep the low ones free; then it raises its own limit, and says if it can
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(kept), str(most)]
