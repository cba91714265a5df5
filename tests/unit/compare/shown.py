"""Variants as if they had been measured: four captions, of which a test changes a part."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from service.captions.model import Cue
from service.compare.cards import Asked, make_cards
from service.compare.facts import Film, Seen, Sight
from service.compare.measures import Measures, measure_variant
from service.compare.platforms import load_platforms

CUES = tuple(Cue(n * 3000, n * 3000 + 2400, "Cold brew in under\nthirty seconds") for n in range(4))
FILM = Film(1280, 720, 12.0, 12.0, 300, 0.04)
LOW = (0.2, 0.8, 0.6, 0.1)
SIGHT = Sight(0, True, 12.0, 8.0, 0.0, 0.0, 2, 39.0, 0.04, LOW)
HIDDEN = Sight(0)


def shown(
    label: str, *, cues: tuple[Cue, ...] = CUES, sights: tuple[Sight, ...] = (), **seen: Any
) -> Measures:
    """A variant whose captions are all seen alike, save where `sights` tells each."""
    asked = Asked(cues=cues)
    cards = make_cards(asked)
    each = sights or tuple(replace(SIGHT, **seen) for _ in cards)
    placed = tuple(replace(sight, card=place) for place, sight in enumerate(each))
    told = Seen(label, placed)
    return measure_variant(label, asked, cards, seen=told, film=FILM, platforms=load_platforms())
