"""Refining a variant by messages: revisions in order, each paid once; looks that cost nothing."""

from __future__ import annotations

import itertools

import pytest

from service.errors import (
    AccountChanged,
    Conflict,
    IdempotencyReused,
    InvalidRequest,
    NotFound,
)
from service.jobs.again import resume_job
from service.jobs.frozen import thaw
from service.jobs.messages import Answer, Message, take_message
from service.jobs.view import job_data
from service.model.lifecycle import CutState
from service.store.jobs import CutRow
from tests.integration.jobs.harness import Harness

_KEYS = itertools.count()


def say(engine: Harness, job: str, text: str, label: str = "A", **options) -> Answer:
    key = options.pop("key", f"key-{next(_KEYS)}")
    message = Message(label, options.pop("clip", 0), text)
    return take_message(engine.read(job), message, engine.services, key=key)


def revisions(engine: Harness, job: str, label: str = "A") -> list[CutRow]:
    _, cuts = engine.services.jobs.read_units(engine.read(job), revisions=True)
    return [cut for cut in cuts if cut.doc.label == label]


def run_out(engine: Harness, job: str) -> list[CutRow]:
    """Run until nothing of the job is open; variant A's revisions."""
    engine.run_job(job)
    return revisions(engine, job)


@pytest.mark.rule("P-079")
def test_an_iterative_job_of_three_revisions(engine, small_clip, sandbox):
    # Given a finished job, whose backend charges for each message,
    sandbox.world.board.set({"charge": "message"})
    job = engine.submit(small_clip)
    engine.run_job(job)
    report = engine.read(job).result
    # When two wishes follow, the second before the first is done,
    second = say(engine, job, "make the text color #ff0000")
    third = say(engine, job, "move the captions to the top")
    assert [second.data["revision"], third.data["revision"]] == [2, 3]
    assert engine.read(job).expires_ms == 0
    cuts = run_out(engine, job)
    # Then each is a video of its own, and the earlier ones are still there,
    assert [cut.state for cut in cuts] == [CutState.SUCCEEDED] * 3
    results = [cut.doc.result for cut in cuts]
    assert len({result.sha256 for result in results}) == 3
    assert all(engine.services.files.size(each.file) == each.size for each in results)
    # made in the same session, one after another, each asked for once,
    assert len({cut.doc.session_id for cut in cuts}) == 1
    runs = sandbox.books["runs"]
    assert (len(runs), any(run["overlapping"] for run in runs)) == (4, False)
    own = [run for run in runs if run["session_id"] == cuts[0].doc.session_id]
    begun = [run["request_id"] for run in sorted(own, key=lambda run: run["started_ms"])]
    assert begun == [cut.doc.intent.edit_id for cut in cuts]
    # paid as the backend has it, with nothing left set aside,
    charged = sum(charge["credits"] for charge in sandbox.books["charges"])
    ended = engine.read(job)
    assert (ended.charged, ended.reserved) == (charged, 0) == (200, 0)
    # and the job is what it was.
    assert (ended.status, ended.result) == ("succeeded", report)
    types = engine.event_types(job)
    after = types[types.index("job.succeeded") + 1 :]
    assert after == [
        "cut.created", "cut.created",
        "cut.captioned", "cut.rendering", "cut.succeeded",
        "cut.captioned", "cut.rendering", "cut.succeeded",
    ]  # fmt: skip


def test_the_files_of_a_job_tell_of_its_revisions(engine, small_clip):
    # Given a finished job, whose files tell of it as it ended
    job = engine.submit(small_clip, "A")
    engine.run_job(job)
    parts = engine.services
    kept = thaw(job, parts.files, parts.vault)
    assert (kept.job.status, len(kept.cuts)) == ("succeeded", 1)
    # When a revision has its video; then they tell of that too
    say(engine, job, "move the captions to the top")
    cuts = run_out(engine, job)
    kept = thaw(job, parts.files, parts.vault)
    assert [cut.doc.result for cut in kept.cuts] == [cut.doc.result for cut in cuts]
    assert kept.job.status == "succeeded"


