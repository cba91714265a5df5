"""The interval of an experiment over time as shapes of SVGs, one for each pair. Pure.

A picture is 1000 by 220 units and stretched to its place, so all words stand beside it. Upwards the
first of a pair has more of the metric than the second; 0 is where it is decided.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from api.page_scale import Scale, Span
from api.page_values import say_difference
from api.page_view import ShownExperiment
from api.page_words import count, figure, instant, is_number, items, signed_percent
from service.experiments.looks import Point, read_point
from service.experiments.plan import Better, Plan, Unit

#: Lines of the table that says the same.
MOST_ROWS = 24
#: A band thinner than this would only blur the line at 0.
_THIN = 8.0


@dataclass(frozen=True, slots=True)
class Row:
    """A look in the table."""

    at: str
    units: str
    low: str
    high: str


@dataclass(frozen=True, slots=True)
class Plot:
    """All of one picture. `rope` is the top and the height of its band, or None.

    `ticks` are words from the top down, at equal distances, and `lines` their heights.
    """

    name: str
    title: str
    text: str
    now: str
    above: str
    below: str
    band: str
    edges: str
    last: str
    zero: float
    rope: tuple[float, float] | None
    ticks: tuple[str, ...]
    lines: tuple[float, ...]
    begins: str
    ends: str
    rows: tuple[Row, ...]
    every: int
    notes: tuple[str, ...]


def draw_intervals(shown: ShownExperiment) -> tuple[Plot, ...]:
    """A picture of each pair with the variant that is ahead, or with the control while none is.

    A pair of which nothing was told yet has none.
    """
    if shown.plan is None:
        return ()
    labels, ahead = shown.plan.labels, str(shown.verdict.get("variant") or "")
    if ahead in labels:
        pairs = [(ahead, label) for label in labels if label != ahead]
    else:
        pairs = [(label, labels[0]) for label in labels[1:]]
    return tuple(plot for pair in pairs if (plot := _draw(shown, shown.plan, pair)))


def _draw(shown: ShownExperiment, plan: Plan, pair: tuple[str, str]) -> Plot | None:
    found = [*shown.looks, *_last_look(shown)]
    spans = [_span(each, pair, plan, relative=True) for each in found]
    relative = any(each.low is not None for each in spans)
    if not relative:
        spans = [_span(each, pair, plan, relative=False) for each in found]
    if all(each.low is None for each in spans):
        return None
    return _shape(shown, plan, pair, spans, relative=relative)


def _last_look(shown: ShownExperiment) -> list[Point]:
    """The look of the verdict itself, where its history has it not."""
    taken_ms = shown.verdict.get("taken_at_ms")
    if not is_number(taken_ms) or any(each.at_ms >= taken_ms for each in shown.looks):
        return []
    units = [figure(each, "exposed", 0) for each in items(shown.verdict, "variants")]
    pairs = items(shown.verdict, "pairs")
    return [read_point({"at_ms": taken_ms, "state": "", "units": units, "pairs": pairs})]


def _span(look: Point, pair: tuple[str, str], plan: Plan, *, relative: bool) -> Span:
    """The interval of a pair at a look, turned round where the look tells it the other way."""
    one, base = pair
    low = high = None
    for each in look.pairs:
        ends = each.lift if relative else each.interval
        if ends is None:
            continue
        if (each.variant, each.base) == (one, base):
            low, high = ends
        elif (each.base, each.variant) == (one, base):
            low, high = _turn(*ends, relative=relative)
    arms = [plan.labels.index(each) for each in pair]
    seen = sum(look.units[arm] for arm in arms if arm < len(look.units))
    return Span(look.at_ms, seen, low, high)


def _turn(low: float, high: float, *, relative: bool) -> tuple[float | None, float | None]:
    """The same with the other one as base; Fieller's interval of a/b is that of b/a, inverted."""
    if not relative:
        return -high, -low
    return (None, None) if low <= -1 else (1 / (1 + high) - 1, 1 / (1 + low) - 1)


