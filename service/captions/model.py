"""Captions as values: words, cues, and what was read. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from service.errors import FieldError, InvalidRequest

POINTER = "#/captions/text"
MAX_CUES = 10_000
MAX_CHARS = 900_000
MAX_SCRIPT_CHARS = 50_000
MAX_CUE_CHARS = 1_000
MAX_TIME_MS = 100 * 3_600_000

# tab and newline stay; lone surrogates cannot be encoded, so they cannot be sent on
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff]")


class CaptionFormat(StrEnum):
    """The forms captions come in."""

    SRT = "srt"
    VTT = "vtt"
    TTML = "ttml"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Word:
    """One word with a time of its own. Milliseconds from the start of the clip."""

    start_ms: int
    end_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption; lines are separated by a newline.

    `words` is empty, or holds every word of `text` in order, with only white space between them.
    """

    start_ms: int
    end_ms: int
    text: str
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Captions:
    """What was read: `cues` sorted by time, or a `script` without times; never both."""

    format: CaptionFormat
    cues: tuple[Cue, ...] = ()
    script: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NumberedCue:
    """A cue and the line of the source it was read from, for messages about it."""

    line: int
    cue: Cue


@dataclass(frozen=True, slots=True)
class Reading:
    """What a format's reader found, unsorted and unchecked."""

    cues: tuple[NumberedCue, ...]
    warnings: tuple[str, ...] = ()


def refuse(detail: str, line: int | None = None) -> InvalidRequest:
    """Make the error for captions that cannot be used; the caller raises it."""
    where = f"line {line}: {detail}" if line is not None else detail
    return InvalidRequest(
        f"The captions cannot be used: {where}.", (FieldError(POINTER, f"{where}."),)
    )


def quote(text: str, limit: int = 60) -> str:
    """Quote a piece of the caller's text in a message, shortened."""
    shown = text.strip()
    return f"'{shown if len(shown) <= limit else shown[:limit] + '…'}'"


def split_lines(text: str) -> list[str]:
    """Split at CRLF, LF and CR; a byte order mark in front is dropped."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def clean_text(text: str) -> str:
    """Drop control characters, blank lines and outer spaces; all else stays as it is."""
    plain = text.replace("\t", " ").replace("\u2028", "\n").replace("\u2029", "\n")
    lines = (line.strip() for line in split_lines(_UNPRINTABLE.sub("", plain)))
    return "\n".join(line for line in lines if line)


def share_words(text: str, start_ms: int, end_ms: int) -> tuple[Word, ...]:
    """Give the words of a text the time between two moments, by their length."""
    parts = text.split()
    total = sum(map(len, parts))
    words, seen = [], 0
    for part in parts:
        begin = start_ms + seen * (end_ms - start_ms) // total
        seen += len(part)
        words.append(Word(begin, start_ms + seen * (end_ms - start_ms) // total, part))
    return tuple(words)


def format_time(time_ms: int, point: str = ".") -> str:
    """Write a time as `00:00:01.200`; `point` is what stands before the milliseconds."""
    seconds, milliseconds = divmod(time_ms, 1000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02}:{minute:02}:{second:02}{point}{milliseconds:03}"
