"""Which part of a caption's footprint is letters, and which is outline, shadow or box. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from service.compare.components import fill_holes, find_parts
from service.compare.planes import Mask, Picture, Plane, erode

_MOST_COLOURS = 8
_SOLID = 0.2
_SEEN = 0.5
_UNSEEN_SHARE = 0.25
# Of the picture's height: halo inside a box, not the inside of a frame around the picture.
_HOLE = 0.3
# Thin letters are a fiftieth of their box.
_LEAST_SHARE = 0.015
# Video has half the detail of colour: it smears by more.
_NEAR_Y, _NEAR_C = 20.0, 40.0
# Of the rim's share of a colour to its share of all: an inner colour has this much less.
_CLEARLY = 0.06
_RIM_LINES = 720
_RIM_PX = 2
_IN_RIM = 0.25


class Kind(StrEnum):
    """How letters are set: inside another colour, alone, or in several that take turns."""

    INNER = "inner"
    SINGLE = "single"
    SEVERAL = "several"


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


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The letters of a cue: their pixels, their colour, how they are set, and what is around them.

    `surround` is the outline or box that they stand in, where there is one; `colours` are all that
    are no blends.
    """

    mask: Mask
    colour: Colour
    kind: Kind
    colours: tuple[Colour, ...]
    surround: Mask | None


def middle_of(pictures: Sequence[Picture]) -> Picture:
    """The median over time: captions stay, and the picture behind them moves."""
    y, cb, cr = (
        np.asarray(np.median(np.stack(planes), axis=0), np.float32)
        for planes in (
            [each.y for each in pictures],
            [each.cb for each in pictures],
            [each.cr for each in pictures],
        )
    )
    return Picture(pictures[0].at_s, y, cb, cr, pictures[0].matrix)


def find_glyphs(middle: Picture, changed: Mask, *, frame_height: int) -> Glyphs | None:
    """Split what a caption changed by its colours; `None` where no colour stands out.

    `frame_height` is that of the whole picture, of which `middle` may be a part.
    """
    footprint = fill_holes(changed, round((_HOLE * frame_height) ** 2))
    rim = footprint & ~erode(footprint, max(1, round(_RIM_PX * frame_height / _RIM_LINES)))
    found = _find_colours(middle, footprint, rim, changed)
    solid = [each for each in found if each[0].solid >= _SOLID] or found[:1]
    seen = [each for each in solid if each[0].seen >= _SEEN]
    if not seen:
        return None
    outer = max(seen, key=lambda each: each[0].rim)
    # A fill of the ground's own colour leaves no difference; an outline around it does.
    fills = [each for each in solid if each in seen or each[0].share >= _UNSEEN_SHARE]
    inner = _choose_inner(fills, outer[0])
    colours = tuple(colour for colour, _ in solid)
    if outer[0].rim > inner[0].rim + _CLEARLY:
        mask = _drop_rim(inner[1], rim)
        return Glyphs(mask, inner[0], Kind.INNER, colours, outer[1])
    largest = max(seen, key=lambda each: each[0].share)
    kind = Kind.SINGLE if len(seen) == 1 else Kind.SEVERAL
    return Glyphs(largest[1], largest[0], kind, colours, None)


def is_near(picture: Picture, colour: Colour) -> Mask:
    """Pixels of a colour."""
    return np.asarray(
        (np.abs(picture.y - colour.y) < _NEAR_Y)
        & (np.abs(picture.cb - colour.cb) < _NEAR_C)
        & (np.abs(picture.cr - colour.cr) < _NEAR_C),
        np.bool_,
    )


def _find_colours(
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


def _choose_inner(fills: list[tuple[Colour, Mask]], outer: Colour) -> tuple[Colour, Mask]:
    """Of the colours farthest from the rim, the one that is most, and most unlike what is outside.

    What shines through a box makes shades of the box, which are no letters.
    """
    least = min(colour.rim for colour, _ in fills)
    tied = [each for each in fills if each[0].rim <= least + _CLEARLY]
    return max(tied, key=lambda each: each[0].share * _distance(each[0], outer))


def _distance(one: Colour, two: Colour) -> float:
    return abs(one.y - two.y) + 0.6 * (abs(one.cb - two.cb) + abs(one.cr - two.cr))


def _drop_rim(mask: Mask, rim: Mask) -> Mask:
    """Letters inside an outline do not reach the rim; what does has their colour by chance."""
    parts = find_parts(mask)
    if not parts.count:
        return mask
    sizes = parts.sums(np.ones(mask.shape))
    inside = parts.keep(parts.sums(mask & rim) <= _IN_RIM * sizes) & ~rim
    # Letters with a shadow alone are at the rim on one side.
    return inside if inside.sum() > _IN_RIM * mask.sum() else mask


def local_mean(values: Plane, mask: Mask, radius: int) -> Plane:
    """The mean of the values in the mask, in a square window around each pixel; 0 without any."""
    total = _box_sum(np.where(mask, values, 0).astype(np.float64), radius)
    count = _box_sum(mask.astype(np.float64), radius)
    return np.asarray(
        np.divide(total, count, out=np.zeros_like(total), where=count > 0.5), np.float32
    )


def _box_sum(values: Plane, radius: int) -> Plane:
    padded = np.pad(values, radius + 1)
    table = padded.cumsum(axis=0).cumsum(axis=1)
    size = 2 * radius + 1
    boxes = (
        table[size:, size:] - table[:-size, size:] - table[size:, :-size] + table[:-size, :-size]
    )
    return np.asarray(boxes[: values.shape[0], : values.shape[1]])
