"""Experiments as callers send and receive them.

Requests are described here and read by `service.experiments`, which names each fault by its place.
"""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields
from marshmallow.validate import Length, OneOf, Range

from api.fields import PlainSchema, StrictSchema
from service.experiments.metrics import COUNTER_MAX, Kind
from service.experiments.outcomes import MOST_OF_UNIT
from service.experiments.plan import DAY_S, PLANNED_UNITS, VARIANTS, Better, Method, Split, Unit
from service.experiments.proposal import LEAST_VALUE, MOST_PER_DAY
from service.experiments.sizing import Shortfall
from service.experiments.standing import Status

_ID = 200
_METRICS = 20
_PLAN = {
    "primary": {"name": "clicks", "kind": "proportion", "title": "click rate"},
    "mde": 0.1,
    "assume": {"value": 0.05, "units_per_day": 20_000},
}


def _told(text: str, **more: Any) -> dict[str, Any]:
    return {"description": text, **more}


def _one_of(kind: Any, text: str = "", **options: Any) -> fields.String:
    told = {"description": text} if text else {}
    return fields.String(validate=OneOf([each.value for each in kind]), metadata=told, **options)


def _number(low: float, high: float, text: str, **options: Any) -> fields.Float:
    return fields.Float(validate=Range(low, high), metadata=_told(text), **options)


def _whole(low: int, high: int, text: str, **options: Any) -> fields.Integer:
    return fields.Integer(validate=Range(low, high), metadata=_told(text), **options)


def _time(text: str = "", **options: Any) -> fields.String:
    told = {"description": text} if text else {}
    return fields.String(metadata={"format": "date-time", **told}, **options)


class _Metric(Schema):
    name = fields.String(required=True, validate=Length(1, 64))
    kind = _one_of(
        Kind,
        "proportion: did it or not. mean: a total of each viewer. ratio: one total by another, "
        "such as watch time by impressions.",
        required=True,
    )
    title = fields.String(
        validate=Length(max=100), metadata=_told("What English sentences call it.")
    )
    title_zh = fields.String(
        validate=Length(max=100), metadata=_told("What Chinese sentences call it.")
    )
    better = _one_of(Better)
    most = _whole(1, COUNTER_MAX, "The largest value of a viewer; more counts as that.",
                  allow_none=True)  # fmt: skip
    harm_margin = _number(0, 1, "Of a guardrail: the relative loss that is still borne.")
    unit = _one_of(Unit, "seconds: values are centiseconds and shown to people as seconds.")


class MetricRequest(_Metric, PlainSchema):
    """One thing that is measured of each viewer."""


class MetricReply(_Metric):
    """One thing that is measured of each viewer."""


class _Weight(Schema):
    label = fields.String(required=True, validate=Length(1, 64))
    weight = _number(0, 1, "Its share of those who take part; equal where none is given.")


class WeightRequest(_Weight, PlainSchema):
    """A variant that takes part."""


class WeightReply(_Weight):
    """A variant that takes part."""


class AssumptionRequest(PlainSchema):
    """What you think of the primary metric before it begins; from it sizes are told."""

    value = _number(LEAST_VALUE, MOST_OF_UNIT, "The control's value now.", required=True)
    deviation = _number(
        LEAST_VALUE,
        MOST_OF_UNIT,
        "Standard deviation of one viewer's value; a proportion has none, and of a mean with "
        "`most` it may be left out.",
        allow_none=True,
    )
    units_per_day = _number(
        0, MOST_PER_DAY, "Viewers a day, outside `coverage` included.", allow_none=True
    )


class _Plan(Schema):
    seed = fields.String(
        validate=Length(1, _ID), metadata=_told("What viewers are hashed with; the job's id.")
    )
    allocation = _one_of(Split, "observational: somebody else decides who sees what.")
    method = _one_of(Method, "sequential: may be looked at at any time. fixed: once.")
    coverage = _number(0, 1, "The share of viewers that take part; 1.")
    alpha = _number(0.0001, 0.2, "How often a false winner may be named; 0.05.")
    power = _number(0.5, 0.99, "How often an effect of `mde` is to be seen; 0.8.")
    mde = _number(0.001, 10, "The smallest relative effect that matters; 0.1 is 10 %.")
    rope = _number(0, 0.5, "Smaller relative differences count as none; 0.01.")
    planned_units = _whole(
        *PLANNED_UNITS,
        "All viewers for which it is tuned, or at which `fixed` is read; by `assume` where that "
        "is given.",
        allow_none=True,
    )
    max_units = _whole(*PLANNED_UNITS, "It ends when so many came.", allow_none=True)
    min_units = _whole(2, 10**9, "Viewers of each variant before anything is said; 100.")
    min_outcomes = _whole(1, 10**9, "Who did it, and who did not, in each; 25.")
    min_runtime_s = _whole(0, 365 * DAY_S, "No verdict before; a day.")
    max_runtime_s = _whole(1, 365 * DAY_S, "It ends then; 14 days.")
    overrides = fields.Dict(
        keys=fields.String(validate=Length(1, _ID)),
        values=fields.String(),
        metadata=_told("Viewers who always see a certain variant, for testing; never counted."),
    )


