"""Which variant performs better: what a job's page says of its experiment. Pure.

This is counted among viewers. Legibility is measured in the videos and told apart from it, in
`page_verdict`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from api.page_change import tell_change
from api.page_counts import (
    Arrival,
    MetricRow,
    OutlookRow,
    PairRow,
    Shares,
    list_arrivals,
    list_metrics,
    list_outlooks,
    list_pairs,
    list_plan,
    tell_shares,
)
from api.page_interval import Plot, draw_intervals
from api.page_view import PageView, ShownExperiment
from api.page_words import (
    count,
    figure,
    instant,
    is_number,
    items,
    part,
    say_days,
    signed_percent,
    texts,
)
from service.experiments.metrics import Kind
from service.experiments.plan import Method, Plan, Split, Unit

#: A badge for each state of a verdict.
_BADGES = {
    "no_data": "No viewers yet",
    "collecting": "Collecting",
    "winner": "Winner",
    "leading": "Leading",
    "no_difference": "No difference",
    "inconclusive": "No clear result",
    "invalid_srm": "Not to be trusted",
    "invalid_data": "Not to be trusted",
}
_HIDDEN = (
    "This link asks for your own opinion. What viewers did is not shown by it, so that it sways "
    "nobody."
)
_AWAY = "Whether viewers were counted cannot be read just now. Everything else on this page can."
_WAITS = (
    "The experiment has not begun: it does when the job has ended with a video of every variant."
)
_DROPPED = "The experiment never began: the job has ended without a video of each variant."
_LOST = "The experiment has no result: what was counted of it has been lost."
_ANEW = "Nothing any more. Send the job again, or give the experiment to another one."
_TOO_LARGE = (
    "The difference seen at the moment of winning is usually a little larger than the true one."
)
#: Assumptions of a verdict, in words.
_ASSUMED = {
    "independent_impressions": (
        "Some figures came without viewers, so that each impression counts as a viewer of its own. "
        "The result may then be wrong more often than promised."
    ),
    "lowered_guards": (
        "This plan lets fewer viewers decide than the method was tested with. "
        "The result may be wrong more often than promised."
    ),
}


@dataclass(frozen=True, slots=True)
class Panel:
    """The experiment on the page.

    `kind` is a class of the style: the state of the verdict, or waiting, dropped, hidden, away.
    `spoiled` says that no figure of it can be trusted, `final` that the verdict is frozen.
    `has_own_units` says that a value may be anything, hundredths of a second among it.
    `viewers` is the line for the trust block. `looks` are addresses at which its owner sees what
    viewers see, each with its name; `is_counted` says that whoever opens one counts as a viewer.
    """

    kind: str
    badge: str
    text: str
    zh: str = ""
    change: str = ""
    change_zh: str = ""
    viewers: str = ""
    final: bool = False
    spoiled: bool = False
    facts: tuple[tuple[str, str], ...] = ()
    progress: tuple[int, int] | None = None
    caveats: tuple[str, ...] = ()
    plots: tuple[Plot, ...] = ()
    no_plot: str = ""
    arrivals: tuple[Arrival, ...] = ()
    shares: Shares | None = None
    metrics: tuple[MetricRow, ...] = ()
    has_own_units: bool = False
    labels: tuple[str, ...] = ()
    outlooks: tuple[OutlookRow, ...] = ()
    pairs: tuple[PairRow, ...] = ()
    plan: tuple[tuple[str, str], ...] = ()
    snapshot: str = ""
    looks: tuple[tuple[str, str], ...] = ()

    @property
    def is_counted(self) -> bool:
        return any("unit_id=" not in address for _, address in self.looks)

    @property
    def counted(self) -> bool:
        """Whether there is anything to show beside the sentence."""
        return bool(self.arrivals)


def tell_experiment(view: PageView) -> Panel | None:
    """The experiment as the viewer may see it; None where the job has none."""
    shown = view.experiment
    if shown is None:
        return None
    if shown.access == "hidden":
        return Panel("hidden", "Not shown here", _HIDDEN, viewers="not shown by this link.")
    if shown.access != "shown" or shown.plan is None:
        return Panel("away", "Not to be read now", _AWAY, viewers="not to be read just now.")
    if not shown.verdict:
        return _begin(shown, shown.plan)
    return replace(_tell(shown, shown.plan), looks=_looks(view, shown, shown.plan))


def say_state(verdict: Mapping[str, Any]) -> str:
    """The state of a verdict in a few words, with the variant that is ahead."""
    state = str(verdict.get("state") or "")
    ahead = f": {verdict.get('variant')}" if state in {"winner", "leading"} else ""
    ahead += ", with harm" if verdict.get("reason") == "ahead_with_harm" else ""
    return _BADGES.get(state, state.replace("_", " ")) + ahead


def tell_viewers(panel: Panel | None) -> str:
    """Who saw the variants, for the block on trust."""
    if panel is None:
        return "none are counted, as this job has no experiment."
    return panel.viewers


def _begin(shown: ShownExperiment, plan: Plan) -> Panel:
    """Before anybody could be counted."""
    if shown.status == "lost":
        return Panel(
            "dropped",
            "Lost",
            _LOST,
            change=_ANEW,
            viewers="they were counted, but the counts have been lost.",
            plan=list_plan(plan),
            final=True,
        )
    if shown.status == "dropped":
        return Panel(
            "dropped",
            "Never began",
            _DROPPED,
            change=_ANEW,
            viewers="none, as the experiment never began.",
            plan=list_plan(plan),
            final=True,
        )
    return Panel(
        "waiting",
        "Waiting",
        _WAITS,
        change="The videos. As soon as each variant has its own, viewers may be assigned.",
        viewers="none yet; the experiment waits for its videos.",
        facts=(("Attached", instant(shown.attached_ms)),),
        plan=list_plan(plan),
    )


def _tell(shown: ShownExperiment, plan: Plan) -> Panel:
    verdict, state = shown.verdict, str(shown.verdict.get("state") or "")
    spoiled = state.startswith("invalid")
    final = shown.decided_ms > 0
    plots = draw_intervals(shown)
    units = [int(figure(each, "exposed", 0)) for each in items(verdict, "variants")]
    shares = tell_shares(plan, verdict)
    arrivals = list_arrivals(plan, units)
    sentence, change = part(verdict, "sentence"), tell_change(plan, verdict)
    return Panel(
        state if state in _BADGES else "collecting",
        say_state(verdict),
        str(sentence.get("en") or ""),
        str(sentence.get("zh") or ""),
        change=change.en,
        change_zh=change.zh,
        viewers=_say_viewers(arrivals, shares),
        final=final,
        spoiled=spoiled,
        facts=tuple(_facts(shown, plan, sum(units))),
        progress=None if final else _reach(sum(units), verdict.get("needed_units")),
        caveats=tuple(_caveats(plan, verdict)),
        plots=plots,
        no_plot="" if plots else _why_no_plot(plan),
        arrivals=arrivals,
        shares=shares,
        metrics=list_metrics(plan, verdict),
        has_own_units=any(
            each.kind is not Kind.PROPORTION and each.unit is Unit.NUMBER for each in plan.metrics
        ),
        labels=plan.labels,
        outlooks=list_outlooks(plan, verdict),
        pairs=list_pairs(plan, verdict),
        plan=list_plan(plan),
        snapshot=str(verdict.get("snapshot_sha256") or ""),
    )


def _caveats(plan: Plan, verdict: Mapping[str, Any]) -> Iterator[str]:
    """What a reader should know before believing the size of a difference."""
    for each in texts(verdict, "assumptions"):
        yield _ASSUMED.get(each, each)
    ahead = verdict.get("variant")
    if verdict.get("state") in {"winner", "leading"}:
        own = [each for each in items(verdict, "variants") if each.get("label") == ahead]
        lift = part(own[0], "shrunk_lift").get("lift") if own else None
        guess = f" A careful guess is {signed_percent(lift)} against {plan.labels[0]}."
        yield f"{_TOO_LARGE}{guess if is_number(lift) else ''}"


def _reach(units: int, needed: Any) -> tuple[int, int] | None:
    """How many of those needed have come."""
    return (units, int(needed)) if is_number(needed) and needed > 0 else None


def _looks(view: PageView, shown: ShownExperiment, plan: Plan) -> tuple[tuple[str, str], ...]:
    """Where its owner sees it as a viewer: with an override, which is never counted, if any."""
    if not shown.key or not shown.started_ms or plan.split is not Split.RANDOMIZED:
        return ()
    page = f"/embed/{quote(str(view.job.get('id') or ''), safe='')}"
    units = {label: unit for unit, label in plan.overrides.items()}
    if not units:
        return (("See it as a viewer", f"{page}?{urlencode({'key': shown.key})}"),)
    asked = {
        label: urlencode({"key": shown.key, "unit_id": unit})
        for label, unit in sorted(units.items())
    }
    return tuple((f"See {label} as a viewer", f"{page}?{each}") for label, each in asked.items())


def _facts(shown: ShownExperiment, plan: Plan, units: int) -> list[tuple[str, str]]:
    """What stands beside the sentence, by name."""
    verdict = shown.verdict
    needed = verdict.get("needed_units")
    rows = [("Viewers at the verdict" if shown.decided_ms else "Viewers so far", count(units))]
    if is_number(needed) and (not shown.decided_ms or verdict.get("state") == "inconclusive"):
        effect = "" if plan.method is Method.FIXED else f", to see {100 * plan.mde:g} %"
        rows.append(("Viewers needed", f"about {count(needed)}{effect}"))
    if shown.decided_ms:
        rows.append(("Decided", instant(shown.decided_ms)))
        later = sum(shown.counted) - units
        if later > 0:
            rows.append(("Since then", f"{count(later)} more, which change nothing"))
    else:
        days = verdict.get("days_left")
        rows.append(("Days left", f"about {say_days(days)}" if is_number(days) else "not known"))
        rows.append(("Ends at the latest", f"in {say_days(verdict.get('days_to_end'))}"))
    rows.append(("Begun", instant(shown.started_ms)))
    return rows


def _say_viewers(arrivals: tuple[Arrival, ...], shares: Shares) -> str:
    told = [f"{each.label} {each.units} ({each.real}, planned {each.planned})" for each in arrivals]
    return f"{'; '.join(told)}. {shares.text}"


def _why_no_plot(plan: Plan) -> str:
    if plan.method is Method.FIXED:
        return "This test is read once. Its interval is drawn from then on."
    return (
        f"The interval is drawn once each variant has {count(plan.min_units)} viewers and enough "
        "who differ: before, it would not keep its promise."
    )
