"""SRT and WebVTT: blocks of lines with a time range on top.

Our own reader, not pysubs2 or webvtt-py: those skip or repair what they cannot read, and a caller
must hear which line is wrong. webvtt-py is the independent witness in the tests. Pure.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from service.captions.model import (
    Cue,
    NumberedCue,
    Reading,
    Word,
    clean_text,
    format_time,
    quote,
    refuse,
    share_words,
    split_lines,
)

_STAMP = r"(?:(\d{1,4}):)?([0-5]?\d):([0-5]?\d)(?:[.,](\d{1,3}))?"
_RANGE = re.compile(rf"^\s*{_STAMP}\s*-->\s*{_STAMP}(?:\s.*)?$", re.ASCII)
_MEANT_AS_RANGE = re.compile(r"^\s*\d{1,4}[:.,]\d.*?[-–—]>", re.ASCII)
_TIME_AHEAD = re.compile(r"^\s*\d{1,4}:\d", re.ASCII)
_INDEX = re.compile(r"^\s*\d+\s*$", re.ASCII)
_INLINE_STAMP = re.compile(rf"^{_STAMP}$", re.ASCII)
_TAG = re.compile(r"<([^<>\n]*)>")
_KNOWN_TAG = re.compile(
    r"^/?(?:c|i|b|u|s|v|em|strong|lang|ruby|rt|font)(?:[.\s].*)?$", re.IGNORECASE
)
#: Players' one addition to SRT: where a caption stands. Any other text in braces is text.
_ALIGNMENT = re.compile(r"\{\\an?\d{1,2}\}")
_SKIPPED = re.compile(r"^(?:NOTE|STYLE|REGION)(?:\s|$)")


@dataclass(slots=True)
class _Block:
    line: int  # of the time range
    start_ms: int
    end_ms: int
    body: list[str] = field(default_factory=list)


def looks_timed(text: str) -> bool:
    """Whether a line is a time range, or seems meant as one."""
    return any(_MEANT_AS_RANGE.match(line) for line in split_lines(text))


def read_srt(text: str) -> Reading:
    """Read SRT; numbers of cues may be missing or wrong, and tags are taken off.

    A blank line inside a caption does not end it, as long as no time range follows.
    """
    lines, blocks = split_lines(text), list[_Block]()
    warnings: list[str] = []
    for first, block in _split_blocks(lines, 0):
        at = _range_at(block, first)
        if at is not None:
            if at > 1 or (at and not _INDEX.match(block[0])):
                warnings.append(f"line {first}: {quote(block[0])} is above a time; left out.")
            blocks.extend(_read_block(block, first, at))
        elif blocks:
            blocks[-1].body.extend(block)
        else:
            raise refuse(f"{quote(block[0])} is not a time range", first)
    cues: list[NumberedCue] = []
    for each in blocks:
        body = _strip_tags(_ALIGNMENT.sub("", "\n".join(each.body)))
        _keep(cues, warnings, each.line, Cue(each.start_ms, each.end_ms, clean_text(body)))
    return Reading(tuple(cues), tuple(warnings))


def read_vtt(text: str) -> Reading:
    """Read WebVTT; tags and voices are taken off, inline times become words."""
    lines = split_lines(text)
    top = next((n for n, line in enumerate(lines) if line.strip()), 0)
    if not re.match(r"WEBVTT(?:\s|$)", lines[top].strip()):
        raise refuse(f"{quote(lines[top])} is not 'WEBVTT'", top + 1)
    warnings: list[str] = []
    cues: list[NumberedCue] = []
    for first, block in _split_blocks(lines, _end_of_header(lines, top)):
        at = _range_at(block, first)
        if at is not None:
            for each in _read_block(block, first, at):
                _keep(cues, warnings, each.line, _read_payload(each, warnings))
        elif not _SKIPPED.match(block[0]):
            warnings.append(f"line {first}: {quote(block[0])} belongs to no caption; left out.")
    return Reading(tuple(cues), tuple(warnings))


def _end_of_header(lines: Sequence[str], top: int) -> int:
    for number in range(top + 1, len(lines)):
        if not lines[number].strip() or _MEANT_AS_RANGE.match(lines[number]):
            return number
    return len(lines)


def _split_blocks(lines: Sequence[str], start: int) -> Iterator[tuple[int, list[str]]]:
    block: list[str] = []
    for number, line in enumerate(lines[start:], start + 1):
        if line.strip():
            block.append(line)
        elif block:
            yield number - len(block), block
            block = []
    if block:
        yield len(lines) - len(block) + 1, block


def _range_at(block: Sequence[str], first: int) -> int | None:
    """Where in a block its first time range is; refuses a line that is meant as one and is not."""
    if _SKIPPED.match(block[0]):
        return None
    for at, line in enumerate(block):
        if _RANGE.match(line):
            return at
        after_index = at == 1 and _INDEX.match(block[0]) and _TIME_AHEAD.match(line)
        if _MEANT_AS_RANGE.match(line) or after_index:
            raise refuse(f"{quote(line)} is not a time range", first + at)
    return None


def _read_block(block: Sequence[str], first: int, at: int) -> Iterator[_Block]:
    current: _Block | None = None
    for offset, line in enumerate(block[at:], at):
        match = _RANGE.match(line)
        if match:
            if current:
                # no blank line between two cues: the number belongs to the second
                if current.body and _INDEX.match(current.body[-1]):
                    current.body.pop()
                yield current
            times = match.groups()
            current = _Block(first + offset, _read_stamp(times[:4]), _read_stamp(times[4:]))
        elif _MEANT_AS_RANGE.match(line):
            raise refuse(f"{quote(line)} is not a time range", first + offset)
        elif current:
            current.body.append(line)
    if current:
        yield current


def _read_stamp(parts: Sequence[str | None]) -> int:
    hours, minutes, seconds, fraction = parts
    whole_s = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    return whole_s * 1000 + int((fraction or "0").ljust(3, "0"))


def _keep(cues: list[NumberedCue], warnings: list[str], line: int, cue: Cue) -> None:
    if cue.text:
        cues.append(NumberedCue(line, cue))
    else:
        warnings.append(f"line {line}: a caption without text; left out.")


def _strip_tags(text: str) -> str:
    return _TAG.sub(lambda tag: "" if _KNOWN_TAG.match(tag.group(1)) else tag.group(0), text)


def _read_payload(block: _Block, warnings: list[str]) -> Cue:
    pieces, stamped = _split_stamps("\n".join(block.body), block, warnings)
    plain = [(begin, html.unescape(_strip_tags(piece))) for begin, piece in pieces]
    text = clean_text("".join(piece for _, piece in plain))
    words: list[Word] = []
    if stamped:
        ends = [*(begin for begin, _ in plain[1:]), block.end_ms]
        for (begin, piece), end in zip(plain, ends, strict=True):
            words.extend(share_words(clean_text(piece), begin, end))
    return Cue(block.start_ms, block.end_ms, text, tuple(words))


def _split_stamps(
    text: str, block: _Block, warnings: list[str]
) -> tuple[list[tuple[int, str]], bool]:
    pieces: list[tuple[int, str]] = []
    begin, taken, at, stamped = block.start_ms, "", 0, False
    for tag in _TAG.finditer(text):
        stamp = _INLINE_STAMP.match(tag.group(1).strip())
        if not stamp:
            continue
        taken += text[at : tag.start()]
        at = tag.end()
        time_ms = _read_stamp(stamp.groups())
        if begin <= time_ms <= block.end_ms:
            pieces.append((begin, taken))
            begin, taken, stamped = time_ms, "", True
        else:
            when = format_time(time_ms)
            warnings.append(f"line {block.line}: the word time {when} is out of order; left out.")
    pieces.append((begin, taken + text[at:]))
    return pieces, stamped
