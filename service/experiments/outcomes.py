"""What callers say has happened: single outcomes of viewers and figures of a source, checked. Pure.

Each item of a batch is judged by itself: a faulty one keeps no other from being counted. What is
checked here needs the plan alone; what needs earlier outcomes is checked where they are counted.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from service.errors import FieldError, InvalidRequest
from service.experiments.fields import Fields
from service.experiments.metrics import Kind
from service.experiments.plan import Metric, Plan
from service.experiments.snapshot import canonical

#: Outcomes in one request, at most.
MOST_OUTCOMES = 1000
#: The largest value of a unit: its square is a whole number that a double holds exactly.
MOST_OF_UNIT = 94_906_265
#: A viewer with more impressions than this counts as one with so many: it may be no person.
MOST_IMPRESSIONS = 50
#: How far clocks of viewers may be ahead, and how long before its start an outcome may lie.
AHEAD_MS = EARLY_MS = 300_000
_ID_LENGTH = 200
_DIGEST_BYTES, _BODY_BYTES = 12, 9


@dataclass(frozen=True, slots=True)
class Outcome:
    """One thing that happened to one unit. `id` and `unit` are digests, `body` tells two apart.

    `metric` and `arm` are places in the plan; without a metric the unit has only seen its variant.
    `x` and `y` are added to the unit's totals: a value, and for a ratio how many there were.
    """

    id: str
    body: str
    unit: str
    arm: int
    metric: int | None
    x: int
    y: int
    at_ms: int


class Rejection(StrEnum):
    """Why an item is not counted. docs/statistics.md describes each; a test compares the two."""

    INVALID = "invalid"
    NEGATIVE_VALUE = "negative_value"
    VALUE_TOO_LARGE = "value_too_large"
    UNKNOWN_VARIANT = "unknown_variant"
    UNKNOWN_METRIC = "unknown_metric"
    IN_FUTURE = "in_future"
    BEFORE_START = "before_start"
    SUMS_CONTRADICT = "sums_contradict"
    SQUARES_MISSING = "squares_missing"
    EVENT_ID_REUSED = "event_id_reused"
    BATCH_ID_REUSED = "batch_id_reused"
    UNIT_IN_TWO_VARIANTS = "unit_in_two_variants"
    REVISION_IS_OLD = "revision_is_old"
    REVISION_REUSED = "revision_reused"
    DECREASED = "decreased"
    BELOW_ZERO = "below_zero"
    COUNTER_OVERFLOW = "counter_overflow"
    EXPERIMENT_FULL = "experiment_full"
    OVERRIDE_UNIT = "override_unit"
    TOKEN_MISSING = "token_missing"  # noqa: S105  a reason, not a secret
    TOKEN_WRONG = "token_wrong"  # noqa: S105  a reason, not a secret
    NOT_FOR_VIEWERS = "not_for_viewers"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an item is refused, and where in the request that is."""

    reason: Rejection
    pointer: str
    detail: str


class Per(StrEnum):
    """What figures of many units have counted."""

    VIEWER = "viewer"
    IMPRESSION = "impression"


def digest(text: str, size: int = _DIGEST_BYTES) -> str:
    """A short name of an id: 96 bits, so that no two meet, and no id of a viewer is kept."""
    return urlsafe_b64encode(hashlib.blake2b(text.encode(), digest_size=size).digest()).decode()


def digest_body(item: Mapping[str, Any]) -> str:
    """What tells whether an id is used again with another content."""
    return digest(canonical(item).decode(), _BODY_BYTES)


def read_items(document: Any) -> Sequence[Any]:
    """The items of a request.

    Raises:
        InvalidRequest: it is no `{"outcomes": [...]}` with 1 to 1,000 of them.
    """
    faults: list[FieldError] = []
    reader = Fields(document, "#", faults)
    items = reader.plain("outcomes")
    if not isinstance(items, list) or not items:
        detail = f"It must be a list of 1 to {MOST_OUTCOMES} outcomes."
        text, hint = "The request holds no outcomes.", 'Send {"outcomes": [...]}.'
        raise InvalidRequest(text, [FieldError("#/outcomes", detail)], hint=hint)
    if len(items) > MOST_OUTCOMES:
        detail = f"It has {len(items)} outcomes; {MOST_OUTCOMES} is the most."
        text = "The request holds too many outcomes. None of them was counted."
        hint = "Send them in several requests; what is sent twice is counted once."
        raise InvalidRequest(text, [FieldError("#/outcomes", detail)], hint=hint)
    reader.refuse_others()
    if faults:
        raise InvalidRequest("There is more than outcomes. None of them was counted.", faults)
    return items


