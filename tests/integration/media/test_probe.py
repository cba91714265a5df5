"""Looking into real files."""

from __future__ import annotations

from fractions import Fraction

import pytest

from service.errors import ProbeFailed, UnsupportedFile
from service.media.probe import probe

PICTURE = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25"]
SOUND = ["-f", "lavfi", "-i", "sine=frequency=440"]
FAST = ["-preset", "ultrafast", "-pix_fmt", "yuv420p"]


def test_a_clip_is_described(clip):
    found = probe(clip)
    assert found.duration_s == pytest.approx(2.0, abs=0.001)
    assert (found.width, found.height, found.rotation) == (320, 180, 0)
    assert (found.fps, found.frames) == (Fraction(25), 50)
    assert (found.video_codec, found.audio_codec, found.has_audio) == ("h264", "aac", True)
    assert (found.container, found.pixel_format) == ("mp4", "yuv420p")


def test_a_silent_portrait_clip_is_described(portrait):
    found = probe(portrait)
    assert (found.width, found.height, found.has_audio, found.audio_codec) == (
        180,
        320,
        False,
        None,
    )


@pytest.mark.parametrize(("turn", "size"), [(90, (180, 320)), (180, (320, 180)), (270, (180, 320))])
def test_a_turned_clip_has_the_size_that_is_shown(make_media, clip, turn, size):
    """Given a phone's clip with a display matrix, when probed, then its size is as seen."""
    turned = make_media(
        f"{turn}.mp4", "-display_rotation", str(turn), "-i", str(clip), "-c", "copy"
    )
    found = probe(turned)
    assert (found.width, found.height) == size
    assert found.rotation in {turn, 360 - turn}


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("x.mov", ["-c:v", "libx264", *FAST]),
        ("x.mkv", ["-c:v", "libx264", *FAST]),
        ("x.avi", ["-c:v", "mpeg4"]),
        ("x.webm", ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8"]),
    ],
)
def test_every_video_container_is_read(make_media, name, args):
    found = probe(make_media(name, *PICTURE, "-t", "1", *args))
    assert found.container == name[2:]
    assert found.duration_s == pytest.approx(1.0, abs=0.1)
    assert found.fps == 25


def test_broadcast_rates_stay_exact(make_media):
    source = ["-f", "lavfi", "-i", "testsrc2=size=160x90:rate=30000/1001"]
    assert probe(make_media("ntsc.mp4", *source, "-t", "1", *FAST)).fps == Fraction(30000, 1001)


@pytest.mark.parametrize("name", ["x.mp3", "x.wav", "x.m4a", "x.aac"])
def test_sound_alone_is_no_video(make_media, name):
    with pytest.raises(ProbeFailed, match="no video"):
        probe(make_media(name, *SOUND, "-t", "1"))


def test_the_cover_of_a_song_is_no_video(make_media):
    """Given a song with a cover picture, when probed, then it holds no video."""
    cover = make_media("cover.png", *PICTURE, "-frames:v", "1")
    song = make_media(
        "song.mp3", *SOUND, "-i", str(cover), "-t", "1", "-map", "0", "-map", "1", "-c:v", "copy",
        "-disposition:v", "attached_pic",
    )  # fmt: skip
    with pytest.raises(ProbeFailed, match="no video"):
        probe(song)


def test_a_picture_is_no_clip(make_media):
    with pytest.raises(UnsupportedFile, match="png"):
        probe(make_media("still.png", *PICTURE, "-frames:v", "1"))


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9])
def test_a_file_cut_before_its_index_cannot_be_read(clip, tmp_path, share):
    body = clip.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(body[: int(len(body) * share)])
    with pytest.raises(ProbeFailed):
        probe(tmp_path / "cut.mp4")


def test_a_file_cut_behind_its_index_is_told(make_media, tmp_path):
    """Given an index that promises 6 s and bytes for 2 s, when probed, then it says cut off."""
    whole = make_media(
        "long.mp4", *PICTURE, "-t", "6", "-c:v", "libx264", *FAST, "-g", "25",
        "-movflags", "+faststart",
    )  # fmt: skip
    assert probe(whole).duration_s == pytest.approx(6.0, abs=0.01)
    body = whole.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(body[: len(body) // 3])
    with pytest.raises(ProbeFailed, match="cut off"):
        probe(tmp_path / "cut.mp4")


@pytest.mark.parametrize(
    "content",
    [
        b"This is a text that somebody named clip.mp4.\n" * 50,
        b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile 'clip.mp4'\n",
        b"",
    ],
    ids=["text", "m3u8", "concat", "empty"],
)
def test_a_playlist_or_text_named_mp4_is_unsupported(tmp_path, content):
    (tmp_path / "clip.mp4").write_bytes(content)
    with pytest.raises(UnsupportedFile):
        probe(tmp_path / "clip.mp4")


def test_a_head_without_a_body_is_a_failed_probe(tmp_path):
    (tmp_path / "clip.mp4").write_bytes(b"\x00\x00\x00\x20ftypisom" + b"\x00" * 500)
    with pytest.raises(ProbeFailed) as caught:
        probe(tmp_path / "clip.mp4")
    assert str(tmp_path) not in caught.value.detail
