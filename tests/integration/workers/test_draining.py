"""SIGTERM: what is under way ends, nothing new begins; a second one does not wait."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from service.model.cut import ClipDoc
from service.model.documents import read_document, write_document
from service.model.lifecycle import ClipState, Queue
from service.settings import Settings
from service.store.commands import Change, Commands
from service.store.keys import queue_key
from tests.integration.workers.conftest import wait_for

OFTEN = {"CAPTION_AB_TICK_EVERY_S": "0.1", "CAPTION_AB_RING_S": "0.2"}


@pytest.fixture
def busy(site, clip_host):
    """A worker that is half through the download of a slow clip."""
    ports = {"CAPTION_AB_CALLER_LOOPBACK_PORTS": str(clip_host.port)}
    worker = site.worker("transfer", **OFTEN, **ports)
    row = site.accept(clip_host.url("slow"))
    assert clip_host.half_sent.wait(15), site.told(row)
    return worker, row


def test_sigterm_lets_a_download_end(site, clip_host, busy):
    # Given a download under way
    worker, row = busy
    # When the worker is asked to stop, and the rest of the clip comes only then
    os.kill(worker.pid, signal.SIGTERM)
    wait_for(lambda: '"drain"' in worker.printed(), 5, worker.printed)
    assert worker.running
    clip_host.go_on.set()
    # Then it commits the step, and leaves with 0
    assert worker.process.wait(10) == 0
    assert site.field(row, "state") == "probing"
    assert site.field(row, "lease") == "0"


def test_draining_worker_takes_nothing_more(site, clip_host, busy):
    # Given a worker that drains
    worker, _ = busy
    os.kill(worker.pid, signal.SIGTERM)
    wait_for(lambda: '"drain"' in worker.printed(), 5, worker.printed)
    # When another job is accepted
    other = site.accept(clip_host.url("clip"))
    clip_host.go_on.set()
    worker.process.wait(10)
    # Then its row waits untouched for another worker
    assert site.field(other, "state") == "pending"
    assert site.field(other, "fence") == "0"
    assert site.client.zscore("cab:due", other) is not None


def test_second_sigterm_leaves_within_the_handback_time(site, busy):
    # Given a download that does not go on, in a worker that drains (handback 2 s)
    worker, row = busy
    os.kill(worker.pid, signal.SIGTERM)
    wait_for(lambda: '"drain"' in worker.printed(), 5, worker.printed)
    # When it is asked a second time
    asked_s = time.monotonic()
    os.kill(worker.pid, signal.SIGTERM)
    worker.process.wait(10)
    # Then it is gone in time, and the row is due at once, for whoever comes
    assert time.monotonic() - asked_s < 3
    assert '"drain_cut_short"' in worker.printed()
    assert (site.field(row, "state"), site.field(row, "lease")) == ("fetching", "0")
    assert site.client.zscore("cab:due", row) <= site.clock.now_ms()


def test_children_give_their_rows_back(site):
    # Given a media worker of two processes, each of which reads a file that does not come
    rows = [a_clip_to_probe(site, number) for number in range(2)]
    worker = site.worker("media", **OFTEN, CAPTION_AB_MEDIA_PROCESSES="2")
    wait_for(lambda: all(site.field(row, "lease") != "0" for row in rows), 15, worker.printed)
    # When it is asked to stop twice
    asked_s = time.monotonic()
    for _ in range(2):
        os.kill(worker.pid, signal.SIGTERM)
        time.sleep(0.3)
    worker.process.wait(10)
    # Then it is gone in time with its children, and both rows are due at once
    assert time.monotonic() - asked_s < 3.5
    (cut,) = [json.loads(line) for line in worker.printed().splitlines() if "drain_cut" in line]
    assert (cut["in_work"], cut["released"]) == (2, 2)
    for row in rows:
        assert (site.field(row, "state"), site.field(row, "lease")) == ("probing", "0")
        assert site.field(row, "crashes") == "0"
        assert site.client.zscore("cab:due", row) <= site.clock.now_ms()


def a_clip_to_probe(site, number: int) -> str:
    """A clip that waits for `media`, whose file gives no byte to whoever reads it."""
    file = f"uploads/upl_{number}"
    path = Path(site.env["CAPTION_AB_FILES"]) / file
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)
    commands = Commands(site.connection, Settings())
    row = site.accept("http://127.0.0.1:1/clip.mp4")
    site.client.delete(queue_key(Queue.TRANSFER))
    claim = commands.claim(row, owner="test", now_ms=site.clock.now_ms(), now_s=0)
    doc = write_document(replace(read_document(ClipDoc, claim.doc), file=file))
    change = Change(ClipState.PROBING, Queue.MEDIA, doc, ready_ms=site.clock.now_ms())
    commands.commit(claim, change, now_ms=site.clock.now_ms())
    return row


def test_idle_workers_stop_at_once(site):
    # Given idle workers of the three kinds of pool
    workers = site.start_workers("flow", "transfer", "media")
    # When they are asked to stop; then they leave with 0, and so do a pool's children
    for worker in workers:
        worker.ask_to_stop()
    for worker in workers:
        assert worker.process.wait(10) == 0, worker.printed()
