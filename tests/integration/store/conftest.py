"""A store on a real, empty Valkey with a clock that stands still. Every test ends in a check."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import redis

from service.clock import FakeClock
from service.model.job import clip_rows, cut_rows
from service.model.lifecycle import CutState, Queue
from service.settings import Settings
from service.store.acceptance import NewJob
from service.store.accounts import AccountStore
from service.store.commands import Change, Claim, Commands
from service.store.connection import Connection
from service.store.deliveries import DeliveryStore
from service.store.endpoints import EndpointStore
from service.store.experiments import ExperimentStore
from service.store.jobs import JobStore
from service.store.kept import Kept
from service.store.keys import queue_key
from service.store.plans import PlanStore
from service.store.scripts import Refusal
from service.store.ticks import Rooms
from tests.builders import a_new_job, an_event
from tests.integration.store.invariants import assert_invariants


@dataclass
class Store:
    """The store's commands, and plain looks at what they wrote."""

    client: redis.Redis
    clock: FakeClock
    settings: Settings

    def __post_init__(self) -> None:
        self.connection = Connection(self.client, self.settings, self.clock)
        self.commands = Commands(self.connection, self.settings)
        self.jobs = JobStore(self.connection)
        self.accounts = AccountStore(self.connection)
        self.deliveries = DeliveryStore(self.connection, self.settings)
        self.endpoints = EndpointStore(self.connection, self.settings)
        self.plans = PlanStore(self.connection, self.settings)
        self.experiments = ExperimentStore(self.connection, self.settings)

    @property
    def now_ms(self) -> int:
        return self.clock.now_ms()

    def with_settings(self, **changes: Any) -> Store:
        """The same Redis and clock under other settings."""
        return Store(self.client, self.clock, replace(self.settings, **changes))

    def accept(self, new: NewJob | None = None) -> NewJob:
        """Accept a job as the API does."""
        new = new or a_new_job()
        self.jobs.create(new, now_ms=self.now_ms)
        return new

    def try_claim(self, row: str, owner: str = "w1") -> Claim | Refusal:
        return self.commands.claim(
            row, owner=owner, now_ms=self.now_ms, now_s=self.clock.monotonic_s()
        )

    def claim(self, row: str, owner: str = "w1") -> Claim:
        """Claim a row that is free."""
        got = self.try_claim(row, owner)
        assert isinstance(got, Claim), f"{row}: {got!r}"
        return got

    def extend(self, claim: Claim) -> Kept:
        """Renew one lease."""
        return self.commands.extend_all([(claim.row, claim.fence)], now_ms=self.now_ms)[0]

    def commit(self, claim: Claim, state: str = "", **change: Any) -> bool:
        """Commit a claim; without a state it stays as it is."""
        whole = Change(
            state or claim.state,
            change.pop("queue", claim.queue),
            change.pop("doc", claim.doc),
            ready_ms=change.pop("ready_ms", self.now_ms),
            **change,
        )
        return self.commands.commit(claim, whole, now_ms=self.now_ms)

    def end(self, row: str, state: str, **change: Any) -> None:
        """Claim a row and end it."""
        self.commit(self.claim(row), state, ended=True, **change)

    def ready_job(self, new: NewJob | None = None) -> tuple[NewJob, list[str]]:
        """A job whose clips are ready, and its cuts, woken."""
        new = self.accept(new)
        cuts = cut_rows(new.id, new.spec)
        for clip in clip_rows(new.id, new.spec):
            self.end(clip, "ready", wake=cuts)
        return new, cuts

    def comparing_job(self, new: NewJob | None = None) -> NewJob:
        """A job whose cuts have all succeeded."""
        new, cuts = self.ready_job(new)
        for cut in cuts:
            self.end(cut, CutState.SUCCEEDED)
        return new

    def finish(self, job: str, status: str = "succeeded") -> None:
        """End a job whose cuts have ended."""
        self.commands.finish(
            self.claim(f"finish:{job}"),
            status=status,
            result="{}",
            event=an_event(f"job.{status}"),
            now_ms=self.now_ms,
        )

    def tick(self, *, worker: str = "w1", **free: int) -> Any:
        """One tick of a worker with free places, by queue."""
        rooms = Rooms(worker, self.now_ms + 5000, {Queue(q): n for q, n in free.items()})
        return self.commands.tick(rooms, now_ms=self.now_ms)

    def row(self, row: str) -> dict[str, str]:
        return self.client.hgetall(f"cab:row:{row}")

    def job(self, job: str) -> dict[str, str]:
        return self.client.hgetall(f"cab:job:{job}")

    def due_in_ms(self, row: str) -> int:
        """How long until a row is due, in milliseconds."""
        score = self.client.zscore("cab:due", row)
        assert score is not None, f"{row} is not due"
        return int(score) - self.now_ms

    def is_due(self, row: str) -> bool:
        return self.client.zscore("cab:due", row) is not None

    def bells(self, queue: str) -> list[str]:
        """Rows rung for on a queue, oldest first; takes them."""
        key = queue_key(Queue(queue))
        rung = []
        while text := self.client.rpop(key):
            rung.append(json.loads(json.loads(text)["body"])[0][0])
        return rung

    def silence(self) -> None:
        """Forget all bells."""
        for queue in Queue:
            self.client.delete(queue_key(queue))

    def event_types(self, job: str) -> list[str]:
        return [event["type"] for event in self.jobs.events(job)]


@pytest.fixture
def store(redis_client: redis.Redis, fake_clock: FakeClock) -> Iterator[Store]:
    yield Store(redis_client, fake_clock, Settings())
    assert_invariants(redis_client)


@pytest.fixture
def experiments(store: Store) -> ExperimentStore:
    """Where outcomes are counted: here in the same Redis."""
    return store.experiments
