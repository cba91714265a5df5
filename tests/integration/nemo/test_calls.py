"""The plain calls over a real socket: what is sent, what is repeated, what is not."""

from __future__ import annotations

import json

import pytest

from service.nemo import errors
from service.nemo.render import RenderState
from service.nemo.wire import Session
from tests.integration.nemo.scripted import answer, break_off_in_head, hang_up, ok, refused_port

TOKEN = "nmv_usr_secret"
BALANCE = {"available": 60, "frozen": 40, "total": 100}
DONE = {"success": True, "data": {"status": "completed", "outputUrl": "https://h/x.mp4"}}


@pytest.mark.rule("P-002")
def test_every_call_carries_token_and_attribution(server, client):
    server.script(ok(BALANCE))
    assert client.credits(TOKEN).available == 60
    headers = server.seen[0].headers
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["x-skill-source"] == "caption-ab"
    assert headers["x-skill-version"] == "1.0.0"
    assert headers["x-skill-platform"] == "unknown"


@pytest.mark.rule("P-002", "P-003", "P-017")
def test_token_call_has_a_client_id_and_no_bearer(server, client):
    server.script(ok({"token": TOKEN, "credits": 100}))
    assert client.issue_token("uuid-1").credits == 100
    [seen] = server.seen
    assert (seen.method, seen.path, seen.size) == ("POST", "/api/auth/anonymous-token", 0)
    assert seen.headers["x-client-id"] == "uuid-1"
    assert seen.headers["x-skill-source"] == "caption-ab"
    assert "authorization" not in seen.headers


@pytest.mark.rule("P-029")
def test_token_call_is_not_repeated_when_limited(server, client, clock):
    """Given a 429 with Retry-After, then it says how long, and the caller decides."""
    server.script(answer(429, {"message": "limit"}, Retry_After="30"))
    with pytest.raises(errors.RateLimited) as refusal:
        client.issue_token("uuid-1")
    assert refusal.value.retry_after_s == 30.0
    assert len(server.seen) == 1


@pytest.mark.rule("P-026")
def test_a_400_on_the_token_call_means_the_client_id(server, client):
    server.script(answer(400, {"message": "bad header"}))
    with pytest.raises(errors.ClientIdMissing):
        client.issue_token("")


@pytest.mark.rule("P-032")
def test_create_session(server, client):
    server.script(ok({"session_id": "5529798700000000001", "task_id": "t"}))
    session = client.create_session(TOKEN, language="zh-CN")
    assert session == Session("5529798700000000001", "t")
    assert server.seen[0].json == {"task_name": "project", "language": "zh-CN"}


@pytest.mark.rule("P-034")
@pytest.mark.parametrize(
    "script",
    [hang_up, break_off_in_head, answer(502, b"<html>", "text/html"), answer(503)],
    ids=["cut", "half a head", "502", "503"],
)
def test_create_session_is_sent_once(server, client, script):
    """A second session must not be made when the first may exist."""
    server.script(script)
    with pytest.raises(errors.BackendUnavailable) as failure:
        client.create_session(TOKEN, language="en")
    assert failure.value.sent
    assert len(server.seen) == 1


@pytest.mark.rule("P-034")
def test_create_session_is_tried_again_while_nothing_was_sent(make_client, clock):
    """Given nobody listens, then there are three tries, and it says that nothing was sent."""
    client = make_client(f"http://127.0.0.1:{refused_port()}")
    before = clock.monotonic_s()
    with pytest.raises(errors.BackendUnavailable) as failure:
        client.create_session(TOKEN, language="en")
    assert not failure.value.sent
    assert 3.0 <= clock.monotonic_s() - before < 3.8


@pytest.mark.rule("P-116", "P-133")
@pytest.mark.parametrize(
    "fault",
    [
        hang_up,
        break_off_in_head,
        answer(502, b"<html>Bad Gateway", "text/html"),
        answer(429),
        answer(408),
        answer(200, b"<html>", "text/html"),
    ],
    ids=["cut", "half a head", "502 page", "429", "408", "200 page"],
)
def test_a_safe_call_is_tried_three_times(server, client, clock, fault):
    server.script(fault, fault, ok(BALANCE))
    before = clock.monotonic_s()
    assert client.credits(TOKEN).total == 100
    assert len(server.seen) == 3
    assert 3.0 <= clock.monotonic_s() - before < 3.8


@pytest.mark.rule("P-133")
def test_a_safe_call_gives_up_after_three(server, client):
    server.script(answer(502, b"<html>", "text/html"))
    with pytest.raises(errors.BackendUnavailable):
        client.credits(TOKEN)
    assert len(server.seen) == 3


@pytest.mark.rule("P-134")
def test_a_safe_call_does_not_wait_for_a_long_retry_after(server, client):
    server.script(answer(429, Retry_After="3600"))
    with pytest.raises(errors.RateLimited):
        client.credits(TOKEN)
    assert len(server.seen) == 1


@pytest.mark.rule("P-014")
def test_a_refusal_is_not_repeated(server, client):
    server.script(answer(200, {"code": 1001, "message": f"invalid token {TOKEN}"}))
    with pytest.raises(errors.TokenRejected) as refusal:
        client.credits(TOKEN)
    assert TOKEN not in str(refusal.value)
    assert len(server.seen) == 1


@pytest.mark.rule("P-135")
def test_a_silent_backend_is_left(server, make_client):
    server.script(lambda exchange: exchange.server.wait_released())
    with pytest.raises(errors.BackendUnavailable) as failure:
        make_client(read_s=0.1).credits(TOKEN)
    assert failure.value.silent


