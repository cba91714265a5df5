"""Hundreds of paid streams in one flow process: drained, cut short, and with Redis restarted."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.children import Child
from cli.interrupt import Interrupt
from cli.valkey import Valkey, plan_valkey
from service.model.cut import ClipDoc, CutDoc
from service.model.documents import read_document, write_document
from service.model.job import clip_rows, cut_rows
from service.model.lifecycle import CutState
from service.nemo.tokens import ENV_ACCOUNT
from service.settings import Settings
from service.store.accounts import AccountStore
from service.store.commands import Change, Claim, Commands
from service.store.pool import connect
from tests.builders import a_new_job, a_spec
from tests.integration.workers.conftest import Site, wait_for
from tests.integration.workers.streams import StreamServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

LEASE_S = 4.0
ENV = {
    "NEMO_TOKEN": "nmv_usr_streams",
    "CAPTION_AB_ACCOUNT_SLOTS": "1000",
    "CAPTION_AB_LEASE_S": str(LEASE_S),
    "CAPTION_AB_LEASE_GRACE_S": "1",
    "CAPTION_AB_EXTEND_EVERY_S": "0.5",
    "CAPTION_AB_TICK_EVERY_S": "0.2",
    "CAPTION_AB_HANDBACK_S": "10",
    "CAPTION_AB_DRAIN_S": "600",
}


@pytest.fixture
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """A server of this test's own, which it may restart."""
    folder = tmp_path_factory.mktemp("broker")
    own = plan_valkey(folder / "valkey", os.environ, folder / "logs")
    own.child.start()
    own.child.wait_ready(Interrupt())
    yield own
    own.child.stop()


@pytest.fixture
def broker_url(valkey: Valkey) -> str:
    return valkey.url


@pytest.fixture
def backend() -> Iterator[StreamServer]:
    server = StreamServer()
    server.start()
    yield server
    server.stop()


@dataclass
class Crowd:
    """Cuts about to be edited, each of a job of its own, and the worker that edits them."""

    site: Site
    backend: StreamServer

    def __post_init__(self) -> None:
        self.rows: list[str] = []
        settings = Settings(lease_s=LEASE_S, account_slots=1000)
        self.commands = Commands(self.site.connection, settings)
        AccountStore(self.site.connection).create_account(ENV_ACCOUNT, {"kind": "env"})

    def accept(self, count: int) -> None:
        """Accept jobs of one cut each, whose clip is in its session already."""
        for _ in range(count):
            new = a_new_job(a_spec(variants="A"), account=ENV_ACCOUNT, quota=10_000)
            self.site.jobs.create(new, now_ms=self.now_ms)
            (clip,), (cut,) = clip_rows(new.id, new.spec), cut_rows(new.id, new.spec)
            ready = write_document(ClipDoc(0, file="jobs/x/clip-1"))
            self._commit(clip, "ready", ready, ended=True, wake=[cut])
            number = len(self.rows)
            doc = CutDoc(0, "A", session_id=str(9_000_000 + number), uploaded_as="clip.mp4")
            self._commit(cut, CutState.UPLOADED, write_document(doc), ready_ms=self.now_ms)
            self.rows.append(cut)

    def _commit(self, row: str, state: str, doc: str, **change: object) -> None:
        claim = self.commands.claim(row, owner="test", now_ms=self.now_ms, now_s=0)
        assert isinstance(claim, Claim), claim
        whole = Change(state, claim.queue, doc, **change)  # type: ignore[arg-type]
        self.commands.commit(claim, whole, now_ms=self.now_ms)

    @property
    def now_ms(self) -> int:
        return self.site.clock.now_ms()

    def work(self, *, crowd: int = 0, **env: str) -> Child:
        """Start a flow worker, with so many low descriptors taken, and wait for its streams."""
        port = str(self.backend.port)
        open_to = {"CAPTION_AB_BACKEND_LOOPBACK_PORTS": port}
        open_to["NEMO_API_URL"] = f"http://127.0.0.1:{port}"
        worker = self.site.plan_worker("flow", **{**ENV, **open_to, **env})
        if crowd:
            module = "tests.integration.workers.crowded"
            worker.argv = [sys.executable, "-m", module, str(crowd), "flow"]
        worker.start()
        worker.wait_ready(Interrupt())
        wait_for(lambda: self.backend.open == len(self.rows), 90, lambda: self.told(worker))
        return worker

    def told(self, worker: Child) -> str:
        return f"{self.backend.open} open; {self.states()}\n{worker.printed()[-3000:]}"

    def fields(self, *names: str) -> list[list[str]]:
        pipeline = self.site.client.pipeline(transaction=False)
        for row in self.rows:
            pipeline.hmget(f"cab:row:{row}", *names)
        return list(pipeline.execute())

    def states(self) -> Counter[str]:
        return Counter(state for (state,) in self.fields("state"))

    def wait_all(self, state: str, worker: Child, seconds: float) -> float:
        """Wait until all are in a state; how long that took."""
        began_s = time.monotonic()
        while self.states() != {state: len(self.rows)}:
            assert time.monotonic() < began_s + seconds, self.told(worker)
            time.sleep(0.5)
        return time.monotonic() - began_s

    def fences(self) -> list[str]:
        return [fence for (fence,) in self.fields("fence")]

    def live(self) -> int:
        """How many rows have a lease that lives."""
        return sum(int(lease) > self.now_ms for (lease,) in self.fields("lease"))

    def evidence(self) -> Counter[str]:
        """How many edits left which kinds of evidence."""
        kinds: Counter[str] = Counter()
        for (text,) in self.fields("doc"):
            intent = read_document(CutDoc, text).intent
            assert intent is not None
            kinds.update(self.site.client.hkeys(f"cab:evidence:{intent.edit_id}"))
        return kinds


