"""Frames of a video as planes of numbers, read once from front to back.

What a caller sent is read in a process of its own, with bounds; this module sets none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from av.video.reformatter import ColorRange, Colorspace

from service.compare.alignment import Thumbs
from service.compare.planes import Frame
from service.errors import ProbeFailed, UnsupportedFile
from service.media.formats import HEAD_BYTES, detect
from service.media.limits import MOST_PIXELS, MOST_STREAMS
from service.media.probe import Probe

THUMB_WIDTH, THUMB_HEIGHT = 96, 54
_SLACK_S = 0.001
_HD_LINES = 720
_PATIENCE_S = 20.0
#: Larger pictures are reduced to so many pixels: 1080p, upright or not. Sixteen of them are kept.
_MOST_KEPT = 1920 * 1088


def find_size(about: Probe) -> tuple[int, int]:
    """Width and height in which a video's frames are measured: its own, unless it is larger."""
    scale = min(1.0, (_MOST_KEPT / (about.width * about.height)) ** 0.5)
    return max(16, round(about.width * scale)), max(16, round(about.height * scale))


def read_thumbs(
    path: Path, *, until_s: float = float("inf"), most_pixels: int = MOST_PIXELS
) -> Thumbs:
    """Small luma pictures of all frames, or of those before a time.

    Raises:
        UnsupportedFile, ProbeFailed: the file is no video, or cannot be decoded.
    """
    times: list[float] = []
    luma = []
    for at_s, frame in _decode(path, most_pixels):
        if at_s > until_s and times:
            break
        times.append(at_s)
        turns = _turns(frame)
        width, height = _turned((THUMB_WIDTH, THUMB_HEIGHT), turns)
        small = frame.reformat(width=width, height=height, format="gray")
        luma.append(np.rot90(small.to_ndarray(), turns))
    if not times:
        raise ProbeFailed("The file holds no video frame.")
    return Thumbs(np.array(times), np.stack(luma).astype(np.float32))


def read_frames(
    path: Path,
    times_s: Sequence[float],
    *,
    size: tuple[int, int] | None = None,
    most_pixels: int = MOST_PIXELS,
) -> Iterator[Frame]:
    """The frame that is shown at each of the times, which rise; `size` is width and height.

    Turned as players show it. Times before the first frame give the first, times after the last
    the last. Not one picture is decoded beyond what the times need.

    Raises:
        UnsupportedFile, ProbeFailed: as `read_thumbs`.
    """
    if not len(times_s):
        return
    frames = _decode(path, most_pixels)
    shown = next(frames, None)
    if shown is None:
        raise ProbeFailed("The file holds no video frame.")
    coming = next(frames, None)
    for at_s in times_s:
        while coming is not None and coming[0] <= at_s + _SLACK_S:
            shown, coming = coming, next(frames, None)
        yield _to_frame(*shown, size)


def _decode(path: Path, most_pixels: int) -> Iterator[tuple[float, Any]]:
    """Every frame and its time, counted from the start of the file."""
    with path.open("rb") as file:
        found = detect(file.read(HEAD_BYTES))
    if found is None or not found.demuxer:
        raise UnsupportedFile("The file is not a video.")
    options = {"protocol_whitelist": "file", "max_streams": str(MOST_STREAMS)}
    try:
        with av.open(
            str(path), format=found.demuxer, options=options, timeout=_PATIENCE_S
        ) as container:
            if not container.streams.video:
                raise ProbeFailed("The file holds no video.")
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1  # a pool of threads would keep more pictures
            start_s = float(container.start_time or 0) / av.time_base
            for frame in container.decode(stream):
                if frame.width * frame.height > most_pixels:
                    raise ProbeFailed(f"A picture may have {most_pixels} pixels.")
                if frame.time is not None:
                    yield float(frame.time) - start_s, frame
    except (FFmpegError, OSError, ValueError) as error:
        raise ProbeFailed(f"The video cannot be decoded: {type(error).__name__}.") from None


def _to_frame(at_s: float, frame: Any, size: tuple[int, int] | None) -> Frame:
    turns = _turns(frame)
    width, height = _turned(size, turns) if size else (frame.width, frame.height)
    matrix = _matrix(frame)
    full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
    if (frame.format.name, frame.width, frame.height) != ("yuv444p", width, height):
        frame = frame.reformat(width=width, height=height, format="yuv444p")
    planes = np.asarray(frame.to_ndarray(channel_last=False), np.uint8)
    if full:
        scale = np.array([219, 224, 224], np.float32)[:, None, None] / 255
        lowest = np.array([16, 128 - 128 * 224 / 255, 128 - 128 * 224 / 255], np.float32)
        planes = np.rint(lowest[:, None, None] + scale * planes).astype(np.uint8)
    return Frame(at_s, np.rot90(planes, turns, axes=(1, 2)), matrix)


def _turns(frame: Any) -> int:
    """By how many quarters a player turns the frame, against the clock."""
    return int(getattr(frame, "rotation", 0) or 0) % 360 // 90


def _turned(size: tuple[int, int], turns: int) -> tuple[int, int]:
    return (size[1], size[0]) if turns % 2 else size


def _matrix(frame: Any) -> str:
    """What a file says, else what players take: BT.709 from 720 lines on, BT.601 below."""
    named = {
        Colorspace.ITU709: "bt709",
        Colorspace.ITU601: "bt601",
        Colorspace.SMPTE170M: "bt601",
        Colorspace.FCC: "bt601",
    }
    space = frame.colorspace
    if space in named:
        return named[space]
    if int(space) in {9, 10}:
        return "bt2020"
    return "bt709" if frame.height >= _HD_LINES else "bt601"
