"""Which of two variants' captions are easier to read, as far as the figures allow to say so. Pure.

A figure with a doubt decides nothing, and two contrasts that a blind measurement cannot tell apart
make no difference.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from service.compare.measures import Contrast, Measures
from service.compare.score import LEAST, Part, Score, find_parts, total

#: Points below which two scores, or what one part does to them, make no difference.
TIE_BAND = 5.0
#: Two contrasts nearer than this by their logarithm are not told apart (blind error: 25 %).
RATIO = math.log(1.25)

Parts = tuple[Part, ...]


class Result(StrEnum):
    """What can be said of two variants."""

    BETTER = "better"
    TIE = "tie"
    MIXED = "mixed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Edge:
    """What one part does to a difference: points for `first`, below 0 for the other variant."""

    name: str
    points: float


@dataclass(frozen=True, slots=True)
class Pair:
    """Two variants against each other; `why` says what it was decided by, for the words.

    `difference` is in points, above 0 where `first` reads better; `contrasts` are those that were
    compared, of captions without a doubt in either; none where there are too few.
    """

    first: str
    second: str
    result: Result
    better: str = ""
    difference: float | None = None
    edges: tuple[Edge, ...] = ()
    why: str = ""
    contrasts: tuple[Contrast, Contrast] | None = None

    @property
    def worse(self) -> str:
        return self.second if self.better == self.first else self.first


def compare_two(one: Measures, two: Measures, *, same_cues: bool = True) -> Pair:
    """Which of two reads better. With `same_cues` caption stands against caption."""
    undecided = Pair(one.label, two.label, Result.UNKNOWN)
    if not one.seen or not two.seen:
        return replace(undecided, why="unseen")
    if one.is_hidden or two.is_hidden:
        return _compare_hidden(undecided, one, two)
    ours, theirs = _sure_cues(one, two, same_cues=same_cues)
    contrasts = _contrasts(one.contrast_of(ours), two.contrast_of(theirs))
    if contrasts is None:
        ours, theirs = frozenset(one.seen), frozenset(two.seen)
    parts = (find_parts(one, ours), find_parts(two, theirs))
    doubted = {a.name for a, b in zip(*parts, strict=True) if not (a.sure and b.sure)}
    doubted.discard("contrast")
    if contrasts is None or not _are_apart(*contrasts):
        doubted.add("contrast")
    return _decide(replace(undecided, contrasts=contrasts), parts, doubted)


def rank(scores: Mapping[str, Score], pairs: Collection[Pair] = ()) -> list[str]:
    """Labels from the best read on: by the pairs that each is ahead in, then by score.

    What cannot be seen, or was not looked at, comes last.
    """

    def place(label: str) -> tuple[bool, int, float, str]:
        value = scores[label].value
        decided = [pair for pair in pairs if pair.better and label in {pair.first, pair.second}]
        ahead = sum(1 if pair.better == label else -1 for pair in decided)
        return value is None, -ahead, -(value or 0.0), label

    return sorted(scores, key=place)


def _compare_hidden(undecided: Pair, one: Measures, two: Measures) -> Pair:
    """One of them cannot be seen: it is worse than what can be."""
    shown = two if one.is_hidden else one
    if shown.is_hidden or not any(cue.visible and not cue.is_lost for cue in shown.seen.values()):
        return replace(undecided, why="both_hidden")
    return replace(undecided, result=Result.BETTER, better=shown.label, why="hidden")


def _sure_cues(
    one: Measures, two: Measures, *, same_cues: bool
) -> tuple[frozenset[int], frozenset[int]]:
    """The captions of each whose contrast may be compared; none where they are too few."""
    if not same_cues:
        return (one.sure, two.sure) if one.is_sure and two.is_sure else (frozenset(), frozenset())
    common = one.sure & two.sure
    if 2 * len(common) < max(len(one.seen), len(two.seen)):
        return frozenset(), frozenset()
    return common, common


def _contrasts(one: Contrast | None, two: Contrast | None) -> tuple[Contrast, Contrast] | None:
    return None if one is None or two is None else (one, two)


def _are_apart(one: Contrast, two: Contrast) -> bool:
    """Whether two contrasts differ by more than a blind measurement may be off."""
    return abs(math.log(one.median / two.median)) > RATIO


def _decide(pair: Pair, parts: tuple[Parts, Parts], doubted: Collection[str]) -> Pair:
    """The result, without what is in doubt."""
    ours, theirs = _level(parts, doubted)
    edges = _edges(ours, theirs)
    difference = total(ours) - total(theirs)
    pair = replace(pair, difference=difference, edges=edges)
    points = [edge.points for edge in edges]
    if max(points, default=0) >= TIE_BAND and min(points, default=0) <= -TIE_BAND:
        return replace(pair, result=Result.MIXED)
    if abs(difference) < TIE_BAND:
        known = pair.contrasts is not None
        return replace(pair, result=Result.TIE) if known else replace(pair, why="flagged")
    if pair.contrasts is None and _speaks_against(parts, for_first=difference > 0):
        return replace(pair, why="flagged")
    better = pair.first if difference > 0 else pair.second
    return replace(pair, result=Result.BETTER, better=better, why="parts")


def _speaks_against(parts: tuple[Parts, Parts], *, for_first: bool) -> bool:
    """Whether a contrast of low confidence points the other way, and so may undo it."""
    points = {edge.name: edge.points for edge in _edges(*parts)}.get("contrast", 0.0)
    return (points if for_first else -points) <= -TIE_BAND


def _level(parts: tuple[Parts, Parts], names: Collection[str]) -> tuple[Parts, Parts]:
    """Both sides with the same value where nothing may be concluded, or one has none."""
    sides: tuple[list[Part], list[Part]] = ([], [])
    for one, two in zip(*parts, strict=True):
        values = (one.value, two.value)
        if one.value is None or two.value is None:
            values = (None, None)
        elif one.name in names:
            values = (math.sqrt(max(LEAST, one.value) * max(LEAST, two.value)),) * 2
        for side, value in zip(sides, values, strict=True):
            side.append(Part(one.name, value))
    return tuple(sides[0]), tuple(sides[1])


def _edges(ours: Sequence[Part], theirs: Sequence[Part]) -> tuple[Edge, ...]:
    """What each part does, in points of a score that is full otherwise."""
    both = [
        (one, one.value, two.value)
        for one, two in zip(ours, theirs, strict=True)
        if one.value is not None and two.value is not None
    ]
    weights = sum(part.weight for part, _, _ in both)
    return tuple(
        Edge(part.name, _points(a, part.weight / weights) - _points(b, part.weight / weights))
        for part, a, b in both
    )


def _points(value: float, share: float) -> float:
    return float(100 * max(LEAST, value) ** share)
