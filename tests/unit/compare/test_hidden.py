"""Letters that the ground hides."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from service.compare.colours import Colour
from service.compare.glyphs import Glyphs, Kind
from service.compare.hidden import find_hidden, recover
from service.compare.legibility import Letters
from service.compare.planes import dilate
from tests.unit.compare.scenes import HEIGHT, WIDTH, draw, flat, letters

MASK = letters(line_px=28)
WHITE = Colour(235, 128, 128)


def _glyphs(mask):
    return Glyphs(mask, WHITE, (WHITE,), Kind.SINGLE, (WHITE,), None)


def _walls(first, behind, level=235.0):
    walls = [flat(60, at_s=n / 4) for n in range(8)]
    for wall in walls:
        wall.y[:, first:behind] = level
    return walls


def test_letters_seen_at_one_sample_only_are_recovered():
    """Given a wall that is white but for a moment, then its letters were seen at that one."""
    sources = _walls(120, 200)
    sources[3].y[:] = 60
    variants = [draw(each, MASK, 235) for each in sources]
    left = MASK.copy()
    left[:, 120:200] = False
    found = recover(variants, sources, _glyphs(left), np.full((HEIGHT, WIDTH), 7.0, np.float32))
    assert (found == MASK).mean() > 0.999


@settings(max_examples=20, deadline=None)
@given(st.integers(70, 150), st.integers(40, 100))
def test_where_the_ground_has_the_letters_colour_tiles_count_as_hidden(first, wide):
    sources = _walls(first, first + wide)
    shown = MASK.copy()
    shown[:, first : first + wide] = False
    seen = Letters(shown, dilate(shown, 2) & ~shown, shown, shown)
    for tiles in find_hidden(sources, _glyphs(shown), seen, 28.0):
        assert abs(tiles.size - (wide / 21) * (28 / 21)) < 4
        assert (tiles < 1.1).all()


def test_another_ground_hides_nothing():
    sources = _walls(100, 200, level=120.0)
    seen = Letters(MASK, dilate(MASK, 2) & ~MASK, MASK, MASK)
    assert all(tiles.size == 0 for tiles in find_hidden(sources, _glyphs(MASK), seen, 28.0))
