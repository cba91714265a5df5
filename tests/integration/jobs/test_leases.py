"""Leases: renewed together; a lost one is told, a cancel is passed on once."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from service.errors import StoreUnavailable
from service.jobs.leases import Leases
from service.store.commands import Commands
from service.store.connection import Connection
from service.store.scripts import Refusal
from tests.builders import a_new_job, an_event
from tests.conftest import ValkeyServer


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


def round_trips(store, work) -> int:
    """How often the server is asked while some work is done."""
    before = store.client.info("stats")["total_reads_processed"]
    work()
    return store.client.info("stats")["total_reads_processed"] - before - 1


def test_all_leases_of_a_process_cost_one_exchange(store, leases):
    # Given two hundred claims
    new = [a_new_job(quota=500, account=f"acc_{number}") for number in range(200)]
    claims = [store.claim(store.accept(each).rows[0].row) for each in new]
    with ExitStack() as stack:
        held = [stack.enter_context(leases.hold(claim)) for claim in claims]
        leases.renew_all()
        store.clock.advance(5)
        # When they are renewed; then the server reads as often as a few do, not two hundred
        assert round_trips(store, leases.renew_all) <= 20
        assert {lease.renewed_at_s for lease in held} == {store.clock.monotonic_s()}


class Line:
    """A process's way to Redis, which can be cut."""

    def __init__(self, server: ValkeyServer, folder: Path) -> None:
        self._server = server
        self._socket = folder / "line.sock"
        self.client = redis.Redis(
            unix_socket_path=str(self._socket),
            decode_responses=True,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
        )
        self.mend()

    def mend(self) -> None:
        self._socket.symlink_to(self._server.socket)

    def cut(self) -> None:
        self._socket.unlink()
        self.client.connection_pool.disconnect()


def test_after_an_outage_a_process_extends_before_it_claims(store, valkey_server, tmp_path, claims):
    # Given a stream under way, and an outage longer than its lease
    line = Line(valkey_server, tmp_path)
    commands = Commands(Connection(line.client, store.settings, store.clock), store.settings)
    leases = Leases(commands, store.clock, store.settings)
    with leases.hold(claims[0]) as lease:
        leases.renew_all()
        line.cut()
        assert not leases.renew_all()
        with pytest.raises(StoreUnavailable):
            leases.catch_up()
        store.clock.advance(80)
        line.mend()
        # When the process is about to claim, then it has its own row again before
        leases.catch_up()
        assert store.try_claim(lease.claim.row) is Refusal.HELD
        assert not lease.lost
        # And it does so once.
        store.clock.advance(1)
        leases.catch_up()
        assert lease.renewed_at_s == store.clock.monotonic_s() - 1
    line.client.close()


def test_a_process_that_stood_still_extends_before_it_claims(store, leases, claims):
    # Given a stream under way in a process that was stopped for longer than its lease
    with leases.hold(claims[0]) as lease:
        leases.renew_all()
        store.clock.advance(80)
        # When it is about to claim, no error having told it anything; then it extends first
        leases.catch_up()
        assert lease.renewed_at_s == store.clock.monotonic_s()


def test_a_process_that_holds_nothing_need_not_catch_up(store, leases):
    store.clock.advance(80)
    assert round_trips(store, leases.catch_up) == 0


def test_a_row_that_its_own_commit_gave_back_is_not_lost(store, leases, claims):
    # Given a lease whose commit has been written, and is about to be heard of
    with leases.hold(claims[0]) as lease:
        lease.closing = True
        store.commit(claims[0], "session_open")
        # When an extension comes in between; then it is no loss
        leases.renew_all()
        assert not lease.lost


def test_leases_left_over_are_given_back(store, leases, claims):
    # Given two leases, one of which is another's by now
    with leases.hold(claims[0]) as a, leases.hold(claims[1]) as b:
        store.clock.advance(70)
        store.claim(claims[1].row, "w2")
        # When the process ends; then it gives back the one that it has, at once for the next,
        assert leases.release_all() == 1
        assert store.due_in_ms(claims[0].row) == 0
        assert claims[0].row in store.bells("flow")
        # without counting it as a death, and sends nothing more under either.
        assert store.claim(claims[0].row, "w3").crashes == 1
        assert not a.may_send(store.clock.monotonic_s(), 60.0)
        assert not b.may_send(store.clock.monotonic_s(), 60.0)
