"""How well a caption stands out from what is around it, measured from pixels. Pure.

The contrast formula is the WCAG's; where letters end and their surroundings begin follows its note
on borders: a narrow border hardly counts, a wide one is what the letter stands on. Measured in
tiles, so that one bad corner of a caption shows, and pooled over all samples of a cue.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.compare.planes import Mask, Plane, contrast, dilate, runs
from service.compare.platforms import Box

# Below this median contrast nobody sees the letters.
VISIBLE = 1.3
_CORE = 250
_TOUCHED = 16
_TILE_LINES = 0.75
_TILE_PIXELS = 12


@dataclass(frozen=True, slots=True)
class Letters:
    """Where the letters of a cue are at one moment, all in masks of the picture's size.

    `core` is full letter, `ring` what it stands on, `ink` every pixel that the letters touch;
    `covered` all that the caption hides of the picture, its box and outline too. `third` is how
    many pixels beside each of an edge are neither letter nor ground, where that was looked for.
    """

    core: Mask
    ring: Mask
    ink: Mask
    covered: Mask
    third: float = 0.0


@dataclass(frozen=True, slots=True)
class Legibility:
    """Measures of one cue over its samples.

    Contrasts are 1..21: the median over tiles and the weakest tenth (the 10th percentile);
    `below_4_5` and `below_3` are shares of tiles. `text_height` is a line from ascender to
    descender in percent of the picture's height, `line_px` the same in pixels; `covered` the share
    of the picture that the caption hides; `box` the ink. `visible` is false where nobody could read
    it, whose figures are then what they are: near 1, or `None` where no letter was found at all.
    """

    visible: bool
    contrast: float | None
    weakest: float | None
    strongest: float | None
    below_4_5: float | None
    below_3: float | None
    lines: int
    line_px: float
    text_height: float
    covered: float
    box: Box | None
    samples: int
    tiles: int


@dataclass(frozen=True, slots=True)
class Shape:
    """The lines of a caption: their number, and the inked height of one in pixels."""

    lines: int
    line_px: float


@dataclass(frozen=True, slots=True)
class Sample:
    """What one moment of a cue showed."""

    tiles: Plane
    shape: Shape
    box: Box
    covered: float


def find_letters(
    fill: NDArray[np.uint8], footprint: NDArray[np.uint8], shape: Shape | None = None
) -> Letters:
    """The letters from what a renderer drew: alpha 0..255 of the fill alone, and of everything.

    `shape` is that of the whole cue, where one moment of an animation shows only a part.
    """
    ink = fill > _TOUCHED
    line_px = (shape or find_shape(ink)).line_px
    radius = max(2, round(line_px / 12))
    return Letters(fill >= _CORE, dilate(ink, radius) & ~ink, ink, footprint > _TOUCHED)


def find_shape(ink: Mask) -> Shape:
    """Count lines of text as stretches of rows with ink; dots and dashes alone are no line."""
    heights = np.array([b - a for a, b in runs(np.asarray(ink.any(axis=1)))], np.float64)
    if not heights.size:
        return Shape(0, 0.0)
    lines = heights[heights >= 0.4 * heights.max()]
    return Shape(int(lines.size), float(np.median(lines)))


def measure_cue(samples: Iterable[tuple[Plane, Letters]]) -> Legibility:
    """Measure a cue from pairs of relative luminance and where its letters are.

    Samples are used one at a time, so that a generator keeps the memory flat.
    """
    seen: list[Sample] = []
    count, height = 0, 1
    for luminance, letters in samples:
        count += 1
        height = luminance.shape[0]
        sample = measure_sample(luminance, letters)
        if sample is not None:
            seen.append(sample)
    return sum_up(seen, count, height)


def measure_sample(luminance: Plane, letters: Letters) -> Sample | None:
    """Measure one moment from relative luminance; nothing where there is no line of letters."""
    shape = find_shape(letters.ink)
    if not shape.lines:
        return None
    tiles = tile_contrasts(luminance, letters, shape.line_px)
    return Sample(tiles, shape, find_box(letters.ink), float(letters.covered.mean()))


def tile_contrasts(luminance: Plane, letters: Letters, line_px: float) -> Plane:
    """The contrast of letters to their ring in each tile that has enough pixels of both."""
    side = max(4, round(_TILE_LINES * line_px))
    rows, columns = np.nonzero(letters.core | letters.ring)
    if not rows.size:
        return np.empty(0, np.float32)
    across = (columns - columns.min()) // side
    tile = ((rows - rows.min()) // side) * (int(across.max()) + 1) + across
    inside = letters.core[rows, columns]
    light = luminance[rows, columns]
    total = int(tile.max()) + 1
    core_n = np.bincount(tile, inside, total)
    ring_n = np.bincount(tile, ~inside, total)
    enough = (core_n >= _TILE_PIXELS) & (ring_n >= _TILE_PIXELS)
    core = np.bincount(tile, light * inside, total)[enough] / core_n[enough]
    ring = np.bincount(tile, light * ~inside, total)[enough] / ring_n[enough]
    return contrast(core.astype(np.float32), ring.astype(np.float32))


def find_box(ink: Mask) -> Box:
    """The smallest box around all ink. There must be some."""
    height, width = ink.shape
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return Box(
        float(columns[0]) / width,
        float(rows[0]) / height,
        float(columns[-1] + 1) / width,
        float(rows[-1] + 1) / height,
    )


def join_boxes(boxes: Sequence[Box]) -> Box:
    """The smallest box around some boxes. There must be some."""
    return Box(
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
    )


def nothing_seen(samples: int) -> Legibility:
    """What is said of a cue that left no visible letters."""
    return Legibility(False, None, None, None, None, None, 0, 0.0, 0.0, 0.0, None, samples, 0)


def sum_up(seen: Sequence[Sample], samples: int, height: int) -> Legibility:
    """Pool what was seen at some of so many samples, in pictures of that height."""
    pooled = np.concatenate([each.tiles for each in seen]) if seen else np.empty(0, np.float32)
    if not pooled.size:
        return nothing_seen(samples)
    weakest, median, strongest = (float(np.percentile(pooled, at)) for at in (10, 50, 90))
    line_px = float(np.median([each.shape.line_px for each in seen]))
    return Legibility(
        visible=median >= VISIBLE,
        contrast=median,
        weakest=weakest,
        strongest=strongest,
        below_4_5=float((pooled < 4.5).mean()),
        below_3=float((pooled < 3).mean()),
        lines=max(each.shape.lines for each in seen),
        line_px=line_px,
        text_height=100 * line_px / height,
        covered=max(each.covered for each in seen),
        box=join_boxes([each.box for each in seen]),
        samples=samples,
        tiles=int(pooled.size),
    )
