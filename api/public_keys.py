"""Publishable keys of an experiment: made, listed, revoked by its owner."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields
from marshmallow.validate import Length

from api.fields import ListField, StrictSchema
from api.gate import takes_json
from api.jobs import own_job
from api.links import ON_PUBLIC_KEY, links
from api.openapi import Routes
from api.repeats import IDEMPOTENCY_KEY, may_repeat
from api.schemas import NoQuery
from api.state import answer_json, caller, note_act, services, state
from service.audit import Act
from service.errors import Conflict, FieldError, InvalidRequest, NotFound
from service.experiments.plan import Plan, Split
from service.experiments.seats import unbounded_metrics
from service.ids import is_id, new_id
from service.jobs.experiments import read_experiment
from service.model.public_key import PublicKey
from service.origins import read_origin
from service.public_keys import ID_PREFIX, MOST_ORIGINS, write_public_key
from service.store.public_keys import PublicKeyStore
from service.webhooks.events import iso_time

routes = Routes(
    "public_keys", __name__, url_prefix="/v1/jobs", description="Keys that viewers show"
)


class OriginField(fields.String):
    """The origin of a page; read in the spelling of browsers."""

    def __init__(self) -> None:
        super().__init__(metadata={"example": "https://shop.example.com"})

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        origin = read_origin(super()._deserialize(value, attr, data, **kwargs))
        if origin is None:
            raise ValidationError(
                "Must be an origin such as https://shop.example.com or http://localhost:3000: no "
                "path, no wildcard, names that are not in ASCII in their xn-- form."
            )
        return origin


class PublicKeyRequest(StrictSchema):
    """Whose pages may use a key."""

    origins = ListField(OriginField(), required=True, validate=Length(1, MOST_ORIGINS))
    name = fields.String(load_default="", validate=Length(0, 100))


class PublicKeyReply(Schema):
    """A publishable key; its text is not secret."""

    object = fields.Constant("public_key")
    id = fields.String(required=True)
    job_id = fields.String(required=True)
    key = fields.String(required=True, metadata={"description": "`cab_pub_...`, for your pages."})
    name = fields.String(required=True)
    origins = fields.List(fields.String(), required=True)
    status = fields.String(required=True, metadata={"description": "active or revoked."})
    made_by = fields.String(required=True, metadata={"description": "The id of a key."})
    created_at = fields.String(required=True, metadata={"format": "date-time"})
    revoked_at = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})


class PublicKeysReply(Schema):
    """The keys of an experiment, newest first."""

    data = fields.List(fields.Nested(PublicKeyReply), required=True)


@routes.route("/<job_id>/experiment/keys", methods=["POST"])
@takes_json
@routes.doc(parameters=[IDEMPOTENCY_KEY], **links(201, "public_key_id", ON_PUBLIC_KEY, of_job=True))
@routes.arguments(NoQuery, location="query")
@routes.arguments(PublicKeyRequest)
@routes.response(201, PublicKeyReply)
@routes.alt_response(409, "CONFLICT")
@routes.alt_response(410, "GONE")
@routes.alt_response(415, "UNSUPPORTED_MEDIA_TYPE")
@routes.alt_response(429, "TOO_MANY_REQUESTS")
@may_repeat
def create_public_key(_query: dict[str, Any], body: dict[str, Any], job_id: str) -> Response:
    """Make a key for pages of certain origins: it opens assignment, play and outcomes of this job.

    It may be shown to everybody. 422 while a mean or ratio of the plan has no `most`: without a
    bound one forged value could outweigh all the others.
    """
    parts, job = services(), own_job(job_id)
    _check_plan(read_experiment(job, parts).plan)
    now_ms = parts.clock.now_ms()
    origins = tuple(dict.fromkeys(body["origins"]))
    key = PublicKey(
        id=new_id(ID_PREFIX, now_ms),
        job_id=job.id,
        tenant_id=job.tenant_id,
        created_ms=now_ms,
        origins=origins,
        made_by=caller().key_id,
        name=body["name"],
    )
    PublicKeyStore(parts.connection).create(key, now_ms=now_ms)
    state().shelves.origins.forget(job.id)
    note_act(Act.PUBLIC_KEY_CREATED, key.id)
    return answer_json(public_key_data(key), 201)


@routes.route("/<job_id>/experiment/keys")
@routes.arguments(NoQuery, location="query")
@routes.response(200, PublicKeysReply)
@routes.alt_response(410, "GONE")
def read_public_keys(_query: dict[str, Any], job_id: str) -> Response:
    """The publishable keys of a job, newest first, revoked ones too. At most 20 are kept."""
    found = PublicKeyStore(services().connection).read_all(own_job(job_id).id)
    return answer_json({"data": [public_key_data(each) for each in found]})


@routes.route("/<job_id>/experiment/keys/<public_key_id>", methods=["DELETE"])
@routes.arguments(NoQuery, location="query")
@routes.response(204, description="It opens nothing any more")
@routes.alt_response(410, "GONE")
def revoke_public_key(_query: dict[str, Any], job_id: str, public_key_id: str) -> Response:
    """Revoke a key; API processes may trust it for `key_cache_s` of `GET /v1/limits` more.

    Revoking again changes nothing. What was counted stays counted.
    """
    parts, job = services(), own_job(job_id)
    if not is_id(public_key_id, ID_PREFIX):
        raise NotFound("There is no such job or key.")
    now_ms = parts.clock.now_ms()
    store = PublicKeyStore(parts.connection)
    if store.revoke(job.id, job.tenant_id, public_key_id, now_ms=now_ms):
        note_act(Act.PUBLIC_KEY_REVOKED, public_key_id)
    shelves = state().shelves
    shelves.keys.forget(public_key_id)
    shelves.origins.forget(job.id)
    return Response(status=204)


def public_key_data(key: PublicKey) -> dict[str, Any]:
    """A key as a resource."""
    return {
        "object": "public_key",
        "id": key.id,
        "job_id": key.job_id,
        "key": write_public_key(key.id),
        "name": key.name,
        "origins": list(key.origins),
        "status": "active" if key.is_open else "revoked",
        "made_by": key.made_by,
        "created_at": iso_time(key.created_ms),
        "revoked_at": iso_time(key.revoked_ms) if key.revoked_ms else None,
    }


def _check_plan(plan: Plan) -> None:
    """Refuse a plan that is not for viewers' browsers.

    Raises:
        InvalidRequest: a metric has no bound.
        Conflict: somebody else divides viewers.
    """
    if plan.split is Split.OBSERVATIONAL:
        raise Conflict(
            "The allocation of this experiment is observational: browsers are assigned nothing.",
            hint="Report outcomes from your own service.",
        )
    bounds = unbounded_metrics(plan)
    if bounds:
        text = "must be in the plan: the largest value of one viewer"
        errors = [FieldError(f"plan:/{each}", text) for each in bounds]
        raise InvalidRequest(
            "The plan is not bounded.",
            errors,
            hint="A plan never changes: attach one with `most` to a new job.",
        )
