"""Cues back into text: SRT and WebVTT. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from service.captions.model import Cue, clean_text, format_time

# what a reader of SRT could take for markup, a time range or the end of a quotation
_NOT_IN_SRT = re.compile(r"<|\{\\|[-–—]>|```")
_ARROW = re.compile(r"[-–—]>")


def fits_srt(text: str) -> bool:
    """Whether SRT, which has no escapes, carries this text so that it is read back unchanged."""
    return not _NOT_IN_SRT.search(text)


def to_srt(cues: Iterable[Cue]) -> str:
    """Write SRT. Times of words are lost, and arrows become `›`; see `fits_srt`."""
    blocks = (
        f"{number}\n{format_time(cue.start_ms, ',')} --> {format_time(cue.end_ms, ',')}\n"
        f"{_ARROW.sub('›', clean_text(cue.text))}\n"
        for number, cue in enumerate(cues, 1)
    )
    return "\n".join(blocks)


def to_vtt(cues: Iterable[Cue]) -> str:
    """Write WebVTT with words as inline times. Every text is carried exactly."""
    blocks = (
        f"{format_time(cue.start_ms)} --> {format_time(cue.end_ms)}\n{_payload(cue)}\n"
        for cue in cues
    )
    return "\n".join(("WEBVTT\n", *blocks))


def _payload(cue: Cue) -> str:
    text = clean_text(cue.text)
    if not cue.words:
        return _escape(text)
    parts: list[str] = []
    at, begin_ms, filled = 0, cue.start_ms, False
    next_starts = (*(word.start_ms for word in cue.words[1:]), cue.end_ms)
    for word, next_ms in zip(cue.words, next_starts, strict=True):
        found = text.index(word.text, at)
        parts.append(_escape(text[at:found]))
        if filled or word.start_ms != begin_ms:
            parts.append(f"<{format_time(word.start_ms)}>")
        parts.append(_escape(word.text))
        at, begin_ms, filled = found + len(word.text), word.start_ms, True
        if word.end_ms != next_ms:
            parts.append(f"<{format_time(word.end_ms)}>")
            begin_ms, filled = word.end_ms, False
    return "".join((*parts, _escape(text[at:])))


def _escape(text: str) -> str:
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return plain.replace("```", "&#96;&#96;&#96;")
