"""Captions of real files, measured blind and with their letters known."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from sandbox.ass import write_ass
from sandbox.cues import Cue as Line
from sandbox.style import PRESETS
from service.captions.model import Cue
from service.compare.colours import Colour
from service.compare.films import find_clean_times, find_windows, is_alphabetic, measure_films
from service.compare.legibility import find_letters, measure_cue
from service.compare.planes import to_luminance
from service.errors import ProbeFailed, UnsupportedFile
from service.media.frames import find_size, read_frames, read_thumbs
from service.media.masks import draw_masks
from service.media.probe import Probe

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
    blind = measure_films(ground, {"A": variant}, CUES)["A"]
    for window, found in zip(find_windows(CUES), blind, strict=True):
        frames = list(read_frames(variant, window.samples()))
        times_s = [each.at_s for each in frames]
        masks = draw_masks(ffmpeg, ass, times_s=times_s, fonts=FONTS, **SIZE)
        exact = measure_cue(
            (to_luminance(frame.picture()), find_letters(mask.fill, mask.footprint))
            for frame, mask in zip(frames, masks, strict=True)
        )
        assert found.legibility.visible
        assert found.legibility.contrast == pytest.approx(exact.contrast, rel=0.25)
        assert found.legibility.line_px == pytest.approx(exact.line_px, rel=0.15)


def test_a_video_without_captions_has_only_invisible_cues(ground):
    """Given the clip itself, then both cues are invisible, and none is left out."""
    found = measure_films(ground, {"A": ground}, CUES)["A"]
    assert [each.legibility.visible for each in found] == [False, False]


def test_a_cue_hidden_by_an_earlier_one_says_so(ground):
    """Given a cue that begins and ends within another, then it is told apart from an unseen one."""
    cues = [CUES[0], Cue(500, 900, "inside")]
    assert measure_films(ground, {"A": ground}, cues)["A"][1].flags == ("too_short",)


def test_pictures_are_those_shown_at_the_times(ground):
    """Given times between frames and after the end, then the frame on the screen comes."""
    times = [round(each.at_s, 3) for each in read_frames(ground, [0.0, 0.05, 0.08, 9.0])]
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


def test_variants_measured_together_are_as_measured_alone(burn, ground):
    """Given two variants at once, then each has the figures that it has by itself."""
    paths = {label: burn(LARGE[look])[0] for label, look in zip("AB", LARGE, strict=True)}
    together = measure_films(ground, paths, CUES)
    assert list(together) == ["A", "B"]
    for label, path in paths.items():
        assert measure_films(ground, {label: path}, CUES) == {label: together[label]}


def test_every_sample_of_a_cue_is_a_moment_of_its_curve(burn, ground):
    """Given a boxed caption, then its contrast is known at each of its eight samples."""
    found = measure_films(ground, {"A": burn(LARGE["boxed"])[0]}, CUES)["A"][0]
    assert len(found.moments) == 8
    assert [each.at_s for each in found.moments] == sorted(each.at_s for each in found.moments)
    assert all(0.4 <= each.at_s <= 1.4 for each in found.moments)
    for each in found.moments:
        assert each.contrast == pytest.approx(found.legibility.contrast, rel=0.15)
        assert each.weakest <= each.contrast


def test_an_invisible_cue_has_moments_without_a_figure(ground):
    found = measure_films(ground, {"A": ground}, CUES)["A"][0]
    assert [each.contrast for each in found.moments] == [None] * 8


def test_letters_of_another_colour_than_was_asked_for_are_flagged(burn, ground):
    """Given white letters, then asking for white passes, and asking for black is doubted."""
    white, black = Colour(235, 128, 128), Colour(16, 128, 128)
    path = burn(LARGE["boxed"])[0]
    for colour, expected in ((white, False), (black, True)):
        found = measure_films(ground, {"A": path}, CUES, asked={"A": colour})["A"]
        assert [("other_colour" in each.flags) for each in found] == [expected] * 2


def test_without_the_clip_every_figure_is_doubted(burn):
    """Given two variants and no clip, then each is held against the other, and flagged."""
    paths = {label: burn(LARGE[look])[0] for label, look in zip("AB", LARGE, strict=True)}
    found = measure_films(None, paths, CUES)
    assert {flag for each in found.values() for cue in each for flag in cue.flags[:1]} == {
        "no_clip"
    }
    alone = measure_films(None, {"A": paths["A"]}, CUES)
    assert [each.flags for each in alone["A"]] == [("no_clip",)] * 2


def test_a_turned_video_is_measured_as_players_show_it(burn, ffmpeg, ground, tmp_path):
    """Given a clip and a variant that say they are to be turned, then nothing changes."""
    variant = burn(LARGE["boxed"])[0]
    turned = {}
    for name, path in {"clip": ground, "A": variant}.items():
        plain, turned[name] = tmp_path / f"{name}-flat.mp4", tmp_path / f"{name}.mp4"
        filters = ["-vf", "transpose=cclock", "-crf", "12", "-preset", "ultrafast"]
        command = [ffmpeg, "-nostdin", "-loglevel", "error"]
        subprocess.run([*command, "-i", path, *filters, plain], check=True, timeout=60)
        show = [*command, "-display_rotation", "-90", "-i", plain, "-c", "copy", turned[name]]
        subprocess.run(show, check=True, timeout=60)
    assert next(read_frames(turned["A"], [0.0])).shape == (360, 640)
    straight = measure_films(ground, {"A": variant}, CUES)["A"]
    found = measure_films(turned["clip"], {"A": turned["A"]}, CUES)["A"]
    for one, two in zip(straight, found, strict=True):
        assert two.legibility.contrast == pytest.approx(one.legibility.contrast, rel=0.1)
        assert two.legibility.box.top == pytest.approx(one.legibility.box.top, abs=0.02)


def test_a_picture_larger_than_allowed_is_refused(ground):
    with pytest.raises(ProbeFailed):
        measure_films(ground, {"A": ground}, CUES, most_pixels=1000)


def test_a_caption_after_the_end_of_the_video_is_not_measured(ground):
    late = [CUES[0], Cue(5000, 6000, "late")]
    assert measure_films(ground, {"A": ground}, late)["A"][1].flags == ("too_short",)


def test_large_pictures_are_measured_reduced():
    about = Probe(1.0, 3840, 2160, 0, Fraction(25), 25, "h264", None, "mp4", "yuv420p")
    width, height = find_size(about)
    assert (width, height) == (1927, 1084)
    assert find_size(replace(about, width=1080, height=1920)) == (1080, 1920)


def test_a_picture_that_is_inset_is_flagged(burn, ffmpeg, ground, tmp_path):
    """Given a variant with bars around its picture, then its figures are doubted."""
    inset = tmp_path / "inset.mp4"
    command = [ffmpeg, "-nostdin", "-loglevel", "error", "-i", burn(LARGE["boxed"])[0]]
    command += ["-vf", "scale=480:270,pad=640:360:80:45", "-preset", "ultrafast", inset]
    subprocess.run(command, check=True, timeout=60)
    found = measure_films(ground, {"A": inset}, CUES)["A"]
    assert all("misaligned" in each.flags for each in found)


def test_captions_without_a_pause_are_measured_like_others(burn, ground):
    """Given no moment without a caption, then what lies beside them is the ground."""
    film = {"A": burn(LARGE["boxed"])[0]}
    full = [replace(CUES[0], start_ms=0, end_ms=1500), replace(CUES[1], start_ms=1500, end_ms=3000)]
    usual = measure_films(ground, film, CUES)["A"]
    found = measure_films(ground, film, full)["A"]
    assert not any("few_clean_frames" in each.flags for each in found)
    for ours, theirs in zip(found, usual, strict=True):
        assert ours.legibility.contrast == pytest.approx(theirs.legibility.contrast, rel=0.25)


def test_another_script_is_flagged(burn, ground):
    """Given Chinese captions, then it is said that those were not tried."""
    chinese = [Cue(400, 1400, "冷萃咖啡"), CUES[1]]
    found = measure_films(ground, {"A": burn(LARGE["boxed"])[0]}, chinese)["A"]
    assert ["other_script" in each.flags for each in found] == [True, False]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Čaj, please!", True), ("Кофе", True), ("冷萃 cold", False), ("مرحبا", False), ("", True)],
)
def test_alphabets_are_told_from_other_scripts(text, expected):
    assert is_alphabetic(text) == expected
