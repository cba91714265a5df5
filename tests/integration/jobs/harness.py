"""The engine with its real parts and the sandbox, without Celery: rows due are advanced in turn."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import redis

from sandbox.server import RunningSandbox
from service.clock import FakeClock
from service.jobs.advance import advance
from service.jobs.context import Services
from service.jobs.submit import Caller, submit_job
from service.model.cut import CutDoc
from service.model.job import Job
from service.model.lifecycle import ENDED_JOB, CutState
from service.settings import Settings
from service.store.accounts import Tenant, Upload
from service.store.jobs import CutRow
from service.vault import new_vault_key
from service.webhooks.signing import new_secret
from service.wiring import build_services
from tests.builders import SRT, an_event

TENANT = "ten_1"


class Killed(BaseException):
    """A worker process that ends in this moment: nothing of it runs any more."""


class Meddler:
    """A backend client that does something first, once, when a call is about to be made."""

    def __init__(self, nemo: Any, call: str, first: Callable[[], None]) -> None:
        self._nemo, self._call, self._first = nemo, call, first
        self.met = False

    def __getattr__(self, name: str) -> Any:
        if name == self._call and not self.met:
            self.met = True
            self._first()
        return getattr(self._nemo, name)


class Follower(Meddler):
    """The same, but after the call has been made."""

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._nemo, name)
        if name != self._call or self.met:
            return call

        def then(*args: Any, **kwargs: Any) -> Any:
            call(*args, **kwargs)
            self.met = True
            self._first()

        return then


@dataclass
class Harness:
    """One tenant on one account, and as many workers as a test builds."""

    sandbox: RunningSandbox
    client: redis.Redis
    settings: Settings
    clock: FakeClock
    account: str
    secret: str = field(default_factory=new_secret)

    def __post_init__(self) -> None:
        self.services = self.worker("w1")
        assert self.services.tokens.ensure_account() == self.account
        sealed = self.services.vault.seal(self.secret)
        self.services.accounts.create_tenant(Tenant(TENANT, "t", self.account, sealed))

    def worker(self, name: str, **changes: Any) -> Services:
        """The parts of another worker process."""
        settings = replace(self.settings, **changes)
        return build_services(settings, name=name, connections=4)

    # ---- callers

    def upload(self, path: Path) -> str:
        upload_id = f"upl_{uuid.uuid4().hex[:8]}"
        chunks: Iterator[bytes] = iter([path.read_bytes()])
        stored = self.services.files.put(f"uploads/{upload_id}", chunks, max_bytes=10_000_000)
        self.services.accounts.create_upload(
            Upload(
                upload_id, TENANT, stored.key, path.name, stored.size, stored.sha256, "video",
                self.clock.now_ms(),
            ),
            ttl_ms=86_400_000,
        )  # fmt: skip
        return upload_id

    def submit(self, clip: Path, labels: str = "AB", **request: Any) -> str:
        """Submit a job of one clip; its id."""
        body = {
            "clips": [{"upload_id": self.upload(clip)}],
            "captions": {"format": "srt", "text": SRT},
            "variants": [{"label": each, "style": {"preset": "outline"}} for each in labels],
            "output": {"resolution": "source"},
            **request,
        }
        accepted = submit_job(
            body, Caller(TENANT, self.account), jobs=self.services.jobs, settings=self.settings,
            clock=self.clock, caller_policy=self.services.caller_policy,
        )  # fmt: skip
        return accepted.job_id

    def cancel(self, job: str) -> None:
        event = an_event("job.canceling")
        self.services.jobs.cancel(job, event, now_ms=self.clock.now_ms())

    # ---- workers

    def run(self, until: Callable[[], bool], worker: Services | None = None) -> None:
        """Advance what is due, then let time pass to what is due next, until something holds."""
        for _ in range(400):
            if until():
                return
            self._turn(worker or self.services)
        raise AssertionError(f"never came about; due: {self.due()}")

    def run_job(self, job: str, worker: Services | None = None) -> Job:
        """Run until a job has ended and nothing of it is open."""
        self.run(lambda: self.read(job).expires_ms > 0, worker)
        assert self.read(job).status in ENDED_JOB
        return self.read(job)

    def run_until_paused(self, job: str) -> Job:
        self.run(lambda: self.read(job).status == "action_required")
        return self.read(job)

    def run_cut_to(self, job: str, label: str, state: CutState) -> None:
        self.run(lambda: self.cut(job, label).state is state)

    def _turn(self, worker: Services) -> None:
        due = [row for row, at in self.due() if at <= self.clock.now_ms()]
        for row in due:
            advance(row, worker)
        if not due:
            self._wait_for_backend()
            _, at = self.due()[0]
            self.clock.advance((at - self.clock.now_ms()) / 1000)

    def due(self) -> list[tuple[str, int]]:
        """Every row of work with its time, the next one first."""
        return [(r, int(at)) for r, at in self.client.zrange("cab:due", 0, -1, withscores=True)]

    def _wait_for_backend(self) -> None:
        """What the sandbox does takes real time, which no fake clock shortens."""
        until_s = time.monotonic() + 20
        while time.monotonic() < until_s:
            books = self.sandbox.books
            states = {render["status"] for render in books["renders"].values()}
            running = any(run["outcome"] == "running" for run in books["runs"])
            if states <= {"completed", "failed"} and not running:
                return
            time.sleep(0.02)
        raise AssertionError("a run or a render did not end")

    # ---- looks

    def read(self, job: str) -> Job:
        found = self.services.jobs.read(job)
        assert found is not None
        return found

    def cut(self, job: str, label: str) -> CutRow:
        _, cuts = self.services.jobs.read_units(self.read(job))
        return next(cut for cut in cuts if cut.doc.label == label)

    def doc(self, job: str, label: str) -> CutDoc:
        return self.cut(job, label).doc

    def event_types(self, job: str) -> list[str]:
        return [event["type"] for event in self.services.jobs.events(job)]

    def edits_sent(self) -> dict[str, int]:
        """How often each paid message arrived, by the backend's own books."""
        edits: dict[str, int] = self.sandbox.books["edits"]
        return edits


def kill() -> None:
    """End the worker that calls this."""
    raise Killed


def killed_by(engine: Harness, double: type[Meddler], call: str) -> Services:
    """A worker that dies when, or after, it makes a call to the backend."""
    worker = engine.worker("doomed")
    double_nemo: Any = double(worker.nemo, call, kill)
    return replace(worker, nemo=double_nemo)


def run_until_dead(engine: Harness, worker: Services) -> None:
    """Run until the worker has died."""
    with pytest.raises(Killed):
        engine.run(lambda: False, worker)


def wait_until(holds: Callable[[], bool], timeout_s: float = 30.0) -> None:
    """Wait in real time for something that another thread does."""
    until_s = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < until_s, "it did not happen in time"
        time.sleep(0.01)


def make_settings(url: str, redis_url: str, files: Path, **changes: Any) -> Settings:
    """The settings of production, over a sandbox and a folder of files."""
    port = int(url.rpartition(":")[2])
    base = Settings(
        redis_url=redis_url,
        files=str(files),
        secret_keys=(new_vault_key(),),
        nemo_api_url=url,
        backend_loopback_ports=(port,),
        retry_backoff_s=(0.0,),
        compare_deadline_s=0.0,  # decoding every job's videos takes seconds: tests of it set it
    )
    return replace(base, **changes)