@pytest.mark.rule("P-079", "P-142")
def test_a_message_during_the_job_waits_for_its_turn(engine, small_clip, sandbox):
    # Given a job whose variant is being rendered, when a wish comes in,
    job = engine.submit(small_clip)
    engine.run_cut_to(job, "A", CutState.RENDERING)
    say(engine, job, "make the text color #00ff00")
    # Then it is made after the first one, and the job's own end is told of its first cuts.
    cuts = run_out(engine, job)
    assert [cut.state for cut in cuts] == [CutState.SUCCEEDED] * 2
    assert engine.read(job).status == "succeeded"
    assert not any(run["overlapping"] for run in sandbox.books["runs"])


def test_the_same_message_again_is_the_same_revision(engine, small_clip, sandbox):
    job = engine.submit(small_clip, "A")
    engine.run_job(job)
    first = say(engine, job, "make the text color #ff0000", key="k")
    again = say(engine, job, "make the text color #ff0000", key="k")
    assert (again.added.row, again.added.replayed) == (first.added.row, True)
    with pytest.raises(IdempotencyReused):
        say(engine, job, "make the text color #00ff00", key="k")
    assert len(run_out(engine, job)) == 2
    assert len(sandbox.books["runs"]) == 2


@pytest.mark.rule("P-141")
def test_questions_are_answered_and_cost_nothing(engine, small_clip, sandbox):
    job = engine.submit(small_clip)
    # Before the session is open there is no timeline, and no video before the end.
    assert say(engine, job, "status").data == {
        "status": "queued", "revision": 1, "timeline": None
    }  # fmt: skip
    with pytest.raises(Conflict, match="no video"):
        say(engine, job, "export")
    engine.run_job(job)
    sent = dict(engine.edits_sent())
    # When a finished job is asked for its status, the credits and the video,
    status = say(engine, job, "现在什么样了")
    balance = say(engine, job, "how many credits are left?")
    video = say(engine, job, "export 1080p MP4")
    # Then each is answered by the backend's state, its balance and our link, and no edit was sent.
    assert (status.data["status"], status.data["revision"]) == ("succeeded", 1)
    assert status.data["timeline"].startswith("Timeline (3 tracks): 1. Video: clip-1.mp4 (0-2s)")
    assert balance.data["credits"]["total"] == 900
    assert video.data["video"] == {
        "url": f"http://127.0.0.1:8080/v1/jobs/{job}/variants/A/video?clip=0&revision=1",
        "revision": 1,
    }
    assert engine.edits_sent() == sent
    assert engine.read(job).revisions == {}


def test_files_are_not_sent_by_message(engine, small_clip):
    job = engine.submit(small_clip, "A")
    with pytest.raises(InvalidRequest) as refused:
        say(engine, job, "upload")
    assert "/v1/uploads" in refused.value.hint_text
    engine.run_job(job)


@pytest.mark.parametrize(("label", "clip"), [("C", 0), ("A", 1), ("A.1", 0)])
def test_what_the_job_has_not_cannot_be_changed(engine, small_clip, label, clip):
    job = engine.submit(small_clip)
    with pytest.raises(NotFound):
        say(engine, job, "make it red", label=label, clip=clip)
    engine.run_job(job)


def test_where_nothing_was_edited_there_is_nothing_to_change(engine, tmp_path, sandbox):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"just some words\n" * 100)
    job = engine.submit(path)
    # Given one wish before and one after the clip was found to be none,
    first = say(engine, job, "make the text color #ff0000", key="k")
    engine.run_job(job)
    with pytest.raises(Conflict, match="nothing to change"):
        say(engine, job, "make the text color #ff0000")
    # (whose own request, sent again, is still the same one)
    again = say(engine, job, "make the text color #ff0000", key="k")
    assert (again.added.row, again.added.replayed) == (first.added.row, True)
    # Then the first ended for the same reason as its cut, and the backend heard nothing.
    failures = [cut.doc.failure.code for cut in revisions(engine, job)]
    assert failures == ["unsupported_file"] * 2
    assert sandbox.books["sessions"] == []


def test_a_lost_session_is_not_paid_for_unasked(engine, small_clip, sandbox):
    # Given a finished job whose session the backend has forgotten,
    job = engine.submit(small_clip, "A")
    engine.run_job(job)
    sandbox.world.sessions.lose(engine.doc(job, "A").session_id)
    # When a wish comes, then it ends by saying so, and nothing was sent or charged.
    say(engine, job, "make the text color #ff0000")
    failed = run_out(engine, job)[1]
    assert (failed.state, failed.doc.failure.code) == (CutState.FAILED, "session_lost")
    assert len(sandbox.books["runs"]) == 1
    assert len(sandbox.books["sessions"]) == 1
    # The first video is still there.
    assert revisions(engine, job)[0].state is CutState.SUCCEEDED


