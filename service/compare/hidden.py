"""Letters that the ground hides, such as white ones before a white wall. Pure.

A pixel that has the letters' colour all the time, and the clip's now and then, is a letter although
it hardly differs. Where the clip has that colour all the time nothing can be seen: there as many
letters are taken to be as a line has elsewhere, and their contrast is that of the colours.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from service.compare.colours import is_near
from service.compare.difference import differ
from service.compare.glyphs import Glyphs
from service.compare.legibility import Letters
from service.compare.planes import Mask, Picture, Plane, contrast, dilate, runs, to_luminance

_LINE = 0.4
_EVIDENCE = 2.0
_OFTEN = 0.7
_TILE_LINES = 0.75
_ZONE_SHARE = 0.6
_ALIKE = 20.0


def recover(
    variants: Sequence[Picture], grounds: Sequence[Picture], glyphs: Glyphs, floor: Plane
) -> Mask:
    """The letters and what of them differs at some samples only."""
    lines = _find_lines(glyphs.mask, wider=True)
    steady = np.ones_like(glyphs.mask)
    evident = np.zeros_like(glyphs.mask)
    for variant, ground in zip(variants, grounds, strict=True):
        steady &= np.any([is_near(variant, fill) for fill in glyphs.fills], axis=0)
        evident |= differ(variant, ground) > _EVIDENCE * floor
    found = steady & evident & lines
    squares = found[:-1, :-1] & found[1:, :-1] & found[:-1, 1:] & found[1:, 1:]
    solid = np.zeros_like(found)
    solid[:-1, :-1] = squares
    return glyphs.mask | (found & dilate(solid, 1))


def find_hidden(
    grounds: Sequence[Picture], glyphs: Glyphs, letters: Letters, line_px: float
) -> list[Plane]:
    """For each sample the contrasts of tiles whose letters cannot be seen; as a rule none."""
    lines = _find_lines(letters.ink, wider=False)
    alike = np.mean([_is_alike(each, glyphs) for each in grounds], axis=0)
    zone = lines & (alike >= _OFTEN) & ~dilate(letters.ink, max(2, round(line_px / 12)))
    side = max(4, round(_TILE_LINES * line_px))
    rows, columns = np.nonzero(zone)
    if not rows.size:
        return [np.empty(0, np.float32)] * len(grounds)
    across = columns // side
    tile = (rows // side) * (int(across.max()) + 1) + across
    count = np.bincount(tile)
    full = count >= _ZONE_SHARE * side * side
    light = _light_of(glyphs, grounds[0].matrix)
    return [
        contrast(light, (np.bincount(tile, to_luminance(each)[rows, columns])[full] / count[full]))
        for each in grounds
    ]


def _find_lines(mask: Mask, *, wider: bool) -> Mask:
    """The rectangles of the lines of text, by a line's height wider where asked for."""
    out = np.zeros_like(mask)
    found = runs(np.asarray(mask.any(axis=1)))
    tallest = max((below - top for top, below in found), default=0)
    for top, below in found:
        if below - top < _LINE * tallest:
            continue
        columns = np.flatnonzero(mask[top:below].any(axis=0))
        extra = tallest if wider else 0
        out[top:below, max(0, columns[0] - extra) : columns[-1] + 1 + extra] = True
    return out


def _is_alike(ground: Picture, glyphs: Glyphs) -> Mask:
    off = np.abs(ground.y - glyphs.colour.y)
    off = off + 0.6 * np.abs(ground.cb - glyphs.colour.cb)
    off = off + 0.6 * np.abs(ground.cr - glyphs.colour.cr)
    return np.asarray(off < _ALIKE, np.bool_)


def _light_of(glyphs: Glyphs, matrix: str) -> float:
    colour = glyphs.colour
    y, cb, cr = (np.full((1, 1), each, np.float32) for each in (colour.y, colour.cb, colour.cr))
    return float(to_luminance(Picture(0.0, y, cb, cr, matrix))[0, 0])
