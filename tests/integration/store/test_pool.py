"""Connections to Redis that are in use are waited for, dead ones are replaced."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from service.clock import AnchoredClock, FakeClock
from service.errors import StoreUnavailable
from service.settings import Settings
from service.store.connection import Connection
from service.store.jobs import JobStore
from service.store.pool import POOL_WAIT_S, WORKER_POOL_WAIT_S, connect
from tests.builders import a_new_job


def ask_while_taken(redis_url: str, wait_s: float) -> float:
    """Ask while another holds the only connection for half a second; how long it took."""
    settings = Settings(redis_url=redis_url)
    client = connect(settings, connections=1, name="test", wait_s=wait_s)
    connection = Connection(client, settings, FakeClock())
    holder = threading.Thread(target=client.blpop, args=("nothing", 0.5))
    holder.start()
    time.sleep(0.1)
    began_s = time.monotonic()
    try:
        connection.server_ms()
        return time.monotonic() - began_s
    finally:
        holder.join()
        client.close()


def test_who_can_wait_gets_its_turn(redis_url):
    assert ask_while_taken(redis_url, 5) > 0.2


def test_who_cannot_wait_is_told_to_come_again(redis_url):
    with pytest.raises(StoreUnavailable):
        ask_while_taken(redis_url, 0.1)


def test_a_worker_waits_longer_than_a_caller_and_less_than_its_lease():
    assert POOL_WAIT_S < WORKER_POOL_WAIT_S < Settings().lease_s


def test_a_call_that_waited_comes_with_the_time_that_it_is_by_then(redis_url):
    # Given a process whose only connection is taken, and a guard that takes no time 0.2 s old
    settings = Settings(redis_url=redis_url, clock_back_s=0.2)
    client, other = (connect(settings, connections=1, name=name, wait_s=5) for name in "ab")
    clock = AnchoredClock(lambda: Connection(other, settings, FakeClock()).server_ms(), 10)
    waiting, peer = (Connection(each, settings, clock) for each in (client, other))
    for each in (waiting, peer):
        JobStore(each).create(a_new_job(), now_ms=clock.now_ms())
    holder = threading.Thread(target=client.blpop, args=("nothing", 1))
    holder.start()
    time.sleep(0.1)

    def accept_another() -> None:
        JobStore(peer).create(a_new_job(), now_ms=clock.now_ms())

    passing = threading.Timer(0.6, accept_another)
    passing.start()
    # When it makes a call, which gets through when others have been there with a later time
    JobStore(waiting).create(a_new_job(), now_ms=clock.now_ms())
    # Then it is not refused for having waited
    holder.join()
    passing.join()
    assert other.scard("cab:tenant:ten_1:open") == 4
    client.close()
    other.close()


def test_a_connection_that_died_unnoticed_costs_no_call(valkey_server, redis_client):
    # Given a way to Redis whose first connection breaks when it is used
    door = socket.create_server(("127.0.0.1", 0))
    broken: list[bytes] = []

    def serve() -> None:
        link, _ = door.accept()
        with link:
            broken.append(link.recv(4096))
        link, _ = door.accept()
        with link, socket.socket(socket.AF_UNIX) as server:
            server.connect(str(valkey_server.socket))
            server.settimeout(5)
            while data := link.recv(4096):
                server.sendall(data)
                link.sendall(server.recv(65536))

    thread = threading.Thread(target=serve)
    thread.start()
    settings = Settings(redis_url=f"redis://127.0.0.1:{door.getsockname()[1]}/0")
    client = connect(settings, connections=1, name="test")
    # When something is asked; then it is asked again on another connection
    assert client.time()
    assert broken
    client.connection_pool.disconnect()
    door.close()
    thread.join(10)
