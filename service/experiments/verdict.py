"""The verdict on an experiment, made from a snapshot alone. Pure.

The first one that is final is frozen with its snapshot. `decide` gives it again from there, to the
byte: all numbers of its document have ten digits, which hides the last bits of a platform's
logarithm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.experiments.bayes import Outlook, Shrunk, judge_sums, shrink_lift
from service.experiments.inference import Comparison, Interval, adjust
from service.experiments.look import Look
from service.experiments.metrics import Estimate, share_totals
from service.experiments.plan import Better, Method, Metric
from service.experiments.ruling import rule
from service.experiments.snapshot import Snapshot, canonical, fingerprint
from service.experiments.states import Ruling, State
from service.experiments.words import Leaning, Sentence, say

FORMAT = "caption-ab.verdict.v1"
_METHODS = {Method.SEQUENTIAL: "asymp_cs_v1", Method.FIXED: "welch_v1"}
_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Verdict:
    """A ruling with all that a reader needs to judge it.

    `document` is what is answered, kept and sent; `earlier` is to be put into the next snapshot.
    """

    ruling: Ruling
    sentence: Sentence
    leaning: Leaning | None
    document: Mapping[str, Any]
    earlier: Mapping[str, float]

    @property
    def state(self) -> State:
        return self.ruling.state

    def as_bytes(self) -> bytes:
        """The document in its one form."""
        return canonical(self.document)


def decide(snapshot: Snapshot) -> Verdict:
    """What the experiment says at this snapshot."""
    look = Look(snapshot)
    ruling = rule(look)
    outlooks = find_outlooks(look)
    leaning = _lean(look, outlooks) if ruling.state is State.INCONCLUSIVE else None
    sentence = say(look, ruling, leaning)
    earlier = _keep_least(look)
    document = {
        "format": FORMAT,
        "method": _METHODS[look.plan.method],
        "state": ruling.state.value,
        "reason": ruling.reason.value,
        "variant": ruling.label,
        "leaning": {"variant": leaning.label, "chance": leaning.chance} if leaning else None,
        "sentence": {"en": sentence.en, "zh": sentence.zh},
        "metric": look.plan.primary.name,
        "alpha": look.plan.alpha,
        "pair_alpha": look.alpha,
        "variants": _write_variants(look, outlooks),
        "pairs": _write_pairs(look, earlier),
        "against_control": _write_control(look, earlier),
        "secondary": _write_secondary(look),
        "guardrails": _write_guardrails(look),
        "shares": _write_shares(look),
        "multiple": snapshot.multiple,
        "needed_units": look.needed_units,
        "days_left": look.days_left,
        "days_to_end": look.days_to_end,
        "started_at_ms": snapshot.started_at_ms,
        "taken_at_ms": snapshot.taken_at_ms,
        "watermark": snapshot.watermark,
        "assumptions": _list_assumptions(snapshot),
        "snapshot_sha256": fingerprint(snapshot),
    }
    return Verdict(ruling, sentence, leaning, _round(document), earlier)


def _list_assumptions(snapshot: Snapshot) -> list[str]:
    """What else must hold, so that a false winner is as rare as `alpha` says."""
    held = {
        "independent_impressions": snapshot.independent,
        "lowered_guards": snapshot.plan.has_lowered_guards,
    }
    return [name for name, is_made in held.items() if is_made]


def find_outlooks(look: Look) -> Sequence[Outlook]:
    """The Bayesian outlook of each variant; empty while one has nothing to go by."""
    metric = look.plan.primary
    if look.is_before_planned:
        return ()
    return judge_sums(tuple(look.sums(metric)), lower=metric.better is Better.LOWER)


def _lean(look: Look, outlooks: Sequence[Outlook]) -> Leaning | None:
    if not outlooks:
        return None
    best = max(range(len(outlooks)), key=lambda index: outlooks[index].best)
    return Leaning(look.plan.labels[best], outlooks[best].best)


def _keep_least(look: Look) -> dict[str, float]:
    """The least log p-values of all looks, this one included; a fixed test has no others."""
    least = dict(look.snapshot.earlier)
    if look.log_p_shares is not None:
        least["srm"] = look.log_p_shares
    if look.plan.method is Method.SEQUENTIAL:
        for (one, other), pair in look.pairs.items():
            name = _pair_name(look, one, other)
            least[name] = min(pair.log_p, least.get(name, 0.0))
    return least


def _pair_name(look: Look, one: int, other: int) -> str:
    return f"{look.plan.labels[one]}:{look.plan.labels[other]}"


def _write_variants(look: Look, outlooks: Sequence[Outlook]) -> list[dict[str, Any]]:
    estimates = look.estimates(look.plan.primary)
    shares = share_totals(look.sums(look.plan.primary), [arm.weight for arm in look.plan.arms])
    rows = []
    for index, (tally, each) in enumerate(zip(look.snapshot.tallies, estimates, strict=True)):
        outlook = outlooks[index] if outlooks else None
        shrunk = _shrink(look, estimates[0], each) if index and outlooks else None
        rows.append(
            {
                "label": look.plan.labels[index],
                "exposed": tally.exposed,
                "share": shares[index],
                "metrics": {
                    metric.name: _write_estimate(look.estimates(metric)[index])
                    for metric in look.plan.metrics
                },
                "outlook": _write_outlook(outlook) if outlook else None,
                "shrunk_lift": _write_shrunk(shrunk) if shrunk else None,
            }
        )
    return rows


def _shrink(look: Look, base: Estimate | None, other: Estimate | None) -> Shrunk | None:
    lower = look.plan.primary.better is Better.LOWER
    return shrink_lift(base, other, lower=lower) if base and other else None


def _write_estimate(each: Estimate | None) -> dict[str, Any] | None:
    if each is None:
        return None
    return {
        "units": each.units,
        "value": each.value,
        "variance": "upper_bound" if each.bounded else "measured",
    }


def _write_outlook(each: Outlook) -> dict[str, Any]:
    return {"best": each.best, "loss": each.loss, "credible": _write_interval(each.interval)}


def _write_shrunk(each: Shrunk) -> dict[str, Any]:
    return {
        "lift": each.lift,
        "credible": _write_interval(each.interval),
        "better": each.better,
    }


def _write_pairs(look: Look, least: Mapping[str, float]) -> list[dict[str, Any]]:
    rows = []
    for (one, other), pair in look.pairs.items():
        log_p = least.get(_pair_name(look, one, other), pair.log_p)
        fixed = look.plan.method is Method.FIXED
        rows.append(
            {
                "base": look.plan.labels[one],
                "variant": look.plan.labels[other],
                "planned_units": None if fixed else look.plan.pair_units(one, other),
                **_write_comparison(pair),
                "p": math.exp(log_p),
                "log_p": log_p,
            }
        )
    return rows


def _write_comparison(pair: Comparison) -> dict[str, Any]:
    return {
        "units": pair.units,
        "difference": pair.difference,
        "deviation": pair.deviation,
        "multiplier": pair.multiplier,
        "interval": _write_interval(pair.interval),
        "lift": _write_interval(pair.lift) if pair.lift else None,
    }


def _write_control(look: Look, least: Mapping[str, float]) -> list[dict[str, Any]]:
    """Each variant against the control by the primary metric, adjusted for being many."""
    rows = [index for one, index in look.pairs if one == 0]
    p_values = [
        math.exp(least.get(_pair_name(look, 0, index), look.pairs[0, index].log_p))
        for index in rows
    ]
    return [
        {"variant": look.plan.labels[index], "p_adjusted": p}
        for index, p in zip(rows, adjust(p_values), strict=True)
    ]


def _write_secondary(look: Look) -> list[dict[str, Any]]:
    """Against the control, adjusted over all of them; they are for exploring, not for deciding."""
    found: list[tuple[Metric, int, Comparison]] = []
    for metric in look.plan.secondary:
        if look.lack(metric) or look.is_before_planned:
            continue
        for index in range(1, len(look.plan.arms)):
            comparison = look.compare(metric, 0, index, look.plan.alpha)
            if comparison is not None:
                found.append((metric, index, comparison))
    adjusted = adjust([math.exp(comparison.log_p) for *_, comparison in found])
    return [
        {
            "metric": metric.name,
            "variant": look.plan.labels[index],
            **_write_comparison(comparison),
            "p_adjusted": p,
            "exploratory": True,
        }
        for (metric, index, comparison), p in zip(found, adjusted, strict=True)
    ]


def _write_guardrails(look: Look) -> list[dict[str, Any]]:
    metrics = {metric.name: metric for metric in look.plan.guardrails}
    return [
        {
            "metric": name,
            "variant": look.plan.labels[index],
            **_write_comparison(comparison),
            "harm": look.is_harmed(metrics[name], index),
        }
        for (name, index), comparison in look.harms.items()
    ]


def _write_shares(look: Look) -> dict[str, Any] | None:
    if look.log_p_shares is None:
        return None
    return {"p": math.exp(look.log_p_shares), "log_p": look.log_p_shares}


def _write_interval(interval: Interval) -> list[float]:
    return [interval.low, interval.high]


def _round(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") + 0.0
    if isinstance(value, Mapping):
        return {key: _round(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_round(each) for each in value]
    return value
