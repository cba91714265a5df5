"""Webhook endpoints of a tenant, and the secret of the webhooks that its jobs name."""

from __future__ import annotations

from typing import Any

from flask import Response

from api.cursors import read_cursor, write_cursor
from api.endpoint_schemas import (
    ChangeEndpointRequest,
    EndpointReply,
    EndpointRequest,
    EndpointsQuery,
    EndpointsReply,
    NewEndpointReply,
    NewSecretReply,
    SecretReply,
)
from api.gate import takes_json
from api.openapi import Routes
from api.repeats import IDEMPOTENCY_KEY, may_repeat
from api.schemas import NoQuery
from api.state import answer_json, answer_page, caller, note_act, public_url, services
from service.audit import Act
from service.errors import NotFound
from service.ids import is_id
from service.model.endpoint import Endpoint, Secrets
from service.webhooks.endpoints import (
    change_endpoint,
    open_endpoint,
    read_job_secrets,
    rotate_secret,
    secret_id,
)
from service.webhooks.view import endpoint_data, secret_data

routes = Routes("webhooks", __name__, url_prefix="/v1", description="Where events go")


@routes.route("/webhook-endpoints", methods=["POST"])
@takes_json
@routes.doc(parameters=[IDEMPOTENCY_KEY])
@routes.arguments(NoQuery, location="query")
@routes.arguments(EndpointRequest)
@routes.response(201, NewEndpointReply)
@routes.alt_response(409, "CONFLICT")
@routes.alt_response(415, "UNSUPPORTED_MEDIA_TYPE")
@routes.alt_response(429, "TOO_MANY_REQUESTS")
@may_repeat
def create_endpoint(_query: dict[str, Any], body: dict[str, Any]) -> Response:
    """Make an endpoint. It hears what happens from now on, also of jobs that run already.

    `secret` is shown in this answer and never again; a repetition with the same Idempotency-Key
    gets it too.
    """
    endpoint, secret = open_endpoint(caller().tenant_id, body, services())
    note_act(Act.ENDPOINT_CREATED, endpoint.id)
    data = {**_shown(endpoint), "secret": secret.text}
    return answer_json(data, 201, {"Location": str(data["links"]["self"])})


@routes.route("/webhook-endpoints")
@routes.arguments(EndpointsQuery, location="query")
@routes.response(200, EndpointsReply)
def read_endpoints(query: dict[str, Any]) -> Response:
    """List your endpoints, newest first. Go on with `next_cursor`, or the Link header."""
    after = read_cursor(query["cursor"], _is_endpoint_id) if query["cursor"] else None
    # A tenant has so few that one read gets them all.
    found = services().endpoints.read_all(caller().tenant_id)
    rest = [each for each in found if after is None or (each.created_ms, each.id) < after]
    page = rest[: query["limit"]]
    more = len(rest) > len(page)
    cursor = write_cursor(page[-1].created_ms, page[-1].id) if more else None
    return answer_page([_shown(each) for each in page], cursor)


@routes.route("/webhook-endpoints/<endpoint_id>")
@routes.arguments(NoQuery, location="query")
@routes.response(200, EndpointReply)
def read_endpoint(_query: dict[str, Any], endpoint_id: str) -> Response:
    """One endpoint: whether it works, and why it was switched off if it was."""
    return answer_json(_shown(own_endpoint(endpoint_id)))


@routes.route("/webhook-endpoints/<endpoint_id>", methods=["PATCH"])
@takes_json
@routes.arguments(NoQuery, location="query")
@routes.arguments(ChangeEndpointRequest)
@routes.response(200, EndpointReply)
@routes.alt_response(415, "UNSUPPORTED_MEDIA_TYPE")
def patch_endpoint(_query: dict[str, Any], body: dict[str, Any], endpoint_id: str) -> Response:
    """Change what is named. Deliveries under way go to a new `url` with their next try.

    `"enabled": false` ends what is on its way to it. Switched on again it hears what happens from
    then on; what it has missed is sent by a replay.
    """
    own = own_endpoint(endpoint_id)
    changed = change_endpoint(own.tenant_id, own.id, body, services())
    note_act(Act.ENDPOINT_CHANGED, own.id)
    return answer_json(_shown(changed))


@routes.route("/webhook-endpoints/<endpoint_id>", methods=["DELETE"])
@routes.arguments(NoQuery, location="query")
@routes.response(204)
def delete_endpoint(_query: dict[str, Any], endpoint_id: str) -> Response:
    """Delete an endpoint with its secrets and its list of deliveries; what is on its way ends."""
    own = own_endpoint(endpoint_id)
    services().endpoints.drop(own.tenant_id, own.id, now_ms=services().clock.now_ms())
    note_act(Act.ENDPOINT_DELETED, own.id)
    return Response(status=204)


@routes.route("/webhook-endpoints/<endpoint_id>/rotate-secret", methods=["POST"])
@routes.doc(parameters=[IDEMPOTENCY_KEY])
@routes.arguments(NoQuery, location="query")
@routes.response(200, NewSecretReply)
@routes.alt_response(409, "CONFLICT")
@may_repeat
def rotate_endpoint_secret(_query: dict[str, Any], endpoint_id: str) -> Response:
    """Sign with a new secret, shown in this answer alone; the old one signs too for 24 hours."""
    own = own_endpoint(endpoint_id)
    secrets, text = rotate_secret(own.tenant_id, own.id, services())
    note_act(Act.SECRET_ROTATED, own.id)
    return answer_json({**_secret_shown(secrets), "secret": text})


@routes.route("/webhook-secret")
@routes.arguments(NoQuery, location="query")
@routes.response(200, SecretReply)
def read_webhook_secret(_query: dict[str, Any]) -> Response:
    """The secret that signs the webhooks which jobs name themselves: its name and its age."""
    return answer_json(_secret_shown(read_job_secrets(caller().tenant_id, services())))


@routes.route("/webhook-secret/rotate", methods=["POST"])
@routes.doc(parameters=[IDEMPOTENCY_KEY])
@routes.arguments(NoQuery, location="query")
@routes.response(200, NewSecretReply)
@routes.alt_response(409, "CONFLICT")
@may_repeat
def rotate_webhook_secret(_query: dict[str, Any]) -> Response:
    """Sign the webhooks that jobs name with a new secret; the old one signs too for 24 hours."""
    secrets, text = rotate_secret(caller().tenant_id, "", services())
    note_act(Act.SECRET_ROTATED, caller().tenant_id)
    return answer_json({**_secret_shown(secrets), "secret": text})


def own_endpoint(endpoint_id: str) -> Endpoint:
    """An endpoint of this caller; another tenant's does not exist for it.

    Raises:
        NotFound: there is none.
    """
    if not _is_endpoint_id(endpoint_id):
        raise NotFound("There is no such webhook endpoint.")
    return services().endpoints.read_own(caller().tenant_id, endpoint_id)


def _is_endpoint_id(text: str) -> bool:
    return is_id(text, "whe")


def _shown(endpoint: Endpoint) -> dict[str, Any]:
    return endpoint_data(endpoint, public_url(), now_ms=services().clock.now_ms())


def _secret_shown(secrets: Secrets) -> dict[str, Any]:
    now_ms = services().clock.now_ms()
    return secret_data(secret_id(secrets, services()), secrets, now_ms=now_ms)
