"""Answers as the backend shapes them: envelopes, error codes, the calling account and session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Request, Response, jsonify

from sandbox.accounts import Account
from sandbox.sessions import Session
from sandbox.world import World

ATTRIBUTION = ("X-Skill-Source", "X-Skill-Version", "X-Skill-Platform")

#: HTTP status of each code when the switch `real_http_status` is on; 200 otherwise.
STATUS = {1001: 401, 1002: 404, 2001: 403, 4001: 415, 4002: 413}
MESSAGES = {
    1001: "invalid or expired token",
    1002: "session not found",
    2001: "insufficient credits",
    4001: "unsupported file type",
    4002: "file too large",
}


class Refusal(Exception):
    """Ends a request with an error answer, made where the request is understood."""

    def __init__(self, response: Response) -> None:
        super().__init__(str(response.status_code))
        self.response = response


def ok(world: World, data: Mapping[str, Any]) -> Response:
    """Returns the success envelope."""
    switches = world.board.of()
    hidden = {"user_id", "expires_at"} if switches.hide_user else set()
    shown = {key: value for key, value in data.items() if key not in hidden}
    code = "0" if switches.code_form == "text" else 0
    return jsonify({"code": code, "message": "ok", "data": shown})


def plain(
    status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    """Returns a JSON answer with any status."""
    response = jsonify(body)
    response.status_code = status
    response.headers.update(headers or {})
    return response


def refuse(world: World, code: int, detail: str = "", *, session_id: str | None = None) -> Refusal:
    """Makes the refusal for an error code, as 200 envelope or with the real status."""
    switches = world.board.of(session_id)
    real = switches.real_http_status
    number = str(code) if switches.code_form == "text" else code
    message = MESSAGES[code] + (f": {detail}" if detail else "")
    return Refusal(
        plain(STATUS[code] if real else 200, {"code": number, "message": message, "data": None})
    )


def account_of(world: World, request: Request) -> Account:
    """Returns who calls. Raises Refusal 1001."""
    account = world.accounts.find(bearer(request))
    if account is None:
        raise refuse(world, 1001)
    return account


def bearer(request: Request) -> str:
    """Returns the token a request carries; empty when there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def require_scope(world: World, account: Account, scope: str) -> None:
    """Raises Refusal 403 when the account's token lacks a scope (protocol 8)."""
    if world.board.of(user_id=account.user_id).missing_scope == scope:
        body = {"code": 403, "message": f"missing scope: {scope}", "data": None}
        raise Refusal(plain(403, body))


def session_of(world: World, account: Account, session_id: object) -> Session:
    """Returns the account's session. Raises Refusal 1002."""
    session = world.sessions.find(session_id, account.user_id)
    if session is None:
        raise refuse(world, 1002)
    return session


def is_attributed(request: Request) -> bool:
    """Tells whether the request carries all three attribution headers."""
    return all(request.headers.get(name) for name in ATTRIBUTION)


def base_url(request: Request) -> str:
    """Returns the sandbox's own address as the client reached it."""
    return request.host_url.rstrip("/")
