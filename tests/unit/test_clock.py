"""The clock stays on the store's time whatever this machine's wall clock does."""

from __future__ import annotations

import time

import pytest

from service.clock import AnchoredClock, FakeClock
from service.errors import StoreUnavailable

FUTURE_MS = 2_000_000_000_000


class Server:
    """A store that tells a time we choose, and can be away."""

    def __init__(self, ahead_ms: float) -> None:
        self.ahead_ms = ahead_ms
        self.away = False
        self.asked = 0

    def read_ms(self) -> int:
        self.asked += 1
        if self.away:
            raise StoreUnavailable
        return int(time.monotonic() * 1000 + self.ahead_ms)


def test_now_is_the_stores_time():
    server = Server(FUTURE_MS)
    clock = AnchoredClock(server.read_ms, anchor_every_s=10)
    assert abs(clock.now_ms() - server.read_ms()) < 100


def test_the_wall_clock_does_not_matter(monkeypatch):
    # Given an anchored clock, when this machine's wall clock jumps, then now does not.
    clock = AnchoredClock(Server(FUTURE_MS).read_ms, anchor_every_s=10)
    before = clock.now_ms()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert 0 <= clock.now_ms() - before < 1000


def test_it_does_not_ask_again_before_its_time():
    server = Server(FUTURE_MS)
    clock = AnchoredClock(server.read_ms, anchor_every_s=3600)
    clock.now_ms()
    asked = server.asked
    clock.anchor_if_due()
    clock.now_ms()
    assert server.asked == asked


def test_a_new_measurement_follows_the_store():
    server = Server(FUTURE_MS)
    clock = AnchoredClock(server.read_ms, anchor_every_s=0)
    clock.now_ms()
    server.ahead_ms += 60_000
    clock.anchor_if_due()
    assert abs(clock.now_ms() - server.read_ms()) < 100


def test_a_failed_measurement_keeps_the_old_offset():
    server = Server(FUTURE_MS)
    clock = AnchoredClock(server.read_ms, anchor_every_s=0)
    before = clock.now_ms()
    server.away = True
    with pytest.raises(StoreUnavailable):
        clock.anchor()
    assert 0 <= clock.now_ms() - before < 1000


def test_without_a_first_measurement_there_is_no_time():
    # A process that cannot have the store's time takes no rows.
    server = Server(FUTURE_MS)
    server.away = True
    with pytest.raises(StoreUnavailable):
        AnchoredClock(server.read_ms, anchor_every_s=10).now_ms()


def test_the_quickest_of_three_answers_counts():
    # Given one slow answer with a time that is off, then a quicker one decides.
    server = Server(FUTURE_MS)
    answers = iter([True, False, False])

    def read_ms() -> int:
        if next(answers):
            time.sleep(0.05)
            return server.read_ms() + 500
        return server.read_ms()

    clock = AnchoredClock(read_ms, anchor_every_s=3600)
    clock.anchor()
    assert abs(clock.now_ms() - server.read_ms()) < 100


def test_a_fake_clock_moves_only_when_told():
    clock = FakeClock(1_000)
    assert clock.now_ms() == 1_000
    clock.advance(1.5)
    clock.sleep(0.5)
    assert clock.now_ms() == 3_000
    assert clock.monotonic_s() == 3.0
