"""What a variant shows one after another: its cues, or as many words of them as its style. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from service.captions.model import Cue
from service.captions.style import Style
from service.compare.timing import split_cards

#: Cards of a variant that count: nearly three hours of speech, word by word. They are judged in the
#: worker itself, whose memory nothing else bounds, and a request may ask for half a million.
MOST_COUNTED = 30_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of one variant: its style, and its cues, sorted by time.

    `colour` is the one that its letters should have, such as `#FFFFFF`; empty where that is open.
    """

    style: Style = field(default_factory=Style)
    cues: tuple[Cue, ...] = ()
    colour: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """What stands on the screen at once: a cue or a part of it, and which cue that is."""

    cue: int
    shown: Cue


def make_cards(asked: Asked, duration_s: float = 0.0) -> tuple[Card, ...]:
    """The cards of a variant in the order of time; what comes after the end of the clip is none.

    A `duration_s` of 0 is not known, and ends nothing. Of very many the first MOST_COUNTED count.
    """
    end_ms = round(duration_s * 1000)
    parts = (
        Card(number, part)
        for number, cue in enumerate(asked.cues)
        for part in _parts(cue, asked)
        if end_ms <= 0 or part.start_ms < end_ms
    )
    cards = list(islice(parts, MOST_COUNTED))
    if end_ms > 0:
        cards = [
            replace(card, shown=replace(card.shown, end_ms=min(card.shown.end_ms, end_ms)))
            for card in cards
        ]
    return tuple(sorted(cards, key=lambda card: (card.shown.start_ms, card.shown.end_ms)))


def choose_cards(cards: Sequence[Card], most: int) -> list[int]:
    """Places of the cards that are looked at: all, or those of cues spread evenly over the clip."""
    if len(cards) <= most:
        return list(range(len(cards)))
    cues = sorted({card.cue for card in cards})
    each = len(cards) / len(cues)
    wanted = max(1, int(most / each))
    chosen = {cues[int((n + 0.5) * len(cues) / wanted)] for n in range(wanted)}
    return [place for place, card in enumerate(cards) if card.cue in chosen][:most]


def have_same_cues(asked: Mapping[str, Asked]) -> bool:
    """Whether all variants say the same at the same times, so that cue stands against cue."""
    return len({each.cues for each in asked.values()}) <= 1


def _parts(cue: Cue, asked: Asked) -> tuple[Cue, ...]:
    return split_cards((cue,), asked.style)
