"""Legibility of captions where only the clip and the finished video are known. Pure.

The caption is what differs from the clip while its cue is shown. What that leaves open is said: a
figure whose `flags` are not empty is of low confidence, and nothing is concluded from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from service.compare.alignment import ColourMap, Offset
from service.compare.difference import Floor, differ, find_footprint, find_gradient, persist
from service.compare.edges import find_edges
from service.compare.glyphs import Colour, Glyphs, Kind, find_glyphs, is_near, middle_of
from service.compare.legibility import (
    Legibility,
    Letters,
    Sample,
    measure_sample,
    nothing_seen,
    sum_up,
)
from service.compare.planes import Frame, Mask, Picture, dilate, erode, to_luminance
from service.compare.platforms import Box

_SMALL_PX = 20.0
_UNEVEN = 4.0
_MISALIGNED = 5.0
_THIN_PX = 1.5
_LOPSIDED = 2.5
_FADED_SHARE = 0.75
_INK_SHARE = 0.012
# Bold letters cover about .17 of the square of a line's height each, thin ones .1.
_HIDDEN_SHARE = 0.04
_ASKED = 60.0
_SOLID_DENSITY = 0.7


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known of a variant beside its captions, from moments without any."""

    floor: Floor
    colours: ColourMap
    offset: Offset
    clean: int


@dataclass(frozen=True, slots=True)
class Moment:
    """One sample of a cue: when, and the median contrast and weakest tenth; none where not seen."""

    at_s: float
    contrast: float | None
    weakest: float | None


@dataclass(frozen=True, slots=True)
class Blind:
    """A cue's measures, and why they may be wrong: names of doubts, none where there is none.

    `moments` are all its samples, those too that the measures leave out.
    """

    legibility: Legibility
    flags: tuple[str, ...]
    moments: tuple[Moment, ...] = ()

    @property
    def confident(self) -> bool:
        return not self.flags


def measure_blind(
    pairs: Sequence[tuple[Frame, Frame]],
    ground: Ground,
    *,
    chars: int,
    asked: Colour | None = None,
) -> Blind:
    """Measure a cue from pairs of the variant and its source, of one size.

    `chars` is how many letters the cue has; `asked` the colour that the style gives them.
    """
    shape = pairs[0][0].shape
    unseen = tuple(Moment(variant.at_s, None, None) for variant, _ in pairs)
    flags = _doubt_ground(ground)
    footprint = _find_changed(pairs, ground)
    if footprint.sum() < _least_ink(chars, shape[0]):
        return Blind(nothing_seen(len(pairs)), flags, unseen)
    rows, columns = _part_of(footprint, round(0.06 * shape[0]))
    footprint = footprint[rows, columns]
    cut = [variant.picture(rows, columns) for variant, _ in pairs]
    glyphs = find_glyphs(middle_of(cut), footprint, frame_height=shape[0])
    if glyphs is None or glyphs.mask.sum() < 0.5 * _least_ink(chars, shape[0]):
        return Blind(nothing_seen(len(pairs)), (*flags, "no_letters"), unseen)
    steady = _find_steady(cut, glyphs)
    letters = find_edges(cut[steady], glyphs, footprint)
    samples = [measure_sample(to_luminance(each), letters) for each in cut]
    seen = [each for each in samples[steady] if each is not None]
    found = _place(sum_up(seen, len(cut[steady]), shape[0]), rows, columns, shape)
    flags += _doubt_glyphs(glyphs, letters, shape[0]) + _doubt_figures(found, letters, chars)
    if len(cut[steady]) < len(cut):
        flags += ("fading",)
    if asked is not None and abs(asked.y - glyphs.colour.y) > _ASKED:
        flags += ("other_colour",)
    moments = (_to_moment(each.at_s, sample) for each, sample in zip(cut, samples, strict=True))
    return Blind(found, flags, tuple(moments))


def _find_changed(pairs: Sequence[tuple[Frame, Frame]], ground: Ground) -> Mask:
    """What the caption changes for as long as the cue lasts."""
    differences = []
    for variant, source in pairs:
        differences.append(differ(variant.picture(), ground.colours.apply(source.picture())))
    gradient = find_gradient(ground.colours.apply(source.picture()) for _, source in pairs)
    return find_footprint(persist(differences), ground.floor.at(gradient), ground.floor.always)


def _to_moment(at_s: float, sample: Sample | None) -> Moment:
    if sample is None or not sample.tiles.size:
        return Moment(at_s, None, None)
    weakest, median = (float(np.percentile(sample.tiles, at)) for at in (10, 50))
    return Moment(at_s, median, weakest)


