"""Reading a video frame by frame for the comparison: small pictures, never more than one whole.

Runs in the process of `apart` only. Memory does not grow with a video's length.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from service.compare.facts import Break, Film
from service.errors import MediaError, ProbeFailed
from service.media.formats import HEAD_BYTES, detect
from service.media.limits import MOST_PIXELS, MOST_STREAMS
from service.media.probe import Probe, probe

Plane = NDArray[np.float32]

#: Sides of the small luma of every frame and of the sampled pictures, longest side first; the
#: prototype measured with 96x54 and whole 720p pictures (half of that loses nothing it looked for).
SMALL = (96, 54)
LONG_SIDE = 640
_PATIENCE_S = 20.0
#: A distance counts as uneven beyond a fifth of the usual one; containers round to 1 ms.
_UNEVEN_SHARE = 0.2
_UNEVEN_S = 0.0015
#: A gap is one and a half frames at least (reference: gap of 1.98 after one lost frame).
_GAP_STEPS = 1.5
_MOST_NAMED = 20
_STEPS_KEPT = 200


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame: its time, its small luma, and the whole where it was asked for."""

    at_s: float
    small: Plane
    whole: NDArray[np.uint8] | None = None


class Reel:
    """A video as a stream of shots. `wants` tells at which times whole pictures are needed."""

    def __init__(self, path: Path, *, most_pixels: int = MOST_PIXELS) -> None:
        self.probe = probe(path, most_pixels=most_pixels)
        self._path = path
        self._most_pixels = most_pixels
        self.restart()

    def restart(self) -> None:
        """Forget what was counted, before the shots are taken again."""
        self._steps: list[float] = []
        self._uneven = self._frames = 0
        self._gaps: list[Break] = []
        self._first_s = self._last_s = 0.0
        self.fault = ""

    def shots(
        self,
        whole_size: tuple[int, int],
        wants: Callable[[float], bool],
        *,
        until_s: float = float("inf"),
    ) -> Iterator[Shot]:
        """Every frame in order. A decoder that gives up ends the stream and is noted in `fault`."""
        turns = self.probe.rotation // 90
        small = _turned(SMALL, turns)
        size = _turned(whole_size, turns)
        cheap, fine = VideoReformatter(), VideoReformatter()
        for at_s, frame in self._frames_of():
            if at_s > until_s:
                return
            luma = cheap.reformat(frame, *small, format="gray", interpolation="AREA")
            whole = None
            if wants(at_s):
                picture = fine.reformat(frame, *size, format="yuv444p", interpolation="AREA")
                planes = np.asarray(picture.to_ndarray(), np.uint8)
                whole = np.rot90(planes, turns, axes=(1, 2))
            plane = np.rot90(luma.to_ndarray().astype(np.float32), turns)
            yield Shot(at_s, plane, whole)

    def film(self) -> Film:
        """What the video is, once its shots were all taken."""
        about: Probe = self.probe
        return Film(
            width=about.width,
            height=about.height,
            stated_s=about.duration_s,
            end_s=self._last_s + self.step_s,
            frames=self._frames,
            step_s=self.step_s,
            uneven=self._uneven / max(1, self._frames - 1),
            gaps=tuple(self._gaps),
            has_sound=about.has_audio,
            fault=self.fault,
            fps=f"{about.fps.numerator}/{about.fps.denominator}",
            start_s=self._first_s,
        )

    @property
    def step_s(self) -> float:
        """The usual distance of frames: the median of the first ones."""
        if self._steps:
            return float(np.median(self._steps))
        return float(1 / self.probe.fps) if self.probe.fps else 0.04

    def _frames_of(self) -> Iterator[tuple[float, Any]]:
        last_s: float | None = None
        with open_media(self._path) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            start_s = float(container.start_time or 0) / av.time_base
            try:
                for frame in container.decode(stream):
                    if frame.width * frame.height > self._most_pixels:
                        self.fault = "its picture grows beyond the limit of pixels"
                        return
                    if frame.time is None:
                        continue
                    at_s = float(frame.time) - start_s
                    self._note(at_s, last_s)
                    last_s = at_s
                    yield at_s, frame
            except FFmpegError as error:
                self.fault = f"its pictures cannot be read to the end ({type(error).__name__})"

    def _note(self, at_s: float, last_s: float | None) -> None:
        self._frames += 1
        self._last_s = at_s
        if last_s is None:
            self._first_s = at_s
            return
        step_s = at_s - last_s
        if len(self._steps) < _STEPS_KEPT:
            self._steps.append(step_s)
        usual_s = self.step_s
        if abs(step_s - usual_s) > max(_UNEVEN_S, _UNEVEN_SHARE * usual_s):
            self._uneven += 1
        if step_s > _GAP_STEPS * usual_s and len(self._gaps) < _MOST_NAMED:
            self._gaps.append(Break(last_s + usual_s, step_s / usual_s - 1))


@contextlib.contextmanager
def open_media(path: Path) -> Iterator[Any]:
    """Open with the one demuxer of the content, local files only, as `probe` does.

    Raises:
        MediaError: it is no video, or cannot be opened.
    """
    with path.open("rb") as file:
        found = detect(file.read(HEAD_BYTES))
    if found is None or not found.demuxer:
        raise ProbeFailed("The file holds no video.")
    options = {"protocol_whitelist": "file", "max_streams": str(MOST_STREAMS)}
    try:
        container = av.open(str(path), format=found.demuxer, options=options, timeout=_PATIENCE_S)
    except FFmpegError as error:
        raise MediaError(f"The file cannot be opened: {type(error).__name__}.") from None
    with container:
        yield container


def whole_size(about: Probe) -> tuple[int, int]:
    """Width and height of sampled pictures: the longest side is 640, multiples of 4."""
    scale = LONG_SIDE / max(about.width, about.height)
    return max(16, round(about.width * scale / 4) * 4), max(16, round(about.height * scale / 4) * 4)


def _turned(size: tuple[int, int], turns: int) -> tuple[int, int]:
    return (size[1], size[0]) if turns % 2 else size
