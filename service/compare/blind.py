"""Legibility of captions where only the clip and the finished video are known. Pure.

The caption is what differs from the clip while its cue is shown. What that leaves open is said: a
figure whose `flags` are not empty is of low confidence, and nothing is concluded from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from service.compare.colours import Colour
from service.compare.edges import find_edges
from service.compare.glyphs import Glyphs, Kind, count_parts
from service.compare.hidden import find_hidden, recover
from service.compare.legibility import (
    Legibility,
    Letters,
    Sample,
    find_shape,
    measure_sample,
    nothing_seen,
    sum_up,
)
from service.compare.planes import Frame, Plane, dilate, erode, to_luminance
from service.compare.platforms import Box
from service.compare.views import Ground, View, find_cards, find_steady, find_view, split_view

_SMALL_PX = 20.0
_HALF_FADED = 0.3
_FADED = 0.15
_UNEVEN = 1.6
_MOVED = 10
_MISALIGNED = 5.0
_UNFIT = 2.5
_THIN_PX = 1.5
_BORDER_PX = 6
_THIRD = 0.4
_ENOUGH = 0.45
_WHOLE = 0.6
_LIKE_TEXT = 0.4
_LOPSIDED = 2.5
_INK_SHARE = 0.012
# Bold letters cover about .17 of the square of a line's height each, thin ones .1.
_HIDDEN_SHARE = 0.04
_ASKED = 60.0
_SOLID_DENSITY = 0.7


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


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was measured of a caption while it stayed the same; `samples` without its fades."""

    samples: tuple[Sample, ...]
    flags: tuple[str, ...]
    moments: tuple[Moment, ...]


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
    view = find_view(pairs, ground)
    if view is None:
        unseen = tuple(Moment(variant.at_s, None, None) for variant, _ in pairs)
        return Blind(nothing_seen(len(pairs)), doubt_ground(ground), unseen)
    return read_view(view, doubt_ground(ground), chars=chars, asked=asked)


