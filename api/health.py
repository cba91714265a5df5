"""Whether this process lives, and whether it can accept jobs. Needs no key, tells no secrets."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from api.problems import RETRY_AFTER_S
from api.state import answer_json, services, state

routes = Blueprint("health", __name__)


@routes.get("/livez")
def live() -> Response:
    """That it answers at all."""
    return answer_json({"status": "ok"})


@routes.get("/readyz")
def ready() -> Response:
    """200 or 503, with what was found of Redis and of the files.

    A Redis that counts outcomes alone is told of too, and does not decide.
    """
    found = state().readiness.look()
    body: dict[str, Any] = {
        "status": "ok" if found.ready else "unavailable",
        "checks": found.checks,
        "accept": services().settings.accept,
    }
    headers = {} if found.ready else {"Retry-After": str(RETRY_AFTER_S)}
    return answer_json(body, 200 if found.ready else 503, headers)
