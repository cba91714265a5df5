"""A tenant with a thousand jobs and one with its first: the store's turns, in simulated time.

The store, its ticks and its bells are real; what a step takes is simulated, second by second.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

import pytest

from service.jobs.submit import Caller, accept_spec
from service.model.lifecycle import Queue
from service.settings import Settings
from service.store.commands import Claim
from service.store.keys import queue_key
from tests.builders import a_spec
from tests.integration.store.conftest import Store

JOBS = 1000
THREADS = 8
CLIP_S, CUT_S = 4, 90
#: Bells that a pool looks at in a second; it could look at far more.
LOOKS = 500


@dataclass
class Pools:
    """One worker process of each queue: what it works on, and until when."""

    store: Store
    busy: dict[str, list[tuple[float, Claim]]] = field(default_factory=dict)
    began_s: dict[str, float] = field(default_factory=dict)
    passed_s: float = 0.0

    def pass_second(self) -> None:
        """End what has ended, look at what is due, take what was rung for, in this order."""
        for queue, size in (("transfer", THREADS), ("flow", 800)):
            going = self.busy.get(queue, [])
            for _, claim in (each for each in going if each[0] <= self.passed_s):
                if queue == "transfer":
                    cuts = [f"cut:{claim.job_id}.0.{label}.1" for label in "AB"]
                    self.store.commit(claim, "ready", ended=True, wake=cuts)
                else:
                    self.store.commit(claim, "succeeded", ended=True)
            self.busy[queue] = [each for each in going if each[0] > self.passed_s]
            self._take(queue, size)
        free = {queue: max(0, size - len(self.busy[queue])) for queue, size in
                (("transfer", THREADS), ("flow", 800))}  # fmt: skip
        self.store.tick(**free)
        for each in self.busy.values():
            for _, claim in each:
                self.store.extend(claim)
        self.store.clock.advance(1)
        self.passed_s += 1

    def _take(self, queue: str, size: int) -> None:
        for _ in range(LOOKS):
            if len(self.busy[queue]) >= size:
                return
            text = self.store.client.rpop(queue_key(Queue(queue)))
            if text is None:
                return
            row = json.loads(json.loads(text)["body"])[0][0]
            claim = self.store.try_claim(row)
            if isinstance(claim, Claim):
                self.began_s[row] = self.passed_s
                took_s = CLIP_S if queue == "transfer" else CUT_S
                self.busy[queue].append((self.passed_s + took_s, claim))


def accept(store: Store, tenant: str, account: str):
    settings = replace(Settings(), tenant_open_jobs=10 * JOBS)
    accepted = accept_spec(
        a_spec(), Caller(tenant, account), jobs=store.jobs, settings=settings, clock=store.clock,
        idempotency_key="", fingerprint="",
    )  # fmt: skip
    return accepted.job_id


def first_cut_s(pools: Pools, job: str) -> float:
    """How long after now the first cut of a job is worked on."""
    from_s = pools.passed_s
    for _ in range(600):
        pools.pass_second()
        if began := [at for row, at in pools.began_s.items() if row.startswith(f"cut:{job}.")]:
            return min(began) - from_s
    raise AssertionError("its turn never came")


@pytest.mark.timeout(300)
def test_a_first_job_does_not_wait_for_a_thousand_of_another_tenant(store):
    # Given how long a first job takes to its first cut with nobody else there
    pools = Pools(store)
    alone_s = first_cut_s(pools, accept(store, "ten_alone", "acc_alone"))
    # And a tenant whose thousand jobs have been worked on for a minute
    for _ in range(JOBS):
        accept(store, "ten_many", "acc_many")
    for _ in range(60):
        pools.pass_second()
    # When another has its first job accepted on an account of its own
    waited_s = first_cut_s(pools, accept(store, "ten_new", "acc_new"))
    # Then it waits for one clip of the other's more than alone, and a few looks
    print(f"alone {alone_s:.0f} s, beside {JOBS} jobs {waited_s:.0f} s")
    assert waited_s <= alone_s + CLIP_S + 6