def read_view(
    view: View, flags: tuple[str, ...], *, chars: int, asked: Colour | None = None
) -> Blind:
    """Measure a cue from what it changes; `flags` are the doubts that there are before."""
    cards = find_cards(view)
    readings = [_read_card(each, max(1, chars // len(cards)), asked) for each in cards]
    moments = tuple(moment for each in readings for moment in each.moments)
    samples = [sample for each in readings for sample in each.samples]
    found = sum_up(samples, len(samples) or len(view.variants), view.frame[0])
    if found.contrast is None:
        found = nothing_seen(len(view.variants))
    doubts = [name for each in readings for name in each.flags]
    if len(cards) > 1:
        doubts.append("moving")
    if samples:
        tiles = np.concatenate([each.tiles for each in samples])
        doubts += _doubt_figures(found, tiles)
        if len(samples) < _ENOUGH * len(view.variants):
            doubts.append("fading")
    return Blind(_place(found, view), tuple(dict.fromkeys([*flags, *doubts])), moments)


def _read_card(view: View, chars: int, asked: Colour | None) -> _Reading:
    """Measure what stays the same of a cue."""
    height = view.frame[0]
    unseen = tuple(Moment(each.at_s, None, None) for each in view.variants)
    if view.changed.footprint.sum() < _least_ink(chars, height):
        return _Reading((), (), unseen)
    whole = find_steady(view, view.changed.footprint, faded=_HALF_FADED)
    split = split_view(view, whole, chars=chars)
    glyphs = split.glyphs
    if glyphs is None or glyphs.mask.sum() < 0.5 * _least_ink(chars, height):
        return _Reading((), ("no_letters",), unseen)
    steady = find_steady(view, glyphs.mask, faded=_FADED)
    steady = slice(max(whole.start, steady.start), min(whole.stop, steady.stop))
    if steady.stop <= steady.start:
        steady = whole
    cut = view.variants
    if glyphs.surround is None:
        kept = recover(cut[steady], split.grounds[steady], glyphs, view.changed.floor)
        glyphs = replace(glyphs, mask=kept)
    letters = find_edges(cut[steady], glyphs, split.covered | glyphs.mask)
    samples = [measure_sample(to_luminance(each), letters) for each in cut]
    if glyphs.surround is None:
        hidden = find_hidden(split.grounds, glyphs, letters, find_shape(letters.ink).line_px)
        samples = [_add_tiles(*each) for each in zip(samples, hidden, strict=True)]
    flags = _doubt_glyphs(glyphs, letters, height, chars)
    if asked is not None and abs(asked.y - glyphs.colour.y) > _ASKED:
        flags += ("other_colour",)
    moments = (_to_moment(each.at_s, sample) for each, sample in zip(cut, samples, strict=True))
    seen = tuple(each for each in samples[steady] if each is not None)
    return _Reading(seen, flags, tuple(moments))


def _to_moment(at_s: float, sample: Sample | None) -> Moment:
    if sample is None or not sample.tiles.size:
        return Moment(at_s, None, None)
    weakest, median = (float(np.percentile(sample.tiles, at)) for at in (10, 50))
    return Moment(at_s, median, weakest)


def _least_ink(chars: int, height: int) -> float:
    return 0.5 * max(1, chars) * (_INK_SHARE * height) ** 2


def doubt_ground(ground: Ground) -> tuple[str, ...]:
    """Why nothing may be concluded from what is known beside the captions."""
    doubts = {
        "few_clean_frames": ground.clean < 2,
        "misaligned": ground.colours.residual > _MISALIGNED,
        # A picture too still to tell an offset fits at any; one that does not fit was moved.
        "unknown_offset": not ground.offset.determined and ground.colours.residual > _UNFIT,
    }
    return tuple(name for name, doubted in doubts.items() if doubted)


def _doubt_glyphs(glyphs: Glyphs, letters: Letters, height: int, chars: int) -> tuple[str, ...]:
    thin_px = _THIN_PX * height / 720
    expected = max(1, chars) * find_shape(letters.ink).line_px ** 2
    parts = count_parts(letters.core) / max(1, chars)
    doubts = {
        "several_fills": len(glyphs.fills) > 1
        and (glyphs.surround is None or not _WHOLE < parts < 1 / _WHOLE),
        "unlike_text": not _LIKE_TEXT < parts < 1 / _LIKE_TEXT,
        "thin_outline": letters.third > _THIRD
        or (glyphs.kind is Kind.INNER and _border_px(glyphs, letters) < thin_px),
        "shadow_only": glyphs.kind is Kind.INNER and _is_lopsided(letters),
        "no_letters": _density(letters) > _SOLID_DENSITY,
        "partly_hidden": float(letters.core.sum()) < _HIDDEN_SHARE * expected,
    }
    return tuple(name for name, doubted in doubts.items() if doubted)


def _doubt_figures(found: Legibility, tiles: Plane) -> tuple[str, ...]:
    # Few tiles more on one side would move such a median far.
    below, above = np.percentile(tiles, (50 - _MOVED, 50 + _MOVED)) if tiles.size else (1, 1)
    doubts = {"small_text": found.line_px < _SMALL_PX, "uneven": above > _UNEVEN * below}
    return tuple(name for name, doubted in doubts.items() if doubted)


def _density(letters: Letters) -> float:
    """How much of their own box the letters fill: a third as a rule, a bare box nearly all."""
    high, wide = (np.flatnonzero(letters.ink.any(axis=axis)) for axis in (1, 0))
    area = (high[-1] + 1 - high[0]) * (wide[-1] + 1 - wide[0])
    return float(letters.core.sum()) / float(area)


def _border_px(glyphs: Glyphs, letters: Letters) -> float:
    """How wide what surrounds the letters is on the whole, in pixels, as far as it matters."""
    edge = letters.ink & ~erode(letters.ink, 1)
    around = letters.covered if glyphs.surround is None else letters.covered | glyphs.surround
    border = around & dilate(letters.ink, _BORDER_PX) & ~letters.ink
    return float(border.sum()) / max(1, int(edge.sum()))


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


def _add_tiles(sample: Sample | None, tiles: Plane) -> Sample | None:
    if sample is None or not tiles.size:
        return sample
    return replace(sample, tiles=np.concatenate([sample.tiles, tiles]))


def _place(found: Legibility, view: View) -> Legibility:
    """What was measured on a part of the picture, told of the whole."""
    if found.box is None:
        return found
    rows, columns, shape = view.rows, view.columns, view.frame
    high, wide = rows.stop - rows.start, columns.stop - columns.start
    box = Box(
        (found.box.left * wide + columns.start) / shape[1],
        (found.box.top * high + rows.start) / shape[0],
        (found.box.right * wide + columns.start) / shape[1],
        (found.box.bottom * high + rows.start) / shape[0],
    )
    covered = found.covered * high * wide / (shape[0] * shape[1])
    return replace(found, box=box, covered=covered, text_height=100 * found.line_px / shape[0])
