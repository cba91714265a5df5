"""Looking into a media file with PyAV. The only module that imports the decoder."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError
from av.stream import Disposition

from service.errors import ProbeFailed, UnsupportedFile
from service.media.formats import HEAD_BYTES, Format, detect
from service.media.limits import MOST_PIXELS, MOST_STREAMS

_PATIENCE_S = 20.0
# A cut-off file plays what it has; below this much missing it is no matter for a comparison.
_MISSING_S = 2.0
_MISSING_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Probe:
    """What a video is. Width and height are as shown, after rotation; `fps` is exact."""

    duration_s: float
    width: int
    height: int
    rotation: int
    fps: Fraction
    frames: int | None
    video_codec: str
    audio_codec: str | None
    container: str
    pixel_format: str

    @property
    def has_audio(self) -> bool:
        return self.audio_codec is not None


def probe(path: Path, *, most_pixels: int = MOST_PIXELS) -> Probe:
    """Look into a video file; decodes one frame. `probe_apart` is for files of callers.

    Raises:
        UnsupportedFile: the content is not one of our formats with moving pictures.
        ProbeFailed: it opens badly, holds no video, or one of more pixels than allowed.
    """
    with path.open("rb") as file:
        found = detect(file.read(HEAD_BYTES))
    if found is None or not found.demuxer:
        raise UnsupportedFile(f"The file holds {found.name if found else 'no known format'}.")
    try:
        with _opened(path, found) as container:
            return _describe(container, found.name, most_pixels)
    except MemoryError:
        raise ProbeFailed("The file has too many tracks, or takes too much memory.") from None
    except (FFmpegError, OSError, ValueError) as error:
        raise ProbeFailed(
            f"The {found.name} file cannot be read: {type(error).__name__}."
        ) from None


def _opened(path: Path, found: Format) -> Any:
    """Open with the one demuxer of the content, local files only: no playlist, no network."""
    options = {"protocol_whitelist": "file", "max_streams": str(MOST_STREAMS)}
    return av.open(str(path), format=found.demuxer, options=options, timeout=_PATIENCE_S)


def _describe(container: Any, name: str, most_pixels: int) -> Probe:
    pictures = [s for s in container.streams.video if not _is_cover(s)]
    if not pictures:
        raise ProbeFailed("The file holds no video.")
    stream = pictures[0]
    _check_pixels(stream.codec_context, most_pixels)
    stream.codec_context.thread_count = 1  # one frame: a pool of threads would cost more
    frame = next(container.decode(stream), None)
    if frame is None:
        raise ProbeFailed("The file holds no video frame.")
    _check_pixels(frame, most_pixels)
    duration_s = _duration_s(container, stream)
    if duration_s <= 0:
        raise ProbeFailed("The video has no length.")
    _check_whole(container, stream, duration_s)
    rotation = int(getattr(frame, "rotation", 0) or 0) % 360
    turned = rotation in {90, 270}
    sound = container.streams.audio
    return Probe(
        duration_s=duration_s,
        width=frame.height if turned else frame.width,
        height=frame.width if turned else frame.height,
        rotation=rotation,
        fps=Fraction(stream.average_rate or stream.guessed_rate or 0),
        frames=stream.frames or None,
        video_codec=stream.codec_context.name,
        audio_codec=sound[0].codec_context.name if sound else None,
        container=name,
        pixel_format=frame.format.name,
    )


def _check_pixels(picture: Any, most: int) -> None:
    """Refuse what would take memory without end; `picture` has a width and a height."""
    if picture.width * picture.height > most:
        size = f"{picture.width}x{picture.height}"
        raise ProbeFailed(f"The video is {size}; a picture may have {most} pixels.")


def _check_whole(container: Any, stream: Any, duration_s: float) -> None:
    """Look whether the last seconds are there: an index may promise more than the file holds."""
    missing_s = max(_MISSING_S, duration_s * _MISSING_SHARE)
    if duration_s <= missing_s or stream.time_base is None:
        return
    start = stream.start_time or 0
    reached_s = 0.0
    try:
        container.seek(start + int((duration_s - missing_s) / stream.time_base), stream=stream)
    except FFmpegError:
        return  # not every container can seek; a stream without an index promises nothing
    with contextlib.suppress(FFmpegError):
        for packet in container.demux(stream):
            if packet.pts is not None and packet.size:
                reached_s = max(reached_s, float((packet.pts - start) * stream.time_base))
    if reached_s < duration_s - missing_s:
        raise ProbeFailed(f"The file is cut off: it should last {duration_s:.1f} s.")


def _is_cover(stream: Any) -> bool:
    """Whether a video stream is but a picture attached to sound."""
    return bool(stream.disposition & Disposition.attached_pic)


def _duration_s(container: Any, stream: Any) -> float:
    """The video's own length; the container's where the stream does not say."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return float(container.duration or 0) / av.time_base
