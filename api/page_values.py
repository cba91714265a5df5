"""Values of a metric in words: rates in percent, times in seconds, others as they are. Pure."""

from __future__ import annotations

import math
from typing import Any

from api.page_words import NOTHING, is_number, say_seconds
from service.experiments.metrics import Kind
from service.experiments.plan import Metric, Unit


def say_value(metric: Metric, value: Any, *, small: bool = False) -> str:
    """A value of a metric; `small` ones are differences and keep more digits."""
    if not is_number(value) or not math.isfinite(value):
        return NOTHING
    if metric.unit is Unit.SECONDS:
        return say_seconds(value, 2 if small or abs(value) < 1000 else 1)
    if metric.kind is Kind.PROPORTION:
        shown = f"{100 * value:.3f} %" if small or abs(value) < 0.01 else f"{100 * value:.2f} %"
    else:
        shown = f"{value:,.4g}" if small or abs(value) < 1000 else f"{value:,.1f}"
    return shown.replace("-", "\u2212")


def say_difference(value: Any, unit: Unit) -> str:
    """A difference in the metric's own unit, with its sign."""
    if not is_number(value):
        return NOTHING
    if unit is Unit.SECONDS:
        return say_seconds(value, signed=True)
    return f"{value:+,.3g}".replace("-", "\u2212")


def say_p(value: Any) -> str:
    """A p-value."""
    if not is_number(value):
        return NOTHING
    return "below 0.0001" if value < 0.0001 else f"{value:.2g}"
