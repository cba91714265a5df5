"""Which part of a caption's footprint is letters, and which is outline, shadow or box. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from service.compare.colours import Colour, distance, find_colours, is_near
from service.compare.components import fill_holes, find_parts
from service.compare.legibility import find_shape
from service.compare.planes import Mask, Picture, dilate, erode

_SOLID = 0.2
_SEEN = 0.5
_UNSEEN_SHARE = 0.25
# Of the picture's height: halo inside a box, not the inside of a frame around the picture.
_HOLE = 0.3
# Of the rim's share of a colour to its share of all: an inner colour has this much less.
_CLEARLY = 0.06
_RIM_LINES = 720
_RIM_PX = 2
_IN_RIM = 0.25
# So near to the rim, ground of the outline's colour hides where the outline is.
_NEXT_PX = 3
_OPEN = 0.15
# Letters cover a tenth of the square of a line's height each, and more.
_LEAST_INK = 0.04
_AS_INNER = 0.3
_AS_OUTER = 0.6
_FULL_RIM = 1.3
_ALONE = 0.4
_CLEARLY_WORSE = 0.2
_THICK = 0.6
_AS_MUCH = 0.12
_UNLIKE = 40.0


class Kind(StrEnum):
    """How letters are set: inside another colour, in a box, alone, or in several colours."""

    INNER = "inner"
    BOXED = "boxed"
    SINGLE = "single"
    SEVERAL = "several"


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The letters of a cue: their pixels, their colours, how they are set, what is around them.

    `fills` are the letters' colours, `colour` the commonest; `surround` is the outline or box that
    they stand in, where there is one; `colours` are all that are no blends.
    """

    mask: Mask
    colour: Colour
    fills: tuple[Colour, ...]
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


def find_glyphs(
    middle: Picture, changed: Mask, *, frame_height: int, chars: int = 1
) -> Glyphs | None:
    """Split what a caption changed by its colours; `None` where no colour stands out.

    `frame_height` is that of the whole picture, of which `middle` may be a part; `chars` is how
    many letters there are.
    """
    footprint = fill_holes(changed, round((_HOLE * frame_height) ** 2))
    rim = footprint & ~erode(footprint, max(1, round(_RIM_PX * frame_height / _RIM_LINES)))
    found = find_colours(middle, footprint, rim, changed)
    seen = [each for each in found if each[0].seen >= _SEEN]
    if not seen:
        return None
    unseen = [each for each in found if each[0].solid >= _SOLID and each[0].seen < _SEEN]
    seen = [each for each in seen if each[0].solid >= _SOLID] or seen[:1]
    least_ink = _LEAST_INK * max(1, chars) * find_shape(footprint).line_px ** 2
    # A fill of the ground's own colour leaves no difference; an outline around it does.
    able = [
        (colour, mask)
        for colour, mask in [*seen, *unseen]
        if mask.sum() >= least_ink and (colour.seen >= _SEEN or colour.share >= _UNSEEN_SHARE)
    ]
    highest = min(_FULL_RIM, max(colour.rim for colour, _ in seen))
    outers = [each for each in seen if each[0].rim >= _AS_OUTER * highest]
    tries = [_try_outer(middle, each, able, footprint, rim) for each in outers]
    inside = min(
        (each for each in tries if each is not None),
        key=lambda each: _misfit(each.mask, chars),
        default=None,
    )
    # What lies inside letters that stand alone is the ground, in fewer parts than letters.
    largest = max(seen, key=lambda each: each[0].share)
    alone = _misfit(largest[1], chars)
    colours = tuple(colour for colour, _ in [*seen, *unseen])
    if inside is not None and _misfit(inside.mask, chars) <= alone + _ALONE:
        return replace(inside, colours=colours)
    return replace(_stand_alone(able or seen[:1], chars), colours=colours)


def _stand_alone(able: Sequence[tuple[Colour, Mask]], chars: int) -> Glyphs:
    """The letters, if no other colour is around them."""
    chosen = sorted(able, key=lambda each: -each[0].share)
    chosen = [each for each in chosen if each[0].share >= _AS_MUCH * chosen[0][0].share]
    first, mask = chosen[0]
    if len(chosen) == 1:
        return Glyphs(_open(mask), first, (first,), Kind.SINGLE, (), None)
    whole = _join_masks(chosen)
    # Colours that take turns share the letters; a shadow leaves them to one colour.
    if _misfit(mask, chars) <= _misfit(whole, chars) + _CLEARLY_WORSE:
        return Glyphs(_open(mask), first, (first,), Kind.INNER, (), chosen[1][1])
    return Glyphs(_open(whole), first, _colours_of(chosen), Kind.SEVERAL, (), None)


