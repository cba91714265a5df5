"""What cues and a style alone tell of a variant: how fast it must be read, how it is set. Pure.

Every figure comes with the standard that it is held against. None of them says that a variant
performs better.
"""

from __future__ import annotations

import statistics
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from service.captions.model import Cue, Word, share_words
from service.captions.style import Style
from service.compare.standards import STANDARDS, Standard

# Where more than half of what is written is as wide as an em, Latin limits say nothing.
_WIDE_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Finding:
    """A card that is outside a standard: which (by index), with what figure, of which standard."""

    standard: str
    card: int
    value: float


@dataclass(frozen=True, slots=True)
class Timing:
    """Measures of one variant's captions as they are shown; times in milliseconds.

    `cards` is what stands on the screen, one after another: a style that shows two words at a time
    makes many of a cue. Speeds are characters a second and `None` without cards; `gap_ms` are the
    times without captions between cards; `changes_per_s` counts the moments at which the text on
    the screen changes, `highlights_per_s` those at which a word lights up. `latin` is false where
    the limits of reading speed and of line length, made for alphabets, say nothing.
    """

    cards: int
    cps_median: float | None
    cps_highest: float | None
    lines_most: int
    line_chars_most: int
    duration_shortest_ms: int | None
    duration_longest_ms: int | None
    gap_shortest_ms: int | None
    gaps: int
    overlaps: int
    changes_per_s: float
    highlights_per_s: float
    latin: bool
    findings: tuple[Finding, ...]


def split_cards(cues: Iterable[Cue], style: Style) -> tuple[Cue, ...]:
    """What stands on the screen at once: cues, or as many words of them as the style shows.

    Words without times of their own get a share of the cue by their length.
    """
    most = style.words_per_line or 0
    return tuple(card for cue in cues for card in (_split(cue, most) if most else (cue,)))


def measure_timing(
    cues: Sequence[Cue], style: Style, *, duration_ms: int, frame_ms: float = 40.0
) -> Timing:
    """Measure the cues of one variant, sorted by time, on a clip of that length.

    Raises:
        ValueError: the clip or a frame lasts no time.
    """
    if duration_ms <= 0 or frame_ms <= 0:
        raise ValueError("a clip and its frames last longer than nothing")
    cards = sorted(split_cards(cues, style), key=lambda card: (card.start_ms, card.end_ms))
    speeds = [reading_speed(card) for card in cards]
    lasting = [card.end_ms - card.start_ms for card in cards]
    spaces = find_spaces(cards)
    gaps = [space for space in spaces if space > 0]
    lit = sum(len(_words(cue)) for cue in cues) if style.animation == "karaoke" else 0
    latin = not _is_wide("".join(card.text for card in cards))
    return Timing(
        cards=len(cards),
        cps_median=_rounded(statistics.median(speeds)) if speeds else None,
        cps_highest=_rounded(max(speeds)) if speeds else None,
        lines_most=max((len(card.text.split("\n")) for card in cards), default=0),
        line_chars_most=max((_longest_line(card) for card in cards), default=0),
        duration_shortest_ms=min(lasting, default=None),
        duration_longest_ms=max(lasting, default=None),
        gap_shortest_ms=min(gaps, default=None),
        gaps=len(gaps),
        overlaps=sum(space < 0 for space in spaces),
        changes_per_s=_rounded(count_changes(cards) / (duration_ms / 1000)),
        highlights_per_s=_rounded(lit / (duration_ms / 1000)),
        latin=latin,
        findings=_find(cards, frame_ms=frame_ms, latin=latin),
    )


def count_chars(text: str) -> int:
    """Characters that a reader meets: letters and spaces, no line breaks, no combining marks."""
    return sum(unicodedata.category(each) not in {"Mn", "Me", "Cf", "Cc"} for each in text.strip())


def reading_speed(card: Cue) -> float:
    """Characters a second; what lasts no time counts as one millisecond."""
    return count_chars(card.text) * 1000 / max(1, card.end_ms - card.start_ms)


def find_spaces(cards: Sequence[Cue]) -> list[int]:
    """Milliseconds from the end of all earlier cards to each next one; negative where they overlap.

    One less than there are cards, which are sorted by their start.
    """
    spaces, end_ms = [], 0
    for number, card in enumerate(cards):
        if number:
            spaces.append(card.start_ms - end_ms)
        end_ms = max(end_ms, card.end_ms)
    return spaces


def count_changes(cards: Sequence[Cue]) -> int:
    """Moments at which something appears or goes; a card that follows at once is one change."""
    return len({moment for card in cards for moment in (card.start_ms, card.end_ms)})


def _split(cue: Cue, most: int) -> tuple[Cue, ...]:
    words = _words(cue)
    groups = [words[at : at + most] for at in range(0, len(words), most)]
    starts = [cue.start_ms, *(group[0].start_ms for group in groups[1:])]
    ends = [*starts[1:], cue.end_ms]
    return tuple(
        replace(
            cue,
            start_ms=start_ms,
            end_ms=max(start_ms, end_ms),
            text=" ".join(word.text for word in group),
            words=group,
        )
        for group, start_ms, end_ms in zip(groups, starts, ends, strict=True)
    )


def _words(cue: Cue) -> tuple[Word, ...]:
    return cue.words or share_words(cue.text, cue.start_ms, cue.end_ms)


def _longest_line(card: Cue) -> int:
    return max(count_chars(line) for line in card.text.split("\n"))


def _is_wide(text: str) -> bool:
    letters = [each for each in text if each.isalnum()]
    wide = sum(unicodedata.east_asian_width(each) in {"W", "F"} for each in letters)
    return wide > _WIDE_SHARE * len(letters)


def _find(cards: Sequence[Cue], *, frame_ms: float, latin: bool) -> tuple[Finding, ...]:
    """Every card outside a standard."""
    spaces = [None, *find_spaces(cards)]
    figures = [
        {
            "cps": reading_speed(card) if latin else None,
            "line_chars": _longest_line(card) if latin else None,
            "lines": len(card.text.split("\n")),
            "duration_ms": card.end_ms - card.start_ms,
            # Cards that follow at once are one caption that changes, not two with a gap.
            "gap_frames": space / frame_ms if space else None,
            "overlap_ms": -space if space is not None and space < 0 else None,
        }
        for card, space in zip(cards, spaces, strict=False)
    ]
    return tuple(
        Finding(standard.key, number, _rounded(value))
        for standard in STANDARDS
        for number, each in enumerate(figures)
        if (value := each.get(standard.measure)) is not None and _is_outside(value, standard)
    )


def _is_outside(value: float, standard: Standard) -> bool:
    if standard.measure == "gap_frames" and value < 0:
        return False  # an overlap, which has a standard of its own
    if standard.least is not None and value < standard.least:
        return True
    return standard.most is not None and value > standard.most


def _rounded(value: float) -> float:
    return round(value, 3)
