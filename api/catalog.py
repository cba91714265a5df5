"""What there is to choose from, and what the limits are."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Response

from api.openapi import Routes
from api.replies import StylesReply
from api.schemas import (
    MAX_ASSETS,
    MAX_CLIPS,
    MAX_DEADLINE_S,
    MAX_INSTRUCTION,
    MAX_VARIANTS,
    MIN_DEADLINE_S,
    NoQuery,
)
from api.state import answer_json, caller, services
from service.captions.instruction import MAX_INSTRUCTION_CHARS
from service.captions.model import MAX_CHARS, MAX_CUES, MAX_SCRIPT_CHARS
from service.captions.style import PRESETS
from service.model.job import MAX_REVISIONS
from service.model.limits import limits_of

routes = Routes("catalog", __name__, url_prefix="/v1", description="Styles and limits")


@routes.route("/styles")
@routes.arguments(NoQuery, location="query")
@routes.response(200, StylesReply)
def read_styles(_query: dict[str, Any]) -> Response:
    """The presets of `style.preset`, with everything that can be overridden."""
    data = [
        {
            "preset": each.name,
            "label": each.label,
            "description": each.description,
            "description_zh": each.description_zh,
            "style": asdict(each.style),
        }
        for each in PRESETS.values()
    ]
    return answer_json({"data": data})


@routes.route("/limits")
@routes.arguments(NoQuery, location="query")
@routes.response(200, {"type": "object"})
def read_limits(_query: dict[str, Any]) -> Response:
    """The limits of this installation and of your key; seconds and bytes; 0 in `key`: no limit."""
    settings = services().settings
    return answer_json(
        {
            "clips": MAX_CLIPS,
            "variants": MAX_VARIANTS,
            "assets": MAX_ASSETS,
            "revisions": MAX_REVISIONS,
            "instruction_chars": MAX_INSTRUCTION,
            "message_chars": MAX_INSTRUCTION_CHARS,
            "captions_chars": min(MAX_CHARS, settings.request_max_bytes),
            "captions_cues": MAX_CUES,
            "script_chars": MAX_SCRIPT_CHARS,
            "deadline_s": {"min": MIN_DEADLINE_S, "max": MAX_DEADLINE_S},
            "request_bytes": settings.request_max_bytes,
            "upload_bytes": settings.upload_max_bytes,
            "upload_ttl_s": settings.upload_ttl_s,
            "unfinished_jobs": settings.tenant_open_jobs,
            "requests_per_minute": settings.key_requests_per_minute,
            "key": asdict(limits_of(caller().limits, settings)),
            "key_cache_s": settings.key_cache_s,
            "cuts_at_once": settings.account_slots,
            "job_ttl_s": settings.job_ttl_s,
            "idempotency_ttl_s": settings.idempotency_ttl_s,
            "wait_s": settings.wait_max_s,
            "webhook_endpoints": settings.webhook_endpoints,
            "webhook_deliveries_at_once": settings.webhook_slots,
            "webhook_replays": settings.webhook_replays,
        }
    )
