"""Share links of a job: made, listed, revoked by its owner."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import Schema, fields
from marshmallow.validate import Range

from api.fields import LiteralBoolean, LiteralNumber, StrictSchema
from api.gate import takes_json
from api.jobs import own_job
from api.links import ON_SHARE, links
from api.openapi import Routes
from api.repeats import IDEMPOTENCY_KEY, may_repeat
from api.schemas import NoQuery
from api.state import answer_json, caller, note_act, public_url, services
from service.audit import Act
from service.errors import FieldError, InvalidRequest, NotFound
from service.ids import is_id, new_id
from service.model.share import Share
from service.shares import PARAMETER, Ticket, write_token
from service.store.shares import ShareStore
from service.webhooks.events import iso_time

routes = Routes("shares", __name__, url_prefix="/v1/jobs", description="Links that show a job")
#: How long a link opens its job when nothing else was said, and at least.
LIFE_S, MIN_LIFE_S = 604_800, 60


class ShareRequest(StrictSchema):
    """How long a link opens the job, and what its viewers may do."""

    expires_in_s = LiteralNumber(
        validate=Range(min=MIN_LIFE_S),
        metadata={
            "description": "7 days where nothing is said; at most what the installation allows. "
            "The link ends with the job if that goes earlier."
        },
    )
    preferences = LiteralBoolean(
        load_default=False,
        metadata={"description": "Whether a viewer may say which variant they prefer."},
    )


class ShareReply(Schema):
    """A share link, without its address."""

    object = fields.Constant("share")
    id = fields.String(required=True)
    job_id = fields.String(required=True)
    status = fields.String(required=True, metadata={"description": "active, expired or revoked."})
    preferences = fields.Boolean(required=True)
    made_by = fields.String(required=True, metadata={"description": "The id of a key."})
    created_at = fields.String(required=True, metadata={"format": "date-time"})
    expires_at = fields.String(required=True, metadata={"format": "date-time"})
    revoked_at = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})


class NewShareReply(ShareReply):
    """A share link with its address, which is shown this once."""

    url = fields.String(required=True, metadata={"format": "uri"})


class SharesReply(Schema):
    """The links of a job, newest first."""

    data = fields.List(fields.Nested(ShareReply), required=True)


@routes.route("/<job_id>/shares", methods=["POST"])
@takes_json
@routes.doc(parameters=[IDEMPOTENCY_KEY], **links(201, "share_id", ON_SHARE, of_job=True))
@routes.arguments(NoQuery, location="query")
@routes.arguments(ShareRequest)
@routes.response(201, NewShareReply)
@routes.alt_response(409, "CONFLICT")
@routes.alt_response(410, "GONE")
@routes.alt_response(415, "UNSUPPORTED_MEDIA_TYPE")
@routes.alt_response(429, "TOO_MANY_REQUESTS")
@may_repeat
def create_share(_query: dict[str, Any], body: dict[str, Any], job_id: str) -> Response:
    """Make a link that shows this one job to whoever has it, without a key.

    `url` is shown in this answer and never again; a repetition with the same Idempotency-Key gets
    it too. Viewers can change nothing; with `preferences` they may say which variant they prefer.
    """
    parts, job = services(), own_job(job_id)
    now_ms = parts.clock.now_ms()
    expires_ms = now_ms + int(_read_life_s(body) * 1000)
    share_id = new_id("shr", now_ms)
    share = Share(share_id, now_ms, expires_ms, body["preferences"], caller().key_id)
    ShareStore(parts.connection).create(job.id, job.tenant_id, share, now_ms=now_ms)
    note_act(Act.SHARE_CREATED, share_id)
    ticket = Ticket(share_id, expires_ms, share.preferences)
    token = write_token(parts.settings.signing_secret, job.id, ticket)
    url = f"{public_url()}/jobs/{job.id}?{PARAMETER}={token}"
    return answer_json({**share_data(job.id, share, now_ms), "url": url}, 201)


@routes.route("/<job_id>/shares")
@routes.arguments(NoQuery, location="query")
@routes.response(200, SharesReply)
@routes.alt_response(410, "GONE")
def read_shares(_query: dict[str, Any], job_id: str) -> Response:
    """The links of a job, newest first, those too that open it no more. At most 100 are kept."""
    parts, job = services(), own_job(job_id)
    now_ms = parts.clock.now_ms()
    found = ShareStore(parts.connection).read_all(job.id)
    return answer_json({"data": [share_data(job.id, each, now_ms) for each in found]})


@routes.route("/<job_id>/shares/<share_id>", methods=["DELETE"])
@routes.arguments(NoQuery, location="query")
@routes.response(204, description="It opens nothing any more")
@routes.alt_response(410, "GONE")
def revoke_share(_query: dict[str, Any], job_id: str, share_id: str) -> Response:
    """Revoke a link: from this answer on it opens nothing. Revoking again changes nothing."""
    parts, job = services(), own_job(job_id)
    if not is_id(share_id, "shr"):
        raise NotFound("There is no such job or link.")
    now_ms = parts.clock.now_ms()
    if ShareStore(parts.connection).revoke(job.id, job.tenant_id, share_id, now_ms=now_ms):
        note_act(Act.SHARE_REVOKED, share_id)
    return Response(status=204)


def share_data(job_id: str, share: Share, now_ms: int) -> dict[str, Any]:
    """A link as a resource; its address cannot be told again."""
    ended = "revoked" if share.revoked_ms else "expired" if share.expires_ms <= now_ms else ""
    return {
        "object": "share",
        "id": share.id,
        "job_id": job_id,
        "status": ended or "active",
        "preferences": share.preferences,
        "made_by": share.made_by,
        "created_at": iso_time(share.created_ms),
        "expires_at": iso_time(share.expires_ms),
        "revoked_at": iso_time(share.revoked_ms) if share.revoked_ms else None,
    }


def _read_life_s(body: dict[str, Any]) -> float:
    """How long the link lives, in seconds.

    Raises:
        InvalidRequest: longer than the installation allows.
    """
    most_s = services().settings.share_max_s
    wanted_s: float = body.get("expires_in_s", min(LIFE_S, most_s))
    if wanted_s > most_s:
        text = f"must be at most {most_s:g}, the longest life of a link here"
        raise InvalidRequest("The time is too long.", [FieldError("#/expires_in_s", text)])
    return wanted_s
