"""What a caption changes, cut out of the picture, and what of it are letters. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from service.compare.alignment import ColourMap, Offset
from service.compare.boxes import find_backdrop
from service.compare.difference import Floor, differ, find_footprint, find_gradient, persist
from service.compare.glyphs import Glyphs, Kind, find_glyphs, middle_of
from service.compare.planes import Frame, Mask, Picture, Plane, dilate, erode

_MARGIN = 0.06
_BOX_EDGE = 0.008
_FADED_SHARE = 0.5
_FADED = 0.15
_STRAIGHT = 0.8
_REPLACED = 0.15
_OTHER = 30.0
_SWAPPED = 80.0
_TELLING = 40.0
_TELLING_PIXELS = 30


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known of a variant beside its captions, from moments without any."""

    floor: Floor
    colours: ColourMap
    offset: Offset
    clean: int


@dataclass(frozen=True, slots=True)
class Changed:
    """What a caption changes: where, by how many levels, and what encoding alone would change."""

    footprint: Mask
    lasting: Plane
    floor: Plane

    def part(self, rows: slice, columns: slice) -> Changed:
        both = (rows, columns)
        return Changed(self.footprint[both], self.lasting[both], self.floor[both])


@dataclass(frozen=True, slots=True)
class View:
    """The part of the picture around what a caption changes, at each sample.

    `sources` have the variant's colours; `frame` is the height and width of the whole picture.
    """

    variants: list[Picture]
    sources: list[Picture]
    changed: Changed
    rows: slice
    columns: slice
    frame: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Split:
    """The letters of a caption, all that it covers, and what they stand on at each sample."""

    glyphs: Glyphs | None
    covered: Mask
    grounds: Sequence[Picture]


def find_view(pairs: Sequence[tuple[Frame, Frame]], ground: Ground) -> View | None:
    """What a caption changes, from pairs of the variant and its source; nothing if nothing is."""
    changed = _find_changed(pairs, ground)
    if not changed.footprint.any():
        return None
    frame = pairs[0][0].shape
    rows, columns = _part_of(changed.footprint, round(_MARGIN * frame[0]))
    cut = [variant.picture(rows, columns) for variant, _ in pairs]
    clip = [ground.colours.apply(source.picture(rows, columns)) for _, source in pairs]
    return View(cut, clip, changed.part(rows, columns), rows, columns, frame)


def _find_changed(pairs: Sequence[tuple[Frame, Frame]], ground: Ground) -> Changed:
    """What the caption changes for as long as the cue lasts."""
    differences = []
    for variant, source in pairs:
        differences.append(differ(variant.picture(), ground.colours.apply(source.picture())))
    gradient = find_gradient(ground.colours.apply(source.picture()) for _, source in pairs)
    lasting, floor = persist(differences), ground.floor.at(gradient)
    return Changed(find_footprint(lasting, floor, ground.floor.always), lasting, floor)


def find_cards(view: View) -> list[View]:
    """The view in stretches within which the caption stays what it is: as a rule one.

    Another text, or one that moves, leaves pixels that were changed, and changes others.
    """
    pairs = list(zip(view.variants, view.sources, strict=True))
    off = [differ(*pair) for pair in pairs]
    there = [(each > 2 * view.changed.floor) & view.changed.footprint for each in off]
    later = range(1, len(pairs))
    starts = [0, *(n for n in later if _is_replaced(view, n, there[n - 1], there[n]))]
    if len(starts) == 1:
        return [view]
    cards = []
    for first, behind in zip(starts, [*starts[1:], len(pairs)], strict=True):
        lasting = persist(off[first:behind])
        footprint = find_footprint(lasting, view.changed.floor, frame=view.frame)
        changed = replace(view.changed, footprint=footprint, lasting=lasting)
        some = slice(first, behind)
        cards.append(
            replace(view, variants=view.variants[some], sources=view.sources[some], changed=changed)
        )
    return cards


