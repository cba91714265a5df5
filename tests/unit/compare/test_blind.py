"""Legibility of captions where only the clip and the finished video are known."""

from __future__ import annotations

import numpy as np
import pytest

from service.compare.alignment import ColourMap, Offset
from service.compare.blind import Ground, measure_blind
from service.compare.difference import differ, find_floor, find_gradient
from service.compare.glyphs import Kind, find_glyphs, is_near, local_mean
from service.compare.legibility import find_letters, measure_cue
from service.compare.planes import Picture, dilate, to_luminance
from tests.unit.compare.scenes import HEIGHT, WIDTH, draw, flat, frame, letters

CHARS = 20
MASK = letters(line_px=28)


def _texture(n, low=40, high=120):
    """A ground that moves: stripes, a little noise."""
    x = (np.arange(WIDTH) + 7 * n) % 60
    y = np.tile(low + (high - low) * x / 60, (HEIGHT, 1))
    y = (y + np.random.default_rng(n).normal(0, 1, y.shape)).astype(np.float32)
    grey = np.full_like(y, 128)
    return Picture(n / 4, y, grey, grey.copy())


def _ground(clean=4, residual=0.5):
    clear = [_texture(n) for n in range(clean)]
    same = [differ(each, each) + 1 for each in clear]
    colours = ColourMap(np.eye(3, 4), residual)
    floor = find_floor(same, find_gradient(clear))
    return Ground(floor, colours, Offset(0.0, True), clean)


def _blind(paint, *, sources=None, ground=None, chars=CHARS):
    sources = sources or [_texture(n) for n in range(8)]
    pairs = [(frame(paint(each)), frame(each)) for each in sources]
    return measure_blind(pairs, ground or _ground(), chars=chars)


def _exact(paint, mask=MASK):
    alpha = np.where(mask, 255, 0).astype(np.uint8)
    return measure_cue(
        (to_luminance(paint(_texture(n))), find_letters(alpha, alpha)) for n in range(8)
    )


def _outlined(level, border):
    return lambda ground: draw(draw(ground, dilate(MASK, 2), border), MASK, level)


def _plain(level):
    return lambda ground: draw(ground, MASK, level)


def _boxed(level, box_level):
    box = np.zeros((HEIGHT, WIDTH), bool)
    box[120:168, 45:275] = True
    return lambda ground: draw(draw(ground, box, box_level), MASK, level)


@pytest.mark.parametrize(
    "paint",
    [_plain(235), _boxed(235, 16), _boxed(30, 220)],
    ids=["plain", "boxed", "light box"],
)
def test_blind_and_exact_agree(paint):
    blind, exact = _blind(paint), _exact(paint)
    assert blind.legibility.visible
    assert blind.legibility.contrast == pytest.approx(exact.contrast, rel=0.1)
    assert blind.legibility.weakest == pytest.approx(exact.weakest, rel=0.15)
    assert blind.legibility.line_px == pytest.approx(exact.line_px, abs=2)
    assert blind.flags == ()


def test_an_outline_is_what_letters_stand_on():
    found = _blind(_outlined(235, 16)).legibility
    assert found.contrast == pytest.approx(_exact(_outlined(235, 16)).contrast, rel=0.1)


def test_a_caption_that_is_not_there_is_reported_invisible():
    found = _blind(lambda ground: ground)
    assert not found.legibility.visible
    assert (found.legibility.contrast, found.flags) == (None, ())


def test_white_on_white_is_reported_invisible():
    white = [flat(233, noise=1, seed=n) for n in range(8)]
    found = _blind(_plain(235), sources=white)
    assert not found.legibility.visible


def test_two_fills_that_take_turns_are_flagged():
    def paint(ground):
        left = MASK.copy()
        left[:, WIDTH // 2 :] = False
        return draw(draw(draw(ground, dilate(MASK, 2), 16), MASK, 235), left, 150)

    assert "several_fills" in _blind(paint).flags


def test_small_text_is_flagged():
    small = letters(line_px=14)
    found = _blind(lambda ground: draw(ground, small, 235))
    assert "small_text" in found.flags


def test_a_poor_alignment_is_flagged():
    assert "misaligned" in _blind(_plain(235), ground=_ground(residual=9)).flags


def test_few_clean_frames_are_flagged():
    assert "few_clean_frames" in _blind(_plain(235), ground=_ground(clean=1)).flags


def test_a_shadow_alone_is_flagged():
    def paint(ground):
        shadow = np.roll(MASK, (3, 3), axis=(0, 1))
        return draw(draw(ground, shadow, 16), MASK, 235)

    assert "shadow_only" in _blind(paint).flags


def test_samples_of_a_fade_at_the_ends_are_left_out_and_flagged():
    def paint(ground):
        level = 235 if ground.at_s > 0.3 else 170
        return draw(ground, MASK, level)

    found = _blind(paint)
    assert "fading" in found.flags
    assert found.legibility.samples == 6


def test_colours_of_a_footprint_tell_letters_from_outline():
    picture = _outlined(235, 16)(flat(90))
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


def test_thin_letters_in_a_large_box_are_the_letters():
    """Given letters that are a fiftieth of their box, then the box is not taken for them."""
    box = np.zeros((HEIGHT, WIDTH), bool)
    box[90:176, 10:310] = True
    few = letters(line_px=28, left=110)

    def paint(ground):
        return draw(draw(ground, box, 16), few, 235)

    found = _blind(paint, chars=10)
    assert few.sum() < 0.05 * box.sum()
    assert found.legibility.contrast == pytest.approx(_exact(paint, few).contrast, rel=0.1)
    assert found.legibility.line_px == pytest.approx(28, abs=2)


def test_a_box_without_letters_is_flagged():
    box = np.zeros((HEIGHT, WIDTH), bool)
    box[120:168, 45:275] = True
    assert "no_letters" in _blind(lambda ground: draw(ground, box, 235)).flags
