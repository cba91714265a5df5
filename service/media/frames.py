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
from service.compare.planes import Picture
from service.errors import ProbeFailed, UnsupportedFile
from service.media.formats import HEAD_BYTES, detect
from service.media.limits import MOST_STREAMS

THUMB_WIDTH, THUMB_HEIGHT = 96, 54
_SLACK_S = 0.001
_HD_LINES = 720


def read_thumbs(path: Path) -> Thumbs:
    """Small luma pictures of all frames.

    Raises:
        UnsupportedFile, ProbeFailed: the file is no video, or cannot be decoded.
    """
    times, luma = [], []
    for frame in _decode(path):
        times.append(float(frame.time))
        small = frame.reformat(width=THUMB_WIDTH, height=THUMB_HEIGHT, format="gray")
        luma.append(small.to_ndarray().astype(np.float32))
    if not times:
        raise ProbeFailed("The file holds no video frame.")
    return Thumbs(np.array(times), np.stack(luma))


def read_pictures(
    path: Path, times_s: Sequence[float], *, size: tuple[int, int] | None = None
) -> Iterator[Picture]:
    """The frame that is shown at each of the times, which rise; `size` is width and height.

    Times before the first frame give the first, times after the last the last.

    Raises:
        UnsupportedFile, ProbeFailed: as `read_thumbs`.
    """
    frames = _decode(path)
    shown = next(frames, None)
    if shown is None:
        raise ProbeFailed("The file holds no video frame.")
    coming = next(frames, None)
    for at_s in times_s:
        while coming is not None and float(coming.time) <= at_s + _SLACK_S:
            shown, coming = coming, next(frames, None)
        yield _to_picture(shown, size)


def _decode(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        found = detect(file.read(HEAD_BYTES))
    if found is None or not found.demuxer:
        raise UnsupportedFile("The file is not a video.")
    options = {"protocol_whitelist": "file", "max_streams": str(MOST_STREAMS)}
    try:
        with av.open(str(path), format=found.demuxer, options=options) as container:
            if not container.streams.video:
                raise ProbeFailed("The file holds no video.")
            for frame in container.decode(container.streams.video[0]):
                if frame.time is not None:
                    yield frame
    except (FFmpegError, OSError) as error:
        raise ProbeFailed(f"The video cannot be decoded: {type(error).__name__}.") from None


def _to_picture(frame: Any, size: tuple[int, int] | None) -> Picture:
    width, height = size or (frame.width, frame.height)
    matrix = _matrix(frame)
    full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
    if (frame.format.name, frame.width, frame.height) != ("yuv444p", width, height):
        frame = frame.reformat(width=width, height=height, format="yuv444p")
    y, cb, cr = frame.to_ndarray(channel_last=False).astype(np.float32)
    if full:
        y = 16 + y * (219 / 255)
        cb, cr = (128 + (plane - 128) * (224 / 255) for plane in (cb, cr))
    return Picture(float(frame.time), y, cb, cr, matrix)


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
