# size: one machine, whose rules share its state
"""Several workers, lost leases, stale writes and cancels in any order: the invariants hold.

`python -m tests.integration.store.machine EXAMPLES STEPS` runs it on a server of its own and prints
how many steps it took, or what did not hold.
"""

from __future__ import annotations

import json
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from service.clock import FakeClock
from service.errors import (
    ClockRefused,
    Conflict,
    Gone,
    IdempotencyReused,
    NotFound,
    StoreError,
    StoreRefused,
)
from service.model.lifecycle import (
    ENDED_CLIP,
    ENDED_CUT,
    ClipState,
    CutState,
    Queue,
    clip_may_become,
    cut_may_become,
)
from service.model.limits import KeyUse
from service.model.public_key import PublicKey
from service.model.share import Share
from service.settings import Settings
from service.store.accounts import Grant, TokenGrant
from service.store.commands import Change, Claim, LeaseLost
from service.store.kept import Kept
from service.store.keys import queue_key
from service.store.public_keys import PublicKeyStore
from service.store.retention import Retention
from service.store.revisions import add_cut
from service.store.shares import ShareStore
from tests.builders import (
    ACCOUNT,
    TENANT,
    a_delivery,
    a_new_cut,
    a_new_job,
    a_spec,
    a_use,
    an_event,
    endpoint_fields,
)
from tests.conftest import _run_valkey
from tests.integration.store.conftest import Store
from tests.integration.store.invariants import (
    ENDED,
    Picture,
    assert_invariants,
    assert_nothing_stays,
    bells_of,
    missed_rows,
    snapshot,
)

#: Keys by which work comes; one has none.
OWNERS = st.sampled_from(["key_1", "key_2", ""])

WORKERS = st.sampled_from(["w1", "w2", "w3"])
PAUSES_S = st.sampled_from([0.5, 2, 10, 30, 59, 65, 75, 400])
#: The account whose token several processes want.
TOKENS = "acc_tokens"
LOCK_MS = 60_000