def test_a_revision_without_credits_waits_and_goes_on(make_engine, small_clip, sandbox):
    # Given an account whose credits the job has used up,
    sandbox.world.board.set({"charge": "message"})
    engine = make_engine(balance=50)
    job = engine.submit(small_clip, "A")
    engine.run_job(job)
    # When a wish comes, then it waits for a person, and the job stays what it is.
    say(engine, job, "make the text color #ff0000")
    engine.run(lambda: revisions(engine, job)[1].state is CutState.ACTION_REQUIRED)
    assert revisions(engine, job)[1].doc.failure.code == "no_credits"
    assert engine.read(job).status == "succeeded"
    assert engine.event_types(job)[-1] == "cut.action_required"
    # When there are credits again and the job is resumed, then it is made and paid once.
    (name,) = {run["user_id"] for run in sandbox.books["runs"]}
    assert sandbox.world.accounts.set_available(name, 70)
    assert resume_job(engine.read(job), engine.services) == 1
    cuts = run_out(engine, job)
    assert [cut.state for cut in cuts] == [CutState.SUCCEEDED] * 2
    assert len(sandbox.books["runs"]) == 2
    assert engine.read(job).charged == 100


def test_another_account_does_not_pay_for_it(engine, small_clip):
    job = engine.submit(small_clip, "A")
    engine.run_job(job)
    engine.client.hset("cab:tenant:ten_1", "account", "acc_other")
    with pytest.raises(AccountChanged) as refused:
        say(engine, job, "make the text color #ff0000")
    assert refused.value.extra["retry_credits"] == 50
    # A look is still possible.
    assert say(engine, job, "status").data["timeline"]


def test_cancel_ends_a_revision_that_waits(engine, small_clip, sandbox):
    job = engine.submit(small_clip)
    engine.run_cut_to(job, "A", CutState.UPLOADED)
    say(engine, job, "make the text color #ff0000")
    engine.cancel(job)
    assert engine.run_job(job).status == "canceled"
    assert [cut.state for cut in revisions(engine, job)] == [CutState.CANCELED] * 2
    assert sandbox.books["runs"] == []


def test_a_message_beyond_it_is_refused(engine, small_clip):
    # Given a job that has come to its limit, when one more edit is wished for,
    job = engine.submit(small_clip, max_credits=100)
    engine.run_job(job)
    with pytest.raises(Conflict) as refused:
        say(engine, job, "make the text color #ff0000")
    # Then it is refused with figures, and no revision waits for ever.
    assert "100 credits of 100" in refused.value.detail
    assert "new job" in refused.value.hint_text
    assert len(revisions(engine, job)) == 1


@pytest.mark.rule("P-080")
def test_a_silent_edit_is_told_by_what_it_changed(engine, small_clip, sandbox):
    # Given a backend that says nothing after its edits,
    sandbox.world.board.set({"silent_rate": 1.0})
    job = engine.submit(small_clip, "A")
    engine.run_job(job)
    say(engine, job, "make the text color #ff0000")
    first, second = (cut.doc.edit for cut in run_out(engine, job))
    # Then each answer tells the difference to the state before its own message.
    assert (first.silent, second.silent) == (True, True)
    assert first.text.startswith("Captions added: 2 segments")
    assert second.text.startswith("Captions restyled: 2 segments")


@pytest.mark.rule("P-146")
def test_what_a_person_should_do_on_a_screen_is_offered_and_never_done(engine, small_clip, sandbox):
    # Given a backend whose answers are full of buttons to press,
    sandbox.world.board.set({"gui_phrases": "many"})
    job = engine.submit(small_clip, "A")
    done = engine.run_job(job)
    # Then the caller reads what they stand for, none of the words, and nothing more was sent.
    edit = engine.doc(job, "A").edit
    assert "export" in edit.actions
    assert "click" not in edit.text.lower()
    shown = job_data(done, *engine.services.jobs.read_units(done), "https://ab.example.com")
    assert shown["variants"][0]["cuts"][0]["edit"]["actions"] == list(edit.actions)
    assert list(engine.edits_sent().values()) == [1]
