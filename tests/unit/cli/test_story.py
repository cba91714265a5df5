"""A story as a person reads it at night."""

from __future__ import annotations

from typing import Any

from cli.story import tell
from cli.terminal import printable


def a_row(**changes: Any) -> dict[str, Any]:
    return {
        "row": "cut:job_1.0.A.1",
        "state": "rendering",
        "queue": "flow",
        "held_by": None,
        "held_until": None,
        "ready_at": "2026-11-25T03:00:10.000Z",
        "deadline": None,
        "claims_without_commit": 0,
        "waits_for": [],
        **changes,
    }


def a_story(*rows: dict[str, Any], entries: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {
        "job_id": "job_1",
        "name": "teaser",
        "status": "running",
        "request_id": None,
        "credits": {"reserved": 50, "charged": 0},
        "told_at": "2026-11-25T03:00:00.000Z",
        "entries": list(entries),
        "open": list(rows),
    }


def told(*rows: dict[str, Any]) -> list[str]:
    lines = list(tell(a_story(*rows)))
    return lines[lines.index("Open at 2026-11-25T03:00:00.000Z:") + 1 :]


def test_how_far_the_experiment_of_a_job_is_stands_at_the_top():
    # Given a job without an experiment, as of an older release too, then no line speaks of one
    for story in (a_story(), {**a_story(), "experiment": None}):
        assert not [line for line in tell(story) if "experiment" in line]
    # And with one it is told, with the state of its verdict once there is one
    for state, line in ((None, "running"), ("winner", "decided, winner")):
        found = {"status": line.partition(",")[0], "state": state}
        lines = list(tell({**a_story(), "experiment": found}))
        assert lines[3] == f"  viewers  experiment {line}"


def test_each_open_row_says_what_it_waits_for():
    # Given rows in every situation; then each has its line
    held = a_row(held_by="flow", held_until="2026-11-25T03:01:00.000Z")
    assert told(held)[1] == "    held by flow until 2026-11-25T03:01:00.000Z"
    assert told(a_row())[1] == "    looked at again at 2026-11-25T03:00:10.000Z"
    past = "2026-11-25T02:00:00.000Z"
    assert told(a_row(ready_at=past))[1] == "    waits for a worker of this queue"
    waiting = a_row(ready_at=past, waits_for=["clip:job_1.0"])
    assert told(waiting)[1] == "    waits for clip:job_1.0, or for a worker"


def test_a_row_that_keeps_ending_its_worker_says_so():
    lines = told(a_row(claims_without_commit=4, deadline="2026-11-25T03:30:00.000Z"))
    assert lines[2:] == [
        "    taken 4 times without an outcome",
        "    deadline 2026-11-25T03:30:00.000Z",
    ]


def test_a_new_day_is_told_and_words_of_others_stand_below():
    # Given a delivery before midnight and one after it
    entries = tuple(
        {"at": at, "unit": "job", "what": "delivery", "text": text, "data": data}
        for at, text, data in [
            ("2026-11-24T23:59:59.000Z", "try 1", {"status": 500, "note": "out of order"}),
            ("2026-11-25T00:00:04.000Z", "try 2", {"status": 200, "note": ""}),
        ]
    )
    lines = list(tell(a_story(entries=entries)))
    assert [line for line in lines if line.startswith("2026")] == ["2026-11-24", "2026-11-25"]
    assert "  23:59:59.000  job     delivery  try 1" in lines
    assert any(line.endswith("| out of order") for line in lines)


def test_why_there_was_no_answer_is_told_once():
    # Given a try without an answer, whose text says why
    text, data = "try 1: no answer (outbound_timeout)", {"status": 0, "note": "outbound_timeout"}
    at = "2026-11-25T00:00:04.000Z"
    entry = {"at": at, "unit": "job", "what": "delivery", "text": text, "data": data}
    # Then no line below says it again
    assert "\n".join(tell(a_story(entries=(entry,)))).count("outbound_timeout") == 1


def test_no_word_of_others_moves_the_cursor():
    assert printable("HTTP 200\x1b[2J\r\nfake") == "HTTP 200 [2J  fake"