@pytest.fixture
def crowd(backend: StreamServer, site: Site) -> Iterator[Crowd]:
    yield Crowd(site, backend)
    for worker in site.workers:  # none of them waits for streams that nobody will end
        if worker.running and worker.process:
            worker.process.kill()


def ask_to_stop(worker: Child) -> None:
    os.kill(worker.pid, signal.SIGTERM)
    wait_for(lambda: '"drain"' in worker.printed(), 10, worker.printed)


def test_draining_keeps_200_streams_and_takes_nothing_more(crowd):
    # Given 200 streams, and a worker that is asked to stop
    crowd.accept(200)
    worker = crowd.work()
    fences = crowd.fences()
    ask_to_stop(worker)
    # When other jobs come, and longer than a lease passes
    started = list(crowd.rows)
    crowd.accept(20)
    waiting, crowd.rows = crowd.rows[200:], started
    until_s = time.monotonic() + 2 * LEASE_S
    while time.monotonic() < until_s:
        assert crowd.live() == 200
        time.sleep(0.2)
    # Then no lease is lost, none of the others is taken
    assert crowd.fences() == fences
    assert {crowd.site.field(row, "state") for row in waiting} == {"uploaded"}
    assert sum(crowd.backend.edits.values()) == 200
    # And when the streams end, their edits are booked and the worker goes
    crowd.backend.end_streams()
    assert worker.process.wait(30) == 0, worker.printed()[-3000:]
    assert crowd.states() == {"rendering": 200}
    assert crowd.live() == 0
    assert max(crowd.backend.edits.values()) == 1


@pytest.mark.parametrize("how", ["second SIGTERM", "limit"])
def test_leases_of_200_streams_are_handed_back_within_ten_seconds(crowd, how):
    # Given 200 streams in a worker that drains
    crowd.accept(200)
    worker = crowd.work(**{"CAPTION_AB_DRAIN_S": "4"} if how == "limit" else {})
    asked_s = time.monotonic()
    ask_to_stop(worker)
    # When it is asked again, or its limit is reached
    if how == "limit":
        asked_s += 4
    else:
        os.kill(worker.pid, signal.SIGTERM)
        asked_s = time.monotonic()
    worker.process.wait(30)
    took_s = time.monotonic() - asked_s
    # Then it is gone within ten seconds, with no lease and all its evidence left behind
    print(f"{how}: gone after {took_s:.1f} s")
    assert took_s < 10
    assert crowd.live() == 0, crowd.told(worker)
    assert crowd.evidence()["broken"] == 200
    assert crowd.states() == {"recovering": 200}
    assert max(crowd.backend.edits.values()) == 1
    # And the next worker finds what has become of them, without sending anything again
    crowd.backend.end_streams()
    wait_for(lambda: crowd.backend.open == 0, 10)
    crowd.backend.edited |= {str(9_000_000 + n) for n in range(200)}
    again = crowd.site.plan_worker("flow", **ENV, **_quick(crowd))
    again.start()
    crowd.wait_all("rendering", again, 100)
    assert sum(crowd.backend.edits.values()) == 200


def _quick(crowd: Crowd) -> dict[str, str]:
    port = str(crowd.backend.port)
    return {
        "CAPTION_AB_BACKEND_LOOPBACK_PORTS": port,
        "NEMO_API_URL": f"http://127.0.0.1:{port}",
        "CAPTION_AB_RECOVERY_LOOKS_S": "1,2,3,4,5",
        "CAPTION_AB_SETTLE_S": "0.5",
    }


def test_800_streams_outlive_a_restart_of_redis_and_end_together(crowd, valkey):
    # Given 800 streams in one process that has more than 1,024 descriptors open
    crowd.accept(800)
    started_s = time.monotonic()
    worker = crowd.work(crowd=300)
    opened_s = time.monotonic() - started_s
    fences = crowd.fences()
    descriptors = [int(each.name) for each in Path(f"/proc/{worker.pid}/fd").iterdir()]
    assert len(descriptors) > 1024
    assert sum(number < 1024 for number in descriptors) < 600, "none are left for the broker"
    # When Redis is killed and started again, and the worker has met that
    os.kill(valkey.child.pid, signal.SIGKILL)
    valkey.child.process.wait(10)
    for _ in range(16):
        os.kill(worker.pid, signal.SIGUSR1)  # the broker's old number is another's by now
        time.sleep(LEASE_S / 16)
    valkey.child.start()
    valkey.child.wait_ready(Interrupt())
    crowd.site.client = connect(Settings(redis_url=valkey.url), connections=4, name="test")
    wait_for(lambda: crowd.live() == 800, 60, lambda: crowd.told(worker))
    # Then it lives, reads all its streams under the leases it had, and takes new work
    assert worker.running
    assert crowd.backend.open == 800
    assert crowd.fences() == fences
    # And when all end in the same second, each is booked at once, none is sent again
    before = len(worker.printed())
    crowd.backend.end_streams()
    booked_s = crowd.wait_all("rendering", worker, 200)
    assert worker.running
    assert crowd.backend.edits.total() == len(crowd.backend.edits) == 800
    for word in ("lease_lost", "row_left", "row_broken", "lease_lost_at_commit"):
        assert f'"{word}"' not in worker.printed()[before:], word
    rss_mb = _rss_mb(worker.pid)
    print(
        f"{len(descriptors)} descriptors, the highest {max(descriptors)}; 800 open in "
        f"{opened_s:.1f} s, booked in {booked_s:.1f} s; {rss_mb} MB"
    )
    # And the broker's connection is there again: it waits for the next doorbell
    wait_for(lambda: crowd.site.client.info("clients")["blocked_clients"] >= 1, 20)


def _rss_mb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) // 1024
