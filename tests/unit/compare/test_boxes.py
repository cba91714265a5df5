"""Boxes behind letters, also ones that the picture shines through."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.compare.boxes import find_backdrop
from service.compare.planes import Picture, dilate
from tests.unit.compare.scenes import HEIGHT, WIDTH, draw, letters

MASK = letters(line_px=28)
BOX = np.zeros((HEIGHT, WIDTH), bool)
BOX[115:172, 40:280] = True


def _moving(n):
    x = (np.arange(WIDTH) + 9 * n) % 80
    y = np.tile(30 + 150 * x / 80, (HEIGHT, 1)).astype(np.float32)
    grey = np.full_like(y, 128)
    return Picture(n / 4, y, grey, grey.copy())


def _shade(ground, share, level):
    y = np.where(BOX, share * ground.y + (1 - share) * level, ground.y).astype(np.float32)
    return Picture(ground.at_s, y, ground.cb, ground.cr)


@settings(max_examples=15, deadline=None)
@given(st.floats(0, 0.6), st.sampled_from([16.0, 120.0, 235.0]), st.sampled_from([16.0, 235.0]))
def test_a_box_is_laid_over_the_clip_as_it_was(share, level, letter):
    """Given any opacity, then what lies under the letters is known to the level."""
    if abs(letter - level) < 100:
        letter = 251.0 - letter
    sources = [_moving(n) for n in range(8)]
    shaded = [_shade(each, share, level) for each in sources]
    variants = [draw(each, MASK, letter) for each in shaded]
    found = find_backdrop(variants, sources, BOX, frame_height=HEIGHT)
    assert found is not None
    inside = BOX & ~dilate(MASK, 1)
    for laid, true in zip(found.pictures, shaded, strict=True):
        assert np.abs(laid.y - true.y)[inside].max() < 6
    assert (found.region & BOX).sum() > 0.9 * BOX.sum()


@pytest.mark.parametrize("width", [0, 2], ids=["plain", "outlined"])
def test_letters_alone_are_no_box(width):
    sources = [_moving(n) for n in range(8)]
    variants = [draw(draw(each, dilate(MASK, width), 16), MASK, 235) for each in sources]
    # Of a picture twice as high: a box is wider than a heavy letter with its outline.
    changed = dilate(MASK, width)
    assert find_backdrop(variants, sources, changed, frame_height=2 * HEIGHT) is None
