"""Bringing a variant and its source together: which moment is which, and which colour. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.compare.planes import Frame, Picture, Plane

_REACH_S = 1.0
# Captions do not reach 40 % of the pixels, so this quantile is of the picture alone.
_QUANTILE = 0.6
# A picture that hardly moves fits at any offset: its curve is flat.
_CLEAR = 1.15
_STRIDE = 7
# More frames of a long clip tell no more.
_FRAMES = 60
_THIN = 5
_PULL = 0.01 * np.eye(4)
_GREY = 128.0
_KEPT = 0.8


@dataclass(frozen=True, slots=True)
class Thumbs:
    """Small luma pictures of every frame, count x height x width, and their times."""

    times_s: NDArray[np.float64]
    luma: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Offset:
    """How much later the variant shows a moment than its source does.

    `determined` is false where the picture moves too little to tell; seconds are then 0.
    """

    seconds: float
    determined: bool


@dataclass(frozen=True, slots=True)
class ColourMap:
    """From Y'CbCr of the source to that of the variant: 3 x 4, the last column is added.

    `residual` is the mean difference in levels of luma that remains on clean frames.
    """

    matrix: NDArray[np.float64]
    residual: float

    def apply(self, picture: Picture) -> Picture:
        if np.abs(self.matrix - _IDENTITY).max() < 1e-3:
            return picture
        y, cb, cr = (_sum_weighted(row, (picture.y, picture.cb, picture.cr)) for row in self.matrix)
        return Picture(picture.at_s, y, cb, cr, picture.matrix)


def _sum_weighted(row: NDArray[np.float64], planes: tuple[Plane, Plane, Plane]) -> Plane:
    """One plane of a mapped picture: three weights, and what is added."""
    one, two, three, added = (np.float32(each) for each in row)
    return np.asarray(one * planes[0] + two * planes[1] + three * planes[2] + added, np.float32)


_IDENTITY = np.eye(3, 4)


def find_offset(variant: Thumbs, source: Thumbs) -> Offset:
    """Find the offset within a second at which most of the picture is the same."""
    step_s = float(np.median(np.diff(source.times_s))) if source.times_s.size > 1 else 0.04
    reach = max(1, round(_REACH_S / step_s))
    ours, theirs = _normalise(variant.luma), _normalise(source.luma)
    costs = np.array(
        [
            _cost(ours, theirs, variant.times_s - shift * step_s, source.times_s)
            for shift in range(-reach, reach + 1)
        ]
    )
    if np.isnan(costs).all():
        return Offset(0.0, determined=False)  # one lasts so much longer that they hardly meet
    best = int(np.nanargmin(costs))
    if not np.nanmedian(costs) > _CLEAR * costs[best]:
        return Offset(0.0, determined=False)
    return Offset((best - reach) * step_s, determined=True)


def fit_colours(pairs: Sequence[tuple[Frame, Frame]]) -> ColourMap:
    """Fit the variant's colours to the source's by clean pairs (variant, source).

    Trimmed least squares with a weak pull to leaving colours alone. No pairs: left alone, and a
    residual of infinity.
    """
    if not pairs:
        return ColourMap(_IDENTITY, float("inf"))
    ours = np.concatenate([_pick(variant) for variant, _ in pairs])
    theirs = np.concatenate([_pick(source) for _, source in pairs])
    # Counted from grey, so that the pull bends nothing that is added.
    ours, theirs = ours - _GREY, theirs - _GREY
    inputs = np.hstack([theirs, np.ones((len(theirs), 1))])
    kept = np.ones(len(ours), np.bool_)
    for _ in range(4):
        x, y = inputs[kept], ours[kept] - theirs[kept]
        matrix = _IDENTITY + np.linalg.solve(x.T @ x + _PULL, x.T @ y).T
        errors = np.abs(ours - inputs @ matrix.T).sum(axis=1)
        kept = errors <= np.quantile(errors, _KEPT)
    errors = np.abs(ours - inputs @ matrix.T)[:, 0]
    residual = float(errors[errors <= np.quantile(errors, _KEPT)].mean())
    matrix[:, 3] += _GREY - matrix[:, :3].sum(axis=1) * _GREY
    return ColourMap(matrix, residual)


def _normalise(luma: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each frame without its brightness and contrast, which a grade changes."""
    flat = luma.reshape(len(luma), -1)[:, ::_THIN]
    centred = flat - np.median(flat, axis=1, keepdims=True)
    scale = np.abs(centred).mean(axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(scale, 1.0), np.float32)


def _cost(
    ours: NDArray[np.float32],
    theirs: NDArray[np.float32],
    wanted_s: NDArray[np.float64],
    times_s: NDArray[np.float64],
) -> float:
    nearest = np.abs(times_s[None, :] - wanted_s[:, None]).argmin(axis=1)
    inside = (wanted_s >= times_s[0] - 1e-3) & (wanted_s <= times_s[-1] + 1e-3)
    if inside.sum() < max(1, len(ours) // 2):
        return float("nan")
    apart = np.abs(ours[inside] - theirs[nearest[inside]])
    return float(np.quantile(apart, _QUANTILE, axis=1).mean()) + 1e-4


def _pick(frame: Frame) -> NDArray[np.float64]:
    """Some pixels as rows of Y', Cb, Cr."""
    return frame.planes[:, ::_STRIDE, ::_STRIDE].reshape(3, -1).T.astype(np.float64)
