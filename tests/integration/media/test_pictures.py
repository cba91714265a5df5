"""ffmpeg as a program, and the pictures it makes of two variants."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageStat

from service.errors import StartupError, UnsupportedFile
from service.media.ffmpeg import FfmpegFailed, check_ffmpeg, input_args, run_ffmpeg
from service.media.pictures import Bounds, Side, lay_out, side_by_side
from service.media.probe import probe

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


def side(label, path):
    found = probe(path)
    return Side(label, path, found.width, found.height, found.fps, found.has_audio)


def join(ffmpeg, left, right, out, *, sound="A", **bounds):
    return side_by_side(ffmpeg, left, right, out, sound=sound, bounds=Bounds(**bounds))


def frame_of(ffmpeg, video, folder, at_s=1.0):
    seen = [*input_args(video, seek_s=at_s), "-frames:v", "1", "f.png"]
    run_ffmpeg(ffmpeg, seen, cwd=folder, deadline_s=20)
    with Image.open(folder / "f.png") as image:
        return image.copy()


def test_side_by_side_has_a_left_and_b_right_with_sound(ffmpeg, clip, dark, tmp_path):
    """Given a bright and a black clip, when joined, then left is bright, right black."""
    out = tmp_path / "both.mp4"
    layout = join(ffmpeg, side("A", clip), side("B", dark), out)
    found = probe(out)
    assert (found.width, found.height, found.fps) == (640, 204, 25)
    assert layout.size == (640, 204)
    assert found.duration_s == pytest.approx(2.0, abs=0.05)
    assert (found.has_audio, found.pixel_format) == (True, "yuv420p")
    image = frame_of(ffmpeg, out, tmp_path)
    assert mean_of(image, (10, 40, 310, 190)) > 60
    assert mean_of(image, (330, 40, 630, 190)) < 20


def test_the_letters_stand_above_the_pictures_and_never_on_them(ffmpeg, dark, tmp_path):
    """Given two black clips, when joined, then only the band above them has something white."""
    out = tmp_path / "both.mp4"
    band = join(ffmpeg, side("A", dark), side("B", dark), out).band
    image = frame_of(ffmpeg, out, tmp_path).convert("L")
    assert all(image.crop((x, 0, x + 320, band)).getextrema()[1] > 200 for x in (0, 320))
    assert image.crop((0, band, 640, 180 + band)).getextrema()[1] < 40


def test_it_begins_to_play_before_it_is_there_and_can_be_entered_each_second(
    ffmpeg, clip, tmp_path
):
    """Given a joined video, then its index is in front, and each second begins with a keyframe."""
    out = tmp_path / "both.mp4"
    join(ffmpeg, side("A", clip), side("B", clip), out)
    data = out.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    with av.open(str(out)) as container:
        packets = container.demux(container.streams.video[0])
        keys = [float(p.pts * p.time_base) for p in packets if p.is_keyframe and p.size]
    assert keys == [0.0, 1.0]


def test_the_sound_is_that_of_the_one_that_is_named(ffmpeg, clip, portrait, tmp_path):
    """Given one clip with sound and one without, then the named one decides."""
    for sound, heard in (("A", True), ("B", False)):
        out = tmp_path / f"{sound}.mp4"
        join(ffmpeg, side("A", clip), side("B", portrait), out, sound=sound)
        assert probe(out).has_audio is heard


def test_portrait_clips_stand_side_by_side(ffmpeg, portrait, tmp_path):
    out = tmp_path / "both.mp4"
    join(ffmpeg, side("A", portrait), side("B", portrait), out)
    found = probe(out)
    assert (found.width, found.height, found.has_audio) == (360, 346, False)


def test_one_of_another_length_and_shape_keeps_its_last_frame(ffmpeg, clip, portrait, tmp_path):
    """Given 2 s lying and 1 s standing, when joined, then it lasts 2 s, in the larger's size."""
    out = tmp_path / "both.mp4"
    join(ffmpeg, side("A", clip), side("B", portrait), out)
    found = probe(out)
    assert found.duration_s == pytest.approx(2.0, abs=0.05)
    assert (found.width, found.height) == (640, 204)
    image = frame_of(ffmpeg, out, tmp_path, at_s=1.8)
    assert mean_of(image, (430, 40, 530, 190)) > 60  # the middle has the clip
    assert mean_of(image, (325, 40, 425, 190)) < 45  # beside it there is nothing


def test_what_a_telephone_wrote_about_itself_is_left_out(ffmpeg, make_media, clip, tmp_path):
    """Given a clip that says where it was taken, when joined, then the video does not say it."""
    tagged = make_media(
        "tagged.mp4", "-i", str(clip), "-c", "copy", "-metadata", "comment=at-my-home"
    )
    assert b"at-my-home" in tagged.read_bytes()
    out = tmp_path / "both.mp4"
    join(ffmpeg, side("A", tagged), side("B", tagged), out)
    assert b"at-my-home" not in out.read_bytes()


def test_a_deadline_and_a_bound_of_size_end_it(ffmpeg, clip, tmp_path):
    sides = (side("A", clip), side("B", clip))
    with pytest.raises(FfmpegFailed, match="not done after"):
        join(ffmpeg, *sides, tmp_path / "late.mp4", deadline_s=0.02)
    with pytest.raises(FfmpegFailed, match="wrote more than"):
        join(ffmpeg, *sides, tmp_path / "large.mp4", output_bytes=2000)


def test_a_label_cannot_reach_into_the_filter_graph(ffmpeg, clip, tmp_path):
    left = side("A':x=0,drawtext=textfile=/etc/passwd", clip)
    with pytest.raises(ValueError, match="not a label"):
        join(ffmpeg, left, side("B", clip), tmp_path / "x.mp4")


@pytest.mark.parametrize(
    ("fps", "kept"),
    [("25", "25"), ("50", "25"), ("60000/1001", "30000/1001"), ("10", "30"), ("0", "25")],
)
def test_a_frame_rate_is_brought_to_what_players_like(clip, fps, kept):
    given = Side("A", clip, 320, 180, Fraction(fps), has_audio=False)
    assert lay_out(given, given).fps == Fraction(kept)


@given(st.integers(1, 8192), st.integers(1, 8192), st.integers(1, 8192), st.integers(1, 8192))
def test_sizes_are_even_and_bounded_whatever_the_sources(w, h, w2, h2):
    left = Side("A", Path("a"), w, h, Fraction(25), has_audio=False)
    right = Side("B", Path("b"), w2, h2, Fraction(25), has_audio=False)
    width, height = lay_out(left, right).size
    assert width % 4 == height % 2 == 0
    assert width <= 2 * 960 + 4
    assert height <= 960 * 1.08 + 4
