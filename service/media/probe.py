"""Looking into a media file with PyAV. The only module that imports the decoder."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError

from service.errors import ProbeFailed, UnsupportedFile
from service.media.formats import HEAD_BYTES, detect

#: Demuxers by what the content is; a playlist is none of them, so nothing else is ever opened.
_DEMUXERS = {
    "mp4": "mov",
    "mov": "mov",
    "m4a": "mov",
    "avi": "avi",
    "webm": "matroska",
    "mkv": "matroska",
    "mp3": "mp3",
    "wav": "wav",
    "aac": "aac",
}


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


def probe(path: Path) -> Probe:
    """Look into a video file; decodes one frame.

    Raises:
        UnsupportedFile: the content is not one of our formats with moving pictures.
        ProbeFailed: it opens badly, or holds no video.
    """
    with path.open("rb") as file:
        found = detect(file.read(HEAD_BYTES))
    if found is None or found.name not in _DEMUXERS:
        raise UnsupportedFile(f"The file holds {found.name if found else 'no known format'}.")
    try:
        options = {"protocol_whitelist": "file"}
        with av.open(str(path), format=_DEMUXERS[found.name], options=options) as container:
            return _describe(container, found.name)
    except (FFmpegError, OSError, ValueError) as error:
        raise ProbeFailed(
            f"The {found.name} file cannot be read: {type(error).__name__}."
        ) from None


def _describe(container: Any, name: str) -> Probe:
    pictures = [s for s in container.streams.video if not _is_cover(s)]
    if not pictures:
        raise ProbeFailed("The file holds no video.")
    stream = pictures[0]
    frame = next(container.decode(stream), None)
    if frame is None:
        raise ProbeFailed("The file holds no video frame.")
    rotation = int(getattr(frame, "rotation", 0) or 0) % 360
    turned = rotation in {90, 270}
    sound = container.streams.audio
    return Probe(
        duration_s=_duration_s(container, stream),
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


def _is_cover(stream: Any) -> bool:
    """Whether a video stream is but a picture attached to sound."""
    disposition = getattr(stream, "disposition", None)
    return bool(disposition and "attached_pic" in str(disposition).lower())


def _duration_s(container: Any, stream: Any) -> float:
    """The video's own length; the container's where the stream does not say."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return float(container.duration or 0) / av.time_base
