"""How a caption stands out, from pixels whose letters are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.compare.legibility import find_letters, find_shape, measure_cue
from service.compare.planes import Picture, contrast, dilate, erode, runs, to_luminance
from tests.unit.compare.scenes import HEIGHT, WIDTH, draw, flat, letters


def _known(mask):
    alpha = np.where(mask, 255, 0).astype(np.uint8)
    return find_letters(alpha, alpha)


def _measure(level, ground, mask):
    return measure_cue([(to_luminance(draw(flat(ground), mask, level)), _known(mask))])


def test_black_and_white_are_the_ends_of_the_scale():
    assert to_luminance(flat(235)).max() == pytest.approx(1, abs=1e-5)
    assert to_luminance(flat(16)).max() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("matrix", ["bt601", "bt709", "bt2020"])
def test_a_matrix_keeps_grey(matrix):
    grey = flat(126)
    coded = Picture(0, grey.y, grey.cb, grey.cr, matrix)
    assert to_luminance(coded).mean() == pytest.approx(0.2158, abs=0.002)


def test_white_on_black_is_21():
    found = _measure(235, 16, letters())
    assert (found.visible, found.below_4_5, found.below_3) == (True, 0, 0)
    assert found.contrast == found.weakest == pytest.approx(21, abs=0.01)


def test_white_on_white_is_measured_and_not_visible():
    found = _measure(235, 235, letters())
    assert (found.visible, found.contrast, found.below_3) == (False, 1, 1)


def test_what_letters_stand_on_counts_not_what_is_far_away():
    mask = letters()
    scene = draw(flat(235), dilate(mask, 6), 16)
    found = measure_cue([(to_luminance(draw(scene, mask, 235)), _known(mask))])
    assert found.contrast == pytest.approx(21, abs=0.01)


def test_one_bad_part_shows_in_the_weakest_tenth_and_not_in_the_median():
    ground = flat(16)
    ground.y[:, : WIDTH // 4 + 10] = 235
    mask = letters(left=50)
    found = measure_cue([(to_luminance(draw(ground, mask, 235)), _known(mask))])
    assert found.contrast == pytest.approx(21, abs=0.01)
    assert found.weakest < 2
    assert 0 < found.below_3 < 0.4


def test_samples_are_pooled():
    mask = letters()
    moments = [(to_luminance(draw(flat(g), mask, 235)), _known(mask)) for g in (16, 235)]
    one, both = measure_cue(moments[:1]), measure_cue(moments)
    assert (both.samples, both.tiles) == (2, 2 * one.tiles)
    assert both.below_3 == pytest.approx(0.5)


def test_lines_height_and_place_are_counted():
    found = _measure(235, 16, letters(line_px=24, top=130, lines=2))
    assert (found.lines, found.line_px) == (2, 24)
    assert found.text_height == pytest.approx(100 * 24 / HEIGHT)
    assert (found.box.top, found.box.bottom) == (98 / HEIGHT, 154 / HEIGHT)
    assert found.covered == pytest.approx(letters(lines=2).mean())


def test_a_dot_is_no_line():
    mask = letters()
    mask[20:22, 40:42] = True
    assert find_shape(mask).lines == 1


def test_no_letters_at_all_are_not_visible():
    found = measure_cue([(to_luminance(flat(16)), _known(np.zeros((HEIGHT, WIDTH), bool)))])
    assert (found.visible, found.contrast, found.samples) == (False, None, 1)


@given(st.floats(16, 235), st.floats(16, 235))
def test_contrast_is_that_of_the_formula(level, ground):
    one, two = to_luminance(flat(level)).mean(), to_luminance(flat(ground)).mean()
    found = _measure(level, ground, letters())
    assert found.contrast == pytest.approx(float(contrast(one, two)), rel=0.01)
    assert 1 <= found.weakest <= found.contrast <= found.strongest <= 21.01
    assert found.below_3 <= found.below_4_5


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 29)), max_size=20), st.integers(1, 4))
def test_dilation_is_what_a_square_window_says(points, radius):
    mask = np.zeros((20, 30), bool)
    for row, column in points:
        mask[row, column] = True
    slow = np.zeros_like(mask)
    for row, column in points:
        top, left = max(0, row - radius), max(0, column - radius)
        slow[top : row + radius + 1, left : column + radius + 1] = True
    assert (dilate(mask, radius) == slow).all()
    assert not (erode(mask, radius) & ~mask).any()


@given(st.lists(st.booleans(), max_size=30))
def test_runs_are_all_that_is_true(flags):
    found = np.zeros(len(flags), bool)
    for first, behind in runs(np.array(flags, bool)):
        assert first < behind
        found[first:behind] = True
    assert found.tolist() == flags
