"""A whole job through engine, protocol and ffmpeg; and jobs that do not get far."""

from __future__ import annotations

import logging

import pytest

from service.model.lifecycle import CutState
from service.model.rows import cut_row, finish_row
from service.store.observed import observe
from tests.receiver import Receiver


@pytest.mark.rule("P-094", "P-123")
def test_a_job_of_two_variants_succeeds(engine, small_clip, sandbox):
    # When a job of one clip in two variants runs,
    job = engine.submit(small_clip)
    ended = engine.run_job(job)
    # Then both videos are there, playable and like their clip,
    assert ended.status == "succeeded"
    assert ended.result["clips"][0]["same_length_and_audio"] is True
    for label in "AB":
        doc = engine.doc(job, label)
        assert (doc.result.media.width, doc.result.media.height) == (320, 180)
        assert doc.result.media.audio_codec
        assert engine.services.files.size(doc.result.file) == doc.result.size
    # the backend got each edit once and one render of each, and was told who we are,
    assert sorted(engine.edits_sent().values()) == [1, 1]
    assert len(sandbox.books["renders"]) == 2
    assert sandbox.books["without_attribution"] == {}
    assert sandbox.books["auth_on_cdn"] == []
    # and credits were booked as the backend has them.
    charged = sum(charge["credits"] for charge in sandbox.books["charges"])
    assert (ended.charged, ended.reserved) == (charged, 0) == (100, 0)


def test_the_log_names_each_edit_that_was_booked(engine, small_clip, caplog):
    # Given an operator, who has no key of a tenant; when a job runs,
    with caplog.at_level(logging.INFO):
        job = engine.submit(small_clip)
        engine.run_job(job)
    # Then the log tells which rows paid for which edits, and how the job has ended.
    booked = [each for each in caplog.records if each.getMessage() == "edit_booked"]
    assert {each.row for each in booked} == {cut_row(job, 0, label) for label in "AB"}
    assert {each.edit_id for each in booked} == set(engine.edits_sent())
    assert {each.charged for each in booked} == {"yes"}
    [ended] = [each for each in caplog.records if each.getMessage() == "job_ended"]
    assert (ended.row, ended.status) == (finish_row(job), "succeeded")


def test_events_tell_the_story_in_order(engine, small_clip):
    job = engine.submit(small_clip, labels="A")
    engine.run_job(job)
    assert engine.event_types(job) == [
        "job.created",
        "job.running",
        "clip.ready",
        "cut.captioned",
        "cut.rendering",
        "cut.succeeded",
        "job.succeeded",
    ]


def test_the_event_of_the_end_is_the_job_without_what_nobody_knows_yet(engine, small_clip):
    # When a job has ended,
    job = engine.submit(small_clip, labels="A")
    engine.run_job(job)
    # Then its last event is the whole job, and leaves out when the job goes.
    last = engine.services.jobs.events(job)[-1]["data"]
    assert last["variants"][0]["cuts"][0]["video"]["sha256"]
    assert "expires_at" not in last
    assert engine.read(job).expires_ms > 0


def test_webhooks_arrive_signed_and_in_sequence(make_engine, small_clip):
    # Given a receiver that fails once,
    with Receiver(replies=[500]) as receiver:
        engine = make_engine(caller_http=True, caller_loopback_ports=(receiver.port,))
        # When a job runs that reports to it,
        job = engine.submit(small_clip, "A", webhook={"url": receiver.url, "events": ["*"]})
        engine.run_job(job)
        # Then every event arrived, the first one twice under the same id, all signed.
        received = receiver.wait_for(8)
        assert receiver.verify(engine.secret, check_time=False)
    sequences = [each.event["sequence"] for each in received]
    assert sorted(sequences) == [1, 1, 2, 3, 4, 5, 6, 7]
    first = [each for each in received if each.event["sequence"] == 1]
    assert len({each.body for each in first}) == 1
    assert len({each.headers["webhook-id"] for each in first}) == 1


def test_an_anonymous_account_pays_for_one_job(make_engine, small_clip, sandbox):
    # Given an anonymous account of 100 credits, when a job of two variants runs on it,
    engine = make_engine(balance=0)
    job = engine.submit(small_clip)
    engine.run_job(job)
    # Then one token was asked for, and all credits are spent.
    assert engine.read(job).status == "succeeded"
    assert list(sandbox.books["tokens"].values()) == [1]
    assert engine.read(job).charged == 100


