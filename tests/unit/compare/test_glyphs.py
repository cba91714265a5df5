"""What of a caption is letters."""

from __future__ import annotations

import numpy as np
import pytest

from service.compare.colours import is_near
from service.compare.glyphs import Kind, find_glyphs
from service.compare.planes import dilate, local_mean
from tests.unit.compare.scenes import HEIGHT, draw, flat, letters

MASK = letters(line_px=28)


def test_colours_of_a_footprint_tell_letters_from_outline():
    picture = draw(draw(flat(90), dilate(MASK, 2), 16), MASK, 235)
    glyphs = find_glyphs(picture, dilate(MASK, 2), frame_height=HEIGHT)
    assert glyphs.kind is Kind.INNER
    assert glyphs.colour.y == pytest.approx(235)
    assert (is_near(picture, glyphs.colour) == MASK).all()


def test_a_local_mean_is_of_the_mask_alone():
    values = np.arange(100, dtype=np.float32).reshape(10, 10)
    mask = np.zeros((10, 10), bool)
    mask[2, 3] = mask[4, 5] = True
    found = local_mean(values, mask, 2)
    assert found[3, 4] == pytest.approx((23 + 45) / 2)
    assert found[9, 9] == 0
