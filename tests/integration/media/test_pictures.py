"""ffmpeg as a program, and the pictures it makes of two variants."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PIL import Image, ImageStat

from service.errors import StartupError, UnsupportedFile
from service.media.ffmpeg import FfmpegFailed, check_ffmpeg, input_args, run_ffmpeg
from service.media.pictures import contact_sheet, side_by_side
from service.media.probe import probe

FONT = Path(__file__).parents[3] / "sandbox" / "fonts" / "Inter-Bold.otf"
ENDLESS = ["-re", "-f", "lavfi", "-i", "testsrc2=size=64x36", "-f", "null", "-"]


@pytest.fixture(scope="session")
def dark(make_media, clip):
    """The clip, all black."""
    return make_media(
        "dark.mp4", "-i", str(clip), "-vf", "lutyuv=y=16:u=128:v=128", "-preset", "ultrafast"
    )


def mean_of(image, box):
    return ImageStat.Stat(image.crop(box).convert("L")).mean[0]


def test_the_packaged_ffmpeg_is_fit(ffmpeg):
    info = check_ffmpeg(ffmpeg)
    assert info.has_ass
    assert info.has_libx264
    assert info.version.startswith("ffmpeg version")


@pytest.mark.parametrize("path", ["/nowhere/ffmpeg", "/bin/false"])
def test_a_missing_or_broken_ffmpeg_stops_the_start(path):
    with pytest.raises(StartupError):
        check_ffmpeg(path)


def test_an_ffmpeg_without_libass_stops_the_start(tmp_path):
    """Given an ffmpeg without `ass` and `libx264`, when checked, then the error names both."""
    lean = tmp_path / "ffmpeg"
    lean.write_text("#!/bin/sh\necho ffmpeg version 1\necho ' .. passthrough libx265'\n")
    lean.chmod(0o755)
    with pytest.raises(StartupError, match="lacks ass and libx264"):
        check_ffmpeg(str(lean))


def test_a_run_that_takes_too_long_is_killed(ffmpeg, tmp_path):
    """Given an endless run, when the deadline passes, then it ends there and leaves no process."""
    started_s = time.monotonic()
    with pytest.raises(FfmpegFailed, match=r"not done after 0\.5 s"):
        run_ffmpeg(ffmpeg, ENDLESS, cwd=tmp_path, deadline_s=0.5)
    assert time.monotonic() - started_s < 10
    here = str(tmp_path)
    assert [each for each in Path("/proc").iterdir() if _cwd(each) == here] == []


def _cwd(process):
    try:
        return str((process / "cwd").readlink())
    except OSError:
        return ""


def test_an_error_tells_the_last_words_of_ffmpeg(ffmpeg, clip, tmp_path):
    args = [*input_args(clip), "-vf", "nosuchfilter", "out.mp4"]
    with pytest.raises(FfmpegFailed, match="nosuchfilter"):
        run_ffmpeg(ffmpeg, args, cwd=tmp_path, deadline_s=20)


def test_an_error_hides_where_files_lie(ffmpeg, tmp_path):
    """Given a broken file, when ffmpeg names it with its folder, then only its name is told."""
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"\x00\x00\x00\x20ftypisom" + b"\x00" * 500)
    args = [*input_args(broken), "out.mp4"]
    with pytest.raises(FfmpegFailed, match=r"broken\.mp4") as caught:
        run_ffmpeg(ffmpeg, args, cwd=tmp_path, deadline_s=20)
    assert str(tmp_path) not in caught.value.detail


def test_progress_is_told_in_seconds_of_output(ffmpeg, clip, tmp_path):
    seen = []
    args = [*input_args(clip), "-preset", "ultrafast", "out.mp4"]
    run_ffmpeg(ffmpeg, args, cwd=tmp_path, deadline_s=30, on_progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(2.0, abs=0.1)
    assert (tmp_path / "out.mp4").exists()


def test_a_playlist_is_never_given_to_ffmpeg(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")
    with pytest.raises(UnsupportedFile):
        input_args(tmp_path / "a.mp4")


def test_side_by_side_has_a_left_and_b_right_with_sound(ffmpeg, clip, dark, tmp_path):
    """Given a bright and a black clip, when joined, then left is bright, right black."""
    out = tmp_path / "both.mp4"
    side_by_side(ffmpeg, clip, dark, out, fontfile=FONT)
    found = probe(out)
    assert (found.width, found.height, found.fps) == (1920, 540, 25)
    assert found.duration_s == pytest.approx(2.0, abs=0.05)
    assert found.has_audio
    run_ffmpeg(
        ffmpeg, [*input_args(out, seek_s=1), "-frames:v", "1", "f.png"], cwd=tmp_path, deadline_s=20
    )
    with Image.open(tmp_path / "f.png") as image:
        assert mean_of(image, (100, 100, 900, 500)) > 60
        assert mean_of(image, (1100, 100, 1900, 500)) < 20
        # The letter B is white on black.
        assert mean_of(image, (980, 20, 1010, 60)) > 40


def test_silent_portrait_clips_stand_side_by_side(ffmpeg, portrait, tmp_path):
    out = tmp_path / "both.mp4"
    side_by_side(ffmpeg, portrait, portrait, out, fontfile=FONT)
    found = probe(out)
    assert (found.width, found.height, found.has_audio) == (1080, 960, False)


def test_a_sheet_has_a_column_per_time_and_a_above_b(ffmpeg, clip, dark, tmp_path):
    """Given three times, one after the end, when drawn, then three columns, bright above black."""
    out = tmp_path / "sheet.png"
    contact_sheet(ffmpeg, clip, dark, out, times_s=[0.2, 1.0, 99.0], fontfile=FONT)
    with Image.open(out) as image:
        assert image.size == (3 * 486, 2 * 276)
        for column in range(3):
            left = column * 486
            assert mean_of(image, (left + 100, 60, left + 400, 250)) > 60
            assert mean_of(image, (left + 100, 336, left + 400, 520)) < 20


def test_many_times_are_thinned_and_a_sheet_needs_no_font(ffmpeg, portrait, tmp_path):
    out = tmp_path / "sheet.png"
    contact_sheet(ffmpeg, portrait, portrait, out, times_s=[i / 30 for i in range(30)])
    with Image.open(out) as image:
        assert image.size == (8 * 276, 2 * 486)


def test_a_single_time_makes_one_column(ffmpeg, clip, tmp_path):
    out = tmp_path / "sheet.png"
    contact_sheet(ffmpeg, clip, clip, out, times_s=[1.0], fontfile=FONT)
    with Image.open(out) as image:
        assert image.size == (486, 552)


def test_a_label_cannot_reach_into_the_filter_graph(ffmpeg, clip, tmp_path):
    labels = ("A':x=0,drawtext=textfile=/etc/passwd", "B")
    with pytest.raises(ValueError, match="not a label"):
        side_by_side(ffmpeg, clip, clip, tmp_path / "x.mp4", labels=labels, fontfile=FONT)
