"""Captions as text: reads SRT, WebVTT and plain scripts into timed cues. Pure."""

from __future__ import annotations

import html
import re
import textwrap
from dataclasses import dataclass

LINE_CHARS = 42
LINES_PER_CARD = 2

_STAMP = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})"
_TIMING = re.compile(rf"^\s*{_STAMP}\s*-->\s*{_STAMP}(?:\s.*)?$")
_INLINE_STAMP = re.compile(rf"^{_STAMP}$")
_TAG = re.compile(r"<([^<>\n]*)>")
_KNOWN_TAG = re.compile(
    r"^/?(?:c|i|b|u|s|v|em|strong|lang|ruby|rt|font)(?:[.\s].*)?$", re.IGNORECASE
)
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Word:
    """One word with its own time; `ends_line` keeps the author's line break after it."""

    text: str
    start_ms: int
    end_ms: int
    ends_line: bool = False


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption: text with line breaks, times in ms, words only where the source timed them."""

    start_ms: int
    end_ms: int
    text: str
    words: tuple[Word, ...] = ()


def has_timings(text: str) -> bool:
    """Tells whether the text holds at least one SRT or WebVTT timing line."""
    return any(_TIMING.match(line) for line in _lines(text))


def parse_cues(text: str) -> tuple[Cue, ...]:
    """Reads SRT or WebVTT into cues sorted by start; blocks without a timing line are skipped.

    Cues that end before they start or hold no text are dropped; entities are WebVTT's only.
    """
    lines = _lines(text)
    is_vtt = any(line.strip().startswith("WEBVTT") for line in lines[:3])
    at = [(i, m) for i, line in enumerate(lines) if (m := _TIMING.match(line))]
    cues = []
    for n, (i, match) in enumerate(at):
        stop = at[n + 1][0] if n + 1 < len(at) else len(lines)
        payload = _payload(lines[i + 1 : stop], more=n + 1 < len(at))
        start_ms, end_ms = _stamp_ms(match.groups()[:4]), _stamp_ms(match.groups()[4:])
        cue = _cue(payload, start_ms, end_ms, is_vtt=is_vtt)
        if cue is not None:
            cues.append(cue)
    return tuple(sorted(cues, key=lambda cue: (cue.start_ms, cue.end_ms)))


def time_script(script: str, duration_ms: int) -> tuple[Cue, ...]:
    """Spreads a plain script over the clip: cards of two lines of 42 characters, by length."""
    cards = _cards(script)
    total = sum(len(card) for card in cards)
    if not total or duration_ms <= 0:
        return ()
    cues, seen = [], 0
    for card in cards:
        start_ms = seen * duration_ms // total
        seen += len(card)
        cues.append(Cue(start_ms, seen * duration_ms // total, card))
    return tuple(cue for cue in cues if cue.end_ms > cue.start_ms)


def timed_words(cue: Cue) -> tuple[Word, ...]:
    """Gives every word of a cue a time: the source's own, else a share of the cue by characters."""
    if cue.words:
        return cue.words
    return _share(cue.text, cue.start_ms, cue.end_ms)


def split_cards(cue: Cue, words_per_card: int) -> tuple[Cue, ...]:
    """Splits a cue into cards of at most so many words, each shown until the next one starts."""
    words = timed_words(cue)
    if words_per_card <= 0 or len(words) <= words_per_card:
        return (cue,)
    groups = [words[i : i + words_per_card] for i in range(0, len(words), words_per_card)]
    starts = [cue.start_ms, *(group[0].start_ms for group in groups[1:]), cue.end_ms]
    cards = []
    for group, start_ms, end_ms in zip(groups, starts, starts[1:], strict=False):
        flat = tuple(Word(word.text, word.start_ms, word.end_ms) for word in group)
        cards.append(Cue(start_ms, end_ms, " ".join(word.text for word in group), flat))
    return tuple(card for card in cards if card.end_ms > card.start_ms)


def _lines(text: str) -> list[str]:
    return text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _stamp_ms(parts: tuple[str | None, ...]) -> int:
    hours, minutes, seconds, fraction = parts
    whole = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    return whole * 1000 + int((fraction or "0").ljust(3, "0"))


def _payload(lines: list[str], *, more: bool) -> str:
    body = []
    for line in lines:
        if not line.strip():
            break
        body.append(line.strip())
    else:
        # no blank line before the next timing line: the last line may be that cue's number
        if more and body and body[-1].isdigit():
            body.pop()
    return "\n".join(body)


def _cue(payload: str, start_ms: int, end_ms: int, *, is_vtt: bool) -> Cue | None:
    if end_ms <= start_ms:
        return None
    pieces = _stamped_pieces(payload, start_ms, end_ms)
    plain = [(_clean(text, is_vtt=is_vtt), begin) for text, begin in pieces]
    text = "\n".join(line.strip() for line in "".join(text for text, _ in plain).split("\n"))
    if not text.strip():
        return None
    if len(plain) == 1:
        return Cue(start_ms, end_ms, text)
    ends = [begin for _, begin in plain[1:]] + [end_ms]
    words = [
        w for (part, begin), end in zip(plain, ends, strict=True) for w in _share(part, begin, end)
    ]
    return Cue(start_ms, end_ms, text, tuple(words))


def _stamped_pieces(payload: str, start_ms: int, end_ms: int) -> list[tuple[str, int]]:
    pieces: list[tuple[str, int]] = []
    text, begin, at = "", start_ms, 0
    for tag in _TAG.finditer(payload):
        text += payload[at : tag.start()]
        at = tag.end()
        inner = tag.group(1).strip()
        stamp = _INLINE_STAMP.match(inner)
        if stamp:
            when = _stamp_ms(stamp.groups())
            if begin < when < end_ms:
                pieces.append((text, begin))
                text, begin = "", when
        elif not _KNOWN_TAG.match(inner):
            text += tag.group(0)
    pieces.append((text + payload[at:], begin))
    return pieces


def _clean(text: str, *, is_vtt: bool) -> str:
    return _UNPRINTABLE.sub("", html.unescape(text) if is_vtt else text)


def _share(text: str, start_ms: int, end_ms: int) -> tuple[Word, ...]:
    lines = [line.split() for line in text.split("\n")]
    flat = [(word, i == len(line) - 1) for line in lines for i, word in enumerate(line)]
    total = sum(len(word) for word, _ in flat)
    span, seen, words = max(0, end_ms - start_ms), 0, []
    for n, (word, ends_line) in enumerate(flat):
        begin = start_ms + seen * span // total
        seen += len(word)
        last = n == len(flat) - 1
        words.append(Word(word, begin, start_ms + seen * span // total, ends_line and not last))
    return tuple(words)


def _cards(script: str) -> list[str]:
    cards: list[str] = []
    for paragraph in _lines(script):
        for sentence in re.split(r"(?<=[.!?。！？])\s+", _UNPRINTABLE.sub("", paragraph).strip()):
            lines = textwrap.wrap(sentence, LINE_CHARS)
            starts = range(0, len(lines), LINES_PER_CARD)
            cards.extend("\n".join(lines[i : i + LINES_PER_CARD]) for i in starts)
    return [card for card in cards if card]
