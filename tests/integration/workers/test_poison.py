"""A row whose step always kills its worker ends after some tries, and work goes on."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from service.model.job import clip_rows, cut_rows
from service.settings import Settings
from service.store.accounts import AccountStore
from service.store.commands import Change, Claim, Commands
from service.store.deliveries import DeliveryStore
from tests.builders import ACCOUNT, a_delivery, a_new_job, a_spec
from tests.integration.workers.conftest import Site, wait_for

#: Two deaths, then the row is given up.
LIMIT = 2
QUICK = {
    "CAPTION_AB_CRASH_LIMIT": str(LIMIT),
    "CAPTION_AB_LEASE_S": "0.4",
    "CAPTION_AB_LEASE_GRACE_S": "0.2",
    "CAPTION_AB_EXTEND_EVERY_S": "0.1",
    "CAPTION_AB_TICK_EVERY_S": "0.1",
    "CAPTION_AB_RING_S": "0.2",
}


@dataclass
class Bench:
    """A job, and a worker that is started again whenever it has died, as a supervisor does."""

    site: Site

    def __post_init__(self) -> None:
        settings = replace(Settings(), lease_s=0.4, lease_grace_s=0.2)
        self.commands = Commands(self.site.connection, settings)

    def accept(self, *, hooks: bool = False) -> str:
        new = a_new_job(a_spec(variants="A", hooks=hooks))
        self.site.jobs.create(new, now_ms=self.site.clock.now_ms())
        self.rows = [*clip_rows(new.id, new.spec), *cut_rows(new.id, new.spec)]
        return new.id

    def claim(self, row: str) -> Claim:
        now_ms = self.site.clock.now_ms()
        claim = self.commands.claim(row, owner="test", now_ms=now_ms, now_s=0)
        assert isinstance(claim, Claim), claim
        return claim

    def end(self, row: str, state: str) -> None:
        claim = self.claim(row)
        wake = [each for each in self.rows if each != row]
        change = Change(state, claim.queue, claim.doc, ended=True, wake=wake)
        self.commands.commit(claim, change, now_ms=self.site.clock.now_ms())

    def is_open(self, row: str) -> bool:
        return self.site.field(row, "open") == "1"

    def run(self, kind: str, queue: str, done: Callable[[], bool]) -> int:
        """Run the poisoned worker until something holds; how often it died."""
        for deaths in range(LIMIT + 1):
            worker = self.site.plan_worker(queue, **QUICK)
            module = "tests.integration.workers.poisoned"
            worker.argv = [sys.executable, "-m", module, kind, queue]
            worker.start()
            wait_for(lambda worker=worker: done() or not worker.running, 30, worker.printed)
            if worker.running:
                worker.process.kill()
                return deaths
        raise AssertionError(f"it killed more than {LIMIT} workers:\n{worker.printed()}")

    def run_out(self, kind: str, queue: str, row: str) -> int:
        """The same until a row is no longer open."""
        return self.run(kind, queue, lambda: not self.is_open(row))


@pytest.fixture
def bench(site: Site) -> Bench:
    return Bench(site)


def test_a_clip(bench):
    # Given a clip whose fetching kills its worker
    job = bench.accept()
    row = bench.rows[0]
    # When workers die of it; then it fails after two of them, and says why
    assert bench.run_out("clip", "transfer", row) == LIMIT
    doc = json.loads(bench.site.field(row, "doc"))
    assert (bench.site.field(row, "state"), doc["failure"]["code"]) == ("failed", "crashed")
    assert bench.site.client.zscore("cab:due", row) is None
    # And its cut goes on to its own end
    assert bench.is_open(bench.rows[1])
    assert bench.site.jobs.read(job).status in {"queued", "running"}


def test_a_cut(bench):
    job = bench.accept()
    clip, row = bench.rows
    bench.end(clip, "ready")
    assert bench.run_out("cut", "flow", row) == LIMIT
    doc = json.loads(bench.site.field(row, "doc"))
    assert (bench.site.field(row, "state"), doc["failure"]["code"]) == ("failed", "crashed")
    # Its slot is free again, and the job is about to finish
    assert bench.site.client.scard(f"cab:account:{ACCOUNT}:slots") == 0
    assert bench.is_open(f"finish:{job}")


@pytest.mark.parametrize("kind", ["finish", "freeze"])
def test_the_end_of_a_job(bench, kind):
    # Given a job whose comparison, or whose copy among its files, kills the worker's child
    job = bench.accept()
    for row in bench.rows:
        bench.end(row, "failed")
    # When the children have died of it; then the job ends all the same
    assert bench.run_out(kind, "media", f"finish:{job}") == 0
    assert bench.site.jobs.read(job).status == "failed"


def test_an_event(bench):
    job = bench.accept(hooks=True)
    row = f"event:{job}.1"
    assert bench.run_out("event", "hooks", row) == LIMIT
    assert not bench.site.client.exists(f"cab:row:{row}")


def test_a_delivery(bench):
    job = bench.accept(hooks=True)
    row = f"delivery:{job}.1.job"
    claim = bench.claim(f"event:{job}.1")
    doc = {"job_id": job, "sequence": 1, "endpoint": "job", "url": "https://x.example/"}
    doc |= {"tenant_id": "ten_1", "message_id": "evt_1"}
    now_ms = bench.site.clock.now_ms()
    deliveries = DeliveryStore(bench.site.connection, Settings())
    deliveries.fan_out(claim, [a_delivery(row, json.dumps(doc))], now_ms=now_ms)
    assert bench.run_out("delivery", "hooks", row) == LIMIT
    assert bench.site.field(row, "state") == "failed"


def test_a_token(bench):
    # Given an account whose look at its token kills the worker
    site = bench.site
    accounts = AccountStore(site.connection)
    accounts.create_account(ACCOUNT, {"kind": "anonymous", "client_id": "x"})
    now_ms = site.clock.now_ms()
    grant = accounts.take_token(ACCOUNT, least_ms=1, lock_ms=1000, now_ms=now_ms)
    accounts.put_token(ACCOUNT, grant.fence, {}, next_ms=now_ms, now_ms=now_ms)
    row = f"token:{ACCOUNT}"
    # When workers die of it; then it is put off for long, and the next worker lives

    def put_off() -> bool:
        return (site.client.zscore("cab:due", row) or 0) > now_ms + 1_800_000

    assert bench.run("token", "flow", put_off) == LIMIT


def test_what_a_row_holds_cannot_be_read(bench):
    # Given a cut with a document and a state of no release that this one knows
    job = bench.accept()
    clip, row = bench.rows
    bench.end(clip, "ready")
    bench.site.client.hset(f"cab:row:{row}", mapping={"doc": '{"clip":{}}', "state": "unheard"})
    worker = bench.site.worker("flow", **QUICK)
    # When it is tried; then it fails after some tries like one that kills, its job with it
    wait_for(lambda: not bench.is_open(row), 20, worker.printed)
    assert bench.site.field(row, "state") == "failed"
    assert bench.is_open(f"finish:{job}")
    worker.process.kill()
