"""What there is to choose from, and what the limits are."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Response
from marshmallow import Schema, fields

from api.admin_forms import KeyLimitsReply
from api.assignment_schemas import MOST_UNITS, UNIT_CHARS
from api.fields import MAX_METADATA, MAX_METADATA_NAME, MAX_METADATA_VALUE, MAX_URL
from api.headers import MAX_KEY_CHARS
from api.openapi import Routes
from api.retention import MIN_JOB_TTL_S
from api.schemas import (
    MAX_ASSETS,
    MAX_CLIPS,
    MAX_CREDITS,
    MAX_DEADLINE_S,
    MAX_EVENTS,
    MAX_INSTRUCTION,
    MAX_NAME,
    MAX_PAGE,
    MAX_VARIANTS,
    MIN_DEADLINE_S,
    PAGE,
    NoQuery,
)
from api.state import answer_json, caller, public_url, services
from api.styles import StylesReply, list_styles
from api.unread import HEADER_BYTES, HEADER_FIELDS, LINE_BYTES, SILENCE_S
from service.captions.instruction import MAX_INSTRUCTION_CHARS
from service.captions.model import MAX_CHARS, MAX_CUES, MAX_SCRIPT_CHARS
from service.experiments.beacons import MOST_BEACONS
from service.experiments.outcomes import MOST_OUTCOMES
from service.media.formats import FORMATS
from service.model.job import MAX_REVISIONS
from service.model.limits import limits_of
from service.public_keys import MOST_KEYS, MOST_ORIGINS
from service.settings import Settings

routes = Routes("catalog", __name__, url_prefix="/v1", description="Styles and limits")


def _number(text: str) -> fields.Float:
    return fields.Float(required=True, metadata={"description": text})


def _count(text: str) -> fields.Integer:
    return fields.Integer(required=True, metadata={"description": text})


class DeadlineReply(Schema):
    """`deadline_s` of a job."""

    min = _number("The least.")
    max = _number("The most.")
    default = _number("Without one.")


class PageReply(Schema):
    """`limit` of a list."""

    default = _count("Without one.")
    max = _count("The most.")


class MetadataLimitsReply(Schema):
    """`metadata` of a job."""

    entries = _count("Entries.")
    name_chars = _count("Of a name.")
    value_chars = _count("Of a value.")


class ViewerLimitsReply(Schema):
    """Of viewers of an experiment, and of keys for them."""

    assignments = _count("Viewers in one request.")
    unit_id_chars = _count("Of a viewer's id.")
    public_keys = _count("Publishable keys of an experiment that work (429).")
    origins = _count("Origins of such a key.")
    outcomes = _count("In one request of a browser.")
    requests_per_minute = _count("Of one address with such keys; 0: any (429).")


class LimitsReply(Schema):
    """Everything that a caller may run into; durations in seconds, sizes in bytes."""

    clips = _count("Clips of a job.")
    variants = _count("Variants of a job.")
    assets = _count("Assets of a job.")
    revisions = _count("Revisions of a cut.")
    name_chars = _count("Of a job's name.")
    instruction_chars = _count("Of an instruction.")
    message_chars = _count("Of a message to a variant.")
    captions_chars = _count("Of captions.")
    captions_cues = _count("Cues of captions.")
    script_chars = _count("Of captions without times.")
    url_chars = _count("Of an address.")
    webhook_events = _count("Events or patterns of a webhook.")
    metadata = fields.Nested(MetadataLimitsReply, required=True)
    max_credits = _count("The highest `max_credits`.")
    deadline_s = fields.Nested(DeadlineReply, required=True)
    action_required_s = _number("How long a job waits for a person.")
    unfinished_jobs = _count("Of a tenant; more are refused (429).")
    cuts_at_once = _count("Of one backend account; others wait.")
    job_ttl_s = _number("How long an ended job and its files are kept, at most.")
    job_expiring_s = _number("How long before that `job.expiring` tells of it.")
    min_job_ttl_s = _number("The least that a tenant may ask for.")
    edit_credits = _count("Expected of one edit.")
    generation_credits = _count("Expected beside, where a job allows generation.")
    request_bytes = _count("Of a JSON body (413).")
    request_line_bytes = _count("Of the address with its query (414).")
    request_header_fields = _count("Of a request (431).")
    request_header_bytes = _count("Of one header field (431).")
    silence_s = _number("How long a client may be silent within a request.")
    upload_bytes = _count("Of a file (413).")
    upload_ttl_s = _number("How long an upload that no job uses is kept.")
    upload_formats = fields.List(fields.String(), required=True)
    result_bytes = _count("Of a finished video.")
    idempotency_key_chars = _count("Of an Idempotency-Key.")
    idempotency_ttl_s = _number("How long it is remembered.")
    wait_s = _number("The longest `Prefer: wait`.")
    page = fields.Nested(PageReply, required=True)
    dry_run_s = _number("The longest look at the clips of a dry run.")
    dry_runs = _count("Under way at once, of one key in one API process (429).")
    streams = _count("Of events, of one key in one API process (429).")
    stream_heartbeat_s = _number("The longest silence of a stream.")
    stream_slow_s = _number("After which a stream is cut whose client does not read.")
    key_cache_s = _number("How long a revoked key may still work.")
    webhook_schedule_s = fields.List(
        fields.Float(), required=True, metadata={"description": "Pauses before the tries."}
    )
    webhook_deadline_s = _number("Of one try.")
    webhook_endpoints = _count("Endpoints of a tenant.")
    webhook_deliveries_at_once = _count("To one receiver; others wait.")
    webhook_deliveries_of_tenant_at_once = _count("To all your receivers; others wait.")
    webhook_replays = _count("Deliveries that one request replays, at most.")
    outcomes = _count("Outcomes of one request.")
    experiment_records = _count("Viewers and outcomes kept of one experiment; more: 429.")
    experiment_tenant_records = _count("The same of all experiments of a tenant.")
    viewers = fields.Nested(ViewerLimitsReply, required=True)
    requests_per_minute = _count("Of your key; more are refused (429).")
    key = fields.Nested(KeyLimitsReply, required=True)


@routes.route("/styles")
@routes.arguments(NoQuery, location="query")
@routes.response(200, StylesReply)
def read_styles(_query: dict[str, Any]) -> Response:
    """The presets with a picture each, and every parameter with its bounds and default."""
    return answer_json(list_styles(public_url(), services().platforms))


@routes.route("/limits")
@routes.arguments(NoQuery, location="query")
@routes.response(200, LimitsReply)
def read_limits(_query: dict[str, Any]) -> Response:
    """The limits of this installation and of your key; seconds and bytes; 0 in `key`: no limit."""
    settings = services().settings
    return answer_json(
        {
            **_job_limits(),
            **_http_limits(),
            **_webhook_limits(settings),
            **_viewer_limits(settings),
            "captions_chars": min(MAX_CHARS, settings.request_max_bytes),
            "deadline_s": {
                "min": MIN_DEADLINE_S,
                "max": MAX_DEADLINE_S,
                "default": settings.job_deadline_s,
            },
            "action_required_s": settings.action_required_s,
            "unfinished_jobs": settings.tenant_open_jobs,
            "requests_per_minute": settings.key_requests_per_minute,
            "key": asdict(limits_of(caller().limits, settings)),
            "key_cache_s": settings.key_cache_s,
            "cuts_at_once": settings.account_slots,
            "job_ttl_s": settings.job_ttl_s,
            "job_expiring_s": settings.job_expiring_s,
            "min_job_ttl_s": MIN_JOB_TTL_S,
            "edit_credits": settings.edit_credits,
            "generation_credits": settings.generation_credits,
            "request_bytes": settings.request_max_bytes,
            "upload_bytes": settings.upload_max_bytes,
            "upload_ttl_s": settings.upload_ttl_s,
            "upload_formats": sorted(FORMATS),
            "result_bytes": settings.result_max_bytes,
            "idempotency_ttl_s": settings.idempotency_ttl_s,
            "wait_s": settings.wait_max_s,
            "dry_run_s": settings.rehearsal_s,
            "dry_runs": settings.rehearsals_per_key,
            "streams": settings.listeners_per_key,
            "stream_heartbeat_s": settings.heartbeat_s,
            "stream_slow_s": settings.slow_stream_s,
        }
    )


def _job_limits() -> dict[str, Any]:
    """What a request's own shape is bounded by, of whatever installation."""
    return {
        "clips": MAX_CLIPS,
        "variants": MAX_VARIANTS,
        "assets": MAX_ASSETS,
        "revisions": MAX_REVISIONS,
        "name_chars": MAX_NAME,
        "instruction_chars": MAX_INSTRUCTION,
        "message_chars": MAX_INSTRUCTION_CHARS,
        "captions_cues": MAX_CUES,
        "script_chars": MAX_SCRIPT_CHARS,
        "url_chars": MAX_URL,
        "webhook_events": MAX_EVENTS,
        "metadata": {
            "entries": MAX_METADATA,
            "name_chars": MAX_METADATA_NAME,
            "value_chars": MAX_METADATA_VALUE,
        },
        "max_credits": MAX_CREDITS,
        "outcomes": MOST_OUTCOMES,
    }


