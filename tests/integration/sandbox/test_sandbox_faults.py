"""Rules that make endpoints fail, over HTTP: whom they meet, and what the caller sees."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.server import RunningSandbox

BALANCE = "/api/credits/balance/simple"


@pytest.fixture
def rule(caller: Any) -> Any:
    """Puts a rule in force and returns its id."""

    def add(**row: Any) -> int:
        reply = caller.post("/_sandbox/rules", row)
        assert reply.status_code == 200, reply.text
        number: int = reply.json()["ids"][0]
        return number

    return add


@pytest.mark.parametrize(
    ("body", "start"),
    [
        ("envelope", '{"code":503'),
        ("detail", '{"detail":"HTTP 503"'),
        ("success", '{"success":false'),
        ("reason", '{"reason":"HTTP 503"'),
        ("html", "<html>"),
        ("text", "HTTP 503"),
        ("empty", ""),
    ],
)
def test_a_status_comes_in_any_body(rule: Any, caller: Any, body: str, start: str) -> None:
    rule(endpoint="credits", status=503, body=body)
    reply = caller.get(BALANCE)
    assert reply.status_code == 503
    assert reply.text.replace(" ", "").startswith(start.replace(" ", ""))
    assert (reply.text == "") == (body == "empty")


@pytest.mark.parametrize(("real", "status"), [(False, 200), (True, 401)])
def test_a_code_comes_as_envelope_or_status(
    sandbox: RunningSandbox, rule: Any, caller: Any, real: bool, status: int
) -> None:
    sandbox.world.board.set({"real_http_status": real})
    rule(endpoint="credits", code=1001, times=1)
    reply = caller.get(BALANCE)
    assert (reply.status_code, reply.json()["code"]) == (status, 1001)
    assert caller.get(BALANCE).json()["code"] == 0


def test_codes_can_be_text(sandbox: RunningSandbox, caller: Any, make_caller: Any) -> None:
    sandbox.world.board.set({"code_form": "text"})
    assert caller.get(BALANCE).json()["code"] == "0"
    assert make_caller("nmv_usr_x").get(BALANCE).json()["code"] == "1001"


def test_a_rule_strikes_the_requests_it_names(rule: Any, caller: Any) -> None:
    rule(endpoint="credits", nth=[2, 4], status=429, retry_after=7)
    replies = [caller.get(BALANCE) for _ in range(5)]
    assert [reply.status_code for reply in replies] == [200, 429, 200, 429, 200]
    assert replies[1].headers["Retry-After"] == "7"


def test_a_probability_strikes_the_same_requests_each_time(rule: Any, caller: Any) -> None:
    def struck() -> list[int]:
        caller.post("/_sandbox/reset", {"what": ["rules"]})
        rule(endpoint="credits", probability=0.5, status=502)
        return [caller.get(BALANCE).status_code for _ in range(20)]

    first = struck()
    assert {200, 502} == set(first)
    assert struck() == first


def test_a_rule_is_for_one_session(rule: Any, caller: Any) -> None:
    mine, other = caller.session(), caller.session()
    rule(endpoint="state", session=mine, code=1002)
    codes = [
        caller.get(f"/api/state/nemo_agent/me/{s}/latest").json()["code"] for s in (mine, other)
    ]
    assert codes == [1002, 0]


def test_a_rule_is_for_one_account(rule: Any, caller: Any, make_caller: Any) -> None:
    rule(endpoint="*", account="user_unlucky", status=500)
    assert make_caller("nmv_usr_sbx_unlucky_1").get(BALANCE).status_code == 500
    assert caller.get(BALANCE).status_code == 200


def test_a_request_is_dropped_before_anything_is_done(
    sandbox: RunningSandbox, rule: Any, caller: Any, clip: Path, caption_message: str
) -> None:
    session_id = caller.session()
    caller.upload(session_id, clip)
    rule(endpoint="message", drop="before")
    with pytest.raises(requests.ConnectionError):
        caller.say(session_id, caption_message, "dropped-1")
    assert "dropped-1" not in sandbox.books["edits"]
    assert caller.balance()["total"] == 1000


def test_a_message_is_worked_on_although_its_connection_was_cut(
    sandbox: RunningSandbox, rule: Any, caller: Any, clip: Path, caption_message: str
) -> None:
    session_id = caller.session()
    caller.upload(session_id, clip)
    rule(endpoint="message", drop="after")
    with pytest.raises(requests.ConnectionError):
        caller.say(session_id, caption_message, "dropped-2")
    for _ in range(100):
        if caller.state(session_id)["draft"]:
            break
        time.sleep(0.02)
    assert sandbox.books["edits"]["dropped-2"] == 1
    assert [track["tt"] for track in caller.state(session_id)["draft"]["t"]] == [0, 1, 7]


@pytest.mark.parametrize("endpoint", ["session", "upload", "submit"])
def test_a_call_has_been_made_although_its_reply_was_dropped(
    sandbox: RunningSandbox, rule: Any, caller: Any, captioned: str, clip: Path, endpoint: str
) -> None:
    sandbox.world.board.set({"render": "copy"})
    acts: dict[str, Any] = {
        "session": caller.session,
        "upload": lambda: caller.upload(captioned, clip, "again.mp4"),
        "submit": lambda: caller.submit(captioned, f"r-{captioned}"),
    }
    before = len(sandbox.books["sessions"])
    rule(endpoint=endpoint, drop="after", times=1)
    with pytest.raises(requests.ConnectionError):
        acts[endpoint]()
    names = [info["filename"] for info in caller.state(captioned)["video_infos"]]
    assert len(sandbox.books["sessions"]) - before == (endpoint == "session")
    assert ("again.mp4" in names) == (endpoint == "upload")
    assert (f"r-{captioned}" in sandbox.books["renders"]) == (endpoint == "submit")


def test_a_body_is_truncated(rule: Any, caller: Any) -> None:
    rule(endpoint="credits", truncate=True)
    reply = requests.get(caller.url + BALANCE, headers=caller.headers, stream=True, timeout=10)
    promised = int(reply.headers["Content-Length"])
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        reply.content  # noqa: B018 - reading is what fails
    assert promised > 40


def test_a_reply_is_late(rule: Any, caller: Any) -> None:
    rule(endpoint="credits", delay_s=0.4)
    began = time.monotonic()
    assert caller.get(BALANCE).json()["code"] == 0
    assert time.monotonic() - began >= 0.4


def test_a_delay_follows_a_leaping_clock(sandbox: RunningSandbox, rule: Any, caller: Any) -> None:
    sandbox.world.board.set({"clock": "leap"})
    rule(endpoint="credits", delay_s=900)
    began = sandbox.world.clock.running_s()
    assert caller.get(BALANCE).json()["code"] == 0
    assert sandbox.world.clock.running_s() - began >= 900


def test_an_upload_is_slow(sandbox: RunningSandbox, caller: Any, clip: Path) -> None:
    session_id = caller.session()
    sandbox.world.board.set({"upload_kb_s": 1.0, "clock": "leap"})
    began = sandbox.world.clock.running_s()
    assert caller.upload(session_id, clip).json()["code"] == 0
    took_s = sandbox.world.clock.running_s() - began
    assert took_s == pytest.approx(clip.stat().st_size / 1024, rel=0.01)


@pytest.mark.parametrize(
    "row",
    [
        {"endpoint": "nope", "status": 500},
        {"endpoint": "credits"},
        {"endpoint": "credits", "status": 200},
        {"endpoint": "credits", "code": 7},
        {"endpoint": "credits", "status": 500, "nth": 0},
        {"endpoint": "credits", "status": 500, "probability": 2},
        {"endpoint": "credits", "drop": "sometimes"},
        {"endpoint": "credits", "status": 500, "body": "xml"},
        {"endpoint": "credits", "status": 500, "colour": "red"},
        {"endpoint": "credits", "status": "five hundred"},
        {"endpoint": "credits", "delay_s": "1"},
        {"endpoint": "credits", "truncate": 1},
        {"endpoint": "credits", "status": 500, "nth": True},
        {"status": 500},
        "credits",
        None,
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(caller: Any, row: Any) -> None:
    reply = caller.post("/_sandbox/rules", row)
    assert reply.status_code == 400
    assert reply.json()["error"]
    assert caller.get("/_sandbox/rules").json() == {"rules": []}


def test_rules_are_counted_and_removed(rule: Any, caller: Any) -> None:
    first, second = rule(endpoint="credits", nth=2, status=500), rule(endpoint="state", status=500)
    caller.get(BALANCE)
    rows = caller.get("/_sandbox/rules").json()["rules"]
    assert [(row["id"], row["seen"], row["struck"]) for row in rows] == [
        (first, 1, 0),
        (second, 0, 0),
    ]
    remove = requests.delete(f"{caller.url}/_sandbox/rules/{second}", timeout=10)
    assert remove.json() == {"dropped": 1}
    assert requests.delete(f"{caller.url}/_sandbox/rules", timeout=10).json() == {"dropped": 1}
