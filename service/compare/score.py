"""How readable captions are in one number, of published parts; and which of two read better. Pure.

The score is a weighted geometric mean of five parts between 0 and 1 (weights and ramps are our own,
from a prototype's measurements; what they are held against is named in each part's text). It says
nothing of how a video does with its viewers.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from service.compare.measures import CueSight, Measures
from service.compare.timing import count_chars, reading_speed

WEIGHTS: Mapping[str, float] = {
    "contrast": 0.4,
    "size": 0.2,
    "speed": 0.2,
    "layout": 0.1,
    "safe": 0.1,
}
#: Points below which two scores, or what one part does to them, make no difference.
TIE_BAND = 5.0
#: Two contrasts nearer than this by their logarithm are not told apart (blind error: 25 %).
RATIO = math.log(1.25)
#: A part that is wholly bad; nothing would be left of a score times 0.
_LEAST = 0.02
_SIZE = (2.0, 5.0)  # percent of the short side: nothing, and all
_SPEED = (25.0, 17.0)  # characters a second
_LINES = (4.0, 2.0)
_LINE_CHARS = (63.0, 42.0)


class Result(StrEnum):
    """What can be said of two variants."""

    BETTER = "better"
    TIE = "tie"
    MIXED = "mixed"
    UNKNOWN = "unknown"


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


@dataclass(frozen=True, slots=True)
class Edge:
    """What one part does to a difference: points for `first`, below 0 for the other variant."""

    name: str
    points: float


@dataclass(frozen=True, slots=True)
class Pair:
    """Two variants against each other; `why` says what it was decided by, for the words.

    `difference` is in points, above 0 where `first` reads better.
    """

    first: str
    second: str
    result: Result
    better: str = ""
    difference: float | None = None
    edges: tuple[Edge, ...] = ()
    why: str = ""
    contrast_known: bool = True

    @property
    def worse(self) -> str:
        return self.second if self.better == self.first else self.first


def score(found: Measures) -> Score:
    """The score of one variant by itself."""
    parts = find_parts(found, found.sure or frozenset(found.seen))
    if not found.seen:
        return Score(None, confident=False, parts=parts)
    if found.is_hidden:
        return Score(None, confident=True, parts=parts, is_hidden=True)
    confident = found.is_sure and all(part.sure for part in parts)
    return Score(_total(parts), confident, parts)


def compare_two(one: Measures, two: Measures, *, same_cues: bool = True) -> Pair:
    """Which of two reads better, as far as the figures allow to say so."""
    first, second = one.label, two.label
    if not one.seen or not two.seen:
        return Pair(first, second, Result.UNKNOWN, why="unseen")
    if one.is_hidden and two.is_hidden:
        return Pair(first, second, Result.UNKNOWN, why="both_hidden")
    if one.is_hidden or two.is_hidden:
        shown = two if one.is_hidden else one
        if shown.lost + shown.invisible < len(shown.seen):
            return Pair(first, second, Result.BETTER, shown.label, why="hidden")
        return Pair(first, second, Result.UNKNOWN, why="both_hidden")
    common = one.sure & two.sure if same_cues else frozenset()
    known = _is_enough(common, one, two) if same_cues else one.is_sure and two.is_sure
    ours = find_parts(one, common if same_cues and known else one.sure or frozenset(one.seen))
    theirs = find_parts(two, common if same_cues and known else two.sure or frozenset(two.seen))
    if known and not _is_apart(one, two, common if same_cues else None):
        ours, theirs = _level(ours, theirs, {"contrast"})
    doubted = {a.name for a, b in zip(ours, theirs, strict=True) if not (a.sure and b.sure)}
    if not known:
        doubted.add("contrast")
    return _decide(one, two, (ours, theirs), doubted)


def _decide(
    one: Measures,
    two: Measures,
    parts: tuple[tuple[Part, ...], tuple[Part, ...]],
    doubted: set[str],
) -> Pair:
    ours, theirs = _level(*parts, doubted)
    edges = _edges(ours, theirs)
    difference = _total(ours) - _total(theirs)
    up = [edge for edge in edges if edge.points >= TIE_BAND]
    down = [edge for edge in edges if edge.points <= -TIE_BAND]
    known = "contrast" not in doubted
    pair = Pair(one.label, two.label, Result.TIE, "", difference, edges, contrast_known=known)
    if up and down:
        return _with(pair, Result.MIXED)
    if abs(difference) < TIE_BAND:
        return pair if known else _with(pair, Result.UNKNOWN, why="flagged")
    better = one.label if difference > 0 else two.label
    if not known and _speaks_against(parts, for_first=difference > 0):
        return _with(pair, Result.UNKNOWN, why="flagged")
    return _with(pair, Result.BETTER, better, why="parts")


def _with(pair: Pair, result: Result, better: str = "", why: str = "") -> Pair:
    return Pair(
        pair.first, pair.second, result, better, pair.difference, pair.edges, why,
        pair.contrast_known,
    )  # fmt: skip


def _speaks_against(parts: tuple[tuple[Part, ...], tuple[Part, ...]], *, for_first: bool) -> bool:
    """Whether a contrast of low confidence points the other way, and so may undo it."""
    for edge in _edges(*parts):
        if edge.name == "contrast":
            return edge.points <= -TIE_BAND if for_first else edge.points >= TIE_BAND
    return False


def rank(scores: Mapping[str, Score]) -> list[str]:
    """Labels from the best read on; what cannot be seen, or was not, comes last."""

    def place(label: str) -> tuple[bool, float, str]:
        value = scores[label].value
        return value is None, -(value or 0.0), label

    return sorted(scores, key=place)


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


def _is_enough(common: frozenset[int], one: Measures, two: Measures) -> bool:
    return bool(common) and 2 * len(common) >= max(len(one.seen), len(two.seen))


def _is_apart(one: Measures, two: Measures, common: frozenset[int] | None) -> bool:
    """Whether two contrasts differ by more than a blind measurement may be off."""
    ours = one.contrast_of(one.sure if common is None else common)
    theirs = two.contrast_of(two.sure if common is None else common)
    if ours is None or theirs is None:
        return False
    return abs(math.log(ours.median / theirs.median)) > RATIO


def _level(
    ours: tuple[Part, ...], theirs: tuple[Part, ...], names: set[str]
) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Both sides with the same value where nothing may be concluded, or one has none."""
    left, right = [], []
    for one, two in zip(ours, theirs, strict=True):
        if one.value is None or two.value is None:
            left.append(Part(one.name, None))
            right.append(Part(two.name, None))
        elif one.name in names:
            value = math.sqrt(max(_LEAST, one.value) * max(_LEAST, two.value))
            left.append(Part(one.name, value, one.sure))
            right.append(Part(two.name, value, two.sure))
        else:
            left.append(one)
            right.append(two)
    return tuple(left), tuple(right)


def _edges(ours: Sequence[Part], theirs: Sequence[Part]) -> tuple[Edge, ...]:
    """What each part does, in points of a score that is full otherwise."""
    weights = sum(one.weight for one in ours if one.value is not None)
    found = []
    for one, two in zip(ours, theirs, strict=True):
        if one.value is None or two.value is None:
            continue
        share = one.weight / weights
        a, b = (100 * max(_LEAST, each) ** share for each in (one.value, two.value))
        found.append(Edge(one.name, a - b))
    return tuple(found)


def _total(parts: Sequence[Part]) -> float:
    """The weighted geometric mean of those parts that have a value, 0..100."""
    told = [(part.weight, max(_LEAST, part.value)) for part in parts if part.value is not None]
    weights = sum(weight for weight, _ in told)
    if not weights:
        return 0.0
    return 100 * math.exp(sum(weight * math.log(value) for weight, value in told) / weights)
