"""Single frames of a video, as colour pictures of what a player shows at given times.

Runs in the process of `pictures_apart` only. One frame is held at a time, whatever the length.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from PIL import Image

from service.compare.frames import open_media
from service.errors import ProbeFailed
from service.media.limits import MOST_PIXELS
from service.media.probe import probe

LONG_SIDE = 1920
#: Reports round times to a millisecond.
_SLACK_S = 0.002
#: x264's usual distance of keyframes: a nearer time is reached sooner by decoding on.
_SEEK_S = 10.0
_HD_LINES = 720


@dataclass(frozen=True, slots=True)
class FilmFacts:
    """What a video is, as far as its pictures need it; its size is as shown."""

    width: int
    height: int
    length_s: float
    fps: str
    has_audio: bool


class Stills:
    """A video file from which stills are taken."""

    def __init__(self, path: Path, *, most_pixels: int = MOST_PIXELS) -> None:
        """Raises UnsupportedFile, ProbeFailed or MediaError: it cannot be read."""
        self._path = path
        self._most_pixels = most_pixels
        self._about = probe(path, most_pixels=most_pixels)
        with open_media(path) as container:
            aspect = container.streams.video[0].sample_aspect_ratio
        self._aspect = _sane(aspect)

    @property
    def facts(self) -> FilmFacts:
        about = self._about
        turned = about.rotation % 180 == 90
        # The aspect is that of the pixels before they are turned.
        wide, tall = (1, self._aspect) if turned else (self._aspect, 1)
        return FilmFacts(
            max(1, round(about.width * wide)),
            max(1, round(about.height * tall)),
            about.duration_s,
            str(about.fps),
            about.has_audio,
        )

    def take(self, times_s: Sequence[float]) -> Iterator[tuple[float, Image.Image]]:
        """The picture shown at each of the times, which rise, with the longest side at most 1920.

        Times before the first frame give the first, times after the last the last.

        Raises:
            ProbeFailed: decoding gave up; the pictures until then have been given.
        """
        reformatter = VideoReformatter()
        with open_media(self._path) as container:
            reel = _Reel(container, self._most_pixels)
            try:
                for at_s in times_s:
                    yield at_s, self._to_image(reel.show(at_s), reformatter)
            except FFmpegError as error:
                why = f"Its pictures cannot be read to the end ({type(error).__name__})."
                raise ProbeFailed(why) from None

    def _to_image(self, frame: Any, reformatter: VideoReformatter) -> Image.Image:
        turns = self._about.rotation // 90
        width, height = fit((self.facts.width, self.facts.height), (LONG_SIDE, LONG_SIDE))
        if turns % 2:
            width, height = height, width
        full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
        picture = reformatter.reformat(
            frame,
            width,
            height,
            format="rgb24",
            src_colorspace=_colours(frame),
            src_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            interpolation="BICUBIC",
            threads=1,
        )
        planes = np.rot90(picture.to_ndarray(), turns)
        return Image.fromarray(np.ascontiguousarray(planes))


class _Reel:
    """The frames of an open file, forwards: decoded on, or sought where that is nearer."""

    def __init__(self, container: Any, most_pixels: int) -> None:
        self._container = container
        self._stream = container.streams.video[0]
        self._stream.codec_context.thread_count = 1
        self._start_s = float(container.start_time or 0) / av.time_base
        self._most_pixels = most_pixels
        self._seeks = True
        self._restart()

    def show(self, at_s: float) -> Any:
        if self._seeks and at_s - self._reached_s > _SEEK_S:
            self._seek(at_s)
        while self._coming is not None and self._at_s(self._coming) <= at_s + _SLACK_S:
            self._step()
        if self._shown is None:
            self._step()
        if self._shown is None:
            raise ProbeFailed("The file holds no video frame.")
        return self._shown

    def _seek(self, at_s: float) -> None:
        place = int((at_s + self._start_s) / self._stream.time_base)
        try:
            self._container.seek(place, stream=self._stream)
        except FFmpegError:
            self._seeks = False  # it goes on from where it was
            return
        self._restart()
        if self._coming is None or self._at_s(self._coming) > at_s + _SLACK_S:
            # Without an index it lands anywhere: from the beginning, then, and never again.
            self._seeks = False
            self._container.seek(0)
            self._restart()

    def _restart(self) -> None:
        self._frames = self._decode()
        self._shown: Any = None
        self._coming: Any = next(self._frames, None)
        self._reached_s = 0.0

    def _step(self) -> None:
        if self._coming is not None:
            self._shown, self._reached_s = self._coming, self._at_s(self._coming)
            self._coming = next(self._frames, None)

    def _decode(self) -> Iterator[Any]:
        for frame in self._container.decode(self._stream):
            if frame.width * frame.height > self._most_pixels:
                raise ProbeFailed("Its picture grows beyond the limit of pixels.")
            if frame.time is not None:
                yield frame

    def _at_s(self, frame: Any) -> float:
        return float(frame.time) - self._start_s


def fit(size: tuple[int, int], most: tuple[int, int]) -> tuple[int, int]:
    """A size within another, of the same shape; never larger than it was."""
    scale = min(1.0, most[0] / size[0], most[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def fit_area(size: tuple[int, int], long_side: int, area: int) -> tuple[int, int]:
    """A size of the same shape within a longest side and an area; never larger than it was."""
    scale = min(1.0, long_side / max(size), math.sqrt(area / (size[0] * size[1])))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _sane(aspect: Any) -> float:
    """The shape of a pixel: a film from tape has 16:11, a damaged header anything."""
    known = Fraction(aspect or 1)
    return float(known) if Fraction(1, 4) <= known <= 4 else 1.0


def _colours(frame: Any) -> Colorspace:
    """What a file says, else what players take: BT.709 from 720 lines on, BT.601 below."""
    named = {Colorspace.ITU709, Colorspace.ITU601, Colorspace.SMPTE170M, Colorspace.FCC}
    if frame.colorspace in named:
        return Colorspace(frame.colorspace)
    return Colorspace.ITU709 if frame.height >= _HD_LINES else Colorspace.ITU601
