"""The 13 formats, told by content and never by name alone (SEED). Pure."""

from __future__ import annotations

from dataclasses import dataclass

from service.errors import UnsupportedFile

#: As many bytes as `detect` needs to see.
HEAD_BYTES = 64


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its usual ending, whether it is video, image or audio, and its media type."""

    name: str
    kind: str
    mime: str


FORMATS = {
    each.name: each
    for each in (
        Format("mp4", "video", "video/mp4"),
        Format("mov", "video", "video/quicktime"),
        Format("avi", "video", "video/x-msvideo"),
        Format("webm", "video", "video/webm"),
        Format("mkv", "video", "video/x-matroska"),
        Format("jpg", "image", "image/jpeg"),
        Format("png", "image", "image/png"),
        Format("gif", "image", "image/gif"),
        Format("webp", "image", "image/webp"),
        Format("mp3", "audio", "audio/mpeg"),
        Format("wav", "audio", "audio/wav"),
        Format("m4a", "audio", "audio/mp4"),
        Format("aac", "audio", "audio/aac"),
    )
}
#: Endings that name the same content.
_ALIASES = {"jpeg": "jpg", "m4v": "mp4", "qt": "mov"}
_PREFIXES = (
    (b"\xff\xd8\xff", "jpg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"ID3", "mp3"),
)
_RIFF = {b"AVI ": "avi", b"WAVE": "wav", b"WEBP": "webp"}
_QUICKTIME_ATOMS = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})


def detect(head: bytes) -> Format | None:
    """The format of a file by its first bytes; none when it is not one of the 13."""
    name = _prefixed(head) or _contained(head) or _framed(head)
    return FORMATS[name] if name else None


def check_upload(head: bytes, filename: str) -> Format:
    """The format of an upload; its name may leave it open but must not contradict it.

    Raises:
        UnsupportedFile: the content is none of the 13, or is not what the name says.
    """
    found = detect(head)
    ending = filename.rpartition(".")[2].lower() if "." in filename else ""
    said = _ALIASES.get(ending, ending)
    if found is None:
        named = f"'{filename}'" if filename else "The file"
        raise UnsupportedFile(f"{named} is not of a supported format, by its content.")
    if said in FORMATS and FORMATS[said].kind != found.kind:
        raise UnsupportedFile(f"'{filename}' is named {said} and holds {found.name}.")
    return found


def _prefixed(head: bytes) -> str:
    return next((name for prefix, name in _PREFIXES if head.startswith(prefix)), "")


def _contained(head: bytes) -> str:
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], "")
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "webm" if b"webm" in head else "mkv" if b"matroska" in head else ""
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return "mov" if brand == b"qt  " else "m4a" if brand.startswith(b"M4A") else "mp4"
    return "mov" if head[4:8] in _QUICKTIME_ATOMS else ""


def _framed(head: bytes) -> str:
    """MPEG audio by its frame header: ADTS has layer 0, MP3 layer 3."""
    if len(head) < 3 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return ""
    layer = (head[1] >> 1) & 3
    if layer == 0:
        return "aac" if head[1] & 0xF0 == 0xF0 else ""
    bitrate, rate = head[2] >> 4, (head[2] >> 2) & 3
    return "mp3" if layer == 1 and bitrate not in {0, 15} and rate != 3 else ""
