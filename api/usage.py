"""What a key, or all keys of a tenant, have used by day."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response

from api.admin import administrator, keyring
from api.admin_forms import UsageQuery, UsageReply
from api.gate import require_scope
from api.openapi import Routes
from api.state import answer_json, caller, services
from service.model.limits import DAY_MS
from service.model.scope import Scope
from service.store.usage import FIELDS, DayUse, read_held, read_usage

routes = Routes("usage", __name__, url_prefix="/v1/usage", description="What was used")


@routes.route("")
@routes.arguments(UsageQuery, location="query")
@routes.response(200, UsageReply)
@routes.alt_response(403, "FORBIDDEN")
def show_usage(query: dict[str, Any]) -> Response:
    """Jobs, cuts, credits and uploads by day (UTC), of this key.

    With the scope `admin` also of another key (`key_id`) or of the whole tenant (`of=tenant`),
    revoked keys included. A day's credits are those charged on it.
    """
    owner = _owner(query)
    parts = services()
    now_ms = parts.clock.now_ms()
    days = read_usage(parts.connection, owner, days=query["days"], now_ms=now_ms)
    data: dict[str, Any] = {
        "object": "usage",
        "of": owner,
        "total": {name: sum(each.counts[name] for each in days) for name in FIELDS},
        "days": [{"date": _date(each), **each.counts} for each in days],
    }
    if owner.startswith("key_"):
        data["held_credits"] = read_held(parts.connection, owner)
    return answer_json(data)


def _owner(query: dict[str, Any]) -> str:
    """Whose usage is asked for, if this key may know it."""
    who = caller()
    named = str(query.get("key_id") or who.key_id)
    if query["of"] == "tenant":
        require_scope(who, Scope.ADMIN)
        return who.tenant_id
    if named != who.key_id:
        require_scope(who, Scope.ADMIN)
        return keyring().find(administrator(), named).id
    return named


def _date(use: DayUse) -> str:
    return datetime.fromtimestamp(use.day * DAY_MS / 1000, UTC).date().isoformat()