def _shape(
    shown: ShownExperiment, plan: Plan, pair: tuple[str, str], spans: list[Span], *, relative: bool
) -> Plot:
    one, base = pair
    # Alike is a lift of less than the rope, whichever of the two is the base.
    alike = (1 / (1 + plan.rope) - 1, plan.rope) if relative else (0.0, 0.0)
    scale = Scale(spans, alike, shown.started_ms)
    kept = [each for each in spans if each.low is not None]
    when = _say_time(shown, spans, kept[-1])
    now = f"{when}: {(_tell_relative if relative else _tell_plain)(plan, pair, kept[-1])}"
    first, second = (one, base) if plan.primary.better is Better.HIGHER else (base, one)
    unit, every = plan.primary.unit, -(-len(kept) // MOST_ROWS)
    rope = scale.y(alike[1]), round(scale.y(alike[0]) - scale.y(alike[1]), 1)
    return Plot(
        name=f"{one} compared with {base}",
        title=f"{plan.primary.called}: {one} compared with {base}, over time",
        text=_describe(kept, now),
        now=now,
        above=f"▲ {first} is better",
        below=f"▼ {second} is better",
        band="".join(_band(run, scale) for run in _runs(spans)),
        edges="".join(_edges(run, scale) for run in _runs(spans)),
        last=_whisker(kept[-1], scale),
        zero=scale.y(0.0),
        rope=rope if rope[1] >= _THIN else None,
        ticks=tuple(scale.tick(each, relative=relative, unit=unit) for each in scale.values),
        lines=tuple(scale.y(each) for each in scale.values),
        begins=scale.time(scale.begin),
        ends=scale.time(scale.end),
        rows=tuple(_row(each, scale, None if relative else unit) for each in _thin(kept, every)),
        every=every,
        notes=tuple(_notes(plan, spans, scale, thin=rope[1] < _THIN, relative=relative)),
    )


def _describe(kept: list[Span], now: str) -> str:
    """The picture in words, for those who do not see it."""
    looks = "1 look" if len(kept) == 1 else f"{len(kept)} looks"
    told = f"{looks} from {instant(kept[0].at_ms)} to {instant(kept[-1].at_ms)}. {now}"
    return f"{told} It is decided when the whole interval lies on one side of 0."


def _runs(spans: list[Span]) -> list[list[Span]]:
    """Spans in a row that could be told."""
    runs: list[list[Span]] = [[]]
    for each in spans:
        if each.low is None:
            runs.append([])
        else:
            runs[-1].append(each)
    return [each for each in runs if each]


def _band(run: list[Span], scale: Scale) -> str:
    upper = [f"{scale.x(each.at_ms):.1f} {scale.y(each.high or 0)}" for each in run]
    lower = [f"{scale.x(each.at_ms):.1f} {scale.y(each.low or 0)}" for each in reversed(run)]
    return f"M{'L'.join([*upper, *lower])}Z" if len(run) > 1 else _whisker(run[0], scale)


def _edges(run: list[Span], scale: Scale) -> str:
    if len(run) == 1:
        return _whisker(run[0], scale)
    upper = [f"{scale.x(each.at_ms):.1f} {scale.y(each.high or 0)}" for each in run]
    lower = [f"{scale.x(each.at_ms):.1f} {scale.y(each.low or 0)}" for each in run]
    return f"M{'L'.join(upper)}M{'L'.join(lower)}"


def _whisker(span: Span, scale: Scale) -> str:
    """One interval by itself: a line with an end at each side."""
    x, high, low = scale.x(span.at_ms), scale.y(span.high or 0), scale.y(span.low or 0)
    return f"M{x:.1f} {high}V{low}M{x - 7:.1f} {high}h14M{x - 7:.1f} {low}h14"


def _thin(spans: list[Span], every: int) -> list[Span]:
    """Each so-many-th from the last one back, oldest first."""
    return spans[::-1][::every][::-1]


def _row(span: Span, scale: Scale, unit: Unit | None) -> Row:
    """A look in words; without a unit its interval is relative."""
    low, high = (
        signed_percent(end) if unit is None else say_difference(end, unit)
        for end in (span.low, span.high)
    )
    return Row(scale.time(span.at_ms), count(span.units), low, high)


def _notes(
    plan: Plan, spans: list[Span], scale: Scale, *, thin: bool, relative: bool
) -> Iterator[str]:
    if not relative:
        unit = "seconds" if plan.primary.unit is Unit.SECONDS else "the metric's own unit"
        yield (
            f"The difference is shown in {unit}: how large it is beside the base "
            "cannot be told yet."
        )
    elif thin and plan.rope > 0:
        yield (
            f"What counts as no difference, {100 * plan.rope:g} % either way, is too narrow to be "
            "drawn here."
        )
    untold = sum(each.low is None for each in spans)
    if untold:
        looks = "1 look" if untold == 1 else f"{untold} looks"
        yield f"{looks} had too little for an interval and left a gap."
    if any(map(scale.is_beyond, spans)):
        yield "Where the interval is wider than the picture it is cut off at the edge."


def _say_time(shown: ShownExperiment, spans: list[Span], last: Span) -> str:
    if last is not spans[-1]:
        return f"At {instant(last.at_ms)}"
    return "At the verdict" if shown.decided_ms else "Now"


def _tell_relative(plan: Plan, pair: tuple[str, str], span: Span) -> str:
    between = say_between(span.low, span.high)
    return f"the {plan.primary.called} of {pair[0]} is {between} that of {pair[1]}."


def _tell_plain(plan: Plan, pair: tuple[str, str], span: Span) -> str:
    low, high = (say_difference(end, plan.primary.unit) for end in (span.low, span.high))
    less = f"the {plan.primary.called} of {pair[0]} less that of {pair[1]}"
    return f"{less} lies between {low} and {high}."


def say_between(low: Any, high: Any) -> str:
    """An interval of a relative difference, to be followed by what it is compared with."""
    if not is_number(low) or not is_number(high):
        return "not yet to be told beside"
    digits = 1 if high - low >= 0.01 else 2
    ends = [f"{abs(100 * each):,.{digits}f}" for each in (low, high)]
    if low >= 0:
        return f"{ends[0]} % to {ends[1]} % higher than"
    if high <= 0:
        return f"{ends[1]} % to {ends[0]} % lower than"
    return f"between {ends[0]} % lower and {ends[1]} % higher than"
