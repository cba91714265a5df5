"""Carries out the rules: what happens to a request before and after its endpoint."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from flask import Flask, Response, g, request

from sandbox.faults import ENDPOINTS, Caller, Rule
from sandbox.link import cut_socket
from sandbox.replies import MESSAGES, STATUS, bearer, plain
from sandbox.world import World

#: Names of view functions, blueprint included, and the endpoint that a rule calls them by.
_VIEWS = {
    "account.anonymous_token": "token",
    "account.create_session": "session",
    "account.claim_token": "claim",
    "account.balance": "credits",
    "account.state": "state",
    "upload.upload": "upload",
    "run.run_sse": "message",
    "render.submit": "submit",
    "render.poll": "poll",
    "render.cancel": "cancel",
    "render.download": "download",
    "render.result": "result",
}
assert sorted(_VIEWS.values()) == sorted(ENDPOINTS)  # noqa: S101 - a rule must not name nothing
_STREAM = "text/event-stream"
_HTML = "<html><head><title>{0}</title></head><body><h1>{0}</h1><hr>nginx</body></html>"


def install(app: Flask, world: World) -> None:
    """Makes an application fail as the rules of its world say, and compress as switches say."""

    @app.before_request
    def before() -> Response | None:
        endpoint = _VIEWS.get(request.endpoint or "", "")
        struck = world.faults.strike(endpoint, _caller(world)) if endpoint else None
        g.rule_id, g.rule = struck or (0, None)
        return _before(world, struck[1]) if struck else None

    @app.after_request
    def after(response: Response) -> Response:
        rule: Rule | None = g.get("rule")
        if rule is not None and rule.drop == "after" and response.mimetype != _STREAM:
            cut_socket(request.environ["werkzeug.socket"])
        if request.endpoint in _VIEWS and request.endpoint != "render.result":
            response = _compress(world, response)
        if rule is not None and rule.truncate and response.mimetype != _STREAM:
            _truncate(response)
        return response


def is_unheard() -> bool:
    """Tells whether this request's answer is to be cut off before its first byte."""
    rule: Rule | None = g.get("rule")
    return rule is not None and rule.drop == "after"


def _before(world: World, rule: Rule) -> Response | None:
    if rule.delay_s:
        world.clock.sleep(rule.delay_s, world.stopping)
    if rule.drop == "before":
        cut_socket(request.environ["werkzeug.socket"])
        return Response(status=503)
    return _answer(world, rule) if rule.answers else None


def _answer(world: World, rule: Rule) -> Response:
    code, real = rule.code, world.board.of().real_http_status
    status = rule.status or (STATUS[code] if real else 200)
    message = rule.message or MESSAGES.get(code, f"HTTP {status}")
    bodies: dict[str, dict[str, Any]] = {
        "envelope": {"code": code or status, "message": message, "data": None},
        "detail": {"detail": message},
        "success": {"success": False, "error": message},
        "reason": {"reason": message},
    }
    if rule.body in bodies:
        response = plain(status, bodies[rule.body])
    else:
        text = {"html": _HTML.format(message), "text": message, "empty": ""}[rule.body]
        kind = "text/html" if rule.body == "html" else "text/plain"
        response = Response(text, status, content_type=f"{kind}; charset=utf-8")
    if rule.retry_after:
        response.headers["Retry-After"] = rule.retry_after
    return response


def _caller(world: World) -> Caller:
    session_id, user_id = _session_id(world), ""
    account = world.accounts.find(bearer(request))
    if account is not None:
        user_id = account.user_id
    names = {session_id, world.board.number_of(session_id), user_id}
    names |= {world.board.client_of(user_id), request.headers.get("X-Client-Id", "")}
    return Caller(frozenset(name for name in names if name))


def _session_id(world: World) -> str:
    given = request.view_args or {}
    if "session_id" in given:
        return str(given["session_id"])
    if "render_id" in given:
        render = world.renders.find(str(given["render_id"]))
        return render.session_id if render else ""
    if "key" in given:
        render = world.renders.by_cdn_key(str(given["key"]))
        return render.session_id if render else ""
    body = request.get_json(silent=True) if request.is_json else None
    named = body.get("session_id", body.get("sessionId", "")) if isinstance(body, dict) else ""
    return str(named or "")


def _truncate(response: Response) -> None:
    response.direct_passthrough = False
    whole = response.get_data()
    response.set_data(whole[: len(whole) // 2])
    # the head promises all of it
    response.headers["Content-Length"] = str(len(whole))


def _compress(world: World, response: Response) -> Response:
    mode = world.board.of().gzip
    accepted = "gzip" in request.headers.get("Accept-Encoding", "")
    if mode == "no" or (mode == "accepted" and not accepted) or response.direct_passthrough:
        return response
    response.headers["Content-Encoding"] = "gzip"
    if response.is_streamed:
        response.response = _zipped(response.response)
    else:
        response.set_data(gzip.compress(response.get_data()))
    return response


def _zipped(pieces: Iterable[Any]) -> Iterator[bytes]:
    packer = zlib.compressobj(wbits=31)
    try:
        for piece in pieces:
            # every event has to leave at once
            yield packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) if piece else b""
        yield packer.flush()
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()
