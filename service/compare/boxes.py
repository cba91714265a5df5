"""A box behind letters, also one that the picture shines through. Pure.

Within a box every pixel is a fixed share of the clip and a fixed colour. Where that holds over an
area too wide to be letters, it is a box. With it laid over the clip, letters are what differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.compare.components import fill_holes
from service.compare.difference import differ, persist
from service.compare.planes import Mask, Picture, Plane, dilate, erode

# Of the picture's height: half as wide as no letter's stem, and narrower than a line of text.
_STEM = 0.011
_HOLE = 0.3
_BOX_SHARE = 0.6
_PIXELS = 3000
_KEPT = 0.7
_ROUNDS = 4
_SHARES = (0.0, 0.15, 0.3, 0.5, 0.7)
# Of a clip's variance in levels: below it a still, even ground tells no share.
_PULL = 8.0
_LEAST = 9.0
_MARGIN = 4.0
_GREATEST = 24.0


@dataclass(frozen=True, slots=True)
class Backdrop:
    """A box: where it is, the clip with it laid over, and what may differ from that by noise."""

    region: Mask
    pictures: tuple[Picture, ...]
    noise: float


def find_backdrop(
    variants: Sequence[Picture],
    sources: Sequence[Picture],
    footprint: Mask,
    *,
    frame_height: int,
) -> Backdrop | None:
    """Find the box of a caption, given what it changes; `None` where there is none."""
    filled = fill_holes(footprint, round((_HOLE * frame_height) ** 2))
    share, added, spread = _fit(variants, sources, filled)
    laid = [_lay(source, share, added) for source in sources]
    off = persist([differ(ours, theirs) for ours, theirs in zip(variants, laid, strict=True)])
    noise = float(np.clip(_MARGIN * spread, _LEAST, _GREATEST))
    radius = max(2, round(_STEM * frame_height))
    explained = fill_holes(off < noise, round((_HOLE * frame_height) ** 2))
    region = dilate(erode(explained, radius), radius)
    if (region & filled).sum() < _BOX_SHARE * filled.sum():
        return None
    return Backdrop(_touching(region, filled), tuple(laid), noise)


def _touching(region: Mask, filled: Mask) -> Mask:
    """Of what the box explains, the rectangle that the caption reaches."""
    both = region & filled
    rows, columns = np.flatnonzero(both.any(axis=1)), np.flatnonzero(both.any(axis=0))
    out = np.zeros_like(region)
    high, wide = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    out[high, wide] = region[high, wide]
    return out


def _fit(
    variants: Sequence[Picture], sources: Sequence[Picture], among: Mask
) -> tuple[float, NDArray[np.float64], float]:
    """The share of the clip that is left, what is added to each plane, the middle difference.

    Trimmed least squares: letters are what does not fit.
    """
    rows, columns = np.nonzero(among)
    step = max(1, len(rows) // _PIXELS)
    ours = _rows(variants, rows[::step], columns[::step])
    theirs = _rows(sources, rows[::step], columns[::step])
    tries = [_trim(ours, theirs, share) for share in _SHARES]
    return min(tries, key=lambda each: each[2])


def _trim(
    ours: NDArray[np.float64], theirs: NDArray[np.float64], share: float
) -> tuple[float, NDArray[np.float64], float]:
    """A fit begun with a share, and with the commonest colour, so that letters do not pull."""
    left = ours - share * theirs
    kept = np.abs(left[:, 0] - _commonest(left[:, 0])) < _GREATEST
    added, errors = np.median(left[kept], axis=0), np.zeros(len(ours))
    for _ in range(_ROUNDS):
        errors = np.abs(ours - share * theirs - added) @ np.array([1.0, 0.6, 0.6])
        kept = errors <= np.quantile(errors, _KEPT)
        x, y = theirs[kept, 0], ours[kept, 0]
        share = float(np.clip(np.cov(x, y)[0, 1] / (float(np.var(x)) + _PULL), 0, 0.95))
        added = np.median(ours[kept] - share * theirs[kept], axis=0)
    return share, added, float(np.median(errors[kept]))


def _commonest(values: NDArray[np.float64]) -> float:
    bins = np.floor(values / 8).astype(np.int64)
    lowest = int(bins.min())
    return float((np.bincount(bins - lowest).argmax() + lowest) * 8 + 4)


def _rows(
    pictures: Sequence[Picture], rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[np.float64]:
    return np.concatenate(
        [
            np.stack([plane[rows, columns] for plane in (each.y, each.cb, each.cr)], axis=1)
            for each in pictures
        ]
    ).astype(np.float64)


def _lay(source: Picture, share: float, added: NDArray[np.float64]) -> Picture:
    y, cb, cr = (
        _mix(plane, share, float(extra))
        for plane, extra in zip((source.y, source.cb, source.cr), added, strict=True)
    )
    return Picture(source.at_s, y, cb, cr, source.matrix)


def _mix(plane: Plane, share: float, extra: float) -> Plane:
    return np.asarray(np.float32(share) * plane + np.float32(extra), np.float32)
