"""A release takes over what another has under way, and computes fingerprints in another way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from service.model.cut import Recovery
from service.model.lifecycle import CutState
from service.model.rows import cut_row
from service.nemo.fingerprints import fingerprint
from tests.integration.jobs.harness import (
    Follower,
    Harness,
    Meddler,
    killed_by,
    run_until_dead,
)
from tests.integration.jobs.test_messages import revisions, say

#: As the first releases wrote them, and as a later one may.
OTHERS = pytest.mark.parametrize("other", ["0" * 64, "9:" + "0" * 64])


def rewrite(engine: Harness, row: str, part: str, **values: Any) -> None:
    """Make a cut's document, or a part of it, what another release would have written."""
    key = f"cab:row:{row}"
    doc = json.loads(engine.client.hget(key, "doc"))
    (doc[part] if part else doc).update(values)
    engine.client.hset(key, "doc", json.dumps(doc))


def has_seen(recovery: Recovery | None) -> bool:
    return recovery is not None and bool(recovery.seen)


def a_second_revision(engine: Harness, clip) -> tuple[str, str]:
    """A job whose session has an edited draft, and a message for it; the job and the row."""
    job = engine.submit(clip, "A")
    engine.run_job(job)
    return job, say(engine, job, "make the text color #ff0000").added.row


@OTHERS
def test_an_edit_that_never_arrived_is_not_taken_for_one(engine, small_clip, sandbox, other):
    # Given a worker of another release that died between its intent and its send,
    job, row = a_second_revision(engine, small_clip)
    run_until_dead(engine, killed_by(engine, Meddler, "converse"))
    rewrite(engine, row, "intent", fingerprint=other)
    # When this release looks for the edit in a session that has a draft from before,
    engine.run_job(job)
    # Then it says that it cannot know, and sends nothing.
    cut = revisions(engine, job)[-1]
    assert (cut.state, cut.doc.failure.code) == (CutState.FAILED, "edit_unconfirmed")
    assert cut.doc.recovery.looks == 4
    assert cut.doc.intent.edit_id not in engine.edits_sent()


@OTHERS
def test_a_change_that_the_other_release_has_seen_counts(engine, small_clip, sandbox, other):
    # Given an edit that another release has found in the state, and wanted to see once more,
    job, row = a_second_revision(engine, small_clip)
    run_until_dead(engine, killed_by(engine, Follower, "converse"))
    engine.run(lambda: has_seen(revisions(engine, job)[-1].doc.recovery))
    rewrite(engine, row, "intent", fingerprint=other)
    rewrite(engine, row, "recovery", seen=other)
    since_ms = engine.clock.now_ms()
    # When this one goes on, then the change counts after it has stood for as long again.
    engine.run(lambda: revisions(engine, job)[-1].state is not CutState.RECOVERING)
    assert engine.clock.now_ms() - since_ms >= engine.settings.settle_s * 1000
    engine.run_job(job)
    assert revisions(engine, job)[-1].state is CutState.SUCCEEDED
    assert set(engine.edits_sent().values()) == {1}


@OTHERS
def test_a_draft_that_the_other_release_confirmed_is_rendered(engine, small_clip, sandbox, other):
    # Given a cut that has settled as often as it may, and waits for its render,
    job = engine.submit(small_clip, "A")
    run_until_dead(engine, killed_by(engine, Meddler, "submit_render"))
    rewrite(engine, cut_row(job, 0, "A"), "edit", fingerprint=other)
    rewrite(engine, cut_row(job, 0, "A"), "", settles=3)
    # When this release comes to it, then it lets the draft stand once more, under its own mark,
    engine.run(lambda: engine.doc(job, "A").edit.fingerprint != other)
    doc = engine.doc(job, "A")
    token = engine.services.tokens.token_for(engine.account)
    assert doc.edit.fingerprint == fingerprint(engine.services.nemo.state(token, doc.session_id))
    # and renders it once.
    assert engine.run_job(job).status == "succeeded"
    assert len(sandbox.books["renders"]) == 1
    assert set(engine.edits_sent().values()) == {1}