@pytest.mark.rule("P-015")
def test_a_redirect_of_the_api_is_not_followed(server, client):
    """The token must not travel to another host."""
    server.script(answer(307, Location=f"{server.url}/elsewhere"))
    with pytest.raises(errors.BackendConfused):
        client.credits(TOKEN)
    assert len(server.seen) == 1


@pytest.mark.rule("P-122")
def test_a_netrc_file_does_not_replace_the_token(server, client, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.script(ok(BALANCE), answer(200, b"video", "video/mp4"))
    client.credits(TOKEN)
    with client.download(server.url, max_bytes=10) as pieces:
        assert b"".join(pieces) == b"video"
    assert server.seen[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert "authorization" not in server.seen[1].headers


@pytest.mark.rule("P-135")
def test_a_reply_that_is_too_long_is_refused(server, make_client):
    balance = json.dumps({"code": 0, "data": {"available": 1, "total": 1}, "pad": "x" * 5000})
    server.script(answer(200, balance.encode()))
    with pytest.raises(errors.BackendConfused):
        make_client(reply_bytes=1000).credits(TOKEN)


@pytest.mark.rule("P-005", "P-158")
def test_state_of_a_lost_session(server, client):
    server.script(answer(404, {"detail": "Session not found: s/1"}))
    with pytest.raises(errors.SessionLost):
        client.state(TOKEN, "s/1")
    assert server.seen[0].path == "/api/state/nemo_agent/me/s%2F1/latest"


@pytest.mark.rule("P-101")
def test_submit_passes_the_draft_untouched(server, client):
    draft = {"t": [{"tt": 0, "sg": [{"zz": None, "f": 0.1}]}], "odd": "字\u2028"}
    gate = []
    server.script(answer(200, {"success": True, "data": {"id": "r1", "status": "pending"}}))
    status = client.submit_render(
        TOKEN,
        render_id="r1",
        session_id="s1",
        draft=draft,
        output={"format": "mp4"},
        edit_id="edt_1",
        before_send=lambda: gate.append(len(server.seen)),
    )
    assert status.status is RenderState.PENDING
    assert server.seen[0].json == {
        "id": "r1",
        "sessionId": "s1",
        "draft": draft,
        "output": {"format": "mp4"},
    }
    assert server.seen[0].headers["x-request-id"] == "edt_1"
    assert gate == [0]


def test_submit_is_sent_once_and_says_so(server, client):
    server.script(hang_up)
    with pytest.raises(errors.BackendUnavailable) as failure:
        client.submit_render(TOKEN, render_id="r", session_id="s", draft={}, output={})
    assert failure.value.sent
    assert len(server.seen) == 1


@pytest.mark.rule("P-107", "P-109")
@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (answer(402, {"message": "Free plan export blocked"}), errors.PlanBlocked),
        (answer(200, {"code": 402, "message": "plan"}), errors.PlanBlocked),
        (answer(409, {"error": "duplicate"}), errors.DuplicateRender),
        (answer(200, {"success": False, "error": "id already exists"}), errors.DuplicateRender),
        (answer(200, {"code": "1002", "message": "gone"}), errors.SessionLost),
    ],
    ids=["402", "code 402", "409", "duplicate", "1002"],
)
def test_submit_refusals(server, client, script, kind):
    server.script(script)
    with pytest.raises(kind):
        client.submit_render(TOKEN, render_id="r", session_id="s", draft={}, output={})


@pytest.mark.rule("P-115")
def test_poll_a_failed_render_is_no_failed_call(server, client):
    server.script(answer(200, {"success": False, "data": {"status": "failed", "error": "no font"}}))
    status = client.poll_render(TOKEN, "r1")
    assert (status.status, status.error) == (RenderState.FAILED, "no font")
    assert server.seen[0].path == "/api/render/proxy/lambda/r1"


@pytest.mark.rule("P-117")
@pytest.mark.parametrize(
    "body", [{"detail": "Not Found"}, {"detail": "render r"}, {"message": "no"}, b""]
)
def test_poll_an_unknown_render(server, client, body):
    server.script(answer(404, body))
    with pytest.raises(errors.RenderUnknown):
        client.poll_render(TOKEN, "r1")


@pytest.mark.rule("P-116")
def test_poll_survives_passing_faults(server, client):
    server.script(answer(500), answer(429), answer(200, DONE))
    assert client.poll_render(TOKEN, "r1").url == "https://h/x.mp4"


@pytest.mark.rule("P-120")
def test_cancel_is_best_effort(server, client):
    server.script(answer(200, {"success": True}), answer(404))
    assert client.cancel_render(TOKEN, "r1")
    assert not client.cancel_render(TOKEN, "r1")


@pytest.mark.rule("P-036", "P-125")
def test_links(server, client):
    server.script(ok({"claim_token": "clm_a/b", "expires_in": 604800}))
    link = client.claim_link(TOKEN, Session("s", "t"))
    assert link == "https://nemovideo.com/workspace/claim?ct=clm_a%2Fb"
    assert client.register_link("anon_7") == "https://nemovideo.com/register?bind=anon_7"
    assert TOKEN not in link


def test_half_a_head_is_no_empty_file(server, client):
    """The library takes a head that broke off for a whole one, and no body for an empty file."""
    server.script(break_off_in_head)
    with (
        client.download(server.url, max_bytes=1) as pieces,
        pytest.raises(errors.BackendUnavailable),
    ):
        list(pieces)