class Reader(Fields):
    """Reads one item; some of its faults have codes of their own, `reasons` by their pointer."""

    __slots__ = ("reasons",)

    def __init__(self, document: Any, pointer: str, faults: list[FieldError]) -> None:
        super().__init__(document, pointer, faults)
        self.reasons: dict[str, Rejection] = {}

    def refuse(self, reason: Rejection, name: str, detail: str) -> None:
        """Notes a fault with a code."""
        self.reasons.setdefault(self.at(name), reason)
        self.fault(name, detail)

    def arm(self, plan: Plan) -> int:
        label = self.text("variant", most=64)
        if label in plan.labels:
            return plan.labels.index(label)
        detail = f"The experiment has no such variant; it has {', '.join(plan.labels)}."
        self.refuse(Rejection.UNKNOWN_VARIANT, "variant", detail)
        return 0

    def number_or_code(self, name: str, usual: int, *, correction: bool) -> int:
        """A whole number; below 0 only where it corrects, and small enough for an exact square."""
        value = self._take(name, usual)
        if not isinstance(value, int) or isinstance(value, bool):
            self.fault(name, "It must be a whole number.")
            return 0
        if value < 0 and not correction:
            detail = "It must not be below 0. To take something back, set `correction`."
            self.refuse(Rejection.NEGATIVE_VALUE, name, detail)
        elif abs(value) > MOST_OF_UNIT:
            self.refuse(Rejection.VALUE_TOO_LARGE, name, f"It must not exceed {MOST_OF_UNIT}.")
        return value

    def moment(self, *, now_ms: int, started_ms: int) -> int:
        """`occurred_at` in milliseconds; now where it is left out."""
        if self.plain("occurred_at") is None:
            return now_ms
        try:
            moment = datetime.fromisoformat(self.text("occurred_at", most=40))
            at_ms = int(moment.timestamp() * 1000) if moment.tzinfo else None
        except (ValueError, OverflowError):
            at_ms = None
        if at_ms is None:
            self.fault(
                "occurred_at", "It must be a time with its zone, such as 2026-01-31T12:00:00Z."
            )
            return now_ms
        if at_ms > now_ms + AHEAD_MS:
            detail = "It lies more than five minutes ahead: check the clock that it comes from."
            self.refuse(Rejection.IN_FUTURE, "occurred_at", detail)
        elif at_ms < started_ms - EARLY_MS:
            began = datetime.fromtimestamp(started_ms // 1000, UTC).isoformat()[:-6]
            detail = f"It lies before the experiment began, which was at {began}Z."
            self.refuse(Rejection.BEFORE_START, "occurred_at", detail)
        return min(at_ms, now_ms)


def read_outcome(
    item: Any, pointer: str, plan: Plan, *, started_ms: int, now_ms: int
) -> Outcome | Fault:
    """One outcome of a unit: `event_id`, `unit_id`, `variant`, and mostly a metric with a value.

    A value is a whole number in the metric's own unit, for watch times centiseconds; `seconds` may
    be given in its place. A ratio has `count` besides: how many impressions there were.
    """
    faults: list[FieldError] = []
    reader = Reader(item, pointer, faults)
    event_id = reader.text("event_id", most=_ID_LENGTH)
    unit_id = reader.text("unit_id", most=_ID_LENGTH)
    arm = reader.arm(plan)
    correction = reader.flag("correction", usual=False)
    metric = _read_metric(reader, plan)
    x, y = 0, 0
    if metric is not None:
        x, y = _read_value(reader, plan.metrics[metric], correction=correction)
    at_ms = reader.moment(now_ms=now_ms, started_ms=started_ms)
    reader.refuse_others()
    if faults:
        return first_fault(reader, faults)
    ids = digest(f"event:{event_id}"), digest_body(item)
    return Outcome(*ids, digest(f"unit:{unit_id}"), arm, metric, x, y, at_ms)


def first_fault(reader: Reader, faults: Sequence[FieldError]) -> Fault:
    """Why an item is refused: its first fault."""
    reason = reader.reasons.get(faults[0].pointer, Rejection.INVALID)
    return Fault(reason, faults[0].pointer, faults[0].detail)


def find_metric(plan: Plan, name: str) -> int | None:
    """The place of a metric in the plan, or none."""
    return next((at for at, each in enumerate(plan.metrics) if each.name == name), None)


def _read_metric(reader: Reader, plan: Plan) -> int | None:
    if reader.plain("metric") is None:
        return None
    found = find_metric(plan, reader.text("metric", most=64))
    if found is None:
        names = ", ".join(each.name for each in plan.metrics)
        detail = f"The experiment measures no such thing; it has {names}."
        reader.refuse(Rejection.UNKNOWN_METRIC, "metric", detail)
    return found


def _read_value(reader: Reader, metric: Metric, *, correction: bool) -> tuple[int, int]:
    """What is added to x and y of a unit. A value above a metric's `most` counts as that."""
    if metric.kind is Kind.PROPORTION:
        value = reader.number_or_code("value", 1, correction=correction)
        if value not in {-1, 0, 1}:
            reader.fault("value", "It must be 0 or 1.")
        return value, 0
    value = _read_amount(reader, metric, correction=correction)
    if metric.kind is Kind.MEAN:
        return _clip(value, metric.most or MOST_OF_UNIT), 0
    count = reader.number_or_code("count", 0, correction=correction)
    most = (metric.most or MOST_OF_UNIT) * max(1, abs(count))
    return _clip(value, min(most, MOST_OF_UNIT)), count


def _read_amount(reader: Reader, metric: Metric, *, correction: bool) -> int:
    if reader.plain("seconds") is None:
        usual = 0 if metric.kind is Kind.RATIO else None
        return reader.number_or_code("value", usual, correction=correction)  # type: ignore[arg-type]
    seconds = reader.number("seconds", -1e6, 1e6)
    if seconds != seconds:
        return 0
    if seconds < 0 and not correction:
        reader.refuse(Rejection.NEGATIVE_VALUE, "seconds", "It must not be below 0.")
    if round(abs(seconds) * 100) > MOST_OF_UNIT:
        reader.refuse(
            Rejection.VALUE_TOO_LARGE, "seconds", f"It must not exceed {MOST_OF_UNIT // 100}."
        )
    return round(seconds * 100)


def _clip(value: int, most: int) -> int:
    return max(-most, min(most, value))
