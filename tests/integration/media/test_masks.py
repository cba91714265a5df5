"""Where captions are, drawn by the real libass."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sandbox.ass import write_ass
from sandbox.cues import Cue
from sandbox.style import PRESETS
from service.compare.legibility import find_shape
from service.media.ffmpeg import find_ffmpeg
from service.media.masks import draw_masks, strip_to_fill

FONTS = Path(__file__).resolve().parents[3] / "sandbox" / "fonts"
SIZE = {"width": 640, "height": 360}


def _draw(preset, times_s):
    cue = Cue(500, 2500, "Cold brew in\nunder thirty seconds")
    ass = write_ass([(cue, PRESETS[preset])], **SIZE)
    return list(draw_masks(find_ffmpeg(), ass, times_s=times_s, fonts=FONTS, **SIZE))


def test_masks_are_of_the_moment_asked_for():
    """Given a cue from 0.5 to 2.5 s, then only times within it have letters."""
    drawn = _draw("outline", [0.48, 0.5, 2.48, 2.5])
    assert [bool((each.fill >= 250).any()) for each in drawn] == [False, True, True, False]


@pytest.mark.parametrize("preset", ["outline", "boxed", "karaoke"])
def test_the_fill_lies_within_the_footprint(preset):
    """Given an outline or a box, then the letters alone are two lines, and all of it is more."""
    (drawn,) = _draw(preset, [1.2])
    fill, everything = drawn.fill > 16, drawn.footprint > 16
    assert not (fill & ~everything).any()
    assert everything.sum() > 1.5 * fill.sum()
    assert find_shape(fill).lines == 2


def test_plain_letters_are_all_there_is():
    """Given neither outline nor box, then both masks are the same."""
    (drawn,) = _draw("plain", [1.2])
    assert np.abs(drawn.fill.astype(int) - drawn.footprint).max() <= 1


def test_more_times_than_one_batch_are_all_drawn():
    """Given forty times, then forty masks come, each of its own time."""
    times_s = [n / 10 for n in range(40)]
    drawn = _draw("outline", times_s)
    assert [each.at_s for each in drawn] == times_s
    assert [bool(each.fill.any()) for each in drawn] == [5 <= n < 25 for n in range(40)]


def test_a_style_of_another_version_is_refused():
    """Given a row with fewer fields, then nothing is guessed."""
    with pytest.raises(ValueError, match="3 fields"):
        strip_to_fill("Style: a,b,c\n")
