"""The verdict on an experiment and its snapshot. Made by `service.experiments.verdict`."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from api.experiment_schemas import PlanReply, SentenceReply
from service.experiments.plan import Method
from service.experiments.standing import Status
from service.experiments.states import Reason, State


def _known(kind: Any, text: str) -> fields.String:
    listed = ", ".join(kind)
    return fields.String(
        required=True, metadata={"description": f"{text} Open set. Known: {listed}."}
    )


def _number(text: str = "", *, none: bool = False) -> fields.Float:
    told = {"description": text} if text else {}
    return fields.Float(required=True, allow_none=none, metadata=told)


def _interval(text: str, *, none: bool = False) -> fields.List[float]:
    return fields.List(
        fields.Float(),
        required=True,
        allow_none=none,
        metadata={"description": text, "minItems": 2, "maxItems": 2},
    )


class StandingReply(Schema):
    """How far the experiment of a job is."""

    status = _known(Status, "As of the experiment.")
    state = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Of its verdict; null before there is a final one."},
    )


class JobExperimentReply(StandingReply):
    """The same, and where all of it is told."""

    url = fields.String(required=True, metadata={"format": "uri"})


class EstimateReply(Schema):
    """What was measured of a variant by one metric."""

    units = fields.Integer(required=True)
    value = _number()
    variance = fields.String(
        required=True, metadata={"description": "measured, or upper_bound where squares lack."}
    )


class OutlookReply(Schema):
    """The Bayesian view, which decides nothing."""

    best = _number("How likely it is the best.")
    loss = _number("What is lost on average if it is chosen and is not.")
    credible = _interval("Where its value lies with 95 %.")


class ShrunkReply(Schema):
    """The lift over the control, drawn towards 0: a better guess than the lift of an early win."""

    lift = _number()
    credible = _interval("Where it lies with 95 %.")
    better = _number("How likely it is better than the control.")


class JudgedVariantReply(Schema):
    """One variant."""

    label = fields.String(required=True)
    exposed = fields.Integer(required=True, metadata={"description": "Viewers who saw it."})
    share = _number("Of all that was gained, as if all had had as many viewers.", none=True)
    metrics = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(EstimateReply, allow_none=True),
        required=True,
    )
    outlook = fields.Nested(OutlookReply, required=True, allow_none=True)
    shrunk_lift = fields.Nested(ShrunkReply, required=True, allow_none=True)


class _Compared(Schema):
    units = fields.Integer(required=True)
    difference = _number("`variant` less what it is compared with.")
    deviation = _number("The standard error of the difference.")
    multiplier = _number("How many of them the interval reaches to each side.")
    interval = _interval("Of the difference; holds however often one looks.")
    lift = _interval("The same relative to the base; null where that may be 0.", none=True)


class JudgedPairReply(_Compared):
    """Two variants by the primary metric."""

    base = fields.String(required=True)
    variant = fields.String(required=True)
    planned_units = _number("For how many units it is tuned.", none=True)
    p = _number("Always valid; the least of all looks.")
    log_p = _number()


class AgainstControlReply(Schema):
    """A variant against the control, adjusted for being many (Holm)."""

    variant = fields.String(required=True)
    p_adjusted = _number()


class SecondaryReply(_Compared):
    """A variant against the control by a secondary metric: to explore, not to decide."""

    metric = fields.String(required=True)
    variant = fields.String(required=True)
    p_adjusted = _number()
    exploratory = fields.Boolean(required=True)


class GuardrailReply(_Compared):
    """A variant against the control by a metric that must not become worse."""

    metric = fields.String(required=True)
    variant = fields.String(required=True)
    harm = fields.Boolean(required=True)


class SharesOfViewersReply(Schema):
    """The test of viewers per variant against the weights."""

    p = _number()
    log_p = _number()


class LeaningReply(Schema):
    """The likelier variant where there is no answer."""

    variant = fields.String(required=True)
    chance = _number()


class ExperimentVerdictReply(Schema):
    """Which variant performs better, and all that a reader needs to judge that."""

    format = fields.String(required=True)
    method = fields.String(
        required=True,
        metadata={"description": f"The formulas by name, for {' and '.join(Method)}."},
    )
    state = _known(State, "What it says.")
    reason = _known(Reason, "Why.")
    variant = fields.String(
        required=True, allow_none=True, metadata={"description": "The one that is ahead."}
    )
    leaning = fields.Nested(LeaningReply, required=True, allow_none=True)
    sentence = fields.Nested(SentenceReply, required=True)
    metric = fields.String(required=True, metadata={"description": "The one that decides."})
    alpha = _number()
    pair_alpha = _number("The level of each pair.")
    variants = fields.List(fields.Nested(JudgedVariantReply), required=True)
    pairs = fields.List(
        fields.Nested(JudgedPairReply),
        required=True,
        metadata={"description": "Empty while nothing may be said."},
    )
    against_control = fields.List(fields.Nested(AgainstControlReply), required=True)
    secondary = fields.List(fields.Nested(SecondaryReply), required=True)
    guardrails = fields.List(fields.Nested(GuardrailReply), required=True)
    shares = fields.Nested(SharesOfViewersReply, required=True, allow_none=True)
    multiple = fields.Integer(
        required=True, metadata={"description": "Viewers who were seen in a second variant."}
    )
    needed_units = fields.Integer(required=True, allow_none=True)
    days_left = fields.Integer(required=True, allow_none=True)
    days_to_end = fields.Integer(required=True)
    started_at_ms = fields.Integer(required=True)
    taken_at_ms = fields.Integer(required=True)
    watermark = fields.String(
        required=True, metadata={"description": "When the latest outcome in it happened."}
    )
    assumptions = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "independent_impressions, lowered_guards."},
    )
    snapshot_sha256 = fields.String(required=True)


class TallyReply(Schema):
    """What was counted of one variant, in the plan's order."""

    exposed = fields.Integer(required=True)
    sums = fields.Dict(
        keys=fields.String(), values=fields.Dict(), required=True,
        metadata={"description": "Of each metric by its name: whole numbers."},
    )  # fmt: skip


class RecentReply(Schema):
    """How many viewers came lately."""

    units = fields.Integer(required=True)
    seconds = _number()


class SnapshotReply(Schema):
    """What a verdict is made from: `caption-ab verdict --from` makes it again, to the byte."""

    format = fields.String(required=True)
    plan = fields.Nested(PlanReply, required=True)
    started_at_ms = fields.Integer(required=True)
    taken_at_ms = fields.Integer(required=True)
    tallies = fields.List(fields.Nested(TallyReply), required=True)
    multiple = fields.Integer(required=True)
    overflowed = fields.Boolean(required=True)
    recent = fields.Nested(RecentReply, required=True)
    earlier = fields.Dict(
        keys=fields.String(),
        values=fields.Float(),
        required=True,
        metadata={"description": "The least log p-value of earlier looks."},
    )
    watermark = fields.String(required=True)
    independent = fields.Boolean(required=True)
