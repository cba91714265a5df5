"""Captions of real files, measured blind and with their letters known."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.ass import write_ass
from sandbox.cues import Cue as Line
from sandbox.style import PRESETS
from service.captions.model import Cue
from service.compare.films import find_clean_times, find_windows, measure_films
from service.compare.legibility import find_letters, measure_cue
from service.compare.planes import to_luminance
from service.errors import ProbeFailed, UnsupportedFile
from service.media.frames import read_pictures, read_thumbs
from service.media.masks import draw_masks

FONTS = Path(__file__).resolve().parents[3] / "sandbox" / "fonts"
CUES = [Cue(400, 1400, "Cold brew"), Cue(1800, 2700, "No filter")]
SIZE = {"width": 640, "height": 360}
LARGE = {name: replace(PRESETS[name], size=10.0) for name in ("outline", "boxed")}


@pytest.fixture(scope="module")
def ground(make_media):
    """Three seconds of a slow gradient."""
    source = "gradients=s=640x360:r=25:c0=#101010:c1=#909090:n=2:seed=3:duration=3"
    return make_media("ground.mp4", "-f", "lavfi", "-i", source, "-c:v", "libx264",
                      "-preset", "ultrafast", "-crf", "18", "-pix_fmt", "yuv420p")  # fmt: skip


@pytest.fixture(scope="module")
def burn(ffmpeg, ground, tmp_path_factory):
    """Write cues into the ground in a style; returns the file and its ASS."""

    def make(style):
        folder = tmp_path_factory.mktemp("burned")
        ass = write_ass([(Line(c.start_ms, c.end_ms, c.text), style) for c in CUES], **SIZE)
        (folder / "burn.ass").write_text(ass, encoding="utf-8")
        command = [ffmpeg, "-nostdin", "-loglevel", "error", "-i", str(ground)]
        command += ["-vf", f"ass=burn.ass:fontsdir={FONTS}", "-c:v", "libx264"]
        command += ["-preset", "veryfast", "-crf", "23", "out.mp4"]
        subprocess.run(command, check=True, cwd=folder, timeout=60)
        return folder / "out.mp4", ass

    return make


@pytest.mark.parametrize("look", LARGE)
def test_blind_is_near_the_truth(burn, ffmpeg, ground, look):
    """Given an outline or a box, then the contrast found blind is within a quarter of the true."""
    variant, ass = burn(LARGE[look])
    blind = measure_films(variant, ground, CUES)
    for window, found in zip(find_windows(CUES), blind, strict=True):
        pictures = list(read_pictures(variant, window.samples()))
        times_s = [each.at_s for each in pictures]
        masks = draw_masks(ffmpeg, ass, times_s=times_s, fonts=FONTS, **SIZE)
        exact = measure_cue(
            (to_luminance(picture), find_letters(mask.fill, mask.footprint))
            for picture, mask in zip(pictures, masks, strict=True)
        )
        assert found.legibility.visible
        assert found.legibility.contrast == pytest.approx(exact.contrast, rel=0.25)
        assert found.legibility.line_px == pytest.approx(exact.line_px, rel=0.15)


def test_a_video_without_captions_has_only_invisible_cues(ground):
    """Given the clip itself, then both cues are invisible, and none is left out."""
    found = measure_films(ground, ground, CUES)
    assert [each.legibility.visible for each in found] == [False, False]


def test_a_cue_hidden_by_an_earlier_one_says_so(ground):
    """Given a cue that begins and ends within another, then it is told apart from an unseen one."""
    cues = [CUES[0], Cue(500, 900, "inside")]
    assert measure_films(ground, ground, cues)[1].flags == ("too_short",)


def test_pictures_are_those_shown_at_the_times(ground):
    """Given times between frames and after the end, then the frame on the screen comes."""
    times = [round(each.at_s, 3) for each in read_pictures(ground, [0.0, 0.05, 0.08, 9.0])]
    assert times == [0.0, 0.04, 0.08, 2.96]


def test_thumbs_are_of_every_frame(ground):
    assert read_thumbs(ground).luma.shape == (75, 54, 96)


def test_what_is_no_video_is_refused(tmp_path):
    text = tmp_path / "a.mp4"
    text.write_text("no video", encoding="utf-8")
    with pytest.raises(UnsupportedFile):
        read_thumbs(text)


def test_a_damaged_video_is_refused(ground, tmp_path):
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(ground.read_bytes()[:400])
    with pytest.raises(ProbeFailed):
        read_thumbs(damaged)


def test_clean_times_keep_away_from_captions():
    """Given two cues, then eight times are spread over what is free, none near a caption."""
    windows = find_windows(CUES)
    times_s = find_clean_times(windows, 3.0)
    assert len(times_s) in range(6, 9)
    assert times_s == sorted(times_s)
    assert all(not w.start_s - 0.2 < t < w.end_s + 0.2 for w in windows for t in times_s)


def test_captions_without_a_pause_leave_no_clean_time():
    assert find_clean_times(find_windows([Cue(0, 1500, "a"), Cue(1500, 3000, "b")]), 3.0) == []
