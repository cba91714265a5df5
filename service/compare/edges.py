"""Where letters end: how much of each pixel is letter, from light alone. Pure.

The figure is averaged over the samples of a cue, each weighed by how far letter and surroundings
are apart: a moment at which both are alike knows nothing of the edge.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from service.compare.glyphs import Glyphs, local_mean
from service.compare.legibility import Letters, find_shape
from service.compare.planes import Mask, Picture, Plane, dilate

_APART = 30.0
_CORE = 0.88
_SOFT = 0.08
_LEVELS = 8.0


def find_edges(pictures: Sequence[Picture], glyphs: Glyphs, footprint: Mask) -> Letters:
    """The letters of a cue whose glyphs do not move.

    Where light never tells letter from surroundings, the glyphs themselves are the core.
    """
    radius = max(2, round(find_shape(glyphs.mask).line_px / 12))
    near = dilate(glyphs.mask, 2)
    around = dilate(glyphs.mask, 2 + 2 * radius)
    # Neither the blends at the letters' edges nor what is beyond an outline tells of the ground.
    around &= ~dilate(footprint, 1) if glyphs.surround is None else glyphs.surround
    share, weight = _average(pictures, glyphs, around, radius)
    known = weight > _APART
    least = np.maximum(_SOFT, _LEVELS / np.maximum(weight, 1))
    core = glyphs.mask & (~known | (share > _CORE))
    ink = glyphs.mask | (near & known & (share > least))
    ink |= dilate(glyphs.mask, 1) & ~known
    ring = dilate(ink, radius) & ~ink
    return Letters(core, ring, ink, footprint | ink)


def _average(
    pictures: Sequence[Picture], glyphs: Glyphs, around: Mask, radius: int
) -> tuple[Plane, Plane]:
    """How much of each pixel is letter, 0..1, and how far apart both were at best, in levels."""
    total = np.zeros(glyphs.mask.shape, np.float32)
    weights = np.zeros_like(total)
    best = np.zeros_like(total)
    for picture in pictures:
        letter = local_mean(picture.y, glyphs.mask, 3 * radius)
        ground = local_mean(picture.y, around, 3 * radius)
        apart = letter - ground
        weight = np.abs(apart)
        safe = np.where(weight > 1, apart, 1)
        share = np.clip((picture.y - ground) / safe, 0, 1)
        total += weight * share
        weights += weight
        best = np.maximum(best, weight)
    return total / np.maximum(weights, 1e-3), best
