"""Looking at the captions of a clip's variants, blind. Runs in the process of `apart` only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from service.captions.model import Cue
from service.compare.blind import Blind
from service.compare.facts import Box, ClipSights, Glimpse, Seen, Sight
from service.compare.films import measure_films
from service.compare.glyphs import Colour
from service.errors import MediaError

#: Rows of BT.709 in limited range, for colours of 0..255.
_TO_LEVELS = np.array(
    [
        [0.1826, 0.6142, 0.0620],
        [-0.1006, -0.3386, 0.4392],
        [0.4392, -0.3989, -0.0403],
    ]
)


def look(
    source: Path,
    variants: Mapping[str, Path],
    cards: Mapping[str, Sequence[Cue]],
    asked: Mapping[str, str],
) -> ClipSights:
    """Look at every card of each variant; `asked` are colours of letters, such as `#FFFFFF`.

    What cannot be read is told of in the facts; nothing is raised for it.
    """
    found = {}
    for label, path in variants.items():
        found[label] = _look_at(source, label, path, cards[label], asked.get(label, ""))
    return ClipSights(tuple(found[label] for label in sorted(found)))


def _look_at(source: Path, label: str, path: Path, cards: Sequence[Cue], colour: str) -> Seen:
    if not cards:
        return Seen(label, fault="no caption is shown within the clip")
    try:
        blind = measure_films(path, source, cards, asked=to_colour(colour) if colour else None)
    except MediaError as error:
        return Seen(label, fault=error.detail.rstrip("."))
    return Seen(label, tuple(_sights(blind)))


def _sights(blind: Sequence[Blind]) -> Iterator[Sight]:
    for place, each in enumerate(blind):
        seen = each.legibility
        moments = getattr(each, "moments", ())
        yield Sight(
            place,
            seen.visible,
            seen.contrast,
            seen.weakest,
            seen.below_4_5,
            seen.below_3,
            seen.lines,
            seen.line_px,
            seen.covered,
            _box(each),
            each.flags,
            tuple(Glimpse(at.at_s, at.contrast, at.weakest) for at in moments),
        )


def _box(blind: Blind) -> Box | None:
    box = blind.legibility.box
    if box is None:
        return None
    return (box.left, box.top, box.right - box.left, box.bottom - box.top)


def to_colour(text: str) -> Colour:
    """A colour such as `#FFD700` in levels of video."""
    rgb = np.array([int(text[at : at + 2], 16) for at in (1, 3, 5)])
    y, cb, cr = _TO_LEVELS @ rgb + np.array([16, 128, 128])
    return Colour(float(y), float(cb), float(cr))
