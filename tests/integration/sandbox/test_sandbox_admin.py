"""The admin routes: clock, accounts, books by id, snapshot, reset, scenarios."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest
import requests

from sandbox.server import RunningSandbox

TOKEN = "/api/auth/anonymous-token"
BALANCE = "/api/credits/balance/simple"


def ask_token(sandbox: RunningSandbox, client_id: str) -> requests.Response:
    return requests.post(sandbox.url + TOKEN, headers={"X-Client-Id": client_id}, timeout=10)


@pytest.fixture
def anonymous(sandbox: RunningSandbox, make_caller: Any) -> Any:
    """A client id and the caller of its account."""
    client_id = str(uuid.uuid4())
    return client_id, make_caller(ask_token(sandbox, client_id).json()["data"]["token"])


def test_a_render_follows_the_manual_clock(
    sandbox: RunningSandbox, caller: Any, captioned: str
) -> None:
    changes = {"clock": "manual", "render": "copy", "pending_s": 300, "processing_s": 900}
    sandbox.world.board.set(changes)
    caller.submit(captioned, f"r-{captioned}")
    seen = []
    for advance_s in (0, 299, 1, 899, 1):
        caller.post("/_sandbox/clock", {"advance_s": advance_s})
        data = caller.get(f"/api/render/proxy/lambda/r-{captioned}").json()["data"]
        seen.append(data["status"])
    assert seen == ["pending", "pending", "processing", "processing", "completed"]
    assert data["completedAt"] - data["createdAt"] >= 1_200_000


def test_an_edit_waits_for_the_manual_clock(
    sandbox: RunningSandbox, caller: Any, captioned: str, read_texts: Any
) -> None:
    sandbox.world.board.set({"clock": "manual", "edit_s": 600.0, "heartbeat_form": "none"})
    with caller.say(captioned, "captions in red", stream=True) as reply:
        time.sleep(0.1)
        began_s = caller.get("/_sandbox/clock").json()["running_s"]
        caller.post("/_sandbox/clock", {"advance_s": 600})
        assert "2 captions" in read_texts(reply)[-1]
    assert caller.get("/_sandbox/clock").json()["running_s"] == began_s + 600


def test_the_date_can_be_that_of_a_test(sandbox: RunningSandbox, caller: Any) -> None:
    sandbox.world.board.set({"clock": "manual"})
    reply = caller.post("/_sandbox/clock", {"now_s": 1_900_000_000.0}).json()
    assert (reply["mode"], reply["now_s"]) == ("manual", 1_900_000_000.0)
    assert caller.post("/_sandbox/clock", {}).status_code == 400
    assert caller.post("/_sandbox/clock", {"advance_s": 1, "now_s": 1}).status_code == 400


def test_a_token_expires_now_and_the_client_may_have_a_new_one(
    sandbox: RunningSandbox, anonymous: Any, make_caller: Any
) -> None:
    client_id, caller = anonymous
    assert caller.get(BALANCE).json()["code"] == 0
    assert caller.post(f"/_sandbox/accounts/{client_id}/expire").json() == {"expired": 1}
    assert caller.get(BALANCE).json()["code"] == 1001
    token = ask_token(sandbox, client_id).json()["data"]["token"]
    assert make_caller(token).get(BALANCE).json()["code"] == 0
    assert caller.post("/_sandbox/accounts/nobody/expire").status_code == 404


def test_a_token_lives_as_long_as_set(
    sandbox: RunningSandbox, make_caller: Any, caller: Any
) -> None:
    sandbox.world.board.set({"clock": "manual", "token_life_s": 60.0})
    client_id = str(uuid.uuid4())
    mine = make_caller(ask_token(sandbox, client_id).json()["data"]["token"])
    caller.post("/_sandbox/clock", {"advance_s": 59})
    assert mine.get(BALANCE).json()["code"] == 0
    assert ask_token(sandbox, client_id).status_code == 429
    caller.post("/_sandbox/clock", {"advance_s": 1})
    assert mine.get(BALANCE).json()["code"] == 1001
    assert ask_token(sandbox, client_id).status_code == 200


def test_an_early_refresh_can_be_given(
    sandbox: RunningSandbox, anonymous: Any, make_caller: Any
) -> None:
    client_id, caller = anonymous
    sandbox.world.board.set({"early_refresh": "new"}, account=client_id)
    fresh = ask_token(sandbox, client_id).json()["data"]["token"]
    assert fresh != caller.token
    # the same account, without a second grant, and the old token still works
    assert make_caller(fresh).balance() == caller.balance() == {
        "available": 100, "frozen": 0, "total": 100,
    }  # fmt: skip


@pytest.mark.parametrize("scope", ["read", "write", "upload", "render"])
def test_a_missing_scope_is_403(
    sandbox: RunningSandbox, caller: Any, captioned: str, clip: Any, scope: str
) -> None:
    draft = caller.state(captioned)["draft"]
    sandbox.world.board.set({"missing_scope": scope})
    body = {"id": f"r-{captioned}", "sessionId": captioned, "draft": draft, "output": {}}
    replies = {
        "read": caller.get(BALANCE),
        "write": caller.say(captioned, "hello"),
        "upload": caller.upload(captioned, clip),
        "render": caller.post("/api/render/proxy/lambda", body),
    }
    assert [name for name, reply in replies.items() if reply.status_code == 403] == [scope]


def test_export_is_blocked_for_one_account(
    sandbox: RunningSandbox, caller: Any, captioned: str, make_caller: Any
) -> None:
    sandbox.world.board.set({"plan_blocks_export": True}, account="user_someone")
    assert caller.submit(captioned, f"r-{captioned}").status_code == 200
    name = caller.token.split("_")[3]
    sandbox.world.board.set({"plan_blocks_export": True}, account=f"user_{name}")
    assert caller.submit(captioned, f"q-{captioned}").status_code == 402


def test_a_session_is_lost(caller: Any, captioned: str) -> None:
    path = f"/api/state/nemo_agent/me/{captioned}/latest"
    assert caller.post(f"/_sandbox/sessions/{captioned}/lose").status_code == 200
    assert caller.get(path).json()["code"] == 1002
    assert caller.post("/_sandbox/sessions/1/lose").status_code == 404


@pytest.mark.parametrize(("form", "draft"), [("null", None), ("object", {}), ("absent", "absent")])
def test_an_empty_draft_has_three_forms(
    sandbox: RunningSandbox, caller: Any, form: str, draft: Any
) -> None:
    sandbox.world.board.set({"empty_draft": form})
    assert caller.state(caller.session()).get("draft", "absent") == draft


def test_a_draft_can_be_text_and_users_unnamed(
    sandbox: RunningSandbox, caller: Any, captioned: str
) -> None:
    sandbox.world.board.set({"draft_form": "text", "hide_user": True})
    assert caller.state(captioned)["draft"].startswith('{"d": ')
    data = ask_token(sandbox, str(uuid.uuid4())).json()["data"]
    assert sorted(data) == ["credits", "token"]


def test_the_books_know_one_edit(caller: Any, captioned: str) -> None:
    edit_id = f"edt_{uuid.uuid4()}"
    caller.post("/_sandbox/switches", {"charge": "message", "render": "copy"})
    caller.say(captioned, "captions in red", edit_id)
    page = caller.get(f"/_sandbox/books/edits/{edit_id}").json()
    assert page["received"] == 1
    assert [run["outcome"] for run in page["runs"]] == ["applied"]
    assert [row["credits"] for row in page["charges"]] == [50]
    moves = [(row["kind"], row["credits"], row["available"]) for row in page["ledger"]]
    assert moves == [("freeze", 50, 900), ("charge", 50, 900)]
    (request,) = page["request_log"]
    assert request["attribution"]["X-Skill-Source"] == "caption-ab"
    assert (request["status"], request["session_id"]) == (200, captioned)


def test_the_books_know_one_render_until_it_was_fetched(
    sandbox: RunningSandbox, caller: Any, captioned: str
) -> None:
    sandbox.world.board.set({"render": "copy"})
    render_id = f"r-{captioned}"
    caller.submit(captioned, render_id)
    url = caller.finished(render_id)["outputUrl"]
    page = caller.get(f"/_sandbox/books/renders/{render_id}").json()
    assert page["orphaned"]
    assert [row["route"].split()[0] for row in page["request_log"]][:2] == ["POST", "GET"]
    # When its result is downloaded, then it is no orphan
    assert requests.get(url, timeout=10).status_code == 200
    page = caller.get(f"/_sandbox/books/renders/{render_id}").json()
    assert (page["orphaned"], page["render"]["fetched"]) == (False, 1)
    assert caller.get("/_sandbox/books/renders/nope").status_code == 404


def test_the_books_know_one_client(sandbox: RunningSandbox, anonymous: Any) -> None:
    client_id, caller = anonymous
    session_id = caller.session()
    ask_token(sandbox, client_id)
    page = caller.get(f"/_sandbox/books/clients/{client_id}").json()
    assert (page["tokens"], page["tokens_refused"]) == (1, 1)
    assert page["sessions"] == [session_id]
    (ledger,) = page["accounts"].values()
    assert (ledger["available"], ledger["entries"][0]["kind"]) == (100, "grant")


def test_no_token_is_in_any_page(caller: Any, captioned: str) -> None:
    assert caller.token not in caller.get("/_sandbox/snapshot").text


def test_credits_can_be_set(caller: Any) -> None:
    caller.balance()
    name = caller.token.split("_")[3]
    path = f"/_sandbox/accounts/user_{name}/credits"
    assert caller.post(path, {"available": 30}).status_code == 200
    assert caller.balance()["available"] == 30
    assert caller.post(path, {"available": -1}).status_code == 400
    assert caller.post("/_sandbox/accounts/nobody/credits", {"available": 1}).status_code == 404


def test_a_scenario_is_put_in_force_whole_or_not_at_all(caller: Any) -> None:
    rule = {"endpoint": "credits", "status": 500}
    caller.post("/_sandbox/rules", {**rule, "status": 503})
    scenario = {
        "note": "what this shows",
        "switches": {"edit_s": 0.5},
        "accounts": {"user_x": {"plan_blocks_export": True}},
        "sessions": {"#2": {"silent_rate": 1.0}},
        "rules": [rule],
    }
    done = caller.post("/_sandbox/scenario", scenario).json()
    # Then what was in force before is gone
    assert [row["status"] for row in done["rules"]] == [500]
    assert done["switches"]["global"]["edit_s"] == 0.5
    assert done["switches"]["accounts"] == {"user_x": {"plan_blocks_export": True}}
    assert done["switches"]["sessions"] == {"#2": {"silent_rate": 1.0}}
    # When one is wrong in any place, then nothing of it holds and nothing is forgotten
    for wrong in (
        {"rules": 1},
        {"rules": [{"endpoint": "nope", "status": 500}]},
        {"more": 1},
        {"switches": 1},
        {"accounts": {"user_x": {"nope": 1}}},
        {"sessions": {"#1": {"clock": "leap"}}},
    ):
        bad = {"switches": {"edit_s": 0.7}, **wrong}
        assert caller.post("/_sandbox/scenario", bad).status_code == 400
    assert caller.get("/_sandbox/rules").json()["rules"] == done["rules"]
    assert caller.get("/_sandbox/switches").json() == done["switches"]


def test_reset_forgets_what_it_is_told_to(
    sandbox: RunningSandbox, caller: Any, captioned: str
) -> None:
    caller.post("/_sandbox/switches", {"edit_s": 9})
    caller.post("/_sandbox/rules", {"endpoint": "claim", "status": 500})
    caller.post("/_sandbox/reset", {"what": ["books"]})
    assert sandbox.books["runs"] == []
    assert sandbox.world.board.of().edit_s == 9
    caller.post("/_sandbox/reset")
    snapshot = caller.get("/_sandbox/snapshot").json()
    assert (snapshot["rules"], snapshot["switches"]["global"]["edit_s"]) == ([], 0.05)
    assert captioned in snapshot["books"]["sessions"]
    caller.post("/_sandbox/reset", {"what": ["world"]})
    assert sandbox.books["sessions"] == []
    assert caller.get(f"/api/state/nemo_agent/me/{captioned}/latest").json()["code"] == 1002
    assert caller.post("/_sandbox/reset", {"what": ["all"]}).status_code == 400
