"""A verdict in one plain sentence, English and Chinese, for a reader who knows no statistics. Pure.

No sentence says "significant", and none gives a number without what it is a number of.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from service.experiments.inference import Interval
from service.experiments.look import Look
from service.experiments.plan import DAY_S, Better
from service.experiments.states import Reason, Ruling


@dataclass(frozen=True, slots=True)
class Sentence:
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Leaning:
    """The variant that is most likely the best, and how likely."""

    label: str
    chance: float


_PATH = Path(__file__).with_name("sentences.json")
TONGUES = ("en", "zh")
#: Where there was enough data to lean to one side.
_TELLS_LEANING = {Reason.DEADLINE, Reason.MAX_UNITS, Reason.PLANNED_UNITS}
#: By state and reason, such as `winner/ahead`; `leaning` is added where there is one.
SENTENCES: Mapping[str, Mapping[str, str]] = json.loads(_PATH.read_text(encoding="utf-8"))


def say(look: Look, ruling: Ruling, leaning: Leaning | None) -> Sentence:
    """The sentence of a ruling, its numbers filled in."""
    parts = [SENTENCES[f"{ruling.state}/{ruling.reason}"]]
    if leaning is not None and ruling.reason in _TELLS_LEANING:
        parts.append(SENTENCES["leaning"])
    facts = _facts(look) | _lean(leaning) | _lead(look, ruling)
    return Sentence(
        *("".join(part[tongue] for part in parts).format(**facts) for tongue in TONGUES)
    )


def _facts(look: Look) -> dict[str, str]:
    plan, snapshot = look.plan, look.snapshot
    counts = [tally.exposed for tally in snapshot.tallies]
    shares = [f"{label} {count:,}" for label, count in zip(plan.labels, counts, strict=True)]
    english, chinese = _duration(plan.min_runtime_s)
    return {
        "metric": plan.primary.called,
        "metric_zh": plan.primary.called_zh,
        "least_time": english,
        "least_time_zh": chinese,
        "least_units": f"{plan.min_units:,}",
        "least_outcomes": f"{plan.min_outcomes:,}",
        "planned": f"{plan.planned_units or 0:,}",
        "most": f"{plan.max_units or 0:,}",
        "units": f"{snapshot.units:,}",
        "multiple": f"{snapshot.multiple:,}",
        "mde": f"{100 * plan.mde:g}",
        "rope": f"{100 * plan.rope:g}",
        "days": f"{look.days_left or 0:,}",
        "days_more": _count(look.days_left or 0, "more day"),
        "end_days": f"{look.days_to_end:,}",
        "end_days_en": _count(look.days_to_end, "day"),
        "shares": ", ".join(shares),
        "shares_zh": "、".join(shares),
    }


def _lean(leaning: Leaning | None) -> dict[str, str]:
    if leaning is None:
        return {}
    return {"leaning": leaning.label, "chance": f"{100 * min(leaning.chance, 0.999):.3g}"}


def _lead(look: Look, ruling: Ruling) -> dict[str, str]:
    """What is said of the variant that is ahead, and of the next best."""
    if ruling.label is None:
        return {}
    winner = look.plan.labels.index(ruling.label)
    best = look.next_best(winner)
    name = look.plan.labels[best]
    many = len(look.plan.arms) > 2
    lower = look.plan.primary.better is Better.LOWER
    by, by_zh = _span(look.lift_over(winner, best), lower=lower)
    harmed = [each for each in look.plan.guardrails if look.is_harmed(each, winner)]
    return {
        "label": ruling.label,
        "next": f"{name}, the next best" if many else name,
        "next_zh": f"第二名 {name} " if many else f" {name} ",
        "direction": "lower" if lower else "higher",
        "direction_zh": "低" if lower else "高",
        "by": by,
        "by_zh": by_zh,
        "harmed": ", ".join(each.called for each in harmed),
        "harmed_zh": "、".join(each.called_zh for each in harmed),
    }


def _span(lift: Interval | None, *, lower: bool) -> tuple[str, str]:
    if lift is None:
        return "", ""
    low, high = (-lift.high, -lift.low) if lower else (lift.low, lift.high)
    ends = f"{100 * low:.1f}", f"{100 * high:.1f}"
    return f"{ends[0]} % to {ends[1]} % ", f" {ends[0]}% 到 {ends[1]}%"


def _duration(seconds: int) -> tuple[str, str]:
    if seconds % DAY_S == 0 and seconds > DAY_S:
        return _count(seconds // DAY_S, "day"), f"{seconds // DAY_S} 天"
    hours = seconds / 3600
    return f"{hours:.4g} {'hour' if hours == 1 else 'hours'}", f"{hours:.4g} 小时"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
