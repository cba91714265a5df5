"""What a person says to a variant, and what is on its timeline."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from api.account import answer_backend_error
from api.gate import takes_json
from api.headers import IDEMPOTENCY_KEY_SCHEMA, read_idempotency_key
from api.jobs import own_job
from api.openapi import Routes
from api.problems import IdempotencyKeyMissing
from api.replies import MessageReply, TimelineReply
from api.schemas import MessageRequest, NoQuery, TimelineQuery
from api.state import answer_json, caller, origin, public_url, services
from service.errors import BackendError, FieldError
from service.jobs.messages import Message, own_cuts, read_timeline, take_message
from service.model.rows import row_id
from service.nemo.accounts import TokenPending

routes = Routes("messages", __name__, url_prefix="/v1/jobs", description="Refining a variant")
routes.register_error_handler(BackendError, answer_backend_error)
routes.register_error_handler(TokenPending, answer_backend_error)
_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "schema": IDEMPOTENCY_KEY_SCHEMA,
    "description": "Required, because an edit costs credits; remembered for 24 h.",
}


@routes.route("/<job_id>/variants/<label>/messages", methods=["POST"])
@takes_json
@routes.doc(parameters=[_KEY])
@routes.arguments(NoQuery, location="query")
@routes.arguments(MessageRequest)
@routes.response(202, MessageReply, description="An edit: the next revision is on its way")
@routes.alt_response(200, schema=MessageReply, description="A look, which cost nothing")
@routes.alt_response(400, "BAD_REQUEST")
@routes.alt_response(409, "CONFLICT")
@routes.alt_response(410, "GONE")
@routes.alt_response(415, "UNSUPPORTED_MEDIA_TYPE")
@routes.alt_response(429, "TOO_MANY_REQUESTS")
@routes.alt_response(503, "SERVICE_UNAVAILABLE")
def create_message(
    _query: dict[str, Any], body: dict[str, Any], job_id: str, label: str
) -> Response:
    """Say what to change, during the job or after it; earlier revisions stay where they are.

    Asking for the status, the credits or the video is answered at once (200) and costs nothing.
    Anything else is an edit of its own price (202): the next revision of this cut. Messages to a
    variant are worked on one after another.
    """
    key = _required_key()
    job = own_job(job_id)
    message = Message(label, body["clip"], body["text"], origin(), caller())
    answer = take_message(job, message, services(), key=key)
    reply = {"object": "message", "intent": answer.intent.value, **answer.data}
    if answer.added is None:
        return answer_json(reply)
    headers = {"Location": f"{public_url()}/v1/jobs/{job.id}"}
    if answer.added.replayed:
        headers["Idempotency-Replayed"] = "true"
    return answer_json({**reply, "cut": row_id(answer.added.row)}, 202, headers)


@routes.route("/<job_id>/variants/<label>/timeline")
@routes.arguments(TimelineQuery, location="query")
@routes.response(200, TimelineReply)
@routes.alt_response(503, "SERVICE_UNAVAILABLE")
def read_variant_timeline(query: dict[str, Any], job_id: str, label: str) -> Response:
    """What is on the timeline of a variant's session now, in one line; costs nothing."""
    job = own_job(job_id)
    cuts = own_cuts(job, label, query["clip"], services())
    return answer_json({"object": "timeline", **read_timeline(job, cuts, services())})


def _required_key() -> str:
    given = request.headers.get("Idempotency-Key")
    if given is None:
        raise IdempotencyKeyMissing(
            errors=[FieldError("headers:/Idempotency-Key", "is required here")]
        )
    return read_idempotency_key(given)
