"""How readable the captions of a variant are, in one number of published parts. Pure.

The score is a weighted geometric mean of five parts between 0 and 1 (weights and ramps are our own,
from a prototype's measurements; what they are held against is named in each part's text). It says
nothing of how a video does with its viewers.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.compare.measures import CueSight, Measures
from service.compare.timing import count_chars, reading_speed

WEIGHTS: Mapping[str, float] = {
    "contrast": 0.4,
    "size": 0.2,
    "speed": 0.2,
    "layout": 0.1,
    "safe": 0.1,
}
#: A part that is wholly bad; nothing would be left of a score times 0.
LEAST = 0.02
_SIZE = (2.0, 5.0)  # percent of the short side: nothing, and all
_SPEED = (25.0, 17.0)  # characters a second
_LINES = (4.0, 2.0)
_LINE_CHARS = (63.0, 42.0)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a score; `value` is none where nothing can be said, `sure` false where flagged.

    A part without a value has no weight.
    """

    name: str
    value: float | None
    sure: bool = True

    @property
    def weight(self) -> float:
        return WEIGHTS[self.name]


@dataclass(frozen=True, slots=True)
class Score:
    """`value` is 0..100; none where captions were not seen, or cannot be (`is_hidden`)."""

    value: float | None
    confident: bool
    parts: tuple[Part, ...]
    is_hidden: bool = False


def score(found: Measures) -> Score:
    """The score of one variant by itself."""
    parts = find_parts(found, found.sure or frozenset(found.seen))
    if not found.seen:
        return Score(None, confident=False, parts=parts)
    if found.is_hidden:
        return Score(None, confident=found.is_sure, parts=parts, is_hidden=True)
    confident = found.is_sure and all(part.sure for part in parts)
    return Score(total(parts), confident, parts)


def find_parts(found: Measures, numbers: frozenset[int]) -> tuple[Part, ...]:
    """The parts of a score, with the contrast of these cues."""
    cues = [found.seen[number] for number in sorted(numbers) if number in found.seen]
    return (
        Part("contrast", _contrast(cues), sure=found.is_sure),
        Part("size", _size(found), sure=bool(found.shaped)),
        Part("speed", _speed(found)),
        Part("layout", _layout(found)),
        Part("safe", statistics.mean(found.safe.values()) if found.safe else None),
    )


def ramp(value: float, none: float, full: float) -> float:
    """0 at `none` and beyond, 1 at `full` and beyond, a line between."""
    return min(1.0, max(0.0, (value - none) / (full - none)))


def _contrast(cues: Sequence[CueSight]) -> float | None:
    if not cues:
        return None
    return statistics.mean(1 - 0.5 * cue.below_4_5 - 0.5 * cue.below_3 for cue in cues)


def _size(found: Measures) -> float | None:
    percent = found.text_percent
    return None if percent is None else ramp(percent, *_SIZE)


def _speed(found: Measures) -> float | None:
    """Of every card, so that one fast one weighs as much as it is shown."""
    if not found.cards or (found.timing is not None and not found.timing.latin):
        return None
    return statistics.mean(ramp(reading_speed(card.shown), *_SPEED) for card in found.cards)


def _layout(found: Measures) -> float | None:
    if not found.cards:
        return None
    latin = found.timing is None or found.timing.latin
    values = []
    for card in found.cards:
        lines = card.shown.text.split("\n")
        seen = found.seen.get(card.cue)
        shown = max(len(lines), seen.lines if seen and seen.confident else 0)
        value = ramp(shown, *_LINES)
        if latin:
            longest = max(count_chars(line) for line in lines)
            value = min(value, ramp(longest * len(lines) / shown, *_LINE_CHARS))
        values.append(value)
    return statistics.mean(values)


def total(parts: Sequence[Part]) -> float:
    """The weighted geometric mean of those parts that have a value, 0..100."""
    told = [(part.weight, max(LEAST, part.value)) for part in parts if part.value is not None]
    weights = sum(weight for weight, _ in told)
    if not weights:
        return 0.0
    return 100 * math.exp(sum(weight * math.log(value) for weight, value in told) / weights)