class PlanRequest(_Plan, PlainSchema):
    """How an experiment is made. Only `primary` is required; it never changes afterwards."""

    class Meta(PlainSchema.Meta):  # noqa: D106  marshmallow's form
        example = '{"primary": {"name": "clicks", "kind": "proportion"}}'

    variants = fields.List(
        fields.Nested(WeightRequest),
        validate=Length(*VARIANTS),
        metadata=_told("The first is the control; all of the job's where it is left out."),
    )
    primary = fields.Nested(MetricRequest, required=True, metadata={"example": _PLAN["primary"]})
    secondary = fields.List(fields.Nested(MetricRequest), validate=Length(max=_METRICS))
    guardrails = fields.List(fields.Nested(MetricRequest), validate=Length(max=_METRICS))
    assume = fields.Nested(AssumptionRequest, metadata={"example": _PLAN["assume"]})


class PlanReply(_Plan):
    """The plan with every default filled in."""

    variants = fields.List(fields.Nested(WeightReply), required=True)
    primary = fields.Nested(MetricReply, required=True)
    secondary = fields.List(fields.Nested(MetricReply), required=True)
    guardrails = fields.List(fields.Nested(MetricReply), required=True)


class AttachQuery(StrictSchema):
    """Whether the experiment is made."""

    dry_run = fields.Boolean(
        load_default=False,
        metadata={"description": "Check the plan and tell what it needs; make nothing."},
    )


class ExperimentQuery(StrictSchema):
    """How much is told of it."""

    history = fields.Boolean(
        load_default=False,
        metadata={"description": "Add what was found at earlier looks, at most some 240 of them."},
    )


class SizeReply(Schema):
    """Viewers and days."""

    units = fields.Integer(required=True, metadata=_told("Of all variants."))
    by_variant = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    days = fields.Integer(
        required=True, allow_none=True, metadata=_told("Null without traffic, or when nobody comes")
    )


class SentenceReply(Schema):
    """The same in two languages."""

    en = fields.String(required=True)
    zh = fields.String(required=True)


class SizingReply(Schema):
    """What the plan needs to see an effect of `mde` as often as `power` says."""

    assume = fields.Dict(required=True)
    one_look = fields.Nested(SizeReply, required=True)
    any_look = fields.Nested(SizeReply, required=True)
    shortfall = fields.String(
        required=True,
        allow_none=True,
        metadata=_told("What ends it before: " + ", ".join(Shortfall) + "."),
    )
    sentence = fields.Nested(SentenceReply, required=True)


class PlannedReply(Schema):
    """What would be made, or what was made before: then it has all that an experiment has."""

    object = fields.String(
        required=True, metadata=_told("experiment_plan after a dry run, else experiment.")
    )
    job_id = fields.String(required=True)
    plan = fields.Nested(PlanReply, required=True)
    sizing = fields.Nested(
        SizingReply, required=True, allow_none=True, metadata=_told("Null without `assume`.")
    )


class ExperimentVariantReply(Schema):
    """How many viewers have been seen in a variant."""

    label = fields.String(required=True)
    units = fields.Integer(required=True)


class PairPointReply(Schema):
    """Two variants at one look, by the primary metric; `variant` less `base`."""

    base = fields.String(required=True)
    variant = fields.String(required=True)
    difference = fields.Float(required=True)
    interval = fields.List(fields.Float(), required=True)
    lift = fields.List(fields.Float(), required=True, allow_none=True)


class PointReply(Schema):
    """One look: viewers of each variant in the plan's order, and what could be said."""

    at_ms = fields.Integer(required=True)
    state = fields.String(required=True)
    units = fields.List(fields.Integer(), required=True)
    pairs = fields.List(fields.Nested(PairPointReply), required=True)


class RulingReply(Schema):
    """The verdict in short."""

    state = fields.String(required=True)
    reason = fields.String(required=True)
    variant = fields.String(required=True, allow_none=True)
    sentence = fields.Nested(SentenceReply, required=True)


class ExperimentLinksReply(Schema):
    """Where to go next."""

    self = fields.String(metadata={"format": "uri"})
    outcomes = fields.String(metadata={"format": "uri"})
    verdict = fields.String(metadata={"format": "uri"})
    snapshot = fields.String(metadata={"format": "uri"})
    job = fields.String(metadata={"format": "uri"})


class ExperimentReply(Schema):
    """An experiment on the viewers of a job's videos."""

    object = fields.Constant("experiment")
    job_id = fields.String(required=True)
    status = fields.String(
        required=True, metadata=_told("Open set. Known: " + ", ".join(Status) + ".")
    )
    plan = fields.Nested(PlanReply, required=True)
    attached_at = _time(required=True)
    started_at = _time("Null until each variant has its video.", required=True, allow_none=True)
    decided_at = _time(required=True, allow_none=True)
    variants = fields.List(fields.Nested(ExperimentVariantReply), required=True)
    verdict = fields.Nested(
        RulingReply, required=True, allow_none=True, metadata=_told("The final one, once given.")
    )
    sizing = fields.Nested(
        SizingReply,
        allow_none=True,
        metadata=_told("In the answer to its plan; null without `assume`."),
    )
    history = fields.List(
        fields.Nested(PointReply), metadata=_told("Where it was asked for; the oldest first.")
    )
    links = fields.Nested(ExperimentLinksReply, required=True)
