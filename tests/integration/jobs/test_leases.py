"""Leases: renewed together; a lost one is told, a cancel is passed on once."""

from __future__ import annotations

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from service.jobs.leases import Leases
from service.store.commands import Commands
from service.store.connection import Connection
from tests.builders import an_event


@pytest.fixture
def leases(store) -> Leases:
    return Leases(store.commands, store.clock, store.settings)


@pytest.fixture
def claims(store):
    """Two cuts of one job, claimed."""
    return [store.claim(row) for row in store.ready_job()[1]]


def test_a_held_claim_counts_from_the_moment_it_was_made(store, leases, claims):
    store.clock.advance(21)
    with leases.hold(claims[0]) as lease:
        assert not lease.may_send(store.clock.monotonic_s(), 60.0)


def test_all_are_renewed_and_count_anew(store, leases, claims):
    with leases.hold(claims[0]) as a, leases.hold(claims[1]) as b:
        store.clock.advance(50)
        leases.renew_all()
        assert a.renewed_at_s == b.renewed_at_s == store.clock.monotonic_s()
        assert [store.due_in_ms(claim.row) for claim in claims] == [70_000, 70_000]


def test_what_is_no_longer_held_is_not_renewed(store, leases, claims):
    with leases.hold(claims[0]):
        pass
    store.clock.advance(50)
    leases.renew_all()
    assert len(leases) == 0
    assert store.due_in_ms(claims[0].row) == 20_000


def test_a_lease_is_let_go_when_its_step_fails(leases, claims):
    with pytest.raises(RuntimeError), leases.hold(claims[0]):
        raise RuntimeError
    assert len(leases) == 0


def test_a_lost_lease_is_told_and_the_others_are_renewed(store, leases, claims):
    with leases.hold(claims[0]) as a:
        store.clock.advance(70)
        store.claim(claims[0].row, "w2")
        with leases.hold(claims[1]) as b:
            leases.renew_all()
            assert (a.lost, b.lost) == (True, False)
    assert store.due_in_ms(claims[1].row) == 70_000


def test_a_lease_that_ran_out_unnoticed_is_revived(store, leases, claims):
    with leases.hold(claims[0]) as lease:
        store.clock.advance(600)
        leases.renew_all()
        assert not lease.lost
        assert lease.may_send(store.clock.monotonic_s(), 60.0)


def test_a_store_that_is_away_loses_no_lease_but_renews_none(store, claims, tmp_path):
    gone = redis.Redis(unix_socket_path=str(tmp_path / "none.sock"), retry=Retry(NoBackoff(), 0))
    commands = Commands(Connection(gone, store.settings, store.clock), store.settings)
    leases = Leases(commands, store.clock, store.settings)
    with leases.hold(claims[0]) as lease:
        store.clock.advance(25)
        leases.renew_all()
        assert not lease.lost
        assert not lease.may_send(store.clock.monotonic_s(), 60.0)


@pytest.mark.parametrize(("reading", "said"), [("edt_1", ["reading"]), ("", [])])
def test_a_lost_lease_says_whether_its_stream_is_still_read(store, leases, claims, reading, said):
    with leases.hold(claims[0]) as lease:
        lease.reading = reading
        store.clock.advance(70)
        store.claim(claims[0].row, "w2")
        due_ms = store.due_in_ms(claims[0].row)
        leases.renew_all()
        leases.renew_all()
    assert list(store.commands.read_evidence("edt_1")) == said
    assert store.due_in_ms(claims[0].row) == due_ms


def test_a_cancel_is_passed_on_once(store, leases, claims):
    calls: list[str] = []
    with leases.hold(claims[0]) as lease:
        lease.on_cancel = lambda: calls.append("stop")
        leases.renew_all()
        assert calls == []
        store.jobs.cancel(claims[0].job_id, an_event("job.canceling"), now_ms=store.now_ms)
        leases.renew_all()
        leases.renew_all()
    assert calls == ["stop"]
    assert lease.cancel_asked


def test_a_cancel_that_the_claim_knew_of_is_not_passed_on(store, leases):
    new, (row, _b) = store.ready_job()
    store.jobs.cancel(new.id, an_event("job.canceling"), now_ms=store.now_ms)
    with leases.hold(store.claim(row)) as lease:
        lease.on_cancel = lambda: pytest.fail("called")
        leases.renew_all()
        assert lease.cancel_asked


def test_a_callback_that_fails_keeps_nobody_else_from_renewing(store, leases, claims):
    # Given a stream that cannot be shut down, and another row of a canceled job,
    store.jobs.cancel(claims[0].job_id, an_event("job.canceling"), now_ms=store.now_ms)

    def fail() -> None:
        raise AttributeError("raw")

    with leases.hold(claims[0]) as lease, leases.hold(claims[1]) as other:
        lease.on_cancel = fail
        # When all are renewed, then the other is too, and told of the cancel.
        leases.renew_all()
        assert other.cancel_asked
