"""The guard of the clock: a jump stops claims; an outage of one's own does not (invariant 3)."""

from __future__ import annotations

import pytest

from service.clock import FakeClock
from service.errors import ClockRefused
from service.experiments.intake import take_outcomes
from service.settings import Settings
from service.store.connection import Connection
from service.store.experiments import ExperimentStore
from service.store.jobs import JobStore
from tests.builders import TENANT, a_new_job
from tests.integration.store.invariants import assert_invariants, snapshot
from tests.outcomes import an_experiment, an_outcome

HIGH_MS = 1_800_000_000_000


class Process:
    """One process with a clock of its own, on the shared store."""

    def __init__(self, client, now_ms: int = HIGH_MS, while_asleep=lambda: None) -> None:
        self.clock = SleepingClock(now_ms, while_asleep)
        connection = Connection(client, Settings(), self.clock)
        self.jobs = JobStore(connection)
        self.experiments = ExperimentStore(connection, Settings())

    def work(self, now_ms: int | None = None) -> None:
        """Write something at a time, its own clock's unless told otherwise."""
        self.jobs.create(a_new_job(), now_ms=self.clock.now_ms() if now_ms is None else now_ms)

    def begin(self) -> None:
        """Open the book of an experiment, which begins to count."""
        now_ms = self.clock.now_ms()
        self.experiments.attach("job_1", TENANT, an_experiment(), begin=True, now_ms=now_ms)

    def count(self, event: str = "e") -> None:
        """Count an outcome, as many are counted: several commands in one exchange."""
        batch = {"outcomes": [an_outcome(event, event)]}
        now_ms = self.clock.now_ms()
        take_outcomes(self.experiments, "job_1", TENANT, batch, now_ms=now_ms)


class SleepingClock(FakeClock):
    def __init__(self, now_ms: int, while_asleep) -> None:
        super().__init__(now_ms)
        self._while_asleep = while_asleep
        self.slept_s = 0.0

    def sleep(self, seconds: float) -> None:
        self.slept_s += seconds
        super().sleep(seconds)
        self._while_asleep()


@pytest.fixture
def running(redis_client):
    """A process whose call the store has just accepted."""
    process = Process(redis_client)
    process.work()
    yield process
    assert_invariants(redis_client)


@pytest.mark.parametrize("off_ms", [-5000, -1, 0, 1, 60_000])
def test_what_is_near_enough_is_taken(running, off_ms):
    running.work(HIGH_MS + off_ms)


@pytest.mark.parametrize("off_ms", [-5001, 60_001, -3_600_000, 3_600_000])
def test_what_is_too_far_off_is_refused_and_writes_nothing(running, redis_client, off_ms):
    before = snapshot(redis_client)
    with pytest.raises(ClockRefused):
        running.work(HIGH_MS + off_ms)
    assert snapshot(redis_client) == before
    assert int(redis_client.get("cab:clock")) == HIGH_MS


def test_the_highest_time_seen_does_not_go_back(running, redis_client):
    running.work(HIGH_MS + 20_000)
    running.work(HIGH_MS + 16_000)
    assert int(redis_client.get("cab:clock")) == HIGH_MS + 20_000
    with pytest.raises(ClockRefused):
        running.work(HIGH_MS + 14_000)


def test_an_outage_that_the_process_has_lived_through_is_no_jump(running):
    # Given an hour without a call, by the process's own clock, when it calls, then it is taken.
    running.clock.advance(3600)
    running.work()
    assert running.clock.slept_s == 0


def test_a_jump_after_an_outage_is_still_seen(running):
    running.clock.advance(3600)
    with pytest.raises(ClockRefused):
        running.work(running.clock.now_ms() + 60_001)


def test_a_running_process_does_not_wait_for_peers(running):
    with pytest.raises(ClockRefused):
        running.work(HIGH_MS + 3_600_000)
    assert running.clock.slept_s == 0


def test_a_starting_process_waits_and_takes_over_when_nobody_is_there(running, redis_client):
    # Given a store whose processes all ended an hour ago,
    late = Process(redis_client, HIGH_MS + 3_600_000)
    # When a new one starts, then it watches for a moment and goes on with its own time.
    late.work()
    assert late.clock.slept_s == Settings().clock_settle_s
    assert int(redis_client.get("cab:clock")) >= HIGH_MS + 3_600_000


def test_a_starting_process_yields_to_a_living_peer(running, redis_client):
    # Given a peer that goes on working,
    def peer_works() -> None:
        running.clock.advance(1)
        running.work()

    wrong = Process(redis_client, HIGH_MS + 3_600_000, peer_works)
    # When a process with another time starts, then it is refused, however often it tries.
    for _ in range(2):
        with pytest.raises(ClockRefused):
            wrong.work()
    assert int(redis_client.get("cab:clock")) == HIGH_MS + 2000


def test_a_store_whose_host_jumped_ahead_stops_claims_and_expires_no_lease(running, redis_client):
    # Given a highest time an hour ahead of all processes,
    redis_client.set("cab:clock", HIGH_MS + 3_600_000)
    # When one works, or another starts, then both are refused until the time is right again.
    with pytest.raises(ClockRefused):
        running.work()
    with pytest.raises(ClockRefused):
        Process(redis_client).work()
    running.clock.advance(3600)
    running.work()


def test_the_first_process_ever_needs_no_peer(redis_client):
    first = Process(redis_client)
    first.work()
    assert first.clock.slept_s == 0
    assert int(redis_client.get("cab:clock")) == HIGH_MS


def test_a_process_may_count_first_where_nobody_has_written_for_minutes(running, redis_client):
    # Given a store that only counts outcomes, in which nobody has written since the last look
    running.begin()
    api = Process(redis_client, HIGH_MS + 300_000)
    # When a process that has never written there gets an outcome, then it is counted.
    api.count()
    assert api.clock.slept_s == Settings().clock_settle_s
    api.count("later")
    assert api.clock.slept_s == Settings().clock_settle_s


def test_who_watches_while_a_peer_begins_at_the_same_time_goes_on(running, redis_client):
    # Given two processes that come at once to a store in which nobody has written for minutes
    running.begin()
    late_ms = HIGH_MS + 300_000
    peer = Process(redis_client, late_ms)
    other = Process(redis_client, late_ms, lambda: peer.count("peer"))
    # When one of them is taken while the other still watches, then both are.
    other.count("other")
    assert int(redis_client.get("cab:clock")) >= late_ms
