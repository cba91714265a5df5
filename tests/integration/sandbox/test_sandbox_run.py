"""Messages to the agent over HTTP (protocol 4): events, money, broken connections."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.books import hash_message
from sandbox.server import RunningSandbox


@pytest.fixture
def uploaded(caller: Any, clip: Path) -> str:
    session_id: str = caller.session()
    caller.upload(session_id, clip)
    return session_id


def last_run(sandbox: RunningSandbox, session_id: str) -> dict[str, Any]:
    """Returns the newest run of a session once it has ended."""
    for _ in range(100):
        runs = [run for run in sandbox.books["runs"] if run["session_id"] == session_id]
        if runs and runs[-1]["ended_ms"]:
            return dict(runs[-1])
        time.sleep(0.02)
    raise AssertionError("the run did not end")


def test_an_edit_streams_tool_events_state_and_text(
    sandbox: RunningSandbox, caller: Any, uploaded: str, caption_message: str, read_events: Any
) -> None:
    reply = caller.say(uploaded, caption_message, "edit-1")
    # Then the head is ADK's
    assert reply.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert reply.headers["Transfer-Encoding"] == "chunked"
    # and the events are call, result with the draft, text
    call, result, text = read_events(reply)
    assert "functionCall" in call["content"]["parts"][0]
    assert result["actions"]["stateDelta"]["draft"] == caller.state(uploaded)["draft"]
    assert "2 captions in demo.mp4" in text["content"]["parts"][0]["text"]
    # and the books know the edit id and the message
    books = sandbox.books
    assert books["edits"]["edit-1"] == 1
    assert books["messages"][hash_message(caption_message)] >= 1
    assert last_run(sandbox, uploaded)["outcome"] == "applied"


def test_the_draft_has_the_documented_root(caller: Any, captioned: str) -> None:
    state = caller.state(captioned)
    draft = state["draft"]
    assert draft["d"] == pytest.approx(2000, abs=60)
    assert draft["m"] == {"title": "project", "width": 320, "height": 180}
    assert [track["tt"] for track in draft["t"]] == [0, 1, 7]
    assert [s["text"] for s in draft["t"][2]["sg"]] == ["Cold brew", "in ten seconds"]
    assert all(s["sandbox"] == 1 for track in draft["t"] for s in track["sg"])
    assert state["canvas_config"] == {"width": 320, "height": 180, "aspect_ratio": "16:9"}


def test_the_first_edit_of_a_session_costs_50_and_further_ones_nothing(
    caller: Any, uploaded: str, caption_message: str, read_texts: Any
) -> None:
    caller.say(uploaded, caption_message)
    assert caller.balance() == {"available": 950, "frozen": 0, "total": 950}
    reply = caller.say(uploaded, "Make the captions yellow, at the top")
    assert read_texts(reply)
    style = caller.state(uploaded)["draft"]["t"][2]["sg"][0]["style"]
    assert (style["color"], style["position"], style["preset"]) == ("#FFFF00", "top", "outline")
    assert caller.balance()["available"] == 950


def test_charging_by_message_is_a_switch(
    sandbox: RunningSandbox, caller: Any, uploaded: str, caption_message: str
) -> None:
    sandbox.world.board.set({"charge": "message"})
    caller.say(uploaded, caption_message)
    caller.say(uploaded, caption_message)
    assert caller.balance()["available"] == 900
    assert [row["credits"] for row in sandbox.books["charges"][-2:]] == [50, 50]


def test_credits_are_frozen_while_the_agent_works(
    sandbox: RunningSandbox, caller: Any, uploaded: str, caption_message: str
) -> None:
    sandbox.world.board.set({"edit_s": 1.0})
    with caller.say(uploaded, caption_message, stream=True) as reply:
        lines = reply.iter_lines()
        next(lines)
        assert caller.balance() == {"available": 950, "frozen": 50, "total": 1000}
        assert list(lines)
    assert caller.balance() == {"available": 950, "frozen": 0, "total": 950}


def test_without_credits_it_is_2001_and_nothing_runs(
    sandbox: RunningSandbox, make_caller: Any, clip: Path, caption_message: str
) -> None:
    poor = make_caller("nmv_usr_sbx_poor_49")
    session_id = poor.session()
    poor.upload(session_id, clip)
    assert poor.say(session_id, caption_message, "poor-1").json()["code"] == 2001
    assert poor.state(session_id)["draft"] is None
    assert "poor-1" not in sandbox.books["edits"]
    assert sandbox.books["refused_runs"][-1]["request_id"] == "poor-1"


@pytest.mark.parametrize("message", ["Add captions in the boxed style", "hello", "export"])
def test_without_captions_it_says_so_and_changes_nothing(
    caller: Any, uploaded: str, message: str, read_texts: Any
) -> None:
    reply = caller.say(uploaded, message)
    assert len(read_texts(reply)) == 1
    assert caller.state(uploaded)["draft"] is None
    assert caller.balance()["total"] == 1000


def test_a_silent_edit_has_tool_events_only(
    sandbox: RunningSandbox, caller: Any, uploaded: str, caption_message: str, read_texts: Any
) -> None:
    sandbox.world.board.set({"silent_rate": 1.0})
    reply = caller.say(uploaded, caption_message)
    assert read_texts(reply) == []
    assert caller.state(uploaded)["draft"]["t"][2]["sg"]
    assert last_run(sandbox, uploaded)["silent"]


def test_about_30_percent_of_edits_are_silent_and_the_same_ones_each_time(
    sandbox: RunningSandbox, caller: Any, uploaded: str, caption_message: str, read_texts: Any
) -> None:
    sandbox.world.board.set({"silent_rate": 0.3, "edit_s": 0.0})
    silent = [not read_texts(caller.say(uploaded, caption_message)) for _ in range(60)]
    assert 8 <= sum(silent) <= 29


@pytest.mark.parametrize(
    ("form", "bytes_"),
    [
        ("empty", b"data:\n\n"),
        ("word", b"data: heartbeat\n\n"),
        ("json", b'data: {"type":"heartbeat"}\n\n'),
        ("event", b"event: heartbeat\ndata:\n\n"),
        ("comment", b": heartbeat\n\n"),
    ],
)
def test_heartbeats_come_in_the_asked_form(
    sandbox: RunningSandbox, caller: Any, uploaded: str, form: str, bytes_: bytes
) -> None:
    sandbox.world.board.set({"heartbeat_form": form, "edit_s": 0.3})
    assert caller.say(uploaded, "hello").content.count(bytes_) >= 3


def test_the_simple_dialect(
    sandbox: RunningSandbox, caller: Any, uploaded: str, caption_message: str, read_events: Any
) -> None:
    sandbox.world.board.set({"sse_dialect": "simple", "trailing_text": True})
    events = read_events(caller.say(uploaded, caption_message))
    assert [event["type"] for event in events] == ["tool_call", "tool_result", "text", "text"]
    assert "temporary issue" in events[-1]["content"]


@pytest.mark.parametrize(("moment", "edited"), [("before_edit", False), ("after_edit", True)])
def test_an_error_inside_the_stream(
    sandbox: RunningSandbox, caller: Any, uploaded: str, caption_message: str, moment: str,
    edited: bool, read_events: Any,
) -> None:  # fmt: skip
    sandbox.world.board.set({"error_midstream": moment})
    reply = caller.say(uploaded, caption_message)
    assert reply.status_code == 200
    assert "error" in read_events(reply)[-1]
    assert (caller.state(uploaded)["draft"] is not None) == edited
    assert caller.balance()["available"] == (950 if edited else 1000)


@pytest.mark.parametrize(
    ("goes_on", "outcome", "left"), [(False, "aborted", 1000), (True, "applied_unseen", 950)]
)
def test_a_dropped_stream(
    sandbox: RunningSandbox, caller: Any, uploaded: str, caption_message: str, goes_on: bool,
    outcome: str, left: int,
) -> None:  # fmt: skip
    # Given a backend that cuts the connection after one event
    sandbox.world.board.set({"drop_after_events": 1, "run_continues": goes_on})
    # When a message is sent, then the body ends without its last chunk
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        caller.say(uploaded, caption_message)
    # and the run went on or not, and is paid accordingly
    assert last_run(sandbox, uploaded)["outcome"] == outcome
    assert caller.balance() == {"available": left, "frozen": 0, "total": left}


@pytest.mark.parametrize(
    ("rule", "outcome"), [("abort", "aborted"), ("continue", "applied_unseen")]
)
def test_a_client_that_hangs_up_is_noticed_at_once(
    sandbox: RunningSandbox,
    caller: Any,
    uploaded: str,
    caption_message: str,
    rule: str,
    outcome: str,
) -> None:
    # Given no heartbeats, so that no write could tell
    changes = {"heartbeat_form": "none", "edit_s": 0.8, "run_on_disconnect": rule}
    sandbox.world.board.set(changes)
    reply = caller.say(uploaded, caption_message, stream=True)
    lines = reply.iter_lines()
    next(lines)
    reply.raw.close()
    reply.close()
    run = last_run(sandbox, uploaded)
    assert run["outcome"] == outcome
    assert (caller.state(uploaded)["draft"] is None) == (rule == "abort")
    if rule == "abort":
        assert run["ended_ms"] - run["started_ms"] < 600


def test_two_runs_at_once_lose_an_update_and_are_in_the_books(
    sandbox: RunningSandbox, caller: Any, captioned: str
) -> None:
    sandbox.world.board.set({"edit_s": 0.5})
    messages = ["captions in red text", "captions at the top"]
    threads = [threading.Thread(target=caller.say, args=(captioned, m)) for m in messages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    style = caller.state(captioned)["draft"]["t"][2]["sg"][0]["style"]
    assert (style["color"] == "#FF0000") != (style["position"] == "top")
    overlapping = [r for r in sandbox.books["overlapping_runs"] if r["session_id"] == captioned]
    assert len(overlapping) == 1


def test_a_script_is_timed_across_the_clip(caller: Any, uploaded: str) -> None:
    caller.say(uploaded, "Boxed captions, please.\n```text\nCold brew. In ten seconds.\n```")
    segments = caller.state(uploaded)["draft"]["t"][2]["sg"]
    assert [s["text"] for s in segments] == ["Cold brew.", "In ten seconds."]
    assert segments[-1]["start_ms"] + segments[-1]["d"] == caller.state(uploaded)["draft"]["d"]


def test_a_named_file_is_the_one_that_is_edited(
    caller: Any, uploaded: str, clip: Path, caption_message: str
) -> None:
    caller.upload(uploaded, clip, "other.mp4")
    caller.say(uploaded, "In the file demo.mp4: " + caption_message)
    assert caller.state(uploaded)["draft"]["t"][0]["sg"][0]["name"] == "demo.mp4"


def test_generation_costs_100(caller: Any, uploaded: str) -> None:
    caller.say(uploaded, "Generate a video of a city")
    assert caller.balance()["total"] == 900
    assert len(caller.state(uploaded)["generated_media"]) == 1


def test_a_missing_field_is_422_and_an_unknown_session_404_where_statuses_are_real(
    sandbox: RunningSandbox, caller: Any
) -> None:
    missing = caller.post("/run_sse", {"app_name": "nemo_agent", "session_id": "1"})
    assert missing.status_code == 422
    assert missing.json()["detail"][0]["loc"] == ["body", "userId"]
    assert caller.say("nope", "x").json()["code"] == 1002
    sandbox.world.board.set({"real_http_status": True})
    unknown = caller.say("nope", "x")
    assert (unknown.status_code, unknown.json()["detail"]) == (404, "Session not found: nope")
