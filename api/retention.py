"""How long jobs are kept, and their end at their owner's wish."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import Schema, fields
from marshmallow.validate import Range

from api.fields import LiteralNumber, StrictSchema
from api.gate import takes_json
from api.openapi import Routes
from api.schemas import NoQuery
from api.state import answer_json, caller, note_act, services
from service.audit import Act
from service.errors import Conflict, FieldError, InvalidRequest, NotFound
from service.ids import is_id
from service.jobs.retention import uncounted_ms
from service.model.lifecycle import ENDED_JOB, JobStatus
from service.store.retention import Retention

routes = Routes("retention", __name__, url_prefix="/v1", description="How long jobs are kept")
#: The shortest life of an ended job that a tenant may ask for.
MIN_JOB_TTL_S = 60


class RetentionRequest(StrictSchema):
    """How long your ended jobs are kept."""

    job_ttl_s = LiteralNumber(
        required=True,
        allow_none=True,
        validate=Range(min=MIN_JOB_TTL_S),
        metadata={"description": "At most the installation's own; null goes back to it."},
    )


class RetentionReply(Schema):
    """How long ended jobs with their files are kept."""

    object = fields.Constant("retention")
    job_ttl_s = fields.Float(
        required=True, metadata={"description": "What holds for jobs accepted from now on."}
    )
    own_job_ttl_s = fields.Float(
        required=True, allow_none=True, metadata={"description": "What you asked for."}
    )
    max_job_ttl_s = fields.Float(required=True)
    expiring_s = fields.Float(
        required=True, metadata={"description": "How long before the end `job.expiring` is sent."}
    )


class DeleteQuery(StrictSchema):
    """Whether a running experiment may be lost."""

    force = fields.Boolean(
        load_default=False,
        metadata={"description": "Delete it although an experiment of it is running."},
    )


@routes.route("/jobs/<job_id>", methods=["DELETE"])
@routes.arguments(DeleteQuery, location="query")
@routes.response(204, description="It is gone, now or before")
@routes.alt_response(409, "CONFLICT")
def delete_job(query: dict[str, Any], job_id: str) -> Response:
    """Delete an ended job: what was asked, its events, captions, evidence and deliveries at once.

    Its files follow within a minute, and so do uploads that no other job uses. Deliveries that were
    still to be tried are dropped. Its address answers 410 afterwards. Deleting again changes
    nothing; 409 while it is under way, and without `force` while an experiment of it runs.
    """
    parts, tenant_id = services(), caller().tenant_id
    if not is_id(job_id, "job"):
        raise NotFound("There is no such job.")
    try:
        ended = Retention(parts.connection).delete_job(
            job_id,
            tenant_id,
            remember_ms=int(parts.settings.job_ttl_s * 1000),
            uncounted_ms=uncounted_ms(parts.settings),
            force=query["force"],
            now_ms=parts.clock.now_ms(),
        )
    except Conflict as conflict:
        if "job_status" not in conflict.extra:
            raise
        raise _under_way(JobStatus(conflict.extra["job_status"])) from None
    if ended:
        note_act(Act.JOB_DELETED, job_id)
    return Response(status=204)


@routes.route("/retention")
@routes.arguments(NoQuery, location="query")
@routes.response(200, RetentionReply)
def read_retention(_query: dict[str, Any]) -> Response:
    """How long your ended jobs are kept."""
    return answer_json(_retention_data(Retention(services().connection)))


@routes.route("/retention", methods=["PUT"])
@takes_json
@routes.arguments(NoQuery, location="query")
@routes.arguments(RetentionRequest)
@routes.response(200, RetentionReply)
@routes.alt_response(415, "UNSUPPORTED_MEDIA_TYPE")
def put_retention(_query: dict[str, Any], body: dict[str, Any]) -> Response:
    """Keep your ended jobs for a shorter time than the installation does.

    It holds for jobs accepted from now on.
    """
    most_s, wanted_s = services().settings.job_ttl_s, body["job_ttl_s"]
    if wanted_s is not None and wanted_s > most_s:
        text = f"must be at most {most_s:g}, as long as this installation keeps jobs"
        raise InvalidRequest("The time is too long.", [FieldError("#/job_ttl_s", text)])
    retention = Retention(services().connection)
    ttl_ms = None if wanted_s is None else int(wanted_s * 1000)
    retention.set_own_ttl_ms(caller().tenant_id, ttl_ms)
    note_act(Act.RETENTION_CHANGED, caller().tenant_id)
    return answer_json(_retention_data(retention))


def _retention_data(retention: Retention) -> dict[str, Any]:
    settings, own_ms = services().settings, retention.read_own_ttl_ms(caller().tenant_id)
    own_s = None if own_ms is None else own_ms / 1000
    return {
        "object": "retention",
        "job_ttl_s": settings.job_ttl_s if own_s is None else min(own_s, settings.job_ttl_s),
        "own_job_ttl_s": own_s,
        "max_job_ttl_s": settings.job_ttl_s,
        "expiring_s": settings.job_expiring_s,
    }


def _under_way(status: JobStatus) -> Conflict:
    if status in ENDED_JOB:
        return Conflict(
            "A revision of the job is under way.",
            hint="Delete the job when the revision has ended.",
            job_status=status.value,
        )
    if status in {JobStatus.CANCELING, JobStatus.COMPARING}:
        hint = "It ends by itself in a moment; delete it then."
    else:
        hint = "Cancel it first (POST .../cancel), and delete it when it has ended."
    return Conflict(f"The job is {status}.", hint=hint, job_status=status.value)