@pytest.mark.rule("P-091", "P-092", "P-093")
def test_of_two_jobs_that_race_for_all_credits_one_runs(make_engine, small_clip, sandbox):
    # Given two jobs of 100 credits each on an account that has 100,
    engine = make_engine(balance=100)
    jobs = [engine.submit(small_clip) for _ in range(2)]
    # When both run,
    engine.run(
        lambda: {engine.read(job).status.value for job in jobs} >= {"succeeded", "action_required"}
    )
    # Then one succeeded and the other waits for a person, with nothing spent and no cut sent.
    (waiting,) = [job for job in jobs if engine.read(job).status == "action_required"]
    assert engine.read(waiting).charged == 0
    failures = [engine.doc(waiting, label).failure for label in "AB"]
    assert {failure.code for failure in failures} == {"no_credits"}
    assert "register" in failures[0].hint
    assert sum(charge["credits"] for charge in sandbox.books["charges"]) == 100
    assert len(engine.edits_sent()) == 2
    # And when nobody acts for a week, it ends by saying what was missing.
    ended = engine.run_job(waiting)
    assert ended.status == "expired"
    assert engine.doc(waiting, "A").failure.code == "no_credits"


@pytest.mark.rule("P-091")
def test_a_limit_on_credits_stops_a_job_before_it_spends(engine, small_clip, sandbox):
    # Given a job within its limit when it was accepted, and workers that know of a higher price,
    job = engine.submit(small_clip, max_credits=100)
    dearer = engine.worker("dearer", edit_credits=60)
    # When it comes to its first message, then it waits, and nothing is spent.
    engine.run(lambda: engine.read(job).status == "action_required", dearer)
    assert engine.doc(job, "A").failure.code == "max_credits"
    assert sandbox.books["charges"] == []
    engine.cancel(job)
    assert engine.run_job(job).status == "canceled"


@pytest.mark.parametrize(("balance", "status"), [(299, "action_required"), (300, "succeeded")])
def test_a_job_that_may_generate_sets_more_aside(make_engine, small_clip, balance, status):
    # Given two variants at 50 and 100 credits each, if the agent were to generate for both,
    engine = make_engine(balance=balance)
    job = engine.submit(small_clip, allow_generation=True)
    # When the account has one credit too few, then nothing is spent; with enough, it goes on.
    engine.run(lambda: engine.read(job).status == status)
    assert engine.read(job).charged == (100 if status == "succeeded" else 0)


@pytest.mark.rule("P-044")
@pytest.mark.parametrize("content", [b"just some words\n" * 100, b"\x89PNG\r\n\x1a\n" + bytes(99)])
def test_a_clip_that_is_no_video_fails_the_job_before_anything_is_spent(
    engine, tmp_path, sandbox, content
):
    # Given a text and a picture under the name of a video,
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    # When a job is made of it, then it fails by name and the backend hears nothing of it.
    job = engine.submit(path)
    ended = engine.run_job(job)
    assert ended.status == "failed"
    assert [engine.doc(job, each).failure.code for each in "AB"] == ["unsupported_file"] * 2
    assert "clip.failed" in engine.event_types(job)
    assert (sandbox.books["sessions"], sandbox.books["uploads"]) == ([], [])


def test_a_damaged_video_fails_the_job_before_anything_is_spent(
    engine, small_clip, tmp_path, sandbox
):
    path = tmp_path / "clip.mp4"
    path.write_bytes(small_clip.read_bytes()[:600] + bytes(5000))
    job = engine.submit(path)
    assert engine.run_job(job).status == "failed"
    assert engine.doc(job, "A").failure.code in {"probe_failed", "unsupported_file"}
    assert sandbox.books["sessions"] == []


def test_a_job_canceled_before_it_began_spends_nothing(engine, small_clip, sandbox):
    job = engine.submit(small_clip)
    engine.cancel(job)
    ended = engine.run_job(job)
    assert ended.status == "canceled"
    assert engine.doc(job, "A").failure.extra["charged"] == "no"
    assert sandbox.books["sessions"] == []


