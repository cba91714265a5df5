"""What callers send about webhook endpoints, and what they receive."""

from __future__ import annotations

from datetime import UTC

from marshmallow import Schema, fields
from marshmallow.validate import Length, OneOf, Range

from api.fields import ListField, LiteralBoolean, LiteralInteger, StrictSchema, UrlField
from api.schemas import match_any_event
from service.model.delivery import Trigger
from service.model.endpoint import OffReason

MAX_DESCRIPTION = 500
MAX_CONCURRENCY = 100
_STATUSES = ("pending", "delivered", "failed", "disabled")
_EVENTS = {"validate": Length(1, 30), "metadata": {"example": ["job.*", "endpoint.disabled"]}}


def _pattern() -> fields.String:
    return fields.String(validate=match_any_event)


def _since(**options: object) -> fields.AwareDateTime:
    text = "RFC 3339; deliveries made at or after it."
    return fields.AwareDateTime(
        format="iso",
        default_timezone=UTC,
        metadata={"description": text},
        **options,  # type: ignore[arg-type]
    )


class ChangeEndpointRequest(StrictSchema):
    """What is to change; the rest stays."""

    url = UrlField()
    events = ListField(_pattern(), **_EVENTS)  # type: ignore[arg-type]
    description = fields.String(validate=Length(max=MAX_DESCRIPTION))
    enabled = LiteralBoolean()
    concurrency = LiteralInteger(
        validate=Range(1, MAX_CONCURRENCY),
        metadata={"description": "Deliveries under way at once, at most."},
    )


class EndpointRequest(ChangeEndpointRequest):
    """A webhook endpoint. `events` are types or patterns; without it every `job.*` comes."""

    url = UrlField(required=True)
    events = ListField(_pattern(), load_default=["job.*", "experiment.*"], **_EVENTS)  # type: ignore[arg-type]


class ReplayRequest(StrictSchema):
    """From when on failed deliveries are tried once more."""

    since = _since(required=True)


class EndpointsQuery(StrictSchema):
    """Which endpoints to list."""

    limit = fields.Integer(load_default=20, validate=Range(1, 100))
    cursor = fields.String(load_default="", validate=Length(max=200))


class DeliveriesQuery(EndpointsQuery):
    """Which deliveries to list."""

    status = fields.String(validate=OneOf(_STATUSES))
    since = _since()


def _time(**options: object) -> fields.String:
    return fields.String(metadata={"format": "date-time"}, **options)  # type: ignore[arg-type]


class DisabledReply(Schema):
    """Why an endpoint is switched off, and since when it had failed."""

    reason = fields.String(
        required=True, metadata={"description": f"Open set. Known: {', '.join(OffReason)}."}
    )
    at = _time(required=True)
    since = _time(required=True)
    last_error = fields.String(required=True, allow_none=True)


class EndpointLinksReply(Schema):
    """Where to go next."""

    self = fields.String(metadata={"format": "uri"})
    deliveries = fields.String(metadata={"format": "uri"})


class EndpointReply(Schema):
    """A webhook endpoint. Its secret is shown when it is made and when it is rotated."""

    id = fields.String(required=True)
    object = fields.Constant("webhook_endpoint")
    url = fields.String(required=True, metadata={"format": "uri"})
    events = fields.List(fields.String(), required=True)
    description = fields.String(required=True)
    enabled = fields.Boolean(required=True)
    concurrency = fields.Integer(required=True)
    created_at = _time(required=True)
    updated_at = _time(required=True)
    secret_created_at = _time(required=True)
    secrets_in_use = fields.Integer(
        required=True, metadata={"description": "2 and more while old ones sign too."}
    )
    failing_since = _time(required=True, allow_none=True)
    last_delivery_at = _time(required=True, allow_none=True)
    last_error = fields.String(required=True, allow_none=True)
    disabled = fields.Nested(DisabledReply, required=True, allow_none=True)
    links = fields.Nested(EndpointLinksReply)


class NewEndpointReply(EndpointReply):
    """An endpoint with its secret, for this once."""

    secret = fields.String(required=True, metadata={"description": "`whsec_...`; keep it."})


class EndpointsReply(Schema):
    """A page of endpoints, newest first."""

    data = fields.List(fields.Nested(EndpointReply), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class OldSecretReply(Schema):
    """A secret that signs beside the current one."""

    expires_at = _time(required=True)


class SecretReply(Schema):
    """What may be known of a secret."""

    id = fields.String(required=True, metadata={"description": "Changes with the secret."})
    object = fields.Constant("webhook_secret")
    created_at = _time(required=True, allow_none=True)
    age_s = fields.Integer(required=True, allow_none=True)
    old = fields.List(fields.Nested(OldSecretReply), required=True)


class NewSecretReply(SecretReply):
    """A secret just made, for this once."""

    secret = fields.String(required=True, metadata={"description": "`whsec_...`; keep it."})


class AttemptReply(Schema):
    """One try. `status` is null where there was no reply, and `error` says why."""

    at = _time(required=True)
    trigger = fields.String(
        required=True, metadata={"description": f"Open set. Known: {', '.join(Trigger)}."}
    )
    status = fields.Integer(required=True, allow_none=True)
    duration_ms = fields.Integer(required=True)
    error = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "A code of /docs/errors, such as outbound_refused."},
    )
    reply = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "How the body began; of the last try up to 4 KiB."},
    )


class DeliverySummaryReply(Schema):
    """An event on its way to an endpoint."""

    id = fields.String(required=True)
    object = fields.Constant("webhook_delivery")
    endpoint_id = fields.String(required=True)
    event_id = fields.String(required=True)
    type = fields.String(required=True)
    job_id = fields.String(required=True, allow_none=True)
    sequence = fields.Integer(required=True)
    status = fields.String(
        required=True, metadata={"description": f"Open set. Known: {', '.join(_STATUSES)}."}
    )
    created_at = _time(required=True)
    next_attempt_at = _time(required=True, allow_none=True)
    attempt_count = fields.Integer(required=True)
    last_attempt = fields.Nested(AttemptReply, required=True, allow_none=True)


class DeliveryReply(DeliverySummaryReply):
    """A delivery with every try."""

    attempts = fields.List(fields.Nested(AttemptReply), required=True)


class DeliveriesReply(Schema):
    """A page of deliveries, newest first."""

    data = fields.List(fields.Nested(DeliverySummaryReply), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class ReplayReply(Schema):
    """How many deliveries are tried again, and how many failed ones are left for another call."""

    object = fields.Constant("webhook_replay")
    asked = fields.Integer(required=True)
    left = fields.Integer(required=True)
