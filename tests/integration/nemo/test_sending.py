"""Whether a message was sent: clean refusals, and answers that prove nothing."""

from __future__ import annotations

import pytest

from service.nemo import errors
from service.nemo.dialogue import StreamControl
from service.nemo.errors import BreakKind, StreamBroken
from tests.integration.nemo.scripted import TEXT, answer, ok, refused_port, sse, talk, wait_until


def test_a_stopped_control_sends_nothing(server, client):
    server.script(sse(TEXT))
    stop = StreamControl()
    stop.shutdown()
    with pytest.raises(errors.BackendUnavailable) as refusal:
        talk(client, stop=stop)
    assert not refusal.value.sent
    assert not any(seen.complete for seen in server.seen)


def test_shutdown_after_the_end_is_harmless(server, client):
    server.script(sse(TEXT))
    stop = StreamControl()
    talk(client, stop=stop)
    stop.shutdown()


def test_before_send_comes_last_and_may_refuse(server, client):
    """Given a lease that is nearly over, then the backend never gets the message."""

    class TooLate(Exception):
        pass

    def refuse():
        raise TooLate

    server.script(sse(TEXT))
    with pytest.raises(TooLate):
        talk(client, before_send=refuse)
    wait_until(lambda: len(server.seen) == 1)
    assert not server.seen[0].complete
    assert server.seen[0].size == 0
    calls = []
    talk(client, before_send=lambda: calls.append(1))
    assert calls == [1]


@pytest.mark.parametrize(
    "refusal", [OSError("no"), ValueError("no"), ConnectionError("no")], ids=repr
)
def test_what_before_send_raises_passes_through(server, client, refusal):
    """Not even an error that looks like the network's is taken for one."""

    def refuse():
        raise refusal

    server.script(sse(TEXT))
    with pytest.raises(type(refusal)) as raised:
        talk(client, before_send=refuse)
    assert raised.value is refusal


@pytest.mark.rule("P-070")
def test_nobody_listening_is_a_clean_refusal(make_client):
    calls = []
    client = make_client(f"http://127.0.0.1:{refused_port()}")
    with pytest.raises(errors.BackendUnavailable) as failure:
        talk(client, before_send=lambda: calls.append(1))
    assert not failure.value.sent
    assert calls == []


@pytest.mark.rule("P-070", "P-158", "P-165")
@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (answer(404, {"detail": "Session not found: 55297"}), errors.SessionLost),
        (
            answer(422, {"detail": [{"loc": ["body", "userId"], "msg": "missing"}]}),
            errors.MalformedRequest,
        ),
        (answer(401, {"message": "invalid token"}), errors.TokenRejected),
        (answer(429), errors.RateLimited),
        (answer(200, {"code": 1001, "message": "token expired"}), errors.TokenRejected),
        (answer(200, {"code": "2001", "message": "no credits"}), errors.CreditsSpent),
        (answer(200, {"code": 1002, "message": "gone"}), errors.SessionLost),
        (answer(500, {"code": 2001, "message": "no credits"}), errors.CreditsSpent),
        (answer(307, Location="/elsewhere"), errors.BackendConfused),
    ],
    ids=["404", "422", "401", "429", "1001", "2001", "1002", "500 with 2001", "307"],
)
def test_clean_refusals(server, client, script, kind):
    """A refusal before the stream is its own error, and there is one POST."""
    server.script(script)
    with pytest.raises(kind):
        talk(client)
    assert len(server.seen) == 1


@pytest.mark.rule("P-070")
@pytest.mark.parametrize("status", [502, 503])
def test_a_gateway_refusal_is_clean(server, client, status):
    server.script(answer(status, b"<html>Bad Gateway", "text/html"))
    with pytest.raises(errors.BackendUnavailable) as failure:
        talk(client)
    assert not failure.value.sent
    assert len(server.seen) == 1


@pytest.mark.rule("P-071")
@pytest.mark.parametrize(
    "script",
    [
        answer(500, {"detail": "boom"}),
        answer(504, b"<html>", "text/html"),
        answer(408),
        answer(200, {"code": 0, "data": {}}),
        answer(200, b"<html>", "text/html"),
        answer(200, {"code": 9999}),
    ],
    ids=["500", "504", "408", "200 JSON", "200 page", "200 odd code"],
)
def test_answers_that_prove_nothing(server, client, script):
    """The message may have been acted on: look at the state, do not send again."""
    server.script(script)
    with pytest.raises(StreamBroken) as broken:
        talk(client)
    assert broken.value.kind is BreakKind.REFUSED
    assert len(server.seen) == 1


@pytest.mark.rule("P-072")
def test_a_message_never_takes_an_idle_connection(server, client):
    """Given open connections of earlier calls, then each message has one of its own.

    A backend closes idle connections; one that is closed as the message leaves would make it
    unknowable whether the message arrived.
    """
    balance = ok({"available": 1, "frozen": 0, "total": 1})
    server.script(balance, balance, sse(TEXT), balance, sse(TEXT))
    client.credits("t")
    client.credits("t")
    talk(client)
    client.credits("t")
    talk(client)
    first, second, message, third, other_message = (seen.port for seen in server.seen)
    assert first == second == third
    assert len({first, message, other_message}) == 3
