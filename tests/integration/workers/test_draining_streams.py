"""SIGTERM while paid streams run: they are read to their end, and nothing is sent again."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sandbox.config import SandboxConfig
from sandbox.server import RunningSandbox, start_sandbox
from sandbox.switches import Switches
from service.model.job import CaptionsSpec, ClipSpec, JobSpec, VariantSpec
from service.model.rows import cut_row
from service.nemo.tokens import ENV_ACCOUNT
from tests.builders import SRT, a_new_job
from tests.integration.workers.conftest import Site, wait_for

#: An edit takes so long that the worker is asked to stop in the middle of it.
SLOW = Switches(edit_s=3.0, heartbeat_every_s=0.2, silent_rate=0.0, render="copy", pending_s=0)
OFTEN = {"CAPTION_AB_TICK_EVERY_S": "0.1", "CAPTION_AB_RING_S": "0.2"}


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[RunningSandbox]:
    running = start_sandbox(SandboxConfig(tmp_path / "sbx", switches=SLOW))
    yield running
    running.stop()


def start_job(site: Site, clip_host, sandbox: RunningSandbox, labels: str):
    """A job whose cuts are all in their paid streams; its flow worker and its rows."""
    env = {
        **OFTEN,
        "CAPTION_AB_CALLER_LOOPBACK_PORTS": str(clip_host.port),
        "CAPTION_AB_BACKEND_LOOPBACK_PORTS": str(urlsplit(sandbox.url).port),
        "NEMO_API_URL": sandbox.url,
        "NEMO_TOKEN": "nmv_usr_sbx_drain_1000",
    }
    spec = JobSpec(
        clips=(ClipSpec(url=clip_host.url("clip")),),
        variants=tuple(VariantSpec(each) for each in labels),
        captions=CaptionsSpec(SRT, "srt"),
    )
    new = a_new_job(spec, account=ENV_ACCOUNT)
    site.jobs.create(new, now_ms=site.clock.now_ms())
    _, _, flow = site.start_workers("transfer", "media", "flow", **env)
    rows = [cut_row(new.id, 0, each) for each in labels]
    wait_for(lambda: sandbox.books["streams"] == len(rows), 30, lambda: site.told(rows[0]))
    return flow, rows


@pytest.mark.rule("P-074")
def test_streams_are_read_to_their_end_before_the_worker_leaves(site, clip_host, sandbox):
    # Given two paid streams in one worker
    flow, rows = start_job(site, clip_host, sandbox, "AB")
    fences = [site.field(row, "fence") for row in rows]
    # When it is asked to stop
    os.kill(flow.pid, signal.SIGTERM)
    wait_for(lambda: '"drain"' in flow.printed(), 5, flow.printed)
    assert flow.running
    assert sandbox.books["streams"] == 2
    # Then it reads both to their end, writes down what came of them, and leaves with 0
    assert flow.process.wait(20) == 0
    assert [run["outcome"] for run in sandbox.books["runs"]] == ["applied", "applied"]
    for row, fence in zip(rows, fences, strict=True):
        assert site.field(row, "state") == "rendering"
        assert (site.field(row, "fence"), site.field(row, "lease")) == (fence, "0")
    # and nothing was sent twice.
    assert list(sandbox.books["edits"].values()) == [1, 1]


@pytest.mark.rule("P-074")
def test_at_the_limit_streams_are_shut_down_and_leave_evidence(site, clip_host, sandbox):
    # Given a stream that goes on for longer than a drain may take (1 s)
    sandbox.world.board.set({"edit_s": 60.0})
    site.env["CAPTION_AB_DRAIN_S"] = "1"
    flow, (row,) = start_job(site, clip_host, sandbox, "A")
    # When the worker is asked to stop
    os.kill(flow.pid, signal.SIGTERM)
    # Then within limit and hand-back time (2 s) it has gone,
    assert flow.process.wait(8) is not None
    # the row is on the way of those whose stream was lost, with a lease nobody holds,
    assert site.field(row, "state") == "recovering"
    assert site.field(row, "lease") == "0"
    # and what was seen of the stream is kept for whoever looks for the edit.
    (edit_id,) = sandbox.books["edits"]
    kept = site.client.hgetall(f"cab:evidence:{edit_id}")
    assert "broken" in kept, kept
