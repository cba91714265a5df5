"""What an earlier release has written goes on, and to its end, on the code of today."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sandbox.config import SandboxConfig
from sandbox.server import start_sandbox
from service.clock import FakeClock
from service.jobs.again import resume_job
from service.jobs.retention import sweep
from service.model.lifecycle import ENDED_CLIP, ENDED_CUT, ClipState, CutState
from service.nemo.tokens import ENV_ACCOUNT
from service.store.retention import Retention
from tests.integration.jobs.harness import Harness, make_settings
from tests.integration.jobs.releases import (
    CLIP,
    HOOK_PORT,
    QUICK,
    TOKEN,
    Release,
    clock_stands,
    read_releases,
)
from tests.integration.store.invariants import assert_invariants, assert_nothing_stays

RELEASES = read_releases()
#: How a job ends that did not simply succeed. An edit whose worker died is looked for, and where
#: it never arrived the job says so.
ENDS = {"canceled": "canceled", "canceling": "canceled", "cut captioning": "failed"}
ENDS["cut recovering"] = "failed"


@pytest.fixture(params=RELEASES, ids=[each.name for each in RELEASES])
def release(request) -> Release:
    return request.param


@pytest.fixture
def engine(release, redis_client, redis_url, tmp_path: Path):
    """The engine of today on what the release has left."""
    sandbox = start_sandbox(SandboxConfig(tmp_path / "sbx", switches=QUICK, preset="ultrafast"))
    release.restore_backend(sandbox, shutil.copy(CLIP, tmp_path / "clip.mp4"))
    release.restore(redis_client, sandbox.url)
    settings = make_settings(
        sandbox.url, redis_url, tmp_path / "files", nemo_token=TOKEN, caller_http=True,
        secret_keys=(release.secret_key,), caller_loopback_ports=(HOOK_PORT,),
    )  # fmt: skip
    with clock_stands(FakeClock(release.now_ms)):
        engine = Harness(sandbox, redis_client, settings, FakeClock(release.now_ms), ENV_ACCOUNT)
        engine.clock = engine.services.clock
        for key in release.files():
            engine.services.files.put(key, [CLIP.read_bytes()], max_bytes=10_000_000)
        yield engine
    sandbox.stop()


def test_every_state_is_in_it(release):
    shown = set(release.states.values())
    cuts = {f"cut {s}" for s in CutState if s not in ENDED_CUT} - {"cut action_required"}
    clips = {f"clip {s}" for s in ClipState if s not in ENDED_CLIP}
    rest = {"succeeded", "canceled", "action_required", "comparing", "canceling"}
    assert cuts | clips | rest | {"event waiting", "delivery waiting"} == shown


def test_its_jobs_come_to_their_ends(release, engine):
    # Given jobs in every state, as the release left them
    assert_invariants(engine.client)
    sent_before = set(engine.client.keys("cab:evidence:*"))
    # When the one that waits for credits is told to go on, and all are worked on
    waiting = next(job for job, state in release.states.items() if state == "action_required")
    resume_job(engine.read(waiting), engine.services)
    jobs = list(release.states)
    engine.run(lambda: all(engine.read(job).expires_ms for job in jobs))
    # Then each ends as it should
    ends = {state: engine.read(job).status.value for job, state in release.states.items()}
    assert ends == {state: ENDS.get(state, "succeeded") for state in release.states.values()}
    # And nothing is sent again that was sent before
    assert set(engine.edits_sent().values()) == {1}
    assert not {f"cab:evidence:{edit}" for edit in engine.edits_sent()} & sent_before
    assert_invariants(engine.client)


def test_its_jobs_go_when_their_time_is_over(release, engine):
    # Given its jobs, all ended
    for job in release.states:
        if engine.read(job).status == "action_required":
            engine.cancel(job)
    engine.run(lambda: all(engine.read(job).expires_ms for job in release.states))
    parts = engine.services
    # When their time is over, and that of uploads which that release did not count
    for _ in range(2):
        engine.clock.advance(parts.settings.job_ttl_s + parts.settings.action_required_s)
        sweep(
            Retention(parts.connection),
            parts.files,
            parts.experiments,
            parts.settings,
            engine.clock,
        )
    # Then nothing of them is left, in Redis or among the files
    assert not engine.client.keys("cab:job:*")
    assert not engine.client.keys("cab:upload:*")
    assert not engine.client.keys("cab:tenant:*:jobs")
    assert_nothing_stays(engine.client)
    kept = [each.key for folder in ("jobs", "uploads") for each in parts.files.find_all(folder)]
    assert kept == []
