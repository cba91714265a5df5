"""The 13 formats, told by content and never by name alone (SEED). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from service.errors import UnsupportedFile

#: As many bytes as `detect` needs to see.
HEAD_BYTES = 64


class Kind(StrEnum):
    """What a format is for."""

    VIDEO = "video"
    IMAGE = "image"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its usual ending, what it is for, its media type, and the demuxer that reads it.

    An empty `demuxer` means that no decoder of ours ever opens it.
    """

    name: str
    kind: Kind
    mime: str
    demuxer: str = ""


FORMATS = {
    each.name: each
    for each in (
        Format("mp4", Kind.VIDEO, "video/mp4", "mov"),
        Format("mov", Kind.VIDEO, "video/quicktime", "mov"),
        Format("avi", Kind.VIDEO, "video/x-msvideo", "avi"),
        Format("webm", Kind.VIDEO, "video/webm", "matroska"),
        Format("mkv", Kind.VIDEO, "video/x-matroska", "matroska"),
        Format("jpg", Kind.IMAGE, "image/jpeg"),
        Format("png", Kind.IMAGE, "image/png"),
        Format("gif", Kind.IMAGE, "image/gif"),
        Format("webp", Kind.IMAGE, "image/webp"),
        Format("mp3", Kind.AUDIO, "audio/mpeg", "mp3"),
        Format("wav", Kind.AUDIO, "audio/wav", "wav"),
        Format("m4a", Kind.AUDIO, "audio/mp4", "mov"),
        Format("aac", Kind.AUDIO, "audio/aac", "aac"),
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
#: Pictures and camera raw in the same boxes as mp4.
_STILL_BRANDS = frozenset(
    {b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
    | {b"crx ", b"jp2 ", b"jpx ", b"jxl "}
)
#: A first box of 512 MiB or more is no box but text: its letters are 0x20 and above.
_LARGEST_BOX = 0x20000000
_LONGEST_NAME = 100


def detect(head: bytes) -> Format | None:
    """The format of a file by its first 64 bytes; none when it is not one of the 13."""
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
        if said in FORMATS:
            raise UnsupportedFile(
                f"{_shown(filename)} is named {said}, but its content is no supported format."
            )
        raise UnsupportedFile(f"{_shown(filename)} is of no supported format, by its content.")
    if found.name == "mp4" and said == "m4a":
        # Many recorders write sound alone under a brand of mp4.
        return FORMATS["m4a"]
    if said in FORMATS and FORMATS[said].kind is not found.kind:
        raise UnsupportedFile(
            f"{_shown(filename)} is named {said}, but its content is {found.name}."
        )
    return found


def _shown(filename: str) -> str:
    if not filename:
        return "The file"
    return "'" + "".join(c for c in filename if c.isprintable())[:_LONGEST_NAME] + "'"


def _prefixed(head: bytes) -> str:
    return next((name for prefix, name in _PREFIXES if head.startswith(prefix)), "")


def _contained(head: bytes) -> str:
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], "")
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return _matroska(head)
    if len(head) < 12 or int.from_bytes(head[:4]) >= _LARGEST_BOX:
        return ""
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in _STILL_BRANDS:
            return ""
        return "mov" if brand == b"qt  " else "m4a" if brand in {b"M4A ", b"M4B "} else "mp4"
    return "mov" if head[4:8] in _QUICKTIME_ATOMS else ""


def _matroska(head: bytes) -> str:
    """The DocType element (0x4282), whose size is one byte in every file that is written."""
    _, found, rest = head.partition(b"\x42\x82")
    if not found or not rest:
        return ""
    doctype = rest[1 : 1 + (rest[0] & 0x7F)].rstrip(b"\x00")
    return {b"webm": "webm", b"matroska": "mkv"}.get(doctype, "")


def _framed(head: bytes) -> str:
    """MPEG audio by its frame header: ADTS has layer 0, MP3 layer 3."""
    if len(head) < 3 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return ""
    layer = (head[1] >> 1) & 3
    if layer == 0:
        rate = (head[2] >> 2) & 0xF
        return "aac" if head[1] & 0xF0 == 0xF0 and rate < 13 else ""
    bitrate, rate = head[2] >> 4, (head[2] >> 2) & 3
    return "mp3" if layer == 1 and bitrate not in {0, 15} and rate != 3 else ""
