"""What is read out of the sandbox's books after a run in real time."""

from __future__ import annotations

import pytest

from tests.soak.findings import closest, is_on_schedule, looks_after, polls_of, run_of

_STATE = "GET /api/state/nemo_agent/me/<session_id>/latest"
_SUBMIT = "POST /api/render/proxy/lambda"
_POLL = "GET /api/render/proxy/lambda/<render_id>"


def row(route, at_ms, session_id="", render_id=""):
    return {"route": route, "at_ms": at_ms, "session_id": session_id, "render_id": render_id}


def test_looks_are_those_at_one_session_after_the_moment():
    log = [row(_STATE, at, "s1") for at in (900, 31_000, 91_500)] + [row(_STATE, 50_000, "s2")]
    assert looks_after({"request_log": log}, "s1", 1_000) == [30.0, 90.5]


def test_polls_are_told_by_render_from_its_submission():
    log = [
        row(_SUBMIT, 1_000, "s1", "r1"),
        row(_SUBMIT, 2_000, "s2", "r2"),
        row(_POLL, 31_000, "s1", "r1"),
        row(_POLL, 33_000, "s2", "r2"),
        row(_POLL, 61_000, "s1", "r1"),
    ]
    assert polls_of({"request_log": log}) == {"r1": [30.0, 60.0], "r2": [31.0]}


def test_a_poll_soon_after_the_submission_is_as_close_as_one_soon_after_another():
    assert closest([30.0, 60.5]) == 30.0
    assert closest([12.0, 60.0]) == 12.0
    assert closest([30.0, 60.0, 61.0]) == 1.0


def test_a_look_that_comes_early_late_or_never_is_off_schedule():
    assert is_on_schedule([30.1, 90.4, 110.5], [30, 90])
    assert not is_on_schedule([29.9, 90.4], [30, 90])
    assert not is_on_schedule([30.1, 94.0], [30, 90])
    assert not is_on_schedule([30.1], [30, 90])


def test_a_message_that_was_sent_twice_is_not_passed_over():
    run = {"session_id": "s1"}
    assert run_of({"runs": [run, {"session_id": "s2"}]}, "s1") is run
    for runs in ([], [run, run]):
        with pytest.raises(AssertionError):
            run_of({"runs": runs}, "s1")
