"""Lists requests in the books: who, what, with which attribution, answered how. No tokens."""

from __future__ import annotations

from flask import Request, Response, g

from sandbox.replies import ATTRIBUTION, bearer
from sandbox.world import World

_TEXT_CHARS = 200


def log_route(request: Request) -> str:
    """Returns the method and route that requests are counted by; empty for those that are not."""
    rule = request.url_rule.rule if request.url_rule else "unknown"
    return "" if rule.startswith(("/_sandbox", "/cdn")) else f"{request.method} {rule}"


def log_request(world: World, request: Request, response: Response) -> None:
    """Lists one request; those of the admin routes and of result files are not listed."""
    route = log_route(request)
    if not route:
        return
    account = world.accounts.find(bearer(request))
    given = request.view_args or {}
    body = request.get_json(silent=True) if request.is_json else None
    fields = body if isinstance(body, dict) else {}
    world.books.answered(
        {
            "at_ms": world.clock.now_ms(),
            "route": route,
            "status": response.status_code,
            "rule": g.get("rule_id", 0),
            "request_id": _cut(request.headers.get("X-Request-Id")),
            "client_id": _cut(request.headers.get("X-Client-Id")),
            "user_id": account.user_id if account else "",
            "session_id": _cut(
                given.get("session_id") or fields.get("session_id") or fields.get("sessionId")
            ),
            "render_id": _cut(given.get("render_id") or fields.get("id")),
            "attribution": {name: _cut(request.headers.get(name)) for name in ATTRIBUTION},
        }
    )


def _cut(value: object) -> str:
    return str(value or "")[:_TEXT_CHARS]
