"""The sandbox's clock and agenda: what passes when, without waiting for it."""

from __future__ import annotations

import threading
import time
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.agenda import Agenda
from sandbox.clock import SandboxClock

SECONDS = st.floats(0, 1e6, allow_nan=False)


class Stop(threading.Event):
    """A call to stop that tells when somebody waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.awaited = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.awaited.set()
        return super().wait(timeout)


def frozen() -> SandboxClock:
    clock = SandboxClock()
    clock.set_mode("manual")
    return clock


def test_a_manual_clock_stands_still_until_it_is_advanced() -> None:
    clock = frozen()
    before = (clock.now_s(), clock.running_s())
    time.sleep(0.01)
    assert (clock.now_s(), clock.running_s()) == before
    clock.advance(60)
    assert clock.now_s() == before[0] + 60
    assert clock.running_s() == before[1] + 60


def test_advancing_the_wall_moves_the_date_and_hurries_no_wait() -> None:
    clock = SandboxClock()
    before = (clock.now_s(), clock.running_s())
    clock.advance(7 * 24 * 3600)
    assert clock.now_s() - before[0] >= 7 * 24 * 3600
    assert clock.running_s() - before[1] < 60


@given(st.lists(st.tuples(st.sampled_from(["wall", "manual", "leap"]), SECONDS), max_size=8))
def test_running_time_never_goes_back(moves: list[tuple[str, float]]) -> None:
    clock = SandboxClock()
    last = clock.running_s()
    for mode, seconds in moves:
        clock.set_mode(mode)
        clock.advance(seconds)
        assert clock.running_s() >= last
        last = clock.running_s()


def test_a_date_before_the_present_one_moves_no_wait_back() -> None:
    clock = frozen()
    running_s = clock.running_s()
    clock.set_now(1_000_000.0)
    assert clock.now_s() == pytest.approx(1_000_000.0)
    assert clock.running_s() == running_s


def test_a_leaping_clock_passes_what_is_waited_for() -> None:
    clock = frozen()
    clock.set_mode("leap")
    due_s = clock.running_s() + 900
    clock.sleep(900, threading.Event())
    assert clock.running_s() == due_s


def test_a_wait_on_a_manual_clock_ends_when_it_is_passed_or_stopped() -> None:
    # Given somebody who has begun to wait
    clock, stopping = frozen(), Stop()
    waiter = threading.Thread(target=clock.sleep, args=(60, stopping), daemon=True)
    waiter.start()
    assert stopping.awaited.wait(60)
    # Then the wait ends with the time, not before
    clock.advance(59)
    waiter.join(0.05)
    assert waiter.is_alive()
    clock.advance(1)
    waiter.join(60)
    assert not waiter.is_alive()
    stopping.set()
    clock.sleep(60, stopping)


@given(st.lists(SECONDS, max_size=12), SECONDS)
def test_the_agenda_does_what_is_due_in_order(delays: list[float], passed_s: float) -> None:
    clock = frozen()
    agenda, done = Agenda(clock), []
    start_s = clock.running_s()
    for number, delay_s in enumerate(delays):
        agenda.add(start_s + delay_s, lambda n=number: done.append(n))
    clock.advance(passed_s)
    agenda.do_due()
    due = [n for n, d in enumerate(delays) if start_s + d <= clock.running_s()]
    assert done == sorted(due, key=lambda n: start_s + delays[n])


def test_what_is_planned_while_working_is_done_in_the_same_go() -> None:
    clock = frozen()
    agenda, done = Agenda(clock), []
    now_s = clock.running_s()
    agenda.add(now_s, lambda: agenda.add(now_s, lambda: done.append("second")))
    agenda.do_due()
    assert done == ["second"]


def test_a_cleared_agenda_does_nothing() -> None:
    clock = frozen()
    agenda, done = Agenda(clock), []
    agenda.add(clock.running_s(), lambda: done.append(1))
    agenda.clear()
    agenda.do_due()
    assert done == []


@given(started_s=st.floats(0, 1e7), waits=st.lists(st.floats(0, 1000), min_size=1, max_size=20))
def test_a_leap_is_never_short_of_its_moment(started_s, waits):
    """Given any uptime of the machine, then no rounding leaves a wait waiting for ever."""
    with patch("sandbox.clock.time.monotonic", return_value=started_s):
        clock = SandboxClock()
        clock.set_mode("leap")
    until_s = clock.running_s()
    for wait_s in waits:
        until_s += wait_s
        clock.pass_time(until_s)
        assert until_s <= clock.running_s() <= until_s + 1e-6


@given(st.floats(0, 1e7), st.lists(st.sampled_from([0.1, 0.7, 5.0, 20.0]), max_size=50))
def test_what_was_advanced_has_passed(started_s, moves):
    """Given any uptime, then moves of 5 s and 20 s make the 25 s that a render takes."""
    with patch("sandbox.clock.time.monotonic", return_value=started_s):
        clock = frozen()
    began_s = clock.running_s()
    for seconds in moves:
        clock.advance(seconds)
    assert sum(moves) <= clock.running_s() - began_s <= sum(moves) + 1e-4