def _is_replaced(view: View, n: int, before: Mask, after: Mask) -> bool:
    """Whether a sample shows another caption than the one before it, given what both change."""
    now, last = view.variants[n], view.variants[n - 1]
    moved = np.abs(now.y - last.y)
    swapped = before & after & (moved > _SWAPPED)
    gone = swapped | (before & ~after & (moved > _OTHER))
    come = swapped | (after & ~before & (moved > _OTHER))
    if min(_ratio(gone, before), _ratio(come, after)) <= _REPLACED:
        return False
    # A fade changes what both have towards the clip; another caption does not.
    both = before & after
    fades = _through(last, view.sources[n - 1], now, both, _FADED)
    fades = max(fades, _through(now, view.sources[n], last, both, _FADED))
    return fades <= _FADED_SHARE


def _ratio(part: Mask, whole: Mask) -> float:
    return float(part.sum()) / max(1, int(whole.sum()))


def split_view(view: View, steady: slice, *, chars: int) -> Split:
    """Find the letters, of which there are so many, in or without a box, by the steady samples."""
    variants, sources, height = view.variants[steady], view.sources[steady], view.frame[0]
    footprint, lasting, floor = view.changed.footprint, view.changed.lasting, view.changed.floor
    middle = middle_of(variants)
    backdrop = find_backdrop(variants, sources, footprint, frame_height=height)
    if backdrop is None:
        glyphs = find_glyphs(middle, footprint, frame_height=height, chars=chars)
        return Split(glyphs, footprint, view.sources)
    region = backdrop.region
    off = persist([differ(a, b) for a, b in zip(variants, backdrop.pictures, strict=True)])
    # Where the ground hides the box, its region ends, and letters go on.
    off = np.where(region, off, np.where(footprint, lasting, 0))
    floor = np.where(region, np.float32(backdrop.noise), floor)
    edge = dilate(region, max(2, round(_BOX_EDGE * height))) & ~erode(region, 1)
    inside = find_footprint(off, floor, edge, frame=view.frame)
    covered = footprint | backdrop.region
    glyphs = find_glyphs(middle, inside, frame_height=height, chars=chars)
    if glyphs is not None and glyphs.surround is None:
        around = backdrop.region & ~dilate(inside, 1)
        glyphs = replace(glyphs, surround=around, kind=Kind.BOXED)
    return Split(glyphs, covered, view.sources)


def find_steady(view: View, mask: Mask, *, faded: float) -> slice:
    """All but the samples at both ends in which the clip still shines through a mask's pixels.

    So much of it, 0..1, counts. Never one in the middle, and never by how much it differs: those
    are the hard moments.
    """
    count = len(view.variants)
    middle = middle_of(view.variants[count // 4 : count - count // 4])
    good = [
        _through(ours, theirs, middle, mask, faded) <= _FADED_SHARE
        for ours, theirs in zip(view.variants, view.sources, strict=True)
    ]
    if not any(good):
        return slice(0, len(good))
    return slice(good.index(True), len(good) - good[::-1].index(True))


def _through(variant: Picture, source: Picture, middle: Picture, mask: Mask, faded: float) -> float:
    """The share of a mask's pixels that have gone from their middle towards the clip's colour."""
    planes = [
        (variant.y, source.y, middle.y),
        (variant.cb, source.cb, middle.cb),
        (variant.cr, source.cr, middle.cr),
    ]
    moved = np.stack([ours[mask] - usual[mask] for ours, _, usual in planes])
    whole = np.stack([theirs[mask] - usual[mask] for _, theirs, usual in planes])
    apart = (whole**2).sum(axis=0)
    known = apart > _TELLING**2
    if known.sum() < _TELLING_PIXELS:
        return 0.0
    moved, whole, apart = moved[:, known], whole[:, known], apart[known]
    along = (moved * whole).sum(axis=0)
    # In its direction: words that change their colour go elsewhere.
    straight = along > _STRAIGHT * np.sqrt((moved**2).sum(axis=0) * apart)
    return float(((along > faded * apart) & straight).mean())


def _part_of(mask: Mask, margin: int) -> tuple[slice, slice]:
    """The rows and columns around a mask."""
    slices = []
    for axis, size in ((1, mask.shape[0]), (0, mask.shape[1])):
        hits = np.flatnonzero(mask.any(axis=axis))
        slices.append(slice(max(0, hits[0] - margin), min(size, hits[-1] + 1 + margin)))
    return slices[0], slices[1]
