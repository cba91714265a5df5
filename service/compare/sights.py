"""Looking at the captions of a clip's variants, blind. Runs in the process of `apart` only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from service.captions.model import Cue
from service.compare.blind import Blind
from service.compare.colours import Colour
from service.compare.facts import Box, ClipSights, Glimpse, Seen, Sight
from service.compare.films import measure_films
from service.errors import MediaError
from service.media.limits import MOST_PIXELS

NOTHING_SHOWN = "no caption is shown within the clip"

#: Rows of BT.709 in limited range, for colours of 0..255.
_TO_LEVELS = np.array(
    [
        [0.1826, 0.6142, 0.0620],
        [-0.1006, -0.3386, 0.4392],
        [0.4392, -0.3989, -0.0403],
    ]
)


def look(
    source: Path | None,
    variants: Mapping[str, Path],
    cards: Mapping[str, Sequence[Cue]],
    asked: Mapping[str, str],
    *,
    most_pixels: int = MOST_PIXELS,
) -> ClipSights:
    """Look at every card of each variant; `asked` are colours of letters, such as `#FFFFFF`.

    What cannot be read is told of in the facts; nothing is raised for it.
    """
    colours = {label: to_colour(colour) for label, colour in asked.items()}
    found: dict[str, Seen] = {}
    for labels in _group(cards):
        if not cards[labels[0]]:
            found |= {label: Seen(label, fault=NOTHING_SHOWN) for label in labels}
            continue
        measure = partial(
            _measure, source, variants, cards[labels[0]], asked=colours, most_pixels=most_pixels
        )
        try:
            found |= measure(labels)
        except MediaError:
            # One of them cannot be read: the others can be.
            for label in labels:
                found[label] = _measure_one(label, measure)
    return ClipSights(tuple(found[label] for label in sorted(found)))


def _group(cards: Mapping[str, Sequence[Cue]]) -> list[list[str]]:
    """Variants that show the same at the same times: the clip is read once for them."""
    groups: dict[tuple[Cue, ...], list[str]] = {}
    for label, each in cards.items():
        groups.setdefault(tuple(each), []).append(label)
    return list(groups.values())


def _measure(
    source: Path | None,
    variants: Mapping[str, Path],
    cards: Sequence[Cue],
    labels: Sequence[str],
    *,
    asked: Mapping[str, Colour],
    most_pixels: int,
) -> dict[str, Seen]:
    chosen = {label: variants[label] for label in labels}
    blind = measure_films(source, chosen, cards, asked=asked, most_pixels=most_pixels)
    return {label: Seen(label, tuple(_sights(each))) for label, each in blind.items()}


def _measure_one(label: str, measure: Callable[[list[str]], dict[str, Seen]]) -> Seen:
    try:
        return measure([label])[label]
    except MediaError as error:
        return Seen(label, fault=error.detail.rstrip("."))


def _sights(blind: Sequence[Blind]) -> Iterator[Sight]:
    for place, each in enumerate(blind):
        seen = each.legibility
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
            tuple(Glimpse(at.at_s, at.contrast, at.weakest) for at in each.moments),
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
