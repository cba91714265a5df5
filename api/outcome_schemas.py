"""Outcomes as callers send them, and what becomes of each.

They are described here and read by `service.experiments`: a faulty one keeps no other from being
counted.
"""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields
from marshmallow.validate import Length, OneOf, Range

from api.fields import PlainSchema, StrictSchema
from service.experiments.intake import ACCEPTED, DUPLICATE, REJECTED
from service.experiments.metrics import COUNTER_MAX
from service.experiments.outcomes import MOST_OF_UNIT, MOST_OUTCOMES, Per, Rejection

_ID = Length(1, 200)
_EXAMPLE = [
    {"event_id": "e-1", "unit_id": "viewer-1", "variant": "A"},
    {"event_id": "e-2", "unit_id": "viewer-1", "variant": "A", "metric": "clicks"},
    {"event_id": "e-3", "unit_id": "viewer-2", "variant": "B", "metric": "watch", "seconds": 12.5},
    {
        "source": "dashboard",
        "revision": 7,
        "variant": "B",
        "units": 4100,
        "per": "viewer",
        "metrics": {"clicks": {"s": 230}},
    },
]


def _told(text: str) -> dict[str, Any]:
    return {"description": text}


def _id(text: str) -> fields.String:
    return fields.String(validate=_ID, metadata=_told(text))


def _count(text: str = "") -> fields.Integer:
    told = _told(text) if text else {}
    return fields.Integer(validate=Range(-COUNTER_MAX, COUNTER_MAX), metadata=told)


class SumsRequest(PlainSchema):
    """Sums of a metric.

    A proportion has `s`; a mean has `sum`, and `sum_squares` or `stddev`; a ratio has `sx`, `sxx`,
    `sy`, `syy` and `sxy`, where x is its value and y its count.
    """

    s = _count("How many units did it.")
    sum = _count("Of the values of the units.")
    sum_squares = _count("Of the squares of these values.")
    stddev = fields.Float(
        validate=Range(0, 1e9), metadata=_told("In place of `sum_squares`: how units differ.")
    )
    sx = _count("Of the values of the units.")
    sxx = _count("Of their squares.")
    sy = _count("Of the counts of the units.")
    syy = _count("Of their squares.")
    sxy = _count("Of value times count.")


class OutcomeRequest(PlainSchema):
    """One outcome of a viewer (`event_id`, `unit_id`), or figures of many (`units`)."""

    variant = fields.String(required=True, validate=Length(1, 64))
    event_id = _id("Of an outcome: counted once, however often it is sent.")
    unit_id = _id("Whose outcome it is; only a digest is kept.")
    metric = fields.String(
        validate=Length(1, 64), metadata=_told("Without it the viewer has only seen the variant.")
    )
    value = fields.Integer(
        validate=Range(-MOST_OF_UNIT, MOST_OF_UNIT),
        metadata=_told("In the metric's own unit; for watch times centiseconds."),
    )
    seconds = fields.Float(metadata=_told("In place of `value`."))
    count = fields.Integer(metadata=_told("Of a ratio: how many impressions there were."))
    occurred_at = fields.String(
        metadata={"format": "date-time", "description": "Now where it is left out."}
    )
    token = fields.String(
        metadata=_told("Of a browser's outcome: what the assignment gave; it tells `variant` too.")
    )
    correction = fields.Boolean(metadata=_told("Whether it may take something back."))
    batch_id = _id("Of figures: added once.")
    source = _id("Of figures: whose they are; with `revision` they replace what it said before.")
    revision = fields.Integer(
        validate=Range(0, 2**53),
        metadata=_told("Grows with each reading of a source; its figures are totals so far."),
    )
    units = fields.Integer(metadata=_told("How many viewers, or impressions, figures are of."))
    per = fields.String(
        validate=OneOf([each.value for each in Per]),
        metadata=_told("What `units` are; viewers may be counted as independent."),
    )
    metrics = fields.Dict(keys=fields.String(), values=fields.Nested(SumsRequest))


class OutcomesQuery(StrictSchema):
    """By which key a browser sends outcomes."""

    key = fields.String(metadata=_told("A publishable key, where there is no `Authorization`."))


class OutcomesRequest(PlainSchema):
    """Outcomes, each judged by itself."""

    outcomes = fields.List(
        fields.Nested(OutcomeRequest),
        required=True,
        validate=Length(1, MOST_OUTCOMES),
        metadata={"example": _EXAMPLE},
    )


class ResultReply(Schema):
    """What became of one item."""

    status = fields.String(required=True, validate=OneOf([ACCEPTED, DUPLICATE, REJECTED]))
    reason = fields.String(
        metadata=_told("Of a rejected one. Open set. Known: " + ", ".join(Rejection) + ".")
    )
    pointer = fields.String(metadata=_told("Where in the request."))
    detail = fields.String()


class OutcomesReply(Schema):
    """How many were counted, and one result for each item in its order."""

    object = fields.Constant("outcomes")
    accepted = fields.Integer(required=True)
    duplicates = fields.Integer(required=True)
    rejected = fields.Integer(required=True)
    results = fields.List(fields.Nested(ResultReply), required=True)
