"""Routes for tokens, sessions, credits and state (protocol 1, 2, 5, 6)."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from flask import Blueprint, Response, request

from sandbox.accounts import RateLimited
from sandbox.replies import account_of, base_url, ok, plain, require_scope, session_of
from sandbox.world import World

CLAIM_LIFE_S = 7 * 24 * 3600
_CLIENT_ID_CHARS = 64


def make_blueprint(world: World) -> Blueprint:
    """Builds the routes over one world."""
    routes = Blueprint("account", __name__)

    @routes.post("/api/auth/anonymous-token")
    def anonymous_token() -> Response:
        return _issue(world)

    @routes.post("/api/tasks/me/with-session/nemo_agent")
    def create_session() -> Response:
        account = account_of(world, request)
        require_scope(world, account, "write")
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            return plain(
                422, {"detail": [{"type": "missing", "loc": ["body"], "msg": "Field required"}]}
            )
        session = world.sessions.create(account.user_id, str(body.get("task_name") or "project"))
        return ok(
            world,
            {
                "task_id": session.task_id,
                "session_id": session.session_id,
                "user_id": account.user_id,
            },
        )

    @routes.post("/api/auth/claim-token")
    def claim_token() -> Response:
        account = account_of(world, request)
        body = request.get_json(silent=True) or {}
        session_of(world, account, body.get("session_id") if isinstance(body, dict) else None)
        claim = f"clm_{secrets.token_urlsafe(18)}"
        return ok(world, {"claim_token": claim, "expires_in": CLAIM_LIFE_S})

    @routes.get("/api/credits/balance/simple")
    def balance() -> Response:
        account = account_of(world, request)
        require_scope(world, account, "read")
        return ok(world, world.accounts.balance(account))

    @routes.get("/api/state/nemo_agent/me/<session_id>/latest")
    def state(session_id: str) -> Response:
        account = account_of(world, request)
        require_scope(world, account, "read")
        session = session_of(world, account, session_id)
        return ok(
            world,
            {
                "session_id": session.session_id,
                "task_id": session.task_id,
                "task_name": session.task_name,
                "user_id": account.user_id,
                "state": session.state(base_url(request), world.board.of(session_id)),
            },
        )

    return routes


def _issue(world: World) -> Response:
    client_id = request.headers.get("X-Client-Id", "").strip()
    if not client_id or len(client_id) > _CLIENT_ID_CHARS:
        return plain(400, {"code": 400, "message": "X-Client-Id header is required", "data": None})
    try:
        issued = world.accounts.issue(client_id, request.remote_addr or "")
    except RateLimited as limited:
        world.books.saw_token(client_id, issued=False)
        headers = {"Retry-After": str(limited.retry_after_s)}
        return plain(
            429, {"code": 429, "message": "one token per client per 7 days", "data": None}, headers
        )
    world.books.saw_token(client_id, issued=True)
    expires = datetime.fromtimestamp(issued.expires_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return ok(
        world,
        {
            "token": issued.token,
            "user_id": issued.account.user_id,
            "expires_at": expires,
            "credits": world.accounts.balance(issued.account)["available"],
        },
    )
