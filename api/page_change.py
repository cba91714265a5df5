"""What would change the verdict on an experiment, in plain words. Pure.

There is a text for each state with each of its reasons, in English and Chinese: the same pairs as
in `sentences.json`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from api.page_words import count, figure, instant, is_number, items, part, say_days
from service.experiments.metrics import Kind
from service.experiments.plan import Plan
from service.experiments.words import TONGUES, Sentence

#: Parts that several texts have, which stand beside them.
SHARED = ("frozen", "ended", "spoiled", "anew")
#: By state and reason; what stands in braces are the facts below.
CHANGES: Mapping[str, Mapping[str, str]] = json.loads(
    Path(__file__).with_name("page_change.json").read_text(encoding="utf-8")
)
_NONE = dict.fromkeys(TONGUES, "")


def tell_change(plan: Plan, verdict: Mapping[str, Any]) -> Sentence:
    """What would change the verdict, its figures filled in; empty for a state not known here."""
    text = CHANGES.get(f"{verdict.get('state')}/{verdict.get('reason')}", _NONE)
    facts = _facts(plan, verdict)
    return Sentence(*(text[tongue].format(**facts) for tongue in TONGUES))


def _facts(plan: Plan, verdict: Mapping[str, Any]) -> dict[str, str]:
    """What texts are filled with; a name ends in `_zh` where the Chinese one differs."""
    rows = items(verdict, "variants")
    started = figure(verdict, "started_at_ms", 0)
    days, end = verdict.get("days_left"), verdict.get("days_to_end")
    return {
        **_shared(),
        **_say_missing(rows, verdict.get("needed_units")),
        **_say_short(plan, rows),
        **_say_did(plan, rows),
        "metric": plan.primary.called,
        "metric_zh": plan.primary.called_zh,
        "earliest": instant(started + plan.min_runtime_s * 1000),
        "min_units": count(plan.min_units),
        "min_outcomes": count(plan.min_outcomes),
        "planned": count(plan.planned_units),
        "days": say_days(days),
        "days_zh": _say_days_zh(days),
        "end": say_days(end),
        "end_zh": _say_days_zh(end),
        "mde": f"{100 * plan.mde:g}",
        "rope": f"{100 * plan.rope:g}",
        "power": f"{100 * plan.power:g}",
        "variant": str(verdict.get("variant") or ""),
    }


def _shared() -> dict[str, str]:
    english = {name: CHANGES[name]["en"] for name in SHARED}
    return english | {f"{name}_zh": CHANGES[name]["zh"] for name in SHARED}


def _say_missing(rows: list[Mapping[str, Any]], needed: Any) -> dict[str, str]:
    """How many more viewers are needed, and how many in all."""
    if not is_number(needed):
        unknown = {"missing": "an unknown number of", "missing_zh": "若干位"}
        return unknown | {"need": "", "need_zh": ""}
    missing = count(max(0, needed - sum(_seen(each) for each in rows)))
    return {
        "missing": missing,
        "missing_zh": f"{missing} 位",
        "need": f" (it was to need about {count(needed)} viewers)",
        "need_zh": f"（原本大约需要 {count(needed)} 位观众）",
    }


def _say_short(plan: Plan, rows: list[Mapping[str, Any]]) -> dict[str, str]:
    """The variants that have fewer viewers than each needs."""
    few = [(each.get("label"), count(_seen(each))) for each in rows if _seen(each) < plan.min_units]
    english = ", ".join(f"{label} has {number}" for label, number in few)
    chinese = "、".join(f"{label} 有 {number} 位" for label, number in few)
    return {
        "short": english or "none of those that are counted",
        "short_zh": chinese or "已统计的版本中没有",
    }


def _seen(row: Mapping[str, Any]) -> int:
    return int(figure(row, "exposed", 0))


def _say_did(plan: Plan, rows: list[Mapping[str, Any]]) -> dict[str, str]:
    """Of each variant, how many did it; a proportion is that share of its units."""
    if plan.primary.kind is not Kind.PROPORTION:
        return {"did": "too few", "did_zh": "太少"}
    english, chinese = [], []
    for each in rows:
        own, label = part(part(each, "metrics"), plan.primary.name), each.get("label")
        units, value = figure(own, "units", 0), figure(own, "value", 0)
        did, seen = count(round(units * value)), count(units)
        english.append(f"{did} of {seen} in {label}")
        chinese.append(f"{label} 的 {seen} 位中有 {did} 位")
    return {"did": ", ".join(english), "did_zh": "，".join(chinese)}


def _say_days_zh(days: Any) -> str:
    """Whole days in Chinese words, as `say_days` has them in English."""
    if not is_number(days):
        return "未知的时间"
    return "不到一天" if days < 1 else f"{days:,.0f} 天"