def _least_ink(chars: int, height: int) -> float:
    return 0.5 * max(1, chars) * (_INK_SHARE * height) ** 2


def _doubt_ground(ground: Ground) -> tuple[str, ...]:
    doubts = {
        "few_clean_frames": ground.clean < 2,
        "misaligned": ground.colours.residual > _MISALIGNED,
    }
    return tuple(name for name, doubted in doubts.items() if doubted)


def _doubt_glyphs(glyphs: Glyphs, letters: Letters, height: int) -> tuple[str, ...]:
    thin_px = _THIN_PX * height / 720
    doubts = {
        "several_fills": glyphs.kind is Kind.SEVERAL or _has_second_fill(glyphs),
        "thin_outline": glyphs.kind is Kind.INNER and _border_px(letters) < thin_px,
        "shadow_only": glyphs.kind is Kind.INNER and _is_lopsided(letters),
    }
    return tuple(name for name, doubted in doubts.items() if doubted)


def _doubt_figures(found: Legibility, letters: Letters, chars: int) -> tuple[str, ...]:
    expected = max(1, chars) * found.line_px**2
    uneven = found.weakest is not None and (found.strongest or 0) > _UNEVEN * found.weakest
    doubts = {
        "small_text": found.line_px < _SMALL_PX,
        "uneven": uneven,
        "no_letters": _density(letters) > _SOLID_DENSITY,
        "partly_hidden": float(letters.core.sum()) < _HIDDEN_SHARE * expected,
    }
    return tuple(name for name, doubted in doubts.items() if doubted)


def _density(letters: Letters) -> float:
    """How much of their own box the letters fill: a third as a rule, a bare box nearly all."""
    high, wide = (np.flatnonzero(letters.ink.any(axis=axis)) for axis in (1, 0))
    area = (high[-1] + 1 - high[0]) * (wide[-1] + 1 - wide[0])
    return float(letters.core.sum()) / float(area)


def _has_second_fill(glyphs: Glyphs) -> bool:
    """Whether another colour lies as far inside as the letters' own, as in a lit word."""
    others = [each for each in glyphs.colours if each != glyphs.colour and each.seen >= 0.5]
    return any(each.rim < glyphs.colour.rim + 0.15 and each.share > 0.1 for each in others)


def _border_px(letters: Letters) -> float:
    """How wide what surrounds the letters is on the whole, in pixels."""
    edge = letters.ink & ~erode(letters.ink, 1)
    return float((letters.covered & ~letters.ink).sum()) / max(1, int(edge.sum()))


def _is_lopsided(letters: Letters) -> bool:
    """Whether what surrounds the letters lies on one side of them, as a shadow does."""
    border = letters.covered & ~letters.ink
    near = max(2, round(0.05 * letters.ink.shape[0]))
    if (border & ~dilate(letters.ink, near)).sum() > 0.5 * border.sum():
        return False  # a box
    sides = []
    for step in (2, -2):
        moved = np.roll(letters.ink, (step, step), axis=(0, 1))
        sides.append(int((border & moved).sum()) + 1)
    return max(sides) > _LOPSIDED * min(sides)


def _part_of(mask: Mask, margin: int) -> tuple[slice, slice]:
    """The rows and columns around a mask."""
    slices = []
    for axis, size in ((1, mask.shape[0]), (0, mask.shape[1])):
        hits = np.flatnonzero(mask.any(axis=axis))
        slices.append(slice(max(0, hits[0] - margin), min(size, hits[-1] + 1 + margin)))
    return slices[0], slices[1]


def _find_steady(pictures: Sequence[Picture], glyphs: Glyphs) -> slice:
    """All but the samples at both ends in which the letters are not yet, or no more, what they are.

    Never one in the middle, and never by how much it differs: those are the hard moments.
    """
    agreed = [float(is_near(each, glyphs.colour)[glyphs.mask].mean()) for each in pictures]
    good = [share >= _FADED_SHARE * max(agreed) for share in agreed]
    return slice(good.index(True), len(good) - good[::-1].index(True))


def _place(found: Legibility, rows: slice, columns: slice, shape: tuple[int, int]) -> Legibility:
    """What was measured on a part of the picture, told of the whole."""
    if found.box is None:
        return found
    high, wide = rows.stop - rows.start, columns.stop - columns.start
    box = Box(
        (found.box.left * wide + columns.start) / shape[1],
        (found.box.top * high + rows.start) / shape[0],
        (found.box.right * wide + columns.start) / shape[1],
        (found.box.bottom * high + rows.start) / shape[0],
    )
    covered = found.covered * high * wide / (shape[0] * shape[1])
    return replace(found, box=box, covered=covered, text_height=100 * found.line_px / shape[0])
