"""Captions beside the length of a clip: nothing is paid for what would not be shown."""

from __future__ import annotations

LATE = "1\n00:01:00,000 --> 00:01:02,000\nToo late\n"
HALF = "1\n00:00:00,100 --> 00:00:00,900\nIn time\n\n2\n00:00:05,000 --> 00:00:06,000\nLate\n"


def test_captions_after_the_end_of_the_clip_fail_before_anything_is_spent(
    engine, small_clip, sandbox
):
    # Given a clip of two seconds and captions that begin after a minute,
    job = engine.submit(small_clip, captions={"format": "srt", "text": LATE})
    # When the job runs, then both cuts fail and name the captions, the clip and both times,
    assert engine.run_job(job).status == "failed"
    for label in "AB":
        failure = engine.doc(job, label).failure
        assert (failure.code, failure.retryable) == ("captions_past_end", False)
        assert failure.detail == (
            "No caption starts before the clip's end: the first at 00:01:00.000, "
            "clip 1 lasts 00:00:02.000."
        )
        assert failure.extra["pointer"] == "#/captions/text"
        assert failure.extra["charged"] == "no"
    # and the backend has heard nothing of them.
    assert engine.edits_sent() == {}
    assert sandbox.books["charges"] == []


def test_a_clip_that_is_long_enough_gets_its_captions_and_a_warning(engine, small_clip):
    # Given captions of which one begins after the end,
    job = engine.submit(small_clip, "A", captions={"format": "srt", "text": HALF})
    # When the job runs, then it succeeds, and the cut tells which are not shown.
    assert engine.run_job(job).status == "succeeded"
    [warning] = engine.doc(job, "A").warnings
    assert warning == (
        "1 of 2 captions start after the clip's end and are not shown: the first of them at "
        "00:00:05.000, clip 1 lasts 00:00:02.000."
    )