@pytest.mark.rule("P-109")
def test_a_render_that_the_plan_blocks_waits_for_a_person(engine, small_clip, sandbox):
    sandbox.world.board.set({"plan_blocks_export": True})
    job = engine.submit(small_clip, "A")
    engine.run_until_paused(job)
    doc = engine.doc(job, "A")
    assert (doc.failure.code, doc.resume_state) == ("plan_blocked", CutState.CAPTIONED)
    # Then the paid edit is kept.
    assert doc.edit.charged == "yes"
    engine.cancel(job)
    engine.run_job(job)
    assert engine.doc(job, "A").failure.extra["charged"] == "yes"


@pytest.mark.rule("P-108")
@pytest.mark.parametrize(
    ("fail", "status", "renders"), [("once", "succeeded", 2), ("always", "failed", 2)]
)
def test_a_failed_render_is_tried_once_more(engine, small_clip, sandbox, fail, status, renders):
    sandbox.world.board.set({"render_fail": fail})
    job = engine.submit(small_clip, "A")
    assert engine.run_job(job).status == status
    assert len(sandbox.books["renders"]) == renders
    assert list(engine.edits_sent().values()) == [1]


@pytest.mark.rule("P-121")
def test_a_result_without_an_address_is_fetched_through_the_api(engine, small_clip, sandbox):
    sandbox.world.board.set({"completed_without_url": True})
    job = engine.submit(small_clip, "A")
    assert engine.run_job(job).status == "succeeded"


@pytest.mark.rule("P-058", "P-080")
@pytest.mark.parametrize("dialect", ["adk", "simple"])
def test_a_silent_edit_is_seen_in_the_state(engine, small_clip, sandbox, dialect):
    sandbox.world.board.set({"silent_rate": 1.0, "sse_dialect": dialect})
    job = engine.submit(small_clip, "A")
    assert engine.run_job(job).status == "succeeded"
    assert engine.doc(job, "A").edit.silent


def test_the_first_look_at_a_render_is_placed_by_how_long_renders_take(engine, small_clip):
    # Given renders that usually take 75 seconds,
    observe(engine.services.connection, "render", 75_000)
    job = engine.submit(small_clip, "A")
    # When one is submitted, then it is looked at after 75 seconds, and every 30 from then on.
    engine.run(lambda: bool(engine.doc(job, "A").render and engine.doc(job, "A").render.submitted))
    submitted_ms = engine.clock.now_ms()
    engine.run(lambda: engine.doc(job, "A").render.polls > 0)
    assert engine.clock.now_ms() - submitted_ms == 75_000


@pytest.mark.parametrize(("usual_ms", "first_s"), [(1_000, 30), (1_000_000, 90)])
def test_the_first_look_is_never_too_early_nor_too_late(engine, small_clip, usual_ms, first_s):
    observe(engine.services.connection, "render", usual_ms)
    job = engine.submit(small_clip, "A")
    engine.run(lambda: bool(engine.doc(job, "A").render and engine.doc(job, "A").render.submitted))
    submitted_ms = engine.clock.now_ms()
    engine.run(lambda: engine.doc(job, "A").render.polls > 0)
    assert engine.clock.now_ms() - submitted_ms == first_s * 1000


@pytest.mark.rule("P-119")
def test_a_completed_render_without_an_address_is_looked_at_once_more(engine, small_clip, sandbox):
    # Given renders that are completed and have no address, when a job runs,
    sandbox.world.board.set({"completed_without_url": True})
    ended = engine.run_job(engine.submit(small_clip, "A"))
    # Then it is looked at twice before the API's own download is tried, which has it.
    assert ended.status == "succeeded"
    assert engine.doc(ended.id, "A").render.polls == 2


@pytest.mark.rule("P-118")
def test_at_the_last_poll_the_fallback_is_tried_and_then_a_new_render(
    make_engine, small_clip, sandbox
):
    # Given a render that is never done in as many polls as there may be,
    sandbox.world.board.set({"processing_s": 100_000.0})
    engine = make_engine(poll_limit=2)
    job = engine.submit(small_clip, "A")
    engine._wait_for_backend = lambda: None  # it never ends
    # When its polls are used up twice, then two renders were asked for and the cut says why.
    ended = engine.run_job(job)
    assert ended.status == "failed"
    assert engine.doc(job, "A").failure.code == "render_timeout"
    assert len(sandbox.books["renders"]) == 2
    tried = [row for row in sandbox.books["requests"] if "download" in row]
    assert tried