def _try_outer(
    middle: Picture,
    outer: tuple[Colour, Mask],
    able: Sequence[tuple[Colour, Mask]],
    footprint: Mask,
    rim: Mask,
) -> Glyphs | None:
    """The letters, if this is the colour around them; nothing where no other lies inside it."""
    # Where the ground looks like the outline, the outline leaves no rim: letters seem to reach it.
    alike = is_near(middle, outer[0]) & ~footprint
    open_rim = rim & ~dilate(alike, _NEXT_PX)
    if open_rim.sum() < _OPEN * rim.sum():
        # All of the ground does: whatever else there is lies in it.
        open_rim = np.zeros_like(rim)
        outermost = 1.0
    else:
        outermost = _rim_share(outer[1], open_rim) / outer[0].share
    inner = [
        (replace(colour, rim=ratio), mask)
        for colour, mask in able
        if mask is not outer[1]
        and (ratio := _rim_share(mask, open_rim) / colour.share) < outermost - _CLEARLY
    ]
    if not inner:
        return None
    chosen = _choose_fills(inner, outer[0])
    mask = _open(_drop_rim(_join_masks(chosen), open_rim))
    kind = Kind.SEVERAL if len(chosen) > 1 else Kind.INNER
    return Glyphs(mask, chosen[0][0], _colours_of(chosen), kind, (), outer[1] | alike)


def count_parts(mask: Mask) -> int:
    """How many parts a mask has, without specks: of Latin letters about one each."""
    parts = find_parts(mask)
    sizes = parts.sums(np.ones(mask.shape))
    return int((sizes >= 0.1 * sizes.max()).sum()) if parts.count else 0


def _misfit(mask: Mask, chars: int) -> float:
    """How far the number of a mask's parts is from that of the letters, as a logarithm."""
    return abs(float(np.log(max(count_parts(mask), 0.5) / max(1, chars))))


def _open(mask: Mask) -> Mask:
    """Without what is a pixel wide, such as blends outside an outline; thin letters are left."""
    squares = mask[:-1, :-1] & mask[1:, :-1] & mask[:-1, 1:] & mask[1:, 1:]
    out = np.zeros_like(mask)
    for rows in (slice(None, -1), slice(1, None)):
        for columns in (slice(None, -1), slice(1, None)):
            out[rows, columns] |= squares
    return out if out.sum() >= _THICK * mask.sum() else mask


def _join_masks(chosen: Sequence[tuple[Colour, Mask]]) -> Mask:
    return np.asarray(np.any([mask for _, mask in chosen], axis=0), np.bool_)


def _colours_of(chosen: Sequence[tuple[Colour, Mask]]) -> tuple[Colour, ...]:
    return tuple(colour for colour, _ in chosen)


def _rim_share(mask: Mask, rim: Mask) -> float:
    return float((mask & rim).sum()) / max(1, int(rim.sum()))


def _choose_fills(inner: Sequence[tuple[Colour, Mask]], outer: Colour) -> list[tuple[Colour, Mask]]:
    """Of the colours inside another, the letters' own: one, or some that take turns.

    The first is that which is most, and most unlike what is outside.
    """
    least = min(colour.rim for colour, _ in inner)
    tied = [each for each in inner if each[0].rim <= least + _CLEARLY]
    first = max(tied, key=lambda each: each[0].share * distance(each[0], outer))
    others = [
        each
        for each in inner
        if each is not first
        and each[0].rim <= first[0].rim + _AS_INNER
        and each[0].share >= _AS_MUCH * first[0].share
        and distance(each[0], outer) >= _UNLIKE
        and each[0].seen >= _SEEN
    ]
    return [first, *others]


def _drop_rim(mask: Mask, rim: Mask) -> Mask:
    """Letters inside an outline do not reach the rim; what does has their colour by chance."""
    parts = find_parts(mask)
    if not parts.count:
        return mask
    sizes = parts.sums(np.ones(mask.shape))
    inside = parts.keep(parts.sums(mask & rim) <= _IN_RIM * sizes)
    # Letters with a shadow alone are at the rim on one side.
    return inside if inside.sum() > _IN_RIM * mask.sum() else mask