class Engine(RuleBasedStateMachine):
    """What any number of workers may do to the store. Claims are kept, also when lost."""

    client: redis.Redis
    #: Rules that were run, of all machines together.
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.client.flushall()
        self.store = Store(self.client, FakeClock(), Settings())
        self.claims: list[Claim] = []
        self.fences: dict[str, int] = {}
        self.ended: dict[str, str] = {}
        self.accepted = 0
        #: What each message has added, by its key; commits that were made, as a client may repeat.
        self.added: dict[str, tuple[str, str]] = {}
        self.made: list[tuple[Claim, Change]] = []
        self.done: list[Claim] = []
        self.rights: list[tuple[TokenGrant, int]] = []
        #: When jobs end of whose end was told.
        self.told: dict[str, str] = {}
        self.picture = Picture()
        #: Endpoints ever made, also those that were deleted; tests and notices sent; tries.
        self.endpoints: list[str] = []
        self.noted = self.tries = 0
        self.store.accounts.create_account(TOKENS, {"kind": "anonymous"})

    @initialize(hooks=st.booleans(), slots=st.integers(1, 3))
    def accept_first(self, hooks, slots):
        self.store = self.store.with_settings(
            account_slots=slots,
            account_clips=slots,
            webhook_slots=slots,
            webhook_tenant_slots=slots + 1,
        )
        self.accept(clips=1, variants="AB", hooks=hooks, limit_ms=1_800_000, owner="key_1")

    @precondition(lambda self: 0 < len(self.picture.jobs) < 4 and self.accepted < 9)
    @rule(
        clips=st.integers(1, 2),
        variants=st.sampled_from(["A", "AB", "ABC"]),
        hooks=st.booleans(),
        limit_ms=st.sampled_from([0, 50_000, 1_800_000]),
        owner=OWNERS,
    )
    def accept(self, clips, variants, hooks, limit_ms, owner):
        spec = a_spec(clips=clips, variants=variants, hooks=hooks)
        job_id = f"job_{self.accepted:026d}"
        self.accepted += 1
        self.store.accept(
            a_new_job(
                spec,
                job_id=job_id,
                limit_ms=limit_ms,
                ttl_ms=300_000,
                warn_ms=100_000,
                use=self._use(owner),
            )
        )

    @rule(worker=WORKERS, free=st.integers(0, 3))
    def tick(self, worker, free):
        before = {name: row["lease"] for name, row in self.picture.rows.items()}
        bells = {queue: bells_of(self.client, queue) for queue in Queue}
        missed = missed_rows(self.client, self.picture, bells, now_ms=self.store.now_ms)
        self.store.tick(worker=worker, flow=free, transfer=free, media=free, hooks=free)
        assert {n: self.store.row(n)["lease"] for n in before} == before
        for queue, old in bells.items():
            rung = {bell.row for bell in bells_of(self.client, queue)[len(old) :]}
            twice = rung & {bell.row for bell in old}
            assert not twice, f"{queue}: a second bell for {twice}"
            missed -= rung
        assert not missed, f"newer bells hold back {missed}"

    @rule(queue=st.sampled_from(Queue), bells=st.integers(1, 9))
    def lose_bells(self, queue, bells):
        """A worker takes bells, and looks at no row."""
        self.client.rpop(queue_key(queue), bells)

    @rule(seconds=PAUSES_S)
    def pass_time(self, seconds):
        self.store.clock.advance(seconds)

    @precondition(lambda self: self.picture.due)
    @rule(data=st.data(), worker=WORKERS)
    def claim(self, data, worker):
        self._claim(_pick(data, sorted(self.picture.due)), worker)

    @precondition(lambda self: self.picture.rows)
    @rule(data=st.data(), worker=WORKERS)
    def claim_any(self, data, worker):
        """A bell may name a row that has ended."""
        self._claim(_pick(data, sorted(self.picture.rows)), worker)

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
        """Try a row whose holder has been silent for long or too long, and does not know it yet."""
        claim = _pick(data, self.claims)
        self.store.clock.advance(data.draw(st.sampled_from([65, 75])))
        self._claim(claim.row, worker)

    @precondition(lambda self: self.picture.jobs)
    @rule(data=st.data())
    def hurry(self, data):
        """End whatever clips and cuts of a job can be claimed: it then waits to be finished."""
        job = _pick(data, sorted(self.picture.jobs))
        self.store.clock.advance(75)
        for row in sorted(self.picture.of_job(job)):
            if row.startswith(("clip:", "cut:")):
                before = len(self.claims)
                self._claim(row, "w3")
                if len(self.claims) > before:
                    claim = self.claims.pop()
                    self._end(claim)
                    self.ended[row] = "failed"
                    self.done.append(claim)

    def _claim(self, row, worker):
        before = self.store.row(row)
        got = self.store.try_claim(row, worker)
        if not isinstance(got, Claim):
            return
        assert before["open"] == "1", f"{row} has ended and was taken"
        assert int(before["ready"]) <= self.store.now_ms, f"{row} was taken before its time"
        late = 0 < int(before.get("deadline", "0")) <= self.store.now_ms
        if before.get("cancel") != "1" and not late:
            opened = [each for each in before["after"].split() if self._is_open(each)]
            assert not opened, f"{row} was taken before {opened}"
        # Nobody takes a row whose lease lives, and its number only grows.
        lease = int(before["lease"])
        assert lease == 0 or lease + 10_000 <= self.store.now_ms
        assert got.fence > self.fences.get(row, 0)
        self.fences[row] = got.fence
        self.claims.append(got)

    def _is_open(self, row: str) -> bool:
        return self.store.row(row).get("open") == "1"

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
            self.done.append(claim)
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
            self._fan_out(claim, data)
        elif kind == "delivery":
            next_ms = _pick(data, [0, now_ms + 5000, -1])
            health = self._health(claim.row.rpartition(".")[2], data)
            state = _pick(data, ["pending", "failed"]) if next_ms == 0 else "pending"
            self.tries += 1  # each is remembered with what it adds, or it would be a repetition
            doc = json.dumps({"try": self.tries})
            self.store.deliveries.record_attempt(
                claim, state=state, doc=doc, next_ms=next_ms, now_ms=now_ms, health=health
            )
            left = self.store.row(claim.row)["slot"]
            assert left == "0", f"{claim.row} was tried and keeps its place in the line"

    def _fan_out(self, claim: Claim, data) -> None:
        """Deliveries to the job's webhook and to endpoints, some of them off or gone by now."""
        names = ["job", *self.endpoints] if claim.job_id else list(self.endpoints)
        kept = [each for each in names if data.draw(st.booleans())]
        row = claim.row.replace("event", "delivery")
        made = [a_delivery(f"{row}.{each}") for each in kept]
        created = self.store.deliveries.fan_out(claim, made, now_ms=self.store.now_ms)
        there = [each for each in kept if self.store.row(f"{row}.{each}")]
        assert created == len(there)
        off = [each for each in there if each != "job" and not self._is_on(each)]
        assert not off, f"{off} are switched off and get {row}"

    def _is_on(self, endpoint: str) -> bool:
        return self.client.hget(f"cab:endpoint:{endpoint}", "enabled") == "1"

    def _health(self, endpoint: str, data) -> str:
        """What a try tells of its endpoint: up, down, or that it is to be switched off."""
        kind = data.draw(st.integers(0, 3))
        if endpoint == "job" or kind == 0:
            return ""
        told = {"endpoint": endpoint, "url": "https://hooks.example/", "up": kind == 1}
        told |= {"seen": "", "since": str(self.store.now_ms), "error": "HTTP 500"}
        if kind == 3:
            self.noted += 1
            row = f"event:evt_{self.noted:026d}.0"
            told["off"] = {"reason": "gone", "since": "1", "at_once": True, "row": row, "doc": "{}"}
        return json.dumps(told)

    @precondition(lambda self: len(self.endpoints) < 4)
    @rule()
    def make_endpoint(self):
        name = f"whe_{len(self.endpoints):026d}"
        self.store.endpoints.create(TENANT, name, endpoint_fields(), now_ms=self.store.now_ms)
        self.endpoints.append(name)

    @precondition(lambda self: self.endpoints)
    @rule(data=st.data(), enabled=st.booleans())
    def switch_endpoint(self, data, enabled):
        """On or off; of one that was deleted nothing comes back."""
        name, now_ms = _pick(data, self.endpoints), self.store.now_ms
        there = self.client.exists(f"cab:endpoint:{name}")
        try:
            self.store.endpoints.change(TENANT, name, {"enabled": enabled}, now_ms=now_ms)
        except NotFound:
            assert not there
        else:
            assert there

    @precondition(lambda self: self.endpoints)
    @rule(data=st.data())
    def drop_endpoint(self, data):
        with suppress(NotFound):
            name = _pick(data, self.endpoints)
            self.store.endpoints.drop(TENANT, name, now_ms=self.store.now_ms)

    @precondition(lambda self: self.endpoints)
    @rule(data=st.data())
    def send_test(self, data):
        name, now_ms = _pick(data, self.endpoints), self.store.now_ms
        self.noted += 1
        row = f"delivery:evt_{self.noted:026d}.0.{name}"
        on = self._is_on(name)
        try:
            self.store.deliveries.send_test(TENANT, name, row, "{}", origin="", now_ms=now_ms)
        except (Conflict, NotFound):
            assert not on
        else:
            assert on

    @precondition(lambda self: self.picture.jobs and any(map(self._is_on, self.endpoints)))
    @rule(data=st.data())
    def tell_all(self, data):
        """End all of a job, and tell every endpoint of it in vain: it can be replayed then."""
        job = _pick(data, sorted(self.picture.jobs))
        self.store.clock.advance(75)
        for _ in range(5):
            for row in [row for row in self.client.zrange("cab:due", 0, -1) if job in row]:
                got = self.store.try_claim(row, "w2")
                if not isinstance(got, Claim):
                    continue
                if row.startswith("event:"):
                    name = row.replace("event", "delivery")
                    made = [a_delivery(f"{name}.{each}") for each in self.endpoints]
                    self.store.deliveries.fan_out(got, made, now_ms=self.store.now_ms)
                else:
                    self._end(got)
                if row.startswith(("clip:", "cut:")):
                    self.ended[row] = "failed"
                self.fences[row] = got.fence
        rows = self.client.smembers(f"cab:job:{job}:rows")
        if told := sorted(row for row in rows if _is_to_endpoint(row)):
            self._replay(_pick(data, told))

    @precondition(lambda self: any(_is_to_endpoint(row) for row in self.picture.rows))
    @rule(data=st.data())
    def replay(self, data):
        """Ask for a try of a delivery, whatever it is doing; twice is as once."""
        rows = [each for each in sorted(self.picture.rows) if _is_to_endpoint(each)]
        self._replay(_pick(data, rows))

    def _replay(self, row: str) -> None:
        name, now_ms, before = row.rpartition(".")[2], self.store.now_ms, snapshot(self.client)
        try:
            self.store.deliveries.replay(TENANT, name, row, now_ms=now_ms)
        except (Conflict, NotFound, Gone):
            assert snapshot(self.client) == before
            return
        assert self._is_on(name)
        assert self._is_open(row)
        once = snapshot(self.client)
        assert not self.store.deliveries.replay(TENANT, name, row, now_ms=now_ms)
        assert snapshot(self.client) == once

    def _step(self, claim: Claim, data, state: str) -> None:
        following = _pick(data, _following(claim.row, state))
        ended = following in ENDED_CUT or following in ENDED_CLIP
        pause = (following == "action_required") - (state == "action_required")
        job = next(iter(claim.row.partition(":")[2].split(".", 1)))
        wakes = sorted(row for row in self.picture.rows if f"cut:{job}." in row)
        change = Change(
            following,
            claim.queue,
            claim.doc,
            ready_ms=self.store.now_ms + _pick(data, [0, 30_000]),
            ended=ended,
            keep=not ended and not pause and data.draw(st.booleans()),
            free=pause == 1,
            pause=pause,
            wake=wakes if ended else (),
            first=an_event("job.running"),
            events=[an_event()] * data.draw(st.integers(0, 2)),
        )
        claim = replace(claim, state=state)
        self.store.commands.commit(claim, change, now_ms=self.store.now_ms)
        self.made.append((claim, change))
        if pause == 1:
            assert self.store.row(claim.row)["slot"] == "0", "a person is waited for with a slot"
        if ended:
            self.ended[claim.row] = following

    @precondition(lambda self: self.claims or self.done)
    @rule(data=st.data())
    def extend(self, data):
        """Renew a lease; one that was lost or given back stays so."""
        claim = _pick(data, [*self.claims, *self.done])
        row = self.store.row(claim.row)
        holds = row.get("fence") == str(claim.fence) and row.get("lease", "0") != "0"
        kept = self.store.extend(claim)
        assert (kept is not Kept.LOST) == holds

    @precondition(lambda self: self.claims or self.done)
    @rule(data=st.data())
    def release(self, data):
        """Give a lease back unfinished, as a process does that ends; nobody else's."""
        claim = _pick(data, [*self.claims, *self.done])
        row, before = self.store.row(claim.row), snapshot(self.client)
        holds = row.get("fence") == str(claim.fence) and row.get("lease", "0") != "0"
        held = [(claim.row, claim.fence)]
        assert self.store.commands.release_all(held, now_ms=self.store.now_ms) == holds
        assert holds or snapshot(self.client) == before
        before = snapshot(self.client)
        assert self.store.commands.release_all(held, now_ms=self.store.now_ms) == 0
        assert snapshot(self.client) == before, f"{claim.row} was given back twice"

    @precondition(lambda self: self.made)
    @rule(data=st.data(), changed=st.booleans())
    def commit_again(self, data, changed):
        """A client whose reply was lost sends its commit again, or one that is as old."""
        claim, change = _pick(data, self.made)
        change = replace(change, doc='{"other":1}') if changed else change
        row, before = self.store.row(claim.row), snapshot(self.client)
        fits = row.get("state") == claim.state and row.get("fence") == str(claim.fence)
        if fits and row.get("open") == "1":
            return  # it has come to the same state again: this would be no repetition
        with suppress(StoreError):
            self.store.commands.commit(claim, change, now_ms=self.store.now_ms)
        assert snapshot(self.client) == before, f"an old commit changed {claim.row}"

    @precondition(lambda self: any(not self._is_open(c.row) for c in self.done))
    @rule(data=st.data())
    def write_after_the_end(self, data):
        """The last holder of a row that has ended has no more to say, whatever it says."""
        claim = _pick(data, [each for each in self.done if not self._is_open(each.row)])
        before, now_ms, commands = snapshot(self.client), self.store.now_ms, self.store.commands
        writes = [lambda: commands.note(claim, an_event(), now_ms=now_ms)]
        if claim.row.startswith("finish:"):
            ends = {"status": "failed", "result": "{}", "event": an_event()}
            writes.append(lambda: commands.finish(claim, **ends, now_ms=now_ms))
        if claim.row.startswith("delivery:"):
            ends = {"state": "failed", "doc": "{}", "next_ms": 0}
            writes.append(
                lambda: self.store.deliveries.record_attempt(claim, **ends, now_ms=now_ms)
            )
        for write in writes:
            with suppress(LeaseLost):
                write()
        assert snapshot(self.client) == before, f"{claim.row} was written after its end"

    @precondition(lambda self: any(row.startswith("cut:") for row in self.picture.due))
    @rule(
        data=st.data(),
        amount=st.sampled_from([50, 100]),
        total=st.sampled_from([60, 120]),
        left=st.sampled_from([0, 100]),
    )
    def pay(self, data, amount, total, left):
        """Set credits aside and book a charge; each counts once, however often it is asked for."""
        self._claim(_pick(data, [r for r in self.picture.due if r.startswith("cut:")]), "w1")
        cuts = [claim for claim in self.claims if claim.row.startswith("cut:")]
        if not cuts:
            return
        claim, now_ms, commands = cuts[-1], self.store.now_ms, self.store.commands
        mark = commands.read_mark(ACCOUNT)
        paid = {"edit_id": claim.row, "total": left, "mark": mark, "most": 50, "confirmed": True}
        others = int(self.store.accounts.read_account(ACCOUNT).get("reserved", 0))
        fits = self._of_job(claim, "reserved:job") != "0" or others + amount <= total
        ask = {"amount": amount, "total": total, "mark": "0", "now_ms": now_ms}
        with suppress(LeaseLost):
            assert commands.reserve(claim, **ask) == fits, f"{amount} of {total}, {others} are set"
            reserved = self._of_job(claim, "reserved")
            commands.reserve(claim, **ask)
            assert self._of_job(claim, "reserved") == reserved, "credits were set aside twice"
            charge = commands.settle(claim, **paid, now_ms=now_ms)
            charged = self._of_job(claim, "charged")
            again = commands.settle(claim, **{**paid, "total": 10}, now_ms=now_ms)
            assert (again, self._of_job(claim, "charged")) == (charge, charged)

    def _use(self, owner: str, price: int = 100) -> KeyUse:
        return a_use(owner, price=price, now_ms=self.store.now_ms)

    def _of_job(self, claim: Claim, name: str) -> str:
        return self.store.job(claim.job_id).get(name, "0")

    @precondition(lambda self: any(c.row.startswith("cut:") for c in self.claims))
    @rule(data=st.data(), kind=st.sampled_from(["reading", "done"]))
    def keep_evidence(self, data, kind):
        cuts = [claim.row for claim in self.claims if claim.row.startswith("cut:")]
        row = _pick(data, cuts)
        self.store.commands.evidence(row, "edt_1", kind, "{}", now_ms=self.store.now_ms)

    def _job(self, data, *statuses: str) -> str:
        """A job; in two of three draws one in these rare states, where there is one."""
        rare = [n for n, job in sorted(self.picture.jobs.items()) if job["status"] in statuses]
        often = data.draw(st.integers(0, 2)) > 0
        return _pick(data, rare if rare and often else sorted(self.picture.jobs))

    @precondition(lambda self: self.picture.jobs)
    @rule(data=st.data())
    def cancel(self, data):
        job = self._job(data, "comparing")
        status = self.picture.jobs[job]["status"]
        try:
            self.store.jobs.cancel(job, an_event("job.canceling"), now_ms=self.store.now_ms)
        except Conflict:
            assert status == "comparing"
        else:
            assert status != "comparing", f"{job} was canceled though its videos exist"

    @precondition(lambda self: self.picture.jobs)
    @rule(data=st.data(), key=st.integers(0, 30), owner=OWNERS)
    def add_cut(self, data, key, owner):
        job = self._job(data, "canceling", "succeeded", "failed")
        known = self.added.get(str(key))
        try:
            new = a_new_cut(job, key=str(key), use=self._use(owner, 50))
            added = add_cut(self.store.connection, new, now_ms=self.store.now_ms)
        except Conflict:
            assert self.picture.jobs[job]["status"] == "canceling"
        except IdempotencyReused:
            assert known is not None
            assert known[0] != job
        else:
            assert known in {None, (job, added.row)}, "a message was taken twice"
            assert known or self.picture.jobs[job]["status"] != "canceling"
            self.added[str(key)] = (job, added.row)

    @precondition(lambda self: self._ended_jobs() and len(self.added) < 10)
    @rule(data=st.data())
    def revise_and_pay(self, data):
        """An ended job gets a message, whose credits are set aside and whose edit fails."""
        key, now_ms = f"paid-{len(self.added)}", self.store.now_ms
        job = _pick(data, self._ended_jobs())
        added = add_cut(self.store.connection, a_new_cut(job, key=key), now_ms=now_ms)
        self.added[key] = (job, added.row)
        before = len(self.claims)
        self._claim(added.row, "w2")
        if len(self.claims) > before:
            claim = self.claims.pop()
            ask = {"amount": 50, "total": 100_000, "mark": "0", "now_ms": now_ms}
            assert self.store.commands.reserve(claim, **ask, scope=added.row)
            self._end(claim)
            self.ended[added.row] = "failed"
            self.done.append(claim)

    def _ended_jobs(self) -> list[str]:
        return [name for name, job in sorted(self.picture.jobs.items()) if job["status"] in ENDED]

    @precondition(lambda self: self.picture.jobs)
    @rule(data=st.data())
    def resume(self, data):
        job = self._job(data, "action_required", "canceling")
        try:
            self.store.jobs.resume(job, an_event("job.resumed"), now_ms=self.store.now_ms)
            woken = self.store.jobs.resume(job, an_event(), now_ms=self.store.now_ms)
            assert woken == 0, f"{job} was told twice to go on"
            assert self.picture.jobs[job]["status"] != "canceling"
        except Conflict:
            assert self.picture.jobs[job]["status"] in {*ENDED, "canceling"}

    @rule()
    def sweep(self):
        """End what has outlived its time; a job of which something is open is not touched."""
        told = {name for name, job in self.picture.jobs.items() if job.get("told") == "1"}
        opened = {row["job"] for row in self.picture.rows.values() if row["open"] == "1"} - told
        Retention(self.store.connection).retire(
            limit=100, remember_ms=9_000_000, uncounted_ms=1000, now_ms=self.store.now_ms
        )
        gone = {job for job in self.picture.jobs if not self.store.job(job)}
        assert not gone & opened
        for job in gone:
            assert int(self.picture.jobs[job]["expires"]) <= self.store.now_ms

    @precondition(
        lambda self: any(
            "expires" in job and "told" not in job for job in self.picture.jobs.values()
        )
    )
    @rule(deliver=st.booleans())
    def warn(self, deliver):
        """When the first end is near, tell of it: each once, and none of them moves."""
        retention = Retention(self.store.connection)
        for _, score in self.client.zrange("cab:expiring", 0, 0, withscores=True):
            self.store.clock.advance(max(0, score - self.store.now_ms) / 1000)
        now_ms = self.store.now_ms
        for job in retention.read_expiring(100, now_ms=now_ms):
            before = self.store.job(job)
            expires = int(before.get("expires", 0))
            first = retention.warn(job, expires, an_event("job.expiring"), now_ms=now_ms)
            assert not retention.warn(job, expires, an_event("job.expiring"), now_ms=now_ms)
            after = self.store.job(job)
            assert after.get("expires") == before.get("expires")
            assert int(after.get("sequence", 0)) == int(before.get("sequence", 0)) + first
            news = f"event:{job}.{after.get('sequence')}"
            if first and deliver and self.store.is_due(news):
                self.store.deliveries.fan_out(self.store.claim(news), [], now_ms=now_ms)
                assert self.store.job(job)["expires"] == before["expires"]

    @invariant()
    def an_end_that_was_told_stands(self):
        for name, job in self.picture.jobs.items():
            if job.get("told") == "1":
                known = self.told.setdefault(name, job["expires"])
                assert job["expires"] == known, f"{name}: the news of its end has moved it"
            else:
                self.told.pop(name, None)

    @precondition(lambda self: self.picture.jobs)
    @rule(data=st.data())
    def delete(self, data):
        """A job that has ended goes at once, with all that is still to be told of it."""
        job = self._job(data, *ENDED)
        opened = self.picture.of_job(job)
        work = [name for name in opened if not name.startswith(("event:", "delivery:"))]
        ended = self.picture.jobs[job]["status"] in ENDED
        ask = {"remember_ms": 9_000_000, "uncounted_ms": 1000, "now_ms": self.store.now_ms}
        try:
            assert Retention(self.store.connection).delete_job(job, TENANT, **ask)
        except Conflict:
            assert work or not ended, f"{job} could not be deleted"
        else:
            assert ended
            assert not work, f"{job} was deleted while it was worked on"
            assert not Retention(self.store.connection).delete_job(job, TENANT, **ask)

    @precondition(lambda self: self.picture.jobs)
    @rule(
        data=st.data(), number=st.integers(0, 1), preferences=st.integers(0, 2), late=st.booleans()
    )
    def share(self, data, number, preferences, late):
        """A link to a job that is there, also late; made again it is as it was."""
        job, preferences = self._job(data, *ENDED), preferences > 0
        if late and "expires" in self.picture.jobs[job]:
            left_ms = int(self.picture.jobs[job]["expires"]) - self.store.now_ms
            self.store.clock.advance(max(0, left_ms) / 1000 + 1)
        now_ms = self.store.now_ms
        before = self.shares.find(job, f"shr_{number}")
        wish = Share(f"shr_{number}", now_ms, now_ms + 100_000, preferences, "key_1")
        try:
            self.shares.create(job, TENANT, wish, now_ms=now_ms)
        except NotFound:
            assert self._is_over(job)
        else:
            assert not self._is_over(job)
            assert self.shares.find(job, wish.id) == (before or wish)

    @precondition(lambda self: self.picture.jobs)
    @rule(data=st.data(), number=st.integers(0, 1))
    def revoke_share(self, data, number):
        """A link is revoked once, and its viewers say nothing more."""
        job, name, now_ms = self._job(data, *ENDED), f"shr_{number}", self.store.now_ms
        before = self.shares.find(job, name)
        for again in range(2):
            try:
                ended = self.shares.revoke(job, TENANT, name, now_ms=now_ms)
            except NotFound:
                assert before is None or self._is_over(job)
                return
            assert before is not None
            assert ended == (before.revoked_ms == 0 and not again), f"{name} was revoked twice"
        self.noted += 1
        with suppress(NotFound):
            doc = {"id": f"prf_{self.noted}"}
            self.shares.add_preference(job, TENANT, name, doc, now_ms=now_ms)
            raise AssertionError(f"{name} was revoked and has noted a preference")

    @precondition(lambda self: self.picture.jobs)
    @rule(data=st.data(), number=st.integers(0, 5), late=st.booleans())
    def publish_key(self, data, number, late):
        """A key for viewers of a job that is there; made again it is as it was."""
        quiet = [n for n, job in sorted(self.picture.jobs.items()) if "expires" in job]
        job = _pick(data, quiet) if quiet and data.draw(st.booleans()) else self._job(data, *ENDED)
        if late and "expires" in self.picture.jobs[job]:
            left_ms = int(self.picture.jobs[job]["expires"]) - self.store.now_ms
            self.store.clock.advance(max(0, left_ms) / 1000 + 1)
        now_ms, name = self.store.now_ms, f"pub_{number}_{job}"
        before = self.public_keys.find(name)
        wish = PublicKey(name, job, TENANT, now_ms, (f"https://{now_ms}.example",), "key_1")
        try:
            self.public_keys.create(wish, now_ms=now_ms)
        except NotFound:
            assert self._is_over(job)
        else:
            assert not self._is_over(job)
            assert self.public_keys.find(name) == (before or wish)

    @precondition(lambda self: self.picture.jobs)
    @rule(data=st.data(), number=st.integers(0, 5))
    def revoke_published_key(self, data, number):
        """A key for viewers is revoked once."""
        job, now_ms = self._job(data, *ENDED), self.store.now_ms
        name = f"pub_{number}_{job}"
        before = self.public_keys.find(name)
        for again in range(2):
            try:
                ended = self.public_keys.revoke(job, TENANT, name, now_ms=now_ms)
            except NotFound:
                assert before is None or self._is_over(job)
                return
            assert before is not None
            assert ended == (before.is_open and not again), f"{name} was revoked twice"
        found = self.public_keys.find(name)
        assert found is not None
        assert not found.is_open

    @precondition(lambda self: self.picture.jobs)
    @rule(data=st.data(), number=st.integers(-1, 1), tries=st.integers(1, 2))
    def prefer(self, data, number, tries):
        """What a viewer prefers is noted once, if their link lets them, or they are the owner."""
        job, name = self._job(data, *ENDED), f"shr_{number}" if number >= 0 else ""
        link, count = self.shares.find(job, name), len(self.shares.read_preferences(job))
        self.noted += 1
        doc, allowed = {"id": f"prf_{self.noted}"}, not self._is_over(job)
        if name:
            alive = link is not None and link.is_open(self.store.now_ms) and link.preferences
            allowed = allowed and alive
        for _ in range(tries):
            try:
                self.shares.add_preference(job, TENANT, name, doc, now_ms=self.store.now_ms)
            except NotFound:
                assert not allowed, f"{name} may note a preference and could not"
            else:
                assert allowed, f"{name} has noted a preference"
        assert len(self.shares.read_preferences(job)) == count + allowed

    @property
    def shares(self) -> ShareStore:
        return ShareStore(self.store.connection)

    @property
    def public_keys(self) -> PublicKeyStore:
        return PublicKeyStore(self.store.connection)

    def _is_over(self, job: str) -> bool:
        """Whether a job's time has passed, swept or not."""
        return int(self.store.job(job).get("expires", 2**53)) <= self.store.now_ms

    @precondition(
        lambda self: any(self.picture.jobs[j]["status"] in ENDED for j in self.picture.jobs)
    )
    @rule(data=st.data())
    def note_an_end_wrongly(self, data):
        """A note of a job's end that was left over from before it went on."""
        job = _pick(data, sorted(self.picture.jobs))
        if not self.client.zscore("cab:retention", job):
            self.client.zadd("cab:retention", {job: self.store.now_ms})

    @rule(behind=st.booleans())
    def come_at_a_wrong_time(self, behind):
        """A process whose time has jumped is refused, and changes nothing."""
        high = int(self.client.get("cab:clock") or self.store.now_ms)
        now_ms = high - 5001 if behind else self.store.now_ms + 61_000
        before = snapshot(self.client)
        try:
            self.store.jobs.cancel("job_none", an_event(), now_ms=now_ms)
        except ClockRefused:
            assert snapshot(self.client) == before
        except NotFound:
            raise AssertionError("a time that has jumped was taken") from None

    @rule()
    def race_for_a_token(self):
        """One that was slow comes with its token when another has stored one."""
        self.store.clock.advance(100)
        for worker in ("w1", "w2"):
            self.want_a_token(worker)
            self.store.clock.advance(LOCK_MS / 1000)
        for right, _ in reversed(self.rights[-2:]):
            self._store_token(right)

    @rule(worker=WORKERS)
    def want_a_token(self, worker):
        """One process at a time has the right to get an account's token."""
        now_ms = self.store.now_ms
        got = self.store.accounts.take_token(TOKENS, least_ms=1, lock_ms=LOCK_MS, now_ms=now_ms)
        if got is not None and got.kind is Grant.FETCH:
            alive = [right for right, till_ms in self.rights if till_ms > now_ms]
            assert not alive, f"{worker} got a right that another has"
            assert all(got.fence > right.fence for right, _ in self.rights)
            self.rights.append((got, now_ms + LOCK_MS))

    @precondition(lambda self: self.rights)
    @rule(data=st.data())
    def store_a_token(self, data):
        """Whoever has the right, or had it, stores what it got."""
        self._store_token(_pick(data, self.rights)[0])

    def _store_token(self, right: TokenGrant) -> None:
        now_ms = self.store.now_ms
        fields = self.store.accounts.read_account(TOKENS)
        held = fields.get("token_fence") == str(right.fence)
        lives = int(fields.get("token_expires", "0")) > now_ms
        change = {"token": f"t{right.fence}", "token_expires": str(now_ms + 100_000)}
        try:
            self.store.accounts.put_token(TOKENS, right.fence, change, next_ms=0, now_ms=now_ms)
        except StoreRefused:
            assert not held
            assert self.store.accounts.read_account(TOKENS) == fields
        else:
            assert held or not lives, "a token that is in use was replaced by a stranger"
        if held:
            self.rights = [each for each in self.rights if each[0] is not right]

    @invariant()
    def everything_fits(self):
        Engine.steps += 1
        before = {name: job["status"] for name, job in self.picture.jobs.items()}
        self.picture = assert_invariants(self.client)
        for account, held in self.picture.slots.items():
            own = endpoint_fields()["concurrency"] if account.startswith("whe_") else 0
            of_tenant = self.store.settings.account_slots + account.endswith("/hooks")
            most = own or of_tenant
            assert len(held) <= most, f"{account} has {len(held)} of {most} slots in use"
        for name, status in before.items():
            if status in ENDED and name in self.picture.jobs:
                assert self.picture.jobs[name]["status"] == status
        for row, state in self.ended.items():
            if row in self.picture.rows:
                assert self.picture.rows[row]["state"] == state, f"{row} left its end"

    def teardown(self):
        """Whatever has happened, workers that go on bring every job to its end."""
        try:
            self._run_out()
        except StoreError as error:
            raise AssertionError(str(error)) from error
        picture = assert_invariants(self.client)
        assert not picture.due, f"left over: {picture.due}"
        self.client.delete("cab:trash")  # what it names are files
        assert_nothing_stays(self.client)

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
            self.store.deliveries.fan_out(claim, [], now_ms=now_ms)
        else:
            self.store.deliveries.record_attempt(
                claim, state="failed", doc="{}", next_ms=0, now_ms=now_ms
            )


