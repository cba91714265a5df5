"""A Redis that counts alone follows the time that the main one keeps."""

from __future__ import annotations

import pytest
import redis

from service.errors import ClockRefused
from service.experiments.outcomes import read_outcome
from service.store.connection import Connection
from service.store.experiments import ExperimentStore
from tests.outcomes import an_experiment, an_outcome

HOUR_MS = 3_600_000
JOB, TENANT = "job_1", "ten_1"


@pytest.fixture
def apart(valkey_server, redis_client):
    """A client of the Redis that counts: empty, and another than the main one."""
    with redis.Redis(
        unix_socket_path=str(valkey_server.socket), db=1, decode_responses=True, protocol=2
    ) as client:
        yield client


@pytest.fixture
def start(store, apart):
    """Starts a process: what it counts by."""

    def begin() -> ExperimentStore:
        keeper = Connection(store.client, store.settings, store.clock)
        return ExperimentStore(
            Connection(apart, store.settings, store.clock, keeper=keeper), store.settings
        )

    return begin


def count(counting: ExperimentStore, store, name: str) -> list[str]:
    """Count an outcome now."""
    return counting.record(
        JOB, TENANT, counting.read(JOB), [outcome(name, store)], now_ms=store.now_ms
    )


def outcome(name: str, store):
    times = {"started_ms": store.now_ms, "now_ms": store.now_ms}
    return read_outcome(an_outcome(name, name), "", an_experiment(), **times)


@pytest.fixture
def counting(store, start):
    """A process that has counted an outcome of an experiment."""
    store.accept()
    found = start()
    found.attach(JOB, TENANT, an_experiment(), begin=True, now_ms=store.now_ms)
    assert count(found, store, "first") == ["accepted"]
    return found


def pass_a_while(store, seconds: float) -> None:
    """Some seconds of work beside the main Redis."""
    store.clock.advance(seconds)
    store.accept()


def pass_an_hour(store) -> None:
    """An hour of work beside the main Redis, in which nothing is counted."""
    pass_a_while(store, 3600)


def test_who_starts_after_a_quiet_hour_counts_at_once(store, start, counting):
    pass_an_hour(store)
    assert count(start(), store, "second") == ["accepted"]


def test_who_starts_when_no_worker_has_run_for_an_hour_counts_after_a_moment(
    store, start, counting
):
    store.clock.advance(3600)
    assert count(start(), store, "second") == ["accepted"]


def test_an_older_copy_is_counted_into_by_who_has_run_all_along(store, counting, apart):
    # Given a process that has just counted, and counts that come back as of an hour ago
    pass_an_hour(store)
    assert count(counting, store, "second") == ["accepted"]
    apart.set("cab:clock", store.now_ms - HOUR_MS)
    # Then it goes on, and the time there is that of now
    assert count(counting, store, "third") == ["accepted"]
    assert int(apart.get("cab:clock")) == store.now_ms


def test_a_time_that_was_ahead_holds_nobody_up_once_it_is_right_again(store, counting, apart):
    apart.set("cab:clock", store.now_ms + HOUR_MS)
    assert count(counting, store, "second") == ["accepted"]


@pytest.mark.parametrize("off_ms", [HOUR_MS, -HOUR_MS])
def test_a_time_that_the_main_redis_would_refuse_is_refused(
    store, start, counting, apart, off_ms, monkeypatch
):
    # Given workers who keep the time
    monkeypatch.setattr(store.clock, "sleep", lambda seconds: pass_a_while(store, seconds))
    before = {key: apart.dump(key) for key in apart.scan_iter()}
    sent, wrong_ms = [outcome("second", store)], store.now_ms + off_ms
    for each in (counting, start()):
        with pytest.raises(ClockRefused):
            each.record(JOB, TENANT, each.read(JOB), sent, now_ms=wrong_ms)
        with pytest.raises(ClockRefused):
            each.drop(JOB, now_ms=wrong_ms)
    assert {key: apart.dump(key) for key in apart.scan_iter()} == before
