"""A Valkey that a test may kill, fill or turn into a replica, and a job that has finished on it."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from subprocess import DEVNULL

import redis
from werkzeug.test import TestResponse

from service.jobs.context import Services
from service.jobs.finish import finish_job
from service.model.cut import CutDoc, ResultFile
from service.model.documents import write_document
from service.model.job import clip_rows, cut_rows
from service.store.acceptance import NewJob
from service.store.commands import Change, Claim
from tests.builders import a_new_job
from tests.conftest import valkey_binary
from tests.integration.api.conftest import Visitor

VIDEO = b"a finished video"
FILLED = {
    "job_id": "job_01mcc5rm008y8ejrhf2bj30ndg",
    "label": "A",
    "upload_id": "upl_1",
    "name": "x",
}


@dataclass
class Server:
    """A Valkey of this test's own, which it may kill and start again."""

    folder: Path
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def socket(self) -> Path:
        return self.folder / "valkey.sock"

    def start(self, *options: str, wait: bool = True) -> None:
        command = [valkey_binary(), "--port", "0", "--unixsocket", str(self.socket)]
        command += ["--dir", str(self.folder), "--save", "", "--appendonly", "yes", *options]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=DEVNULL)
        until_s = time.monotonic() + 20
        while not self._answers(loaded=wait):
            assert time.monotonic() < until_s, (self.folder / "log").read_text()[-1000:]
            time.sleep(0.01)

    def _answers(self, *, loaded: bool) -> bool:
        with redis.Redis(unix_socket_path=str(self.socket)) as client:
            try:
                return bool(client.ping())
            except redis.exceptions.BusyLoadingError:
                return not loaded
            except redis.ConnectionError:
                return False

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)


def succeed(services: Services, new: NewJob, row: str, doc: CutDoc) -> None:
    key = f"jobs/{new.id}/{doc.label}-1-{doc.revision}.mp4"
    video = VIDEO + str(doc.revision).encode()
    stored = services.files.put(key, [video], max_bytes=100)
    result = ResultFile(stored.key, stored.size, stored.sha256)
    end(services, row, "succeeded", doc=write_document(replace(doc, result=result)))


def claim(services: Services, row: str) -> Claim:
    now_ms = services.clock.now_ms()
    held = services.commands.claim(row, owner="w", now_ms=now_ms, now_s=0)
    assert isinstance(held, Claim), held
    return held


def end(
    services: Services, row: str, state: str, *, doc: str = "", wake: Sequence[str] = ()
) -> None:
    held = claim(services, row)
    change = Change(state, held.queue, doc or held.doc, ended=True, wake=wake)
    services.commands.commit(held, change, now_ms=services.clock.now_ms())


def is_unavailable(reply: TestResponse) -> bool:
    """Whether a reply says as it should that it is to be asked again."""
    body = reply.get_json(silent=True) or {}
    return (
        reply.status_code == 503
        and reply.content_type == "application/problem+json"
        and int(reply.headers["Retry-After"]) > 0
        and body["code"] == "store_unavailable"
        and body["retryable"] is True
    )


def show(ann: Visitor, job: str, label: str = "A", query: str = "clip=0") -> TestResponse:
    return ann.get(f"/v1/jobs/{job}/variants/{label}/video?{query}")


def finish_a_job(ann: Visitor, services: Services) -> str:
    """A job of Ann's with two videos, finished as a media worker does it."""
    new = a_new_job(tenant=ann.tenant_id)
    services.jobs.create(new, now_ms=services.clock.now_ms())
    for clip in clip_rows(new.id, new.spec):
        end(services, clip, "ready", wake=cut_rows(new.id, new.spec))
    for row, label in zip(cut_rows(new.id, new.spec), "AB", strict=True):
        succeed(services, new, row, CutDoc(0, label))
    finish_job(claim(services, f"finish:{new.id}"), services)
    return new.id


def wait_for(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    until_s = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < until_s
        time.sleep(0.02)
