"""The few colours that a caption is made of, found in what it changes. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from service.compare.planes import Mask, Picture

_MOST_COLOURS = 8
# Thin letters are a fiftieth of their box.
_LEAST_SHARE = 0.015
# Video has half the detail of colour: it smears by more.
_NEAR_Y, _NEAR_C = 20.0, 40.0


@dataclass(frozen=True, slots=True)
class Colour:
    """One colour of a footprint: levels, and its share of it.

    `rim` is the share of the rim that it holds by its share of all; `solid` how much of it is wider
    than a pixel, which the blends at edges are not; `seen` how much of it differs from the clip.
    """

    y: float
    cb: float
    cr: float
    share: float = 0.0
    rim: float = 0.0
    solid: float = 0.0
    seen: float = 0.0


def is_near(picture: Picture, colour: Colour) -> Mask:
    """Pixels of a colour."""
    return np.asarray(
        (np.abs(picture.y - colour.y) < _NEAR_Y)
        & (np.abs(picture.cb - colour.cb) < _NEAR_C)
        & (np.abs(picture.cr - colour.cr) < _NEAR_C),
        np.bool_,
    )


def find_colours(
    middle: Picture, footprint: Mask, rim: Mask, changed: Mask
) -> list[tuple[Colour, Mask]]:
    """The commonest colours and their pixels, each without those of the ones before it."""
    left, total, at_rim = footprint.copy(), int(footprint.sum()), int(rim.sum())
    found: list[tuple[Colour, Mask]] = []
    while left.any() and len(found) < _MOST_COLOURS:
        peak = _find_peak(middle, left)
        near = left & is_near(middle, peak)
        share = float(near.sum()) / total
        if share < _LEAST_SHARE:
            break
        rim_share = float((near & rim).sum()) / max(1, at_rim)
        seen = float(changed[near].mean())
        colour = replace(
            peak, share=share, rim=rim_share / share, solid=_solid_share(near), seen=seen
        )
        found.append((colour, near))
        left &= ~near
    return found


def _solid_share(mask: Mask) -> float:
    """How much of a mask is the corner of a square of two by two pixels of it."""
    squares = mask[:-1, :-1] & mask[1:, :-1] & mask[:-1, 1:] & mask[1:, 1:]
    return float(squares.sum()) / max(1, int(mask.sum()))


def _find_peak(middle: Picture, among: Mask) -> Colour:
    """The commonest colour of some pixels, moved to the middle of those near it."""
    planes = [plane[among] for plane in (middle.y, middle.cb, middle.cr)]
    bins = [
        np.clip(plane // step, 0, 63).astype(np.int64)
        for plane, step in zip(planes, (8, 16, 16), strict=True)
    ]
    code = (bins[0] * 64 + bins[1]) * 64 + bins[2]
    commonest = code == np.bincount(code).argmax()
    for _ in range(2):
        y, cb, cr = (float(np.median(plane[commonest])) for plane in planes)
        commonest = (
            (np.abs(planes[0] - y) < _NEAR_Y)
            & (np.abs(planes[1] - cb) < _NEAR_C)
            & (np.abs(planes[2] - cr) < _NEAR_C)
        )
    return Colour(y, cb, cr)


def distance(one: Colour, two: Colour) -> float:
    """How far apart two colours are, in levels; colour counts a little less than light."""
    return abs(one.y - two.y) + 0.6 * (abs(one.cb - two.cb) + abs(one.cr - two.cr))