def _http_limits() -> dict[str, Any]:
    """What the server itself bounds, and the form of lists and headers."""
    return {
        "request_line_bytes": LINE_BYTES,
        "request_header_fields": HEADER_FIELDS,
        "request_header_bytes": HEADER_BYTES,
        "silence_s": SILENCE_S,
        "idempotency_key_chars": MAX_KEY_CHARS,
        "page": {"default": PAGE, "max": MAX_PAGE},
    }


def _viewer_limits(settings: Settings) -> dict[str, Any]:
    return {
        "viewers": {
            "assignments": MOST_UNITS,
            "unit_id_chars": UNIT_CHARS,
            "public_keys": MOST_KEYS,
            "origins": MOST_ORIGINS,
            "outcomes": MOST_BEACONS,
            "requests_per_minute": settings.viewer_requests_per_minute,
        },
        # beside those of single requests, what is kept
        "experiment_records": settings.experiment_records,
        "experiment_tenant_records": settings.experiment_tenant_records,
    }


def _webhook_limits(settings: Settings) -> dict[str, Any]:
    return {
        "webhook_schedule_s": list(settings.webhook_schedule_s),
        "webhook_deadline_s": settings.webhook_deadline_s,
        "webhook_endpoints": settings.webhook_endpoints,
        "webhook_deliveries_at_once": settings.webhook_slots,
        "webhook_deliveries_of_tenant_at_once": settings.webhook_tenant_slots,
        "webhook_replays": settings.webhook_replays,
    }
