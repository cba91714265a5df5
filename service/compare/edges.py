"""Where letters end: how much of each pixel is letter, from light alone. Pure.

The figure is averaged over the samples of a cue, each weighed by how far letter and surroundings
are apart: a moment at which both are alike knows nothing of the edge.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from service.compare.glyphs import Glyphs, Kind
from service.compare.legibility import Letters, find_shape
from service.compare.planes import Mask, Picture, Plane, dilate, erode, local_mean

_APART = 30.0
_CORE = 0.88
_SOFT = 0.08
_LEVELS = 8.0
_BEYOND = 1.3
_HALF = 0.5
_CUT = 0.5
_NEAR_IN_BOX = 4


def find_edges(pictures: Sequence[Picture], glyphs: Glyphs, footprint: Mask) -> Letters:
    """The letters of a cue whose glyphs do not move.

    Where light never tells letter from surroundings, the glyphs themselves are the core.
    """
    radius = max(2, round(find_shape(glyphs.mask).line_px / 12))
    # In a box there is nothing else; thin letters lose their colour there, not their light.
    near = dilate(glyphs.mask, _NEAR_IN_BOX if glyphs.kind is Kind.BOXED else 2)
    around = dilate(glyphs.mask, 2 + 2 * radius)
    # Neither the blends at the letters' edges nor what is beyond an outline tells of the ground.
    around &= ~dilate(footprint, 1) if glyphs.surround is None else glyphs.surround
    share, weight = _average(pictures, glyphs, around, radius)
    known = weight > _APART
    least = np.maximum(_SOFT, _LEVELS / np.maximum(weight, 1))
    half = near & known & (share > _HALF) & (share < _BEYOND)
    core = (glyphs.mask & ~known) | ((glyphs.mask | half) & (share > _find_full(share, half)))
    # Beyond the letters' own light it is a third colour, such as a thin outline: no blend.
    blend = near & known & (share > least) & (share < _BEYOND)
    # Edges of letters are a pixel wide; what is wider was smeared by the encoder.
    ink = glyphs.mask | (blend & dilate(half, 1))
    ink |= dilate(glyphs.mask, 1) & ~known
    radius = max(2, round(find_shape(ink).line_px / 12))
    ring = dilate(ink, radius) & ~ink
    edge = int((ink & ~erode(ink, 1)).sum())
    third = float((near & known & (share >= _BEYOND)).sum()) / max(1, edge)
    return Letters(core, ring, ink, footprint | ink, third)


def _find_full(share: Plane, half: Mask) -> float:
    """From which share on a pixel is all letter.

    Of the pixels at an edge about half are cut by it, also where an encoder smeared it.
    """
    edge = int((half & ~erode(half, 1)).sum())
    if not edge:
        return _CORE
    return min(_CORE, float(np.quantile(share[half], min(1.0, _CUT * edge / half.sum()))))


def _average(
    pictures: Sequence[Picture], glyphs: Glyphs, around: Mask, radius: int
) -> tuple[Plane, Plane]:
    """How much of each pixel is letter, and how far apart both were at best, in levels.

    0..1, and up to 2 where it is neither letter nor ground.
    """
    total = np.zeros(glyphs.mask.shape, np.float32)
    weights = np.zeros_like(total)
    best = np.zeros_like(total)
    for picture in pictures:
        letter = local_mean(picture.y, glyphs.mask, 3 * radius)
        ground = local_mean(picture.y, around, 3 * radius)
        apart = letter - ground
        weight = np.abs(apart)
        safe = np.where(weight > 1, apart, 1)
        share = np.clip((picture.y - ground) / safe, 0, 2)
        total += weight * share
        weights += weight
        best = np.maximum(best, weight)
    return total / np.maximum(weights, 1e-3), best
