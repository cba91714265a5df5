"""A run from its start to its books: a fleet, a customer, a receiver."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from cli.client import Client
from tests.chaos.customer import ENDED, Customer
from tests.chaos.facts import Facts, await_rest, look_into
from tests.chaos.fleet import Fleet, Plan
from tests.chaos.journal import Resumed
from tests.chaos.scale import Production, Scale
from tests.receiver import Received, Receiver, Reply

_CALM_MOST_S = 90.0


class Inbox(Receiver):
    """A receiver that fails now and then: a share hangs, a share says 500."""

    def __init__(self) -> None:
        super().__init__()
        self.dice = Random(0)
        self.hanging = self.failing = 0.0
        self.hang_s = 3.0
        self.hung = self.failed = 0
        self.on_take: Callable[[Received], None] | None = None

    def take(self, request: Received) -> Reply:
        reply = super().take(request)
        if self.on_take is not None:
            self.on_take(request)
        roll = self.dice.random()
        if roll < self.hanging:
            self.hung += 1
            return Reply(500, delay_s=self.hang_s)
        if roll < self.hanging + self.failing:
            self.failed += 1
            return Reply(500)
        return reply


@dataclass
class Run:
    """The parts of a run."""

    fleet: Fleet
    customer: Customer
    inbox: Inbox
    _jobs_before: int = 0

    def begin_anew(self) -> None:
        """New books for the next test, and a customer who knows of no job."""
        self.fleet.watch.disarm()
        self._await_calm()
        self.fleet.forget_books()
        self.inbox.received.clear()
        self._jobs_before = 0
        self._jobs_before = self.count_jobs()
        old = self.customer
        self.customer = Customer(old.client, old.webhook, old.clip_sha256, old.upload_id)

    def _await_calm(self) -> None:
        """Wait until all processes serve and nothing lasts that was done to them."""
        self.fleet.await_ready()
        until_s = time.monotonic() + _CALM_MOST_S
        while lasting := self.fleet.watch.faults.lasting:
            assert time.monotonic() < until_s, f"no end of {lasting}"
            time.sleep(0.05)

    def resumptions(self) -> list[Resumed]:
        """How soon the rows of killed processes were worked on again, with the witness's word."""
        share = self.fleet.witness.share
        return [
            replace(each, share=share(each.killed_s, each.killed_s + each.seconds))
            for each in list(self.fleet.journal.resumed)
        ]

    def count_jobs(self) -> int:
        """Jobs that the store has taken since these books were begun."""
        with self.fleet.store() as store:
            now = sum(store.zcard(key) for key in store.scan_iter("cab:tenant:*:jobs"))
        return int(now) - self._jobs_before

    def gather(self, seconds: float) -> Facts:
        """Wait for the end of all jobs and for rest, then read every book."""
        jobs = self.customer.await_ends(seconds)
        with self.fleet.store() as store:
            if all(job["status"] in ENDED for job in jobs.values()):
                await_rest(store, seconds)
            look = look_into(store, set(jobs))
        return Facts(
            accepted=list(self.customer.accepted.values()),
            jobs={job_id: self.customer.look(job_id) for job_id in jobs},
            videos=self.customer.read_videos(jobs),
            clip_sha256=self.customer.clip_sha256,
            books=self.fleet.books(),
            received=list(self.inbox.received),
            webhook_secret=self.fleet.key["webhook_secret"],
            store=look,
        )


@contextmanager
def open_run(
    folder: Path, clip: Path, *, scale: Scale | Production | None = None, **more: object
) -> Iterator[Run]:
    """Start everything; end everything."""
    with Inbox() as inbox:
        plan = Plan(folder, inbox.port, scale or Scale(), **more)  # type: ignore[arg-type]
        with Fleet(plan) as fleet:
            client = Client(fleet.url, fleet.key["api_key"])
            customer = Customer(client, inbox.url)
            inbox.on_take = lambda request: fleet.watch.told(request.event["type"])
            customer.upload(clip)
            try:
                yield Run(fleet, customer, inbox)
            finally:
                client.session.close()
