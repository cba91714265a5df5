"""Files that are made to cost: each ends with a clear error, within its limits."""

from __future__ import annotations

import struct
import time
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from service.errors import ProbeFailed, UnsupportedFile
from service.media.apart import probe_apart
from service.media.ffmpeg import FfmpegFailed, input_args, run_ffmpeg
from service.media.limits import MediaLimits
from service.media.probe import probe
from tests.integration.media.conftest import PICTURE, X264

LIMITS = MediaLimits(memory_bytes=250_000_000, deadline_s=30.0)


def refuse(path: Path, limits: MediaLimits = LIMITS) -> str:
    """The error of a look, which must come before its deadline."""
    begun = time.monotonic()
    with pytest.raises(ProbeFailed) as caught:
        probe_apart(path, limits)
    assert time.monotonic() - begun < limits.deadline_s
    assert str(path.parent) not in caught.value.detail
    return caught.value.detail


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, name) + body


def png(width: int, height: int) -> bytes:
    """A black picture: of its rows, which are all the same, hardly anything is stored."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    packer, row = zlib.compressobj(1), bytes(1 + width * 3)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def bomb(make_media) -> Path:
    """A film of a megabyte whose one frame is a PNG that unpacks to 240 MB."""
    source = make_media("still.png", *PICTURE, "-frames:v", "1")
    source.write_bytes(png(10_000, 8_000))
    film = make_media("film.mov", "-i", str(source), "-c", "copy")
    assert film.stat().st_size < 2_000_000
    return film


def jpegs_of_size(make_media, width: int, height: int) -> Path:
    """An AVI of small JPEGs, each of which says that it is of another size."""
    path = make_media("small.avi", *PICTURE, "-t", "0.2", "-c:v", "mjpeg")
    content = bytearray(path.read_bytes())
    at = content.find(b"\xff\xc0\x00\x11\x08")
    assert at > 0
    while at > 0:
        struct.pack_into(">HH", content, at + 5, height, width)
        at = content.find(b"\xff\xc0\x00\x11\x08", at + 1)
    path.write_bytes(content)
    return path


def test_a_look_apart_sees_what_a_look_here_sees(clip, portrait):
    for each in (clip, portrait):
        assert probe_apart(each, LIMITS) == probe(each)


@pytest.mark.parametrize("size", [(32767, 32767), (10_000, 8_000)])
def test_a_video_whose_pictures_say_they_are_huge_is_refused(make_media, size: tuple[int, int]):
    assert refuse(jpegs_of_size(make_media, *size))


def test_a_picture_that_unpacks_to_much_stays_within_its_memory(bomb):
    # Given a film that unpacks to more than the memory there is
    # When it is looked into, then it is refused for its size,
    assert "10000x8000" in refuse(bomb)
    # and where so many pixels are allowed, memory decides.
    roomy = replace(LIMITS, pixels=10**9)
    assert "memory" in refuse(bomb, roomy)
    assert probe_apart(bomb, replace(roomy, memory_bytes=2_000_000_000)).width == 10_000


def test_a_video_of_ten_thousand_tracks_is_refused(clip, tmp_path: Path):
    # Given a real clip whose first track is named 10,000 times
    content = clip.read_bytes()
    at = content.index(b"moov") - 4
    size = struct.unpack_from(">I", content, at)[0]
    moov = content[at + 8 : at + size]
    start = moov.index(b"trak") - 4
    track = moov[start : start + struct.unpack_from(">I", moov, start)[0]]
    path = tmp_path / "tracks.mp4"
    path.write_bytes(content[:at] + box(b"moov", moov + track * 10_000) + content[at + size :])
    # When it is looked into, then it is refused
    assert "tracks" in refuse(path)


def test_hours_that_are_not_there_are_not_believed(make_media):
    # Given a video of a second that says it lasts ten hours
    path = make_media("long.mkv", *PICTURE, "-t", "1", *X264)
    content = path.read_bytes()
    at = content.index(b"\x44\x89\x88") + 3
    path.write_bytes(content[:at] + struct.pack(">d", 36_000_000.0) + content[at + 8 :])
    # Then it is told to be cut off
    assert "36000" in refuse(path)


@pytest.mark.parametrize("content", [png(8000, 8000), b"GIF89a\x01\x00\x01\x00\x80\x00\x00"])
def test_pictures_are_never_decoded(tmp_path: Path, content: bytes):
    # Given a picture, such as a bomb or an animation that repeats for ever, named as a video
    path = tmp_path / "a.mp4"
    path.write_bytes(content + b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00")
    # Then no decoder ever opens it
    with pytest.raises(UnsupportedFile):
        probe_apart(path, LIMITS)
    with pytest.raises(UnsupportedFile):
        input_args(path)


def test_a_look_ends_at_its_deadline(clip):
    assert "longer than 0.01 s" in refuse_late(clip, replace(LIMITS, deadline_s=0.01))


def refuse_late(path: Path, limits: MediaLimits) -> str:
    with pytest.raises(ProbeFailed) as caught:
        probe_apart(path, limits)
    return caught.value.detail


def test_a_look_without_any_memory_is_told(clip):
    assert refuse_late(clip, replace(LIMITS, memory_bytes=1_000_000))


def test_ffmpeg_takes_no_more_pixels_either(ffmpeg, bomb, tmp_path: Path):
    args = [*input_args(bomb), "-frames:v", "1", "out.png"]
    with pytest.raises(FfmpegFailed) as caught:
        run_ffmpeg(ffmpeg, args, cwd=tmp_path, deadline_s=30)
    assert str(tmp_path) not in caught.value.detail


def test_ffmpeg_stays_within_its_memory(ffmpeg, clip, tmp_path: Path):
    # Given a film that is to be made larger than its memory allows
    args = [*input_args(clip), "-vf", "scale=8000:8000", "-c:v", "rawvideo", "-f", "null", "-"]
    run_ffmpeg(ffmpeg, [*input_args(clip), "-f", "null", "-"], cwd=tmp_path, deadline_s=30)
    with pytest.raises(FfmpegFailed):
        run_ffmpeg(ffmpeg, args, cwd=tmp_path, deadline_s=30, memory_bytes=150_000_000)


def test_ffmpeg_writes_no_more_than_it_may(ffmpeg, clip, tmp_path: Path):
    # Given a film that grows beyond what may be written
    args = [*input_args(clip), "-c:v", "rawvideo", "-an", "-f", "avi", "out.avi"]
    with pytest.raises(FfmpegFailed):
        run_ffmpeg(ffmpeg, args, cwd=tmp_path, deadline_s=30, output_bytes=1_000_000)
    # Then it has ended with an error, not with a shorter film
    assert (tmp_path / "out.avi").stat().st_size <= 1_000_000
