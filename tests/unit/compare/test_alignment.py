"""Bringing a variant and its source together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.compare.alignment import Thumbs, find_offset, fit_colours
from service.compare.planes import Picture
from tests.unit.compare.scenes import frame

FRAMES, STEP_S = 75, 0.04


def _moving(first=0):
    """A texture that moves by two pixels a frame."""
    texture = np.random.default_rng(1).uniform(16, 235, (54, 600)).astype(np.float32)
    luma = np.stack(
        [texture[:, 2 * n : 2 * n + 96] for n in range(50 + first, 50 + first + FRAMES)]
    )
    return Thumbs(np.arange(FRAMES) * STEP_S, luma)


def _coloured(seed=2):
    planes = np.random.default_rng(seed).uniform(40, 200, (3, 90, 160)).astype(np.float32)
    return Picture(0.0, *planes)


@pytest.mark.parametrize("frames", [-20, -3, 0, 1, 12])
def test_an_offset_of_whole_frames_is_found(frames):
    """Given a variant that shows everything some frames later, then that is found."""
    found = find_offset(_moving(-frames), _moving())
    assert found.determined
    assert found.seconds == pytest.approx(frames * STEP_S)


def test_captions_do_not_move_the_offset():
    variant = _moving(-2)
    variant.luma[:, 36:, 10:86] = 16
    assert find_offset(variant, _moving()).seconds == pytest.approx(2 * STEP_S)


def test_a_still_picture_tells_no_offset():
    still = _moving().luma[:1].repeat(FRAMES, axis=0)
    noisy = still + np.random.default_rng(3).normal(0, 1, still.shape).astype(np.float32)
    times_s = np.arange(FRAMES) * STEP_S
    found = find_offset(Thumbs(times_s, noisy), Thumbs(times_s, still))
    assert (found.determined, found.seconds) == (False, 0.0)


def test_a_clip_that_is_hardly_there_tells_no_offset():
    """Given a clip of one picture and a variant of many, then nothing is known."""
    whole = _moving()
    found = find_offset(whole, Thumbs(whole.times_s[:1], whole.luma[:1]))
    assert (found.determined, found.seconds) == (False, 0.0)


@given(st.floats(0.8, 1.2), st.floats(-12, 12), st.floats(0.7, 1.3))
def test_a_grade_is_undone(gain, lift, saturation):
    source = _coloured()
    variant = Picture(
        0.0,
        gain * source.y + lift,
        128 + saturation * (source.cb - 128),
        128 + saturation * (source.cr - 128),
    )
    fitted = fit_colours([(frame(variant), frame(source))])
    assert fitted.residual < 0.5
    # Frames have whole levels: half a level is lost before anything is fitted.
    assert np.abs(fitted.apply(source).y - variant.y).max() < 1
    assert np.abs(fitted.apply(source).cb - variant.cb).max() < 1


def test_a_foreign_part_does_not_bend_the_colours():
    source = _coloured()
    variant = Picture(0.0, source.y.copy(), source.cb, source.cr)
    variant.y[:12] = 235
    assert (
        np.abs(fit_colours([(frame(variant), frame(source))]).apply(source).y - source.y).max() < 1
    )


def test_without_clean_pairs_nothing_is_known():
    assert fit_colours([]).residual == float("inf")
