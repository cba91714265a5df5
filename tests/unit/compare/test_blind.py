"""Legibility of captions where only the clip and the finished video are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from service.compare.alignment import Offset
from service.compare.blind import measure_blind
from service.compare.difference import Floor
from service.compare.legibility import find_letters, measure_cue
from service.compare.planes import Picture, dilate, to_luminance
from tests.unit.compare.scenes import (
    HEIGHT,
    WIDTH,
    draw,
    flat,
    frame,
    known_ground,
    letters,
    texture,
)

CHARS = 20
MASK = letters(line_px=28)


def _blind(paint, *, sources=None, ground=None, chars=CHARS):
    sources = sources or [texture(n) for n in range(8)]
    pairs = [(frame(paint(each)), frame(each)) for each in sources]
    return measure_blind(pairs, ground or known_ground(), chars=chars)


def _exact(paint, mask=MASK):
    alpha = np.where(mask, 255, 0).astype(np.uint8)
    return measure_cue(
        (to_luminance(paint(texture(n))), find_letters(alpha, alpha)) for n in range(8)
    )


def _exact_of(paint, sources, mask=MASK):
    alpha = np.where(mask, 255, 0).astype(np.uint8)
    return measure_cue((to_luminance(paint(each)), find_letters(alpha, alpha)) for each in sources)


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


def test_two_fills_in_an_outline_are_both_letters():
    """Given words lit up in another colour, then all letters are measured, and nothing doubted."""

    def paint(ground):
        left = MASK.copy()
        left[:, WIDTH // 2 :] = False
        return draw(draw(draw(ground, dilate(MASK, 2), 16), MASK, 235), left, 190)

    found = _blind(paint)
    assert "several_fills" not in found.flags
    assert found.legibility.contrast == pytest.approx(_exact(paint).contrast, rel=0.15)
    assert found.legibility.box.left == pytest.approx(60 / WIDTH, abs=0.01)
    assert found.legibility.box.right == pytest.approx(1 - 66 / WIDTH, abs=0.02)


def test_two_fills_without_an_outline_are_flagged():
    """Given two colours and nothing around them, then which of them are letters is not sure."""

    def paint(ground):
        left = MASK.copy()
        left[:, WIDTH // 2 :] = False
        return draw(draw(ground, MASK, 235), left, 190)

    assert "several_fills" in _blind(paint).flags


def test_small_text_is_flagged():
    small = letters(line_px=14)
    found = _blind(lambda ground: draw(ground, small, 235))
    assert "small_text" in found.flags


def test_a_poor_alignment_is_flagged():
    assert "misaligned" in _blind(_plain(235), ground=known_ground(residual=9)).flags


def test_few_clean_frames_are_flagged():
    assert "few_clean_frames" in _blind(_plain(235), ground=known_ground(clean=1)).flags


def test_a_shadow_alone_is_flagged():
    def paint(ground):
        shadow = np.roll(MASK, (3, 3), axis=(0, 1))
        return draw(draw(ground, shadow, 16), MASK, 235)

    assert "shadow_only" in _blind(paint).flags


@pytest.mark.parametrize(
    ("from_s", "until_s", "kept", "flagged"), [(0.3, 9, 6, False), (0.6, 1.4, 3, True)]
)
def test_samples_of_a_fade_at_the_ends_are_left_out(from_s, until_s, kept, flagged):
    """Given a short fade, then the rest is measured as it is; a long one is doubted."""

    def paint(ground):
        share = 1.0 if from_s < ground.at_s < until_s else 0.4
        level = share * 235 + (1 - share) * ground.y
        return Picture(ground.at_s, np.where(MASK, level, ground.y), ground.cb, ground.cr)

    found = _blind(paint)
    assert found.legibility.samples == kept
    assert ("fading" in found.flags) == flagged
    assert len(found.moments) == 8


def test_a_box_that_the_picture_shines_through_is_no_letter():
    """Given letters in a box of half opacity over a picture that moves, then they are found."""
    box = np.zeros((HEIGHT, WIDTH), bool)
    box[118:170, 45:275] = True

    def paint(ground):
        shaded = np.where(box, 0.5 * ground.y + 8, ground.y).astype(np.float32)
        return draw(Picture(ground.at_s, shaded, ground.cb, ground.cr), MASK, 235)

    sources = [texture(n, 40, 200) for n in range(8)]
    found = _blind(paint, sources=sources)
    alpha = np.where(MASK, 255, 0).astype(np.uint8)
    exact = measure_cue((to_luminance(paint(each)), find_letters(alpha, alpha)) for each in sources)
    assert found.flags == ()
    assert found.legibility.contrast == pytest.approx(exact.contrast, rel=0.1)
    assert found.legibility.line_px == pytest.approx(28, abs=2)


def test_letters_whose_outline_the_ground_hides_in_part_are_all_found():
    """Given a black outline before a ground that is half black, then all letters count."""

    def paint(ground):
        return draw(draw(ground, dilate(MASK, 2), 16), MASK, 235)

    halves = []
    for n in range(8):
        ground = flat(200, at_s=n / 4, noise=1, seed=n)
        ground.y[:, WIDTH // 2 :] = 16
        halves.append(ground)
    found = _blind(paint, sources=halves).legibility
    assert found.contrast == pytest.approx(_exact_of(paint, halves).contrast, rel=0.15)
    assert found.box.right == pytest.approx(1 - 66 / WIDTH, abs=0.02)


def test_letters_hidden_by_the_ground_count_as_hidden():
    """Given white letters before a wall that is white within a line, then the shares know it."""
    walls = []
    for n in range(8):
        wall = flat(60, at_s=n / 4, noise=1, seed=n)
        wall.y[:, 120:200] = 235
        walls.append(wall)
    found, exact = _blind(_plain(235), sources=walls), _exact_of(_plain(235), walls)
    assert exact.below_3 == pytest.approx(0.4, abs=0.1)
    assert found.legibility.below_3 == pytest.approx(exact.below_3, abs=0.1)
    assert found.legibility.contrast == pytest.approx(exact.contrast, rel=0.2)


def test_letters_that_are_mostly_hidden_are_flagged():
    """Given a wall that hides nearly all, then what is left is unlike the text."""
    walls = []
    for n in range(8):
        wall = flat(235, at_s=n / 4, noise=1, seed=n)
        wall.y[:, 60:100] = 60
        walls.append(wall)
    assert "unlike_text" in _blind(_plain(235), sources=walls).flags
    assert "unlike_text" not in _blind(_plain(235)).flags


def test_a_caption_that_changes_within_a_cue_is_measured_and_flagged():
    """Given other letters from the middle on, then both are letters, and it is said."""
    other = np.roll(MASK, 5, axis=1)

    def paint(ground):
        return draw(ground, MASK if ground.at_s < 1 else other, 235)

    found = _blind(paint)
    assert "moving" in found.flags
    assert "moving" not in _blind(_plain(235)).flags
    assert found.legibility.samples == 8
    assert found.legibility.contrast == pytest.approx(
        _blind(_plain(235)).legibility.contrast, rel=0.1
    )


def test_tiles_on_two_sides_of_the_median_are_flagged():
    """Given half of the letters before a dark ground, half before a bright one, then it is said."""
    halves = []
    for n in range(8):
        ground = flat(180, at_s=n / 4, noise=1, seed=n)
        ground.y[:, WIDTH // 2 :] = 30
        halves.append(ground)
    assert "uneven" in _blind(_plain(235), sources=halves).flags
    assert "uneven" not in _blind(_plain(235)).flags


def test_a_picture_that_was_moved_and_is_too_still_to_tell_is_flagged():
    """Given no offset and pictures that do not fit, then they are not taken to be the same."""
    for residual, expected in ((0.5, False), (3.0, True)):
        ground = replace(known_ground(residual=residual), offset=Offset(0.0, False))
        assert ("unknown_offset" in _blind(_plain(235), ground=ground).flags) == expected
    assert "unknown_offset" not in _blind(_plain(235), ground=known_ground(residual=3.0)).flags


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


def test_what_surrounds_letters_thinly_is_flagged():
    """Given an edge of two pixels on two sides at 720 lines, then it is doubted; a wide one not."""
    mask = np.kron(MASK, np.ones((4, 4), bool))

    def enlarge(ground):
        y = np.kron(ground.y, np.ones((4, 4), np.float32))
        grey = np.full_like(y, 128)
        return Picture(ground.at_s, y, grey, grey)

    sources = [enlarge(texture(n, 90, 140)) for n in range(8)]
    ground = replace(known_ground(), floor=Floor(known_ground().floor.thresholds, None))
    for around, expected in ((np.roll(mask, (2, 2), axis=(0, 1)), True), (dilate(mask, 5), False)):
        found = _blind(
            lambda each, around=around: draw(draw(each, around, 235), mask, 30),
            sources=sources,
            ground=ground,
        )
        assert ("thin_outline" in found.flags) == expected


def test_far_less_ink_than_so_many_letters_have_is_flagged():
    assert "partly_hidden" in _blind(_plain(235), chars=200).flags
