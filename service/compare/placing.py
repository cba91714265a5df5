"""Where a variant's picture lies on its clip's, and by how much it comes later: robust fits.

Captions cover a part of a picture; every fit here looks at the best matching 60 to 80 % of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from service.compare.facts import Placing
from service.compare.frames import Plane, Shot

#: Reference, method step 3: offsets of a second were searched; half of one is kept in memory here.
MOST_OFFSET_S = 0.5
#: The middle of the curve must be this much above its lowest point, or the picture is too still.
_CLEAR_OFFSET = 1.15
_STILL_CURVE = 0.05
#: An offset is what a video begins with: frames that are lost later would pull at a longer look.
_BEGINNING_S = 1.5
#: Captions do not reach 40 % of the pixels.
_SHARE = 0.6
#: Reference, step 2: zooms are tried only where nothing fits, and refined only above 0.5 levels.
_POOR_FIT = 2.5
_GOOD_FIT = 0.5
_ZOOMS = (0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.05, 1.1, 1.15, 1.2, 1.3, 1.4)
_STEPS = (0.02, 0.01, 0.005, 0.0025)
#: A fit this near to the straight one is the straight one.
_STRAIGHT = 0.004
_BETTER = 0.8

_TONE_STEP = 8
_TONE_POINTS = 40

Index = NDArray[np.intp]


def unlikeness(first: Plane, second: Plane) -> float:
    """Mean difference of the best 60 %, in levels, after taking a change of brightness out."""
    difference = (second - first).ravel()
    difference = np.abs(difference - np.median(difference))
    kept = int(difference.size * _SHARE)
    return float(np.partition(difference, kept)[:kept].mean())


def find_offset(source: Sequence[Shot], variant: Sequence[Shot], step_s: float) -> float | None:
    """By how many seconds the variant's pictures come later; none where they are too still."""
    if len(source) < 3 or len(variant) < 3:
        return None
    most = int(MOST_OFFSET_S / step_s)
    first = [shot for shot in variant if shot.at_s <= variant[0].at_s + _BEGINNING_S]
    found = _search_offset(source, first, step_s, most)
    return found if found is not None else _search_offset(source, variant, step_s, most)


