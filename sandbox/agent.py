"""Turns a message into an edit plan by fixed rules; no model, no network. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sandbox.cues import Cue, has_timings, parse_cues
from sandbox.style_words import read_parameters, read_words

_FENCE = re.compile(r"```[ \t]*([A-Za-z]*)[ \t]*\n(.*?)(?:\n```|```|\Z)", re.DOTALL)
_QUOTED = re.compile(r'"""\s*\n?(.*?)"""', re.DOTALL)
_SAYING = re.compile(
    r"(?:captions?|subtitles?|text|字幕)[^\n\"“]{0,40}[\"“]([^\"”\n]{2,400})[\"”]", re.IGNORECASE
)
_TIMED = re.compile(r"^.*\d{1,2}:\d{2}[.,]\d{1,3}\s*-->.*$", re.MULTILINE)
_QUOTED_LINE = re.compile(r"^>.*\d{1,2}:\d{2}[.,]\d{1,3}\s*-->", re.MULTILINE)
_FILE = re.compile(
    r"(?:file|clip|video)\s+(?:named\s+|called\s+)?(?:[\"'“`]([^\"'”`\n]+\.[A-Za-z0-9]{3,4})[\"'”`]"
    r"|([^\s\"'”`]+\.[A-Za-z0-9]{3,4})(?![A-Za-z0-9]))",
    re.IGNORECASE,
)
_OUTPUT = re.compile(r"\b(1080p|720p)\b|\boutput\s*:\s*(source)\b", re.IGNORECASE)
_GENERATE = re.compile(
    r"\bgenerate\s+(?:a|an|one|the|me)\b[^.\n]{0,40}\b(?:video|clip|image)\b|生成.{0,10}视频",
    re.IGNORECASE,
)
_EXPORT = re.compile(r"^\s*(?:export|download|导出|下载)\b", re.IGNORECASE)
_ONLY = re.compile(
    r"captions?,?\s+(?:and\s+captions\s+)?only|only\s+(?:the\s+)?captions|nothing\s+else"
    r"|只.{0,8}字幕",
    re.IGNORECASE,
)
_STRIP = re.compile(
    r"\b(?:remove|delete|undo|strip|restore|revert|take\s+out|take\s+away|get\s+rid\s+of)\b"
    r"[^.\n]{0,80}\b(?:music|bgm|sound|audio|titles?|effects?|tracks?|added|else|other|everything)\b"
    r"|(?:去掉|删除|移除|恢复|撤销).{0,20}(?:音乐|标题|音轨|轨道|特效)",
    re.IGNORECASE,
)
_CAPTIONS = re.compile(r"caption|subtitle|transcri|字幕|title|text overlay", re.IGNORECASE)


class Kind(StrEnum):
    """What a message asks for."""

    CAPTION = "caption"
    RESTYLE = "restyle"
    GENERATE = "generate"
    STRIP = "strip"
    EXPORT_WORDS = "export_words"
    NO_CAPTIONS = "no_captions"
    TALK = "talk"


@dataclass(frozen=True, slots=True)
class Plan:
    """What the agent will do: cues or a script to time, style overrides, the clip it concerns."""

    kind: Kind
    cues: tuple[Cue, ...] = ()
    script: str = ""
    overrides: dict[str, Any] = field(default_factory=dict)
    filename: str | None = None
    resolution: str | None = None
    #: The message forbids everything but captions.
    captions_only: bool = False
    #: The message wants gone what the backend added by itself.
    strips: bool = False

    @property
    def edits(self) -> bool:
        """Tells whether the plan changes the session at all."""
        return self.kind in {Kind.CAPTION, Kind.RESTYLE, Kind.GENERATE, Kind.STRIP}


def plan_message(
    message: str, *, filenames: Sequence[str] = (), has_captions: bool = False
) -> Plan:
    """Reads a message into a plan.

    Args:
        message: The user's text, captions quoted or fenced inside.
        filenames: Files of the session, to recognise which one is meant.
        has_captions: Whether the session already shows captions that a message may restyle.
    """
    cues, script, prose = _split(message)
    overrides = {**read_words(prose), **read_parameters(message)}
    named = _FILE.search(prose)
    filename = _which_file(prose, filenames) or (_first(named) if named else None)
    output = _OUTPUT.search(prose)
    resolution = (output.group(1) or output.group(2)).lower() if output else None
    kind = _kind(
        prose, has_cues=bool(cues or script), styled=bool(overrides), has_captions=has_captions
    )
    strips = bool(_STRIP.search(prose))
    if strips and kind in {Kind.NO_CAPTIONS, Kind.TALK}:
        kind = Kind.STRIP
    only = bool(_ONLY.search(prose))
    return Plan(kind, cues, script, overrides, filename, resolution, only, strips)


def _kind(prose: str, *, has_cues: bool, styled: bool, has_captions: bool) -> Kind:
    if has_cues:
        return Kind.CAPTION
    if _EXPORT.search(prose):
        return Kind.EXPORT_WORDS
    if _GENERATE.search(prose):
        return Kind.GENERATE
    if styled and has_captions:
        return Kind.RESTYLE
    if styled or _CAPTIONS.search(prose):
        return Kind.NO_CAPTIONS
    return Kind.TALK


def _first(match: re.Match[str]) -> str | None:
    return next((group.strip() for group in match.groups() if group), None)


def _which_file(prose: str, filenames: Sequence[str]) -> str | None:
    # a name's own double quotes cannot stand inside quotes: clients write single ones
    found = [n for n in filenames if n and (n in prose or n.replace('"', "'") in prose)]
    return max(found, key=len) if found else None


def _split(message: str) -> tuple[tuple[Cue, ...], str, str]:
    text = message.replace("\r\n", "\n").replace("\r", "\n")
    if _QUOTED_LINE.search(text):
        text = re.sub(r"^>[ \t]?", "", text, flags=re.MULTILINE)
    blocks = [(m.group(1).lower(), m.group(2), m.span()) for m in _FENCE.finditer(text)]
    blocks += [("", m.group(1), m.span()) for m in _QUOTED.finditer(text)]
    prose = text
    for _, _, (start, stop) in sorted(blocks, key=lambda block: -block[2][0]):
        prose = prose[:start] + "\n" + prose[stop:]
    quoted = _from_blocks([(tag, body) for tag, body, _ in blocks])
    if quoted is not None:
        return *quoted, prose
    if has_timings(prose):
        return _bare(prose)
    saying = _SAYING.search(prose)
    if saying:
        return (), saying.group(1), prose[: saying.start(1)] + prose[saying.end(1) :]
    return (), "", prose


def _from_blocks(blocks: Sequence[tuple[str, str]]) -> tuple[tuple[Cue, ...], str] | None:
    for tag, body in blocks:
        if has_timings(body):
            head = "WEBVTT\n\n" if tag in {"vtt", "webvtt"} else ""
            return parse_cues(head + body), ""
    for tag, body in blocks:
        if tag in {"text", "txt", ""} and body.strip():
            return (), body
    return None


def _bare(prose: str) -> tuple[tuple[Cue, ...], str, str]:
    first = _TIMED.search(prose)
    start = first.start() if first else 0
    header = prose.find("WEBVTT")
    start = header if 0 <= header < start else start
    # words before the cues and blocks after them without a timing line are the instruction
    tail = [block for block in re.split(r"\n\s*\n", prose[start:]) if not _TIMED.search(block)]
    return parse_cues(prose[start:]), "", "\n".join([prose[:start], *tail])
