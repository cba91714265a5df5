"""Contrast over time, and the moments worth a look. Pure. Times are seconds on the clip's line."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.compare.cards import Card
from service.compare.facts import Film, Glimpse, Sight

_MOST_POINTS = 600
_STEP_S = 0.2
#: A frame's stated time is rounded to a millisecond or so.
_SLACK_FRAMES = 0.05


@dataclass(frozen=True, slots=True)
class Stretch:
    """A card that was looked at: when it is shown, and its contrast in some frames."""

    cue: int
    start_s: float
    end_s: float
    points: tuple[Glimpse, ...]
    confident: bool

    def at(self, at_s: float) -> float | None:
        """The contrast at a time, on a line between the frames that were measured."""
        times = [point.at_s for point in self.points]
        values = [_contrast(point) for point in self.points]
        place = bisect.bisect(times, at_s)
        if place == 0 or place == len(times):
            return values[min(place, len(times) - 1)]
        before, after = times[place - 1], times[place]
        share = (at_s - before) / (after - before) if after > before else 0.0
        return values[place - 1] + share * (values[place] - values[place - 1])


def find_stretches(cards: Sequence[Card], sights: Sequence[Sight]) -> list[Stretch]:
    """What was looked at, in the order of time. What was not seen has a contrast of 1."""
    found = []
    for sight in sights:
        card = cards[sight.card]
        start_s, end_s = card.shown.start_ms / 1000, card.shown.end_ms / 1000
        points = sight.moments or tuple(
            Glimpse(at_s, sight.contrast, sight.weakest) for at_s in (start_s, end_s)
        )
        found.append(Stretch(card.cue, start_s, end_s, points, not sight.flags))
    return sorted(found, key=lambda each: each.start_s)


def draw_curve(stretches: Mapping[str, Sequence[Stretch]], duration_s: float) -> dict[str, Any]:
    """Contrast of each variant at even steps; null where no caption is shown, or was looked at."""
    step_s = max(_STEP_S, duration_s / _MOST_POINTS)
    times = [round((n + 0.5) * step_s, 3) for n in range(int(duration_s / step_s))]
    lines = {
        label: [_rounded(value) for value in _values(each, times)]
        for label, each in stretches.items()
    }
    return {"at_s": times, "variants": lines}


def find_moments(
    stretches: Mapping[str, Sequence[Stretch]],
    films: Mapping[str, Film],
    curve: Mapping[str, Any],
    pair: tuple[str, str] | None,
) -> list[dict[str, Any]]:
    """The weakest frame of each variant, and the largest difference between two of them."""
    moments = [
        _moment(
            "weakest",
            label,
            point.at_s,
            cue=stretch.cue,
            film=films[label],
            contrast=point.contrast,
        )
        for label, each in stretches.items()
        for stretch, point in _weakest(each)
    ]
    if pair is not None:
        moments += _largest_difference(stretches, films, curve, pair)
    return moments


def _weakest(stretches: Sequence[Stretch]) -> list[tuple[Stretch, Glimpse]]:
    """One, of those without doubts if there are any."""
    sure = [each for each in stretches if each.confident] or list(stretches)
    points = [(each, point) for each in sure for point in each.points]
    return [min(points, key=lambda found: _contrast(found[1]))] if points else []


def _largest_difference(
    stretches: Mapping[str, Sequence[Stretch]],
    films: Mapping[str, Film],
    curve: Mapping[str, Any],
    pair: tuple[str, str],
) -> Iterator[dict[str, Any]]:
    first, second = (curve["variants"].get(label, []) for label in pair)
    found = [
        (abs(math.log(one / two)), at_s)
        for at_s, one, two in zip(curve["at_s"], first, second, strict=False)
        if one and two
    ]
    if found:
        _, at_s = max(found, key=lambda each: (each[0], -each[1]))
        cue = next(
            (each.cue for each in stretches[pair[0]] if each.start_s <= at_s <= each.end_s), None
        )
        moment = _moment(
            "largest_difference", None, at_s, cue=cue, film=films[pair[0]], contrast=None
        )
        yield {**moment, "variants": list(pair)}


def _moment(
    name: str,
    label: str | None,
    at_s: float,
    *,
    cue: int | None,
    film: Film,
    contrast: float | None,
) -> dict[str, Any]:
    return {
        "name": name,
        "variant": label,
        "at_s": round(at_s, 3),
        "frame": frame_at(at_s, film),
        "cue": cue,
        "contrast": _rounded(contrast),
    }


def frame_at(at_s: float, film: Film) -> int | None:
    """The number of the frame that is shown at a time, counted from 0; none of a film unread."""
    if film.step_s <= 0:
        return None
    number = math.floor((at_s - film.start_s) / film.step_s + _SLACK_FRAMES)
    return max(0, min(number, film.frames - 1) if film.frames else number)


def _values(stretches: Sequence[Stretch], times: Sequence[float]) -> Iterator[float | None]:
    for at_s in times:
        shown = [each for each in stretches if each.start_s <= at_s < each.end_s]
        yield shown[-1].at(at_s) if shown and shown[-1].points else None


def _contrast(point: Glimpse) -> float:
    return point.contrast if point.contrast is not None else 1.0


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
