"""warn: the end of a job is told once, some time before it, and stays where it is."""

from __future__ import annotations

import pytest

from service.jobs.retention import warn_expiring
from service.store.retention import Retention
from service.store.revisions import add_cut
from tests.builders import a_new_cut, a_new_job, a_spec
from tests.integration.store.test_retention import TTL_S, ended_job, retire

DAY_S = 86_400


@pytest.fixture
def warned(store):
    def look() -> int:
        return warn_expiring(Retention(store.connection), store.jobs, store.clock)

    return look


def expires_ms(store, job_id: str) -> int:
    return store.jobs.read(job_id).expires_ms


def test_it_is_told_a_day_before_and_once(store, warned):
    # Given an ended job
    job = ended_job(store)
    end_ms = expires_ms(store, job.id)
    # When there is more than a day left, nothing is said; then it is, once, with the time
    store.clock.advance(TTL_S - DAY_S - 1)
    assert warned() == 0
    store.clock.advance(1)
    assert [warned(), warned()] == [1, 0]
    event = store.jobs.events(job.id)[-1]
    assert event["type"] == "job.expiring"
    assert event["data"]["status"] == "succeeded"
    assert event["data"]["expires_at"].startswith("2027-01-22T")
    # and the end stays where it is
    assert expires_ms(store, job.id) == end_ms
    store.clock.advance(DAY_S)
    assert retire(store).ended == 1


def test_its_delivery_moves_no_end(store, warned):
    # Given a job with a webhook that was told of its end
    job = ended_job(store, spec=a_spec(hooks=True))
    for row in store.client.zrange("cab:due", 0, -1):
        store.deliveries.fan_out(store.claim(row), [], now_ms=store.now_ms)
    end_ms = expires_ms(store, job.id)
    store.clock.advance(TTL_S - DAY_S)
    assert warned() == 1
    # When the event is delivered half a day later, then the end is where it was
    (row,) = store.client.zrange("cab:due", 0, -1)
    store.clock.advance(DAY_S / 2)
    store.deliveries.fan_out(store.claim(row), [], now_ms=store.now_ms)
    assert expires_ms(store, job.id) == end_ms
    assert store.client.zscore("cab:retention", job.id) == end_ms
    assert warned() == 0


def test_a_receiver_that_is_away_holds_no_job_back(store, warned):
    # Given a job whose last event cannot be delivered
    job = ended_job(store, spec=a_spec(hooks=True))
    for row in store.client.zrange("cab:due", 0, -1):
        store.deliveries.fan_out(store.claim(row), [], now_ms=store.now_ms)
    store.clock.advance(TTL_S - DAY_S)
    warned()
    assert store.client.zcard("cab:due") == 1
    # When its time is over, then it goes with what was still to be told
    store.clock.advance(DAY_S)
    assert retire(store).ended == 1
    assert store.client.zcard("cab:due") == 0
    assert store.client.keys(f"cab:*{job.id}*") == [f"cab:expired:{job.id}"]


def test_a_job_that_goes_on_is_told_of_anew(store, warned):
    # Given a job that was told of, and then got a revision
    job = ended_job(store)
    store.clock.advance(TTL_S - DAY_S)
    assert warned() == 1
    add_cut(store.connection, a_new_cut(job.id), now_ms=store.now_ms)
    # When the old end passes, nothing is said or ended; the new one is told of
    store.clock.advance(DAY_S)
    assert (warned(), retire(store).ended) == (0, 0)
    store.end(f"cut:{job.id}.0.A.2", "failed")
    assert expires_ms(store, job.id) == store.now_ms + TTL_S * 1000
    store.clock.advance(TTL_S - DAY_S)
    assert warned() == 1
    assert store.event_types(job.id).count("job.expiring") == 2


@pytest.mark.parametrize(("ttl_s", "told"), [(DAY_S, 0), (DAY_S + 1, 1)])
def test_a_short_life_ends_untold(store, warned, ttl_s: int, told: int):
    ended_job(store, ttl_ms=ttl_s * 1000)
    store.clock.advance(ttl_s - DAY_S)
    assert warned() == told


def test_a_sweep_that_comes_too_late_tells_nothing(store, warned):
    job = ended_job(store)
    store.clock.advance(TTL_S)
    assert warned() == 0
    assert "job.expiring" not in store.event_types(job.id)
    assert store.client.zcard("cab:expiring") == 0


def test_what_has_gone_is_forgotten(store, warned):
    job = ended_job(store)
    store.client.delete(f"cab:job:{job.id}", f"cab:job:{job.id}:rows", f"cab:job:{job.id}:events")
    store.clock.advance(TTL_S - DAY_S)
    assert warned() == 0
    assert store.client.zcard("cab:expiring") == 0


def test_more_than_one_batch_is_told(store, warned):
    for _ in range(130):
        ended_job(store, spec=a_spec(variants="A"))
    store.clock.advance(TTL_S - DAY_S)
    assert warned() == 130


def test_a_tenants_own_time_is_shorter_never_longer(store):
    # Given a tenant that wants its jobs kept for an hour, and one that wants a year
    retention = Retention(store.connection)
    retention.set_own_ttl_ms("ten_1", 3_600_000)
    retention.set_own_ttl_ms("ten_2", 365 * DAY_S * 1000)
    # When jobs of both end
    one, other = ended_job(store), store.comparing_job(a_new_job(tenant="ten_2"))
    store.finish(other.id)
    # Then one is kept for its hour, the other as long as any
    assert expires_ms(store, one.id) == store.now_ms + 3_600_000
    assert expires_ms(store, other.id) == store.now_ms + TTL_S * 1000
