"""Doorbells reach a real worker; lost, false and malformed ones do no harm."""

from __future__ import annotations

from service.store.keys import queue_key
from tests.integration.workers.conftest import wait_for
from workers.doorbell import doorbell_text

SELDOM = {"CAPTION_AB_TICK_EVERY_S": "3600"}
OFTEN = {"CAPTION_AB_TICK_EVERY_S": "0.1", "CAPTION_AB_RING_S": "0.2"}


def opened(clip_host):
    return {"CAPTION_AB_CALLER_LOOPBACK_PORTS": str(clip_host.port)}


def push_bell(site, queue: str, row: str) -> None:
    key = queue_key(queue)
    text = doorbell_text().replace("@row@", row).replace("@id@", "x").replace("@queue@", key)
    site.client.lpush(key, text)


def test_bell_of_an_accepted_job_is_answered(site, clip_host):
    # Given a worker that hardly ever looks at the due set itself
    site.worker("transfer", **SELDOM, **opened(clip_host))
    wait_for(lambda: site.client.exists("cab:rooms") == 1, 10)

    # When a job is accepted, whose first row rings in the same write
    row = site.accept(clip_host.url("clip"))

    # Then the worker has fetched its clip
    assert site.wait_state(row, "probing") == "probing"


def test_ticker_rings_for_a_row_whose_bell_was_lost(site, clip_host):
    # Given a job whose bell is lost before any worker lives
    row = site.accept(clip_host.url("clip"))
    site.client.delete(queue_key("transfer"))

    # When a worker starts; the only bell it can get is one that the tick's Lua pushes
    site.worker("transfer", **OFTEN, **opened(clip_host))

    # Then the row is worked on
    assert site.wait_state(row, "probing") == "probing"
    assert site.field(row, "fence") == "1"


def test_false_bells_do_no_harm(site, clip_host):
    # Given bells for a row that is not there, one that is no row's name, and no message at all
    worker = site.worker("transfer", **SELDOM, **opened(clip_host))
    for row in ("cut:job_none.0.A.1", "nonsense", ""):
        push_bell(site, "transfer", row)
    before = worker.pid

    # When a real one follows
    row = site.accept(clip_host.url("clip"))

    # Then the same worker answers it
    site.wait_state(row, "probing")
    assert worker.running
    assert worker.pid == before


def test_media_children_probe_the_clip(site, clip_host):
    # Given a transfer worker with threads and a media worker with forked children
    site.start_workers("transfer", "media", **OFTEN, **opened(clip_host))

    # When a clip is fetched; then the media worker looks into it, and the cut behind it is rung
    row = site.accept(clip_host.url("clip"))
    assert site.wait_state(row, "ready") == "ready"
    wait_for(lambda: site.client.llen(queue_key("flow")) > 0, 5)
