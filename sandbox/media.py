"""Looks at what a file really is: magic bytes first, then its streams through PyAV or Pillow."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import av
import av.error
from PIL import Image, UnidentifiedImageError

FORMATS = (
    "mp4",
    "mov",
    "avi",
    "webm",
    "mkv",
    "jpg",
    "png",
    "gif",
    "webp",
    "mp3",
    "wav",
    "m4a",
    "aac",
)
VIDEO = frozenset({"mp4", "mov", "avi", "webm", "mkv"})
IMAGE = frozenset({"jpg", "png", "gif", "webp"})

#: Demuxer forced for a container, so that no playlist format can name other files.
DEMUXERS = {
    "isobmff": "mov", "avi": "avi", "ebml": "matroska", "mp3": "mp3", "wav": "wav", "aac": "aac",
}  # fmt: skip
_CONTAINER = {
    "mp4": "isobmff", "mov": "isobmff", "m4a": "isobmff", "webm": "ebml", "mkv": "ebml",
    "jpeg": "jpg",
}  # fmt: skip
_ATOMS = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"})


class UnsupportedMedia(Exception):
    """A file of no supported format, or whose content is not what its name says (4001)."""


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What was found; sizes in px as displayed, 0 where there are none; `demuxer` for ffmpeg."""

    kind: str
    demuxer: str
    duration_s: float = 0.0
    width: int = 0
    height: int = 0
    fps: float = 0.0
    audio_codec: str = ""


def sniff(head: bytes) -> str:
    """Names the container by a file's first bytes; empty when it is no supported one."""
    if head[4:8] in _ATOMS:
        return "isobmff"
    if head[:4] == b"RIFF":
        return {b"AVI ": "avi", b"WAVE": "wav", b"WEBP": "webp"}.get(head[8:12], "")
    for magic, name in (
        (b"\x1aE\xdf\xa3", "ebml"),
        (b"\xff\xd8\xff", "jpg"),
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"GIF8", "gif"),
        (b"ID3", "mp3"),
    ):
        if head.startswith(magic):
            return name
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        # MPEG layer bits are zero in ADTS only
        return "aac" if head[1] & 0xF6 == 0xF0 else "mp3"
    return ""


def inspect(path: Path, filename: str, declared: str = "") -> MediaInfo:
    """Checks a file against its name and declared type, by content. Raises UnsupportedMedia."""
    extension = filename.rsplit(".", 1)[-1].lower() if "." in filename else ""
    extension = "jpg" if extension == "jpeg" else extension
    if extension not in FORMATS:
        raise UnsupportedMedia(f"{extension or 'a file without extension'} is not supported")
    with path.open("rb") as file:
        head = file.read(4096)
    found = sniff(head)
    if found != _CONTAINER.get(extension, extension):
        raise UnsupportedMedia(f"{filename} does not hold {extension} data")
    if extension == "webm" and b"webm" not in head:
        raise UnsupportedMedia(f"{filename} is not WebM")
    kind = "video" if extension in VIDEO else "image" if extension in IMAGE else "audio"
    major = declared.split("/", maxsplit=1)[0].strip().lower()
    if major and major not in {kind, "application", "binary"}:
        raise UnsupportedMedia(f"{filename} was sent as {declared}")
    return (
        _image(path, filename)
        if kind == "image"
        else _streams(path, filename, kind, DEMUXERS[found])
    )


def _image(path: Path, filename: str) -> MediaInfo:
    try:
        with Image.open(path) as image:
            image.load()
            width, height = image.size
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
    ) as error:
        raise UnsupportedMedia(f"{filename} cannot be decoded") from error
    return MediaInfo("image", "", width=width, height=height)


def _streams(path: Path, filename: str, kind: str, demuxer: str) -> MediaInfo:
    try:
        with av.open(str(path), format=demuxer) as container:
            audio = container.streams.audio[0].codec_context.name if container.streams.audio else ""
            duration_s = (container.duration or 0) / av.time_base
            if kind == "audio":
                if not audio:
                    raise UnsupportedMedia(f"{filename} holds no sound")
                return MediaInfo(kind, demuxer, duration_s=duration_s, audio_codec=audio)
            if not container.streams.video:
                raise UnsupportedMedia(f"{filename} holds no video")
            stream = container.streams.video[0]
            frame = next(container.decode(stream))
            width, height = _display_size(frame, stream)
            fps = float(stream.average_rate or stream.guessed_rate or 0)
            if stream.duration and stream.time_base and not duration_s:
                duration_s = float(stream.duration * stream.time_base)
    except (av.error.FFmpegError, StopIteration, OSError, ValueError, struct.error) as error:
        raise UnsupportedMedia(f"{filename} cannot be decoded") from error
    return MediaInfo(kind, demuxer, duration_s, width, height, fps, audio)


def _display_size(frame: av.VideoFrame, stream: av.VideoStream) -> tuple[int, int]:
    ratio = stream.sample_aspect_ratio
    width = round(frame.width * float(ratio)) if ratio else frame.width
    return (frame.height, width) if frame.rotation % 180 else (width, frame.height)