def _is_to_endpoint(row: str) -> bool:
    return row.startswith("delivery:") and not row.endswith(".job")


def _pick(data, among):
    """One of some; drawn so that another number of them is no other kind of draw."""
    return among[data.draw(st.integers(0, 9999)) % len(among)]


def _following(row: str, state: str) -> list[str]:
    if row.startswith("clip:"):
        return [each for each in ClipState if clip_may_become(ClipState(state), each)] or ["failed"]
    return [each for each in CutState if cut_may_become(CutState(state), each)] or ["failed"]


def run_machine(client: redis.Redis, *, examples: int, steps: int, shrink: bool = True) -> int:
    """Run it so often, so many steps each; how many rules were run in all.

    Raises:
        AssertionError: something did not hold; the shortest way to it is printed.
    """
    Engine.client, Engine.steps = client, 0
    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]
    run_state_machine_as_test(
        Engine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            phases=phases,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return Engine.steps


@contextmanager
def own_client() -> Iterator[redis.Redis]:
    """A client of a server started for this alone."""
    with tempfile.TemporaryDirectory(prefix="cab-") as folder:
        for server in _run_valkey(Path(folder), "--appendfsync", "no"):
            with redis.Redis(
                unix_socket_path=str(server.socket), decode_responses=True, protocol=2
            ) as client:
                yield client


def main(examples: int, steps: int) -> int:
    """Run it; 1 when something did not hold, which is printed in one line."""
    with own_client() as client:
        try:
            done = run_machine(client, examples=examples, steps=steps, shrink=False)
        except Exception as error:  # noqa: BLE001  whatever it is, it was noticed
            line = traceback.extract_tb(error.__traceback__)[-1].line
            said = str(error).strip() or line or type(error).__name__
            print(f"noticed after {Engine.steps} steps: {said.splitlines()[0][:120]}")
            return 1
    print(f"{done} steps, all invariants held")
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
