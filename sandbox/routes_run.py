"""The route that sends a message to the agent and streams what it does (protocol 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from sandbox.link import Link
from sandbox.outages import is_unheard
from sandbox.replies import Refusal, account_of, plain, refuse, require_scope
from sandbox.run import NoCredits, Run
from sandbox.world import World

_FIELDS = (("app_name", "appName"), ("user_id", "userId"), ("session_id", "sessionId"))


def make_blueprint(world: World) -> Blueprint:
    """Builds the route over one world."""
    routes = Blueprint("run", __name__)

    @routes.post("/run_sse")
    def run_sse() -> Response:
        request_id = request.headers.get("X-Request-Id", "")
        try:
            run = _accept(world, request_id)
        except Refusal as refusal:
            row = {"request_id": request_id, "status": refusal.response.status_code}
            body = refusal.response.get_json(silent=True) or {}
            world.books.refuse_run({**row, "code": body.get("code"), "at_ms": world.clock.now_ms()})
            raise
        link = Link(request.environ["werkzeug.socket"], world.stopping)
        if world.board.of(run.entry.session_id).sse_framing == "close":
            request.environ["sandbox.close_delimited"]()
        events = run.events(link, unheard=is_unheard())
        return Response(events, content_type="text/event-stream; charset=utf-8")

    return routes


def _accept(world: World, request_id: str) -> Run:
    account = account_of(world, request)
    require_scope(world, account, "write")
    body = request.get_json(silent=True)
    values = _read(body if isinstance(body, dict) else {})
    session = world.sessions.find(values["session_id"], account.user_id)
    if values["app_name"] != "nemo_agent" or values["user_id"] != "me" or session is None:
        raise _unknown_session(world, str(values["session_id"]))
    try:
        return Run(world, account, session, _message(values["new_message"]), request_id)
    except NoCredits:
        raise refuse(world, 2001, session_id=session.session_id) from None


def _unknown_session(world: World, session_id: str) -> Refusal:
    if world.board.of(session_id).real_http_status:
        return Refusal(plain(404, {"detail": f"Session not found: {session_id}"}))
    return refuse(world, 1002)


def _read(body: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for snake, camel in (*_FIELDS, ("new_message", "newMessage")):
        values[snake] = body.get(snake, body.get(camel))
        if values[snake] is None:
            missing = {
                "type": "missing",
                "loc": ["body", camel],
                "msg": "Field required",
                "input": None,
            }
            raise Refusal(plain(422, {"detail": [missing]}))
    return values


def _message(message: object) -> str:
    parts = message.get("parts") if isinstance(message, Mapping) else None
    texts = [part.get("text", "") for part in parts or () if isinstance(part, Mapping)]
    return "\n".join(text for text in texts if isinstance(text, str))
