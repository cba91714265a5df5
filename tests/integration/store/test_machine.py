"""Several workers, lost leases, stale writes and cancels in any order: the invariants hold."""
# size: one machine, whose rules share its state

from __future__ import annotations

from dataclasses import replace

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from service.clock import FakeClock
from service.errors import Conflict, IdempotencyReused, StoreError
from service.model.lifecycle import (
    ENDED_CLIP,
    ENDED_CUT,
    ClipState,
    CutState,
    clip_may_become,
    cut_may_become,
)
from service.settings import Settings
from service.store.commands import Claim, Kept, LeaseLost
from service.store.revisions import add_cut
from tests.builders import ACCOUNT, a_new_cut, a_new_job, a_spec, an_event
from tests.integration.store.conftest import Store
from tests.integration.store.invariants import ENDED, Picture, assert_invariants, snapshot

WORKERS = st.sampled_from(["w1", "w2", "w3"])
PAUSES_S = st.sampled_from([0.5, 2, 10, 30, 59, 65, 75, 400])


class Engine(RuleBasedStateMachine):
    """What any number of workers may do to the store. Claims are kept, also when lost."""

    client: redis.Redis

    def __init__(self) -> None:
        super().__init__()
        self.client.flushall()
        self.store = Store(self.client, FakeClock(), replace(Settings(), account_slots=2))
        self.claims: list[Claim] = []
        self.fences: dict[str, int] = {}
        self.ended: dict[str, str] = {}
        self.picture = Picture()

    @initialize(hooks=st.booleans())
    def accept_first(self, hooks):
        self.accept(clips=1, variants="AB", hooks=hooks, limit_ms=1_800_000)

    @precondition(lambda self: 0 < len(self.picture.jobs) < 4)
    @rule(
        clips=st.integers(1, 2),
        variants=st.sampled_from(["A", "AB", "ABC"]),
        hooks=st.booleans(),
        limit_ms=st.sampled_from([0, 50_000, 1_800_000]),
    )
    def accept(self, clips, variants, hooks, limit_ms):
        spec = a_spec(clips=clips, variants=variants, hooks=hooks)
        job_id = f"job_{len(self.picture.jobs):026d}"
        self.store.accept(a_new_job(spec, job_id=job_id, limit_ms=limit_ms))

    @rule(worker=WORKERS, free=st.integers(0, 3))
    def tick(self, worker, free):
        before = {name: row["lease"] for name, row in self.picture.rows.items()}
        self.store.tick(worker=worker, flow=free, transfer=free, media=free, hooks=free)
        assert {n: self.store.row(n)["lease"] for n in before} == before

    @rule(seconds=PAUSES_S)
    def pass_time(self, seconds):
        self.store.clock.advance(seconds)

    @precondition(lambda self: self.picture.due)
    @rule(data=st.data(), worker=WORKERS)
    def claim(self, data, worker):
        self._claim(_pick(data, sorted(self.picture.due)), worker)

    @precondition(lambda self: self.picture.due)
    @rule(data=st.data(), worker=WORKERS, rows=st.integers(1, 8))
    def work(self, data, worker, rows):
        """Claim what is ready and do its work, row after row."""
        for _ in range(rows):
            due = self.store.client.zrange("cab:due", 0, 3)
            before = len(self.claims)
            if due:
                self._claim(_pick(data, due), worker)
            if len(self.claims) > before:
                self._go_on(self.claims[-1], data)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), worker=WORKERS)
    def overtake(self, data, worker):
        """Take a row whose holder has been silent too long; the holder does not know yet."""
        claim = _pick(data, self.claims)
        self.store.clock.advance(75)
        self._claim(claim.row, worker)

    def _claim(self, row, worker):
        before = self.store.row(row)
        got = self.store.try_claim(row, worker)
        if not isinstance(got, Claim):
            return
        # Nobody takes a row whose lease lives, and its number only grows.
        lease = int(before["lease"])
        assert lease == 0 or lease + 10_000 <= self.store.now_ms
        assert got.fence > self.fences.get(row, 0)
        self.fences[row] = got.fence
        self.claims.append(got)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def go_on(self, data):
        """Do what the holder of a claim would, whether it still holds it or not."""
        self._go_on(_pick(data, self.claims), data)

    def _go_on(self, claim: Claim, data) -> None:
        row = self.store.row(claim.row)
        holds = row.get("fence") == str(claim.fence) and row.get("open") == "1"
        before = None if holds else snapshot(self.client)
        try:
            self._work(claim, data, row)
        except LeaseLost:
            assert not holds, f"{claim.row} was refused to its holder"
            assert snapshot(self.client) == before
        else:
            assert holds, f"{claim.row} was written by somebody who had lost it"
        self.claims.remove(claim)

    def _work(self, claim: Claim, data, row: dict[str, str]) -> None:
        kind = claim.row.partition(":")[0]
        now_ms = self.store.now_ms
        if kind in {"cut", "clip"}:
            self._step(claim, data, row.get("state", claim.state))
        elif kind == "finish":
            status = _pick(data, ["succeeded", "partial", "failed"])
            self.store.commands.finish(
                claim, status=status, result="{}", event=an_event(), now_ms=now_ms
            )
        elif kind == "event":
            deliveries = [(claim.row.replace("event", "delivery") + ".job", "{}")]
            deliveries *= data.draw(st.integers(0, 1))
            self.store.commands.fan_out(claim, deliveries, now_ms=now_ms)
        elif kind == "delivery":
            next_ms = _pick(data, [0, now_ms + 5000])
            self.store.commands.record_attempt(
                claim, state="pending", doc="{}", next_ms=next_ms, now_ms=now_ms
            )

    def _step(self, claim: Claim, data, state: str) -> None:
        following = _pick(data, _following(claim.row, state))
        ended = following in ENDED_CUT or following in ENDED_CLIP
        pause = (following == "action_required") - (state == "action_required")
        job = next(iter(claim.row.partition(":")[2].split(".", 1)))
        wakes = sorted(row for row in self.picture.rows if f"cut:{job}." in row)
        self.store.commit(
            replace(claim, state=state),
            following,
            ended=ended,
            keep=not ended and not pause and data.draw(st.booleans()),
            free=pause == 1,
            pause=pause,
            wake=wakes if ended else (),
            first=an_event("job.running"),
            events=[an_event()] * data.draw(st.integers(0, 2)),
            ready_ms=self.store.now_ms + _pick(data, [0, 30_000]),
        )
        if ended:
            self.ended[claim.row] = following

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def extend(self, data):
        claim = _pick(data, self.claims)
        row = self.store.row(claim.row)
        holds = row.get("fence") == str(claim.fence) and row.get("lease", "0") != "0"
        kept = self.store.extend(claim)
        assert (kept is not Kept.LOST) == holds

    @precondition(lambda self: any(c.row.startswith("cut:") for c in self.claims))
    @rule(data=st.data(), amount=st.sampled_from([50, 100]))
    def pay(self, data, amount):
        cuts = [claim for claim in self.claims if claim.row.startswith("cut:")]
        claim, now_ms = _pick(data, cuts), self.store.now_ms
        try:
            self.store.commands.reserve(claim, amount=amount, total=150, mark="0", now_ms=now_ms)
            self.store.commands.settle(
                claim,
                edit_id=claim.row,
                total=100,
                mark="0",
                most=50,
                confirmed=True,
                now_ms=now_ms,
            )
        except LeaseLost:
            pass
        assert int(self.store.accounts.read_account(ACCOUNT).get("reserved", 0)) <= 150

    @precondition(lambda self: any(c.row.startswith("cut:") for c in self.claims))
    @rule(data=st.data(), kind=st.sampled_from(["reading", "done"]))
    def keep_evidence(self, data, kind):
        cuts = [claim.row for claim in self.claims if claim.row.startswith("cut:")]
        row = _pick(data, cuts)
        self.store.commands.evidence(row, "edt_1", kind, "{}", now_ms=self.store.now_ms)

    @precondition(lambda self: self.picture.jobs)
    @rule(data=st.data())
    def cancel(self, data):
        job = _pick(data, sorted(self.picture.jobs))
        try:
            self.store.jobs.cancel(job, an_event("job.canceling"), now_ms=self.store.now_ms)
        except Conflict:
            assert self.picture.jobs[job]["status"] == "comparing"

    @precondition(lambda self: self.picture.jobs)
    @rule(data=st.data(), key=st.integers(0, 30))
    def add_cut(self, data, key):
        job = _pick(data, sorted(self.picture.jobs))
        try:
            add_cut(self.store.connection, a_new_cut(job, key=str(key)), now_ms=self.store.now_ms)
        except Conflict:
            assert self.picture.jobs[job]["status"] == "canceling"
        except IdempotencyReused:
            pass

    @precondition(lambda self: self.picture.jobs)
    @rule(data=st.data())
    def resume(self, data):
        job = _pick(data, sorted(self.picture.jobs))
        try:
            self.store.jobs.resume(job, an_event("job.resumed"), now_ms=self.store.now_ms)
        except Conflict:
            assert self.picture.jobs[job]["status"] in {*ENDED, "canceling"}

    @invariant()
    def everything_fits(self):
        before = {name: job["status"] for name, job in self.picture.jobs.items()}
        self.picture = assert_invariants(self.client)
        for name, status in before.items():
            if status in {"succeeded", "partial", "failed", "canceled", "expired"}:
                assert self.picture.jobs[name]["status"] == status
        for row, state in self.ended.items():
            assert self.picture.rows[row]["state"] == state, f"{row} left its end"

    def teardown(self):
        """Whatever has happened, workers that go on bring every job to its end."""
        try:
            self._run_out()
        except StoreError as error:
            raise AssertionError(str(error)) from error
        picture = assert_invariants(self.client)
        assert not picture.due, f"left over: {picture.due}"

    def _run_out(self) -> None:
        for _ in range(400):
            due = self.client.zrange("cab:due", 0, -1)
            if not due:
                return
            for row in due:
                got = self.store.try_claim(row)
                if isinstance(got, Claim):
                    self._end(got)
            self.store.clock.advance(30)

    def _end(self, claim: Claim) -> None:
        kind, now_ms = claim.row.partition(":")[0], self.store.now_ms
        if kind in {"cut", "clip"}:
            leaving = -1 if claim.state == "action_required" else 0
            self.store.commit(claim, "failed", ended=True, pause=leaving)
        elif kind == "finish":
            self.store.commands.finish(
                claim, status="failed", result="{}", event=an_event(), now_ms=now_ms
            )
        elif kind == "event":
            self.store.commands.fan_out(claim, [], now_ms=now_ms)
        else:
            self.store.commands.record_attempt(
                claim, state="failed", doc="{}", next_ms=0, now_ms=now_ms
            )


def _pick(data, among):
    """One of some; drawn so that another number of them is no other kind of draw."""
    return among[data.draw(st.integers(0, 9999)) % len(among)]


def _following(row: str, state: str) -> list[str]:
    if row.startswith("clip:"):
        return [each for each in ClipState if clip_may_become(ClipState(state), each)] or ["failed"]
    return [each for each in CutState if cut_may_become(CutState(state), each)] or ["failed"]


def test_any_order_of_events_keeps_the_invariants(redis_client: redis.Redis):
    Engine.client = redis_client
    case = Engine.TestCase
    case.settings = settings(
        max_examples=100,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    case().runTest()


def test_the_picture_would_show_a_fault(store):
    # Given a job, when a row's entry in the due set is lost, then the check fails and names it.
    new = store.accept()
    row = new.rows[0].row
    score = store.client.zscore("cab:due", row)
    store.client.zrem("cab:due", row)
    with pytest.raises(AssertionError, match=row.replace(".", r"\.")):
        assert_invariants(store.client)
    store.client.zadd("cab:due", {row: score})
