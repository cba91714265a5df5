"""The curve of legibility as shapes of an SVG, and the moments worth a look. Pure.

The picture is 1000 by 140 units; its left end is the first frame and its right end the last one, as
on the slider above it. Upwards is more contrast, on a logarithmic scale from 1 to 21.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.page_choice import Choice, Side, Timing
from api.page_words import clock, is_number, items, part, ratio, texts

WIDTH, HEIGHT = 1000, 140
#: The contrasts of the WCAG for large and for other text.
LIMITS = (3.0, 4.5)


@dataclass(frozen=True, slots=True)
class Line:
    """One variant's line. `place` is 0 or 1: the side it belongs to."""

    place: int
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Guide:
    """A limit: its contrast and its height in the picture."""

    contrast: float
    y: float


@dataclass(frozen=True, slots=True)
class Moment:
    """A frame worth a look."""

    frame: int
    text: str
    at: str


@dataclass(frozen=True, slots=True)
class Curve:
    """All of the picture; no lines where nothing was measured."""

    lines: tuple[Line, ...]
    guides: tuple[Guide, ...]
    text: str


def draw_curve(choice: Choice) -> Curve:
    """The lines of both sides."""
    curve = part(choice.report, "curve")
    times = [each for each in curve.get("at_s") or () if is_number(each)]
    cues = items(choice.report, "cues")
    lines = []
    for place, side in enumerate(choice.sides):
        values = part(curve, "variants").get(side.label)
        if side.measured and isinstance(values, Sequence) and len(values) == len(times):
            path = _path(times, values, cues, choice.timing)
            lines += [Line(place, side.name, path)] if path else []
    guides = tuple(Guide(each, _y(each)) for each in LIMITS)
    return Curve(tuple(lines), guides, _describe(choice))


def list_moments(choice: Choice) -> list[Moment]:
    """The weakest moment of each side, and where the two differ most."""
    found = [_weakest(side, choice) for side in choice.sides if side.measured]
    return [each for each in (*found, _largest(choice)) if each]


def find_opening(choice: Choice, captions: Sequence[tuple[int, int]]) -> int:
    """The frame that is shown at first: where both differ most, else amid the first caption.

    `captions` are the first and last frame of each.
    """
    largest = _largest(choice)
    if largest:
        return largest.frame
    return sum(captions[0]) // 2 if captions else 0


def find_frame(at_s: Any, timing: Timing) -> int:
    """The frame that is shown at a time, counted from 0."""
    if not is_number(at_s):
        return 0
    frame = math.floor((at_s - timing.start_s) * timing.rate + 1e-6)
    return int(min(max(0, frame), timing.frames - 1))


def _weakest(side: Side, choice: Choice) -> Moment | None:
    for moment in items(choice.report, "moments"):
        if moment.get("name") == "weakest" and moment.get("variant") == side.label:
            seen = moment.get("contrast")
            text = f"Weakest moment of {side.name}"
            text += f" ({ratio(seen)})" if is_number(seen) else ""
            return _moment(moment, text, choice.timing)
    return None


def _largest(choice: Choice) -> Moment | None:
    """The report names that of one pair; of another the curve tells it."""
    text = "Largest difference"
    for moment in items(choice.report, "moments"):
        named = texts(moment, "variants") or list(part(choice.report, "measures"))
        pair = {each.label for each in choice.sides if each.measured} == set(named)
        if pair and len(named) == 2 and moment.get("name") == "largest_difference":
            return _moment(moment, text, choice.timing)
    lines = part(part(choice.report, "curve"), "variants")
    times = part(choice.report, "curve").get("at_s") or ()
    both = [lines.get(each.label) or () for each in choice.sides if each.measured]
    if len(both) != 2:
        return None
    apart = [
        (abs(math.log(max(1.0, one) / max(1.0, other))), at_s)
        for at_s, one, other in zip(times, *both, strict=False)
        if is_number(one) and is_number(other) and is_number(at_s)
    ]
    by, at_s = max(apart, default=(0.0, 0.0))
    return _moment({"at_s": at_s}, text, choice.timing) if by > 0 else None


def _moment(moment: Mapping[str, Any], text: str, timing: Timing) -> Moment | None:
    at_s, frame = moment.get("at_s"), moment.get("frame")
    if not is_number(at_s):
        return None
    last = timing.frames - 1
    chosen = min(max(0, int(frame)), last) if is_number(frame) else find_frame(at_s, timing)
    return Moment(chosen, text, clock(at_s))


def _path(
    times: Sequence[float], values: Sequence[Any], cues: list[Mapping[str, Any]], timing: Timing
) -> str:
    """A line through the samples of each cue; it is broken where no caption is shown."""
    steps: list[str] = []
    before: int | None = None
    for at_s, value in zip(times, values, strict=True):
        if not is_number(value):
            before = None
            continue
        cue = _cue_at(at_s, cues)
        joined = before is not None and cue == before
        steps.append(f"{'L' if joined else 'M'}{_x(at_s, timing):.1f} {_y(value):.1f}")
        # A sample by itself is a short dash: a line of no length is not drawn.
        steps.append("h3" if not joined else "")
        before = cue
    return "".join(steps)


def _cue_at(at_s: float, cues: list[Mapping[str, Any]]) -> int:
    for index, cue in enumerate(cues):
        start, end = cue.get("start_s"), cue.get("end_s")
        if is_number(start) and is_number(end) and start <= at_s < end:
            return index
    return -1


def _x(at_s: float, timing: Timing) -> float:
    last = max(1, timing.frames - 1)
    return WIDTH * min(1.0, max(0.0, (at_s - timing.start_s) * timing.rate / last))


def _y(contrast: float) -> float:
    bounded = min(21.0, max(1.0, contrast))
    return HEIGHT * (1 - math.log(bounded) / math.log(21))


def _describe(choice: Choice) -> str:
    """The same in words, for those who do not see it."""
    told = []
    for side in choice.sides:
        contrast = part(part(part(choice.report, "measures"), side.label), "contrast")
        if side.measured:
            told.append(
                f"{side.name}: median {ratio(contrast.get('median'))}, "
                f"weakest tenth {ratio(contrast.get('weakest'))}"
            )
    return "Contrast of the captions over time. " + "; ".join(told)
