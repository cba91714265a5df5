"""Captions of any form into cues: SRT, WebVTT, TTML, or a script without times. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from service.captions.blocks import looks_timed, read_srt, read_vtt
from service.captions.model import (
    MAX_CHARS,
    MAX_CUE_CHARS,
    MAX_CUES,
    MAX_SCRIPT_CHARS,
    MAX_TIME_MS,
    CaptionFormat,
    Captions,
    Cue,
    NumberedCue,
    Word,
    clean_text,
    format_time,
    refuse,
)
from service.captions.ttml import read_ttml
from service.errors import FieldError, InvalidRequest

__all__ = ["CaptionFormat", "Captions", "Cue", "Word", "detect_format", "parse_captions"]

_TTML = re.compile(r"\A\s*(?:<\?xml|<!DOCTYPE|<!--|<(?:[\w.-]+:)?tt[\s>])")
_OVERLAPS_NAMED = 5


def parse_captions(format: str | None, text: str) -> Captions:  # noqa: A002 - the API's own word
    """Reads captions; with no format it is found out from the text.

    Args:
        format: `srt`, `vtt`, `ttml`, `text`, or None.
        text: At most 900,000 characters, 10,000 cues, 50,000 characters of a script.

    Raises:
        InvalidRequest: at `#/captions/format` or `#/captions/text`, with the line and its fault.
    """
    kind = _known_format(format) if format else detect_format(text)
    if len(text) > MAX_CHARS:
        raise refuse(f"{len(text):,} characters; at most {MAX_CHARS:,} are taken")
    if not clean_text(text):
        raise refuse("there is no text in them")
    match kind:
        case CaptionFormat.SRT:
            reading = read_srt(text)
        case CaptionFormat.VTT:
            reading = read_vtt(text)
        case CaptionFormat.TTML:
            reading = read_ttml(text)
        case CaptionFormat.TEXT:
            return _read_script(text)
    cues = _check_cues(reading.cues)
    return Captions(kind, cues, warnings=(*reading.warnings, *_find_overlaps(cues)))


def detect_format(text: str) -> CaptionFormat:
    """Tell the format by its look; whatever has no times is a script."""
    plain = text.removeprefix("\ufeff")
    if plain.lstrip().startswith("WEBVTT"):
        return CaptionFormat.VTT
    if _TTML.match(plain):
        return CaptionFormat.TTML
    return CaptionFormat.SRT if looks_timed(plain) else CaptionFormat.TEXT


def _known_format(name: str) -> CaptionFormat:
    try:
        return CaptionFormat(name)
    except ValueError:
        known = ", ".join(CaptionFormat)
        detail = f"There is no such format; known are {known}."
        raise InvalidRequest(detail, (FieldError("#/captions/format", detail),)) from None


def _read_script(text: str) -> Captions:
    script = clean_text(text)
    if len(script) > MAX_SCRIPT_CHARS:
        raise refuse(
            f"a script of {len(script):,} characters; at most {MAX_SCRIPT_CHARS:,} are taken"
        )
    timed = looks_timed(text)
    warnings = ("The text holds times, which will be shown; is it meant as `srt`?",)
    return Captions(CaptionFormat.TEXT, script=script, warnings=warnings if timed else ())


def _check_cues(numbered: Sequence[NumberedCue]) -> tuple[Cue, ...]:
    if not numbered:
        raise refuse("there is no caption in them")
    if len(numbered) > MAX_CUES:
        raise refuse(f"{MAX_CUES:,} captions are the most that is taken", numbered[MAX_CUES].line)
    for each in numbered:
        _check_cue(each.cue, each.line)
    cues = (each.cue for each in numbered)
    return tuple(sorted(cues, key=lambda cue: (cue.start_ms, cue.end_ms)))


def _check_cue(cue: Cue, line: int) -> None:
    if cue.end_ms <= cue.start_ms:
        times = f"{format_time(cue.start_ms)} --> {format_time(cue.end_ms)}"
        raise refuse(f"'{times}' does not end after it starts", line)
    if cue.end_ms > MAX_TIME_MS:
        raise refuse(f"{format_time(cue.end_ms)} is more than 100 hours", line)
    if len(cue.text) > MAX_CUE_CHARS:
        raise refuse(
            f"a caption of {len(cue.text):,} characters; at most {MAX_CUE_CHARS:,} are taken", line
        )


def _find_overlaps(cues: Sequence[Cue]) -> tuple[str, ...]:
    starts, latest_ms = [], -1
    for cue in cues:
        if cue.start_ms < latest_ms:
            starts.append(format_time(cue.start_ms))
        latest_ms = max(latest_ms, cue.end_ms)
    if not starts:
        return ()
    more = ", ..." if len(starts) > _OVERLAPS_NAMED else ""
    named = ", ".join(starts[:_OVERLAPS_NAMED]) + more
    return (f"{len(starts)} of the captions start before an earlier one has ended: {named}.",)
