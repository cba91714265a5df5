"""Tokens, sessions, credits, state over HTTP (protocol 1, 2, 5, 6)."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.config import SandboxConfig
from sandbox.server import RunningSandbox, start_sandbox

TOKEN = "/api/auth/anonymous-token"
BALANCE = "/api/credits/balance/simple"


def ask_token(sandbox: RunningSandbox, client_id: str | None) -> requests.Response:
    headers = {"X-Client-Id": client_id} if client_id else {}
    return requests.post(sandbox.url + TOKEN, headers=headers, timeout=10)


def test_an_anonymous_token_comes_with_100_credits(
    sandbox: RunningSandbox, make_caller: Any
) -> None:
    data = ask_token(sandbox, str(uuid.uuid4())).json()["data"]
    assert data["token"].startswith("nmv_usr_")
    assert data["user_id"].startswith("anon_")
    assert data["expires_at"].endswith("Z")
    balance = make_caller(data["token"]).balance()
    assert balance == {"available": 100, "frozen": 0, "total": 100}


def test_without_a_client_id_it_is_400(sandbox: RunningSandbox) -> None:
    assert ask_token(sandbox, None).status_code == 400


def test_a_second_token_within_seven_days_is_429(sandbox: RunningSandbox, make_caller: Any) -> None:
    # Given a client that has a token
    client_id = str(uuid.uuid4())
    token = ask_token(sandbox, client_id).json()["data"]["token"]
    # When it asks again, then it is refused and told how long
    refused = ask_token(sandbox, client_id)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 7 * 24 * 3600 + 1
    # When seven days pass, then the old token is dead and a new one is given
    week = {"advance_s": 7 * 24 * 3600 + 1}
    requests.post(sandbox.url + "/_sandbox/clock", json=week, timeout=10)
    assert make_caller(token).get("/api/credits/balance/simple").json()["code"] == 1001
    assert ask_token(sandbox, client_id).status_code == 200
    assert sandbox.books["tokens"][client_id] == 2
    assert sandbox.books["tokens_refused"][client_id] == 1


def test_session_ids_are_19_digit_strings(caller: Any) -> None:
    reply = caller.post(
        "/api/tasks/me/with-session/nemo_agent", {"task_name": "p", "language": "en"}
    )
    data = reply.json()["data"]
    assert isinstance(data["session_id"], str)
    assert len(data["session_id"]) == 19
    assert data["session_id"].isdigit()
    assert caller.state(data["session_id"])["video_infos"] == []


def test_a_claim_token_is_for_ones_own_session(caller: Any) -> None:
    body = {"task_id": "t", "session_id": caller.session()}
    data = caller.post("/api/auth/claim-token", body).json()["data"]
    assert data["claim_token"].startswith("clm_")
    assert data["expires_in"] == 604800
    assert caller.post("/api/auth/claim-token", {"session_id": "1"}).json()["code"] == 1002


@pytest.mark.parametrize(("real", "statuses"), [(False, (200, 200)), (True, (401, 404))])
def test_dead_tokens_and_foreign_sessions(
    sandbox: RunningSandbox, caller: Any, make_caller: Any, real: bool, statuses: tuple[int, int]
) -> None:
    sandbox.world.board.set({"real_http_status": real})
    state = f"/api/state/nemo_agent/me/{caller.session()}/latest"
    dead, foreign = make_caller("nmv_usr_x").get(state), make_caller("nmv_usr_sbx_b_1").get(state)
    assert (dead.json()["code"], foreign.json()["code"]) == (1001, 1002)
    assert (dead.status_code, foreign.status_code) == statuses


def test_only_me_is_a_user(caller: Any) -> None:
    path = f"/api/state/nemo_agent/someone/{caller.session()}/latest"
    assert caller.get(path).status_code == 404


def test_unknown_switches_are_refused(caller: Any) -> None:
    assert caller.post("/_sandbox/switches", {"nope": 1}).status_code == 400
    assert caller.post("/_sandbox/switches", {"edit_s": 0.01}).json()["edit_s"] == 0.01
    assert caller.post("/_sandbox/clock", {"advance_s": -1}).status_code == 400


def test_a_developers_machine_changes_no_answer(
    caller: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    other = start_sandbox(SandboxConfig(tmp_path))
    try:
        answers = [requests.get(each + BALANCE, timeout=10) for each in (caller.url, other.url)]
    finally:
        other.stop()
    assert answers[0].content == answers[1].content