def _search_offset(
    source: Sequence[Shot], variant: Sequence[Shot], step_s: float, most: int
) -> float | None:
    times = np.array([shot.at_s for shot in source])
    chosen = variant[:: max(1, len(variant) // 24)]
    curve = []
    for lag in range(-most, most + 1):
        costs = []
        for shot in chosen:
            at_s = shot.at_s - lag * step_s
            if times[0] - step_s / 2 <= at_s <= times[-1] + step_s / 2:
                near = source[int(np.argmin(np.abs(times - at_s)))]
                costs.append(unlikeness(_normal(near.small), _normal(shot.small)))
        enough = len(costs) >= max(3, len(chosen) // 3)
        curve.append(float(np.mean(costs)) if enough else np.inf)
    lowest = int(np.argmin(curve))
    middle = float(np.median([each for each in curve if np.isfinite(each)]))
    if middle < _CLEAR_OFFSET * curve[lowest] + _STILL_CURVE:
        return None
    # A neighbour that is hardly worse and nearer to nothing is taken: blur makes frames alike.
    straight = curve[most]
    if straight <= curve[lowest] / _BETTER:
        return 0.0
    return (lowest - most) * step_s


def find_placing(pairs: Sequence[tuple[Plane, Plane]]) -> Placing:
    """How the variant's pictures lie on the clip's, from some pairs of the same moment."""
    straight = _cost(Placing(), pairs)
    if straight <= _POOR_FIT:
        return Placing(residual=straight)
    tries = [Placing(zoom, zoom) for zoom in _ZOOMS]
    costs = [_cost(each, pairs) for each in tries]
    best = tries[int(np.argmin(costs))]
    cost = min(costs)
    if cost > _BETTER * straight:
        best, cost = Placing(), straight
    best, cost = _refine(best, cost, pairs)
    if cost > _BETTER * straight or _is_near_straight(best):
        return Placing(residual=straight)
    return replace(best, residual=cost)


def _refine(
    best: Placing, cost: float, pairs: Sequence[tuple[Plane, Plane]]
) -> tuple[Placing, float]:
    for step in _STEPS:
        if cost <= _GOOD_FIT:
            break
        for _ in range(3):
            before = cost
            for name in ("zoom_x", "zoom_y", "shift_x", "shift_y"):
                for sign in (-step, step):
                    moved = replace(best, **{name: getattr(best, name) + sign})
                    found = _cost(moved, pairs)
                    if found < cost:
                        best, cost = moved, found
            if cost >= before:
                break
    return best, cost


def _is_near_straight(placing: Placing) -> bool:
    off = (placing.zoom_x - 1, placing.zoom_y - 1, placing.shift_x, placing.shift_y)
    return max(abs(each) for each in off) <= _STRAIGHT


def _cost(placing: Placing, pairs: Sequence[tuple[Plane, Plane]]) -> float:
    return float(np.median([_fit_cost(first, place(second, placing)) for first, second in pairs]))


def _fit_cost(first: Plane, second: Plane) -> float:
    """Mean difference of the best 80 % where both have a picture, after an affine fit of luma."""
    there = np.isfinite(second)
    if there.mean() < 0.4:
        return np.inf
    x, y = second[there], first[there]
    kept = np.ones(x.size, bool)
    gain, bias = 1.0, 0.0
    for _ in range(2):
        spread = float(np.var(x[kept]))
        if spread > 1:
            gain = float(np.cov(x[kept], y[kept])[0, 1]) / spread
        bias = float(np.mean(y[kept]) - gain * np.mean(x[kept]))
        off = np.abs(gain * x + bias - y)
        kept = off <= np.quantile(off, 0.8)
    return float(off[kept].mean())


def place(plane: Plane, placing: Placing) -> Plane:
    """A variant's small picture laid onto the clip's; nan where it has none."""
    if placing.is_straight:
        return plane
    rows, columns = plane.shape
    y = _line(rows, placing.zoom_y, placing.shift_y)
    x = _line(columns, placing.zoom_x, placing.shift_x)
    wide = _between(plane, x, axis=1)
    return _between(wide, y, axis=0)


def _line(size: int, zoom: float, shift: float) -> NDArray[np.float64]:
    """Where each row of the clip's picture is in the variant's: zoom 0.75 is smaller there."""
    centre = (size - 1) / 2
    line = (np.arange(size) - centre) * zoom + centre + shift * size
    return np.asarray(line, np.float64)


def _between(plane: Plane, at: NDArray[np.float64], axis: int) -> Plane:
    size = plane.shape[axis]
    low: Index = np.clip(np.floor(at).astype(np.intp), 0, size - 2)
    part = at - low
    shape = [1, 1]
    shape[axis] = -1
    weight = part.reshape(shape)
    taken = np.take(plane, low, axis) * (1 - weight) + np.take(plane, low + 1, axis) * weight
    outside = (at < -0.5) | (at > size - 0.5)
    return np.where(outside.reshape(shape), np.nan, taken).astype(np.float32)


class Tone:
    """Brings a variant's luma back to its clip's, so that a grade does not disturb what follows."""

    def __init__(self, pairs: Sequence[tuple[Plane, Plane]]) -> None:
        ours = np.concatenate([first.ravel() for first, _ in pairs])
        theirs = np.concatenate([second.ravel() for _, second in pairs])
        there = np.isfinite(theirs)
        ours, theirs = ours[there], theirs[there]
        bins = np.clip(theirs // _TONE_STEP, 0, 255 // _TONE_STEP).astype(int)
        self._at, self._to = [], []
        for each in np.unique(bins):
            inside = bins == each
            if inside.sum() >= _TONE_POINTS:
                self._at.append(float(np.median(theirs[inside])))
                self._to.append(float(np.median(ours[inside])))

    def __call__(self, plane: Plane) -> Plane:
        if not self._at:
            return plane
        moved = np.interp(plane, self._at, np.array(self._to) - np.array(self._at))
        return np.asarray(plane + moved, np.float32)


def motion(shots: Sequence[Shot]) -> float:
    """How much a picture moves from frame to frame, in levels."""
    moved = [unlikeness(first.small, second.small) for first, second in pairwise(shots)]
    return float(np.median(moved)) if moved else 0.0


def _normal(plane: Plane) -> Plane:
    """Around nothing and of unit spread, so that a change of colours does not matter (step 3)."""
    centred = plane - np.median(plane)
    return centred / max(1.0, float(np.mean(np.abs(centred)))) * 32
