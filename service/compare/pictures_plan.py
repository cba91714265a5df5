"""What the pictures of a clip's comparison show: which variants, and at which moments. Pure.

The report may lack any of its parts: then moments come from the length of the videos.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.compare.facts import Box

#: A sheet of more stills shows less of each.
MOST_COLUMNS = 12
MOST_CELLS = 48
_COLUMNS_OF_LENGTH = 8
#: The room around a caption: shares of the picture's width, and of the caption's height.
_MARGIN_X = 0.08
_MARGIN_Y = 0.7
_LEAST_CROP = (0.3, 0.2)
_WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Worst:
    """The weakest moment of a variant, and the same moment of another beside it.

    The crops are of one size, each around its own variant's caption; `unseen` says that no letters
    of it were found.
    """

    label: str
    other: str
    at_s: float
    contrast: float | None = None
    text: str = ""
    unseen: bool = False
    crop: Box = _WHOLE
    other_crop: Box = _WHOLE


@dataclass(frozen=True, slots=True)
class Plan:
    """All pictures of one clip. Times are seconds on the clip's line.

    `pair` are the two that are shown side by side; `sound` is the one that is heard.
    """

    labels: tuple[str, ...]
    pair: tuple[str, ...] = ()
    sound: str = ""
    columns: tuple[float, ...] = ()
    of_cues: bool = False
    posters: Mapping[str, float] = field(default_factory=dict)
    poster_texts: Mapping[str, str] = field(default_factory=dict)
    worst: tuple[Worst, ...] = ()
    difference_s: float | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all pictures, in the order in which a report lists them."""
        both = ("side_by_side",) if self.pair else ()
        posters = tuple(f"poster_{label}" for label in self.labels)
        worst = tuple(f"worst_{each.label}" for each in self.worst)
        last = ("difference",) if self.difference_s is not None else ()
        return (*both, "contact_sheet", *posters, *worst, *last)


@dataclass(frozen=True, slots=True)
class _Cue:
    start_s: float
    end_s: float
    text: str
    variants: Mapping[str, Mapping[str, Any]]

    @property
    def middle_s(self) -> float:
        return (self.start_s + self.end_s) / 2


def plan_pictures(report: Mapping[str, Any], lengths: Mapping[str, float]) -> Plan:
    """Choose what to show of the variants that can be read: `lengths` has theirs in seconds.

    Raises:
        ValueError: there is none.
    """
    if not lengths:
        raise ValueError("no variant can be read")
    labels = tuple(sorted(lengths))
    shortest_s = min(lengths.values())
    cues = [each for each in _cues(report) if each.middle_s < shortest_s]
    best = _ranked(report, labels)
    pair = tuple(sorted(best[:2])) if len(best) > 1 else ()
    posters = {label: _longest(cues, label) for label in labels}
    return Plan(
        labels,
        pair,
        best[0],
        _columns([each.middle_s for each in cues], len(labels), shortest_s),
        bool(cues),
        {
            label: cue.middle_s if cue is not None else lengths[label] / 2
            for label, cue in posters.items()
        },
        {label: cue.text for label, cue in posters.items() if cue is not None},
        tuple(_worst(report, cues, best)),
        _difference_s(report, cues, shortest_s) if pair else None,
    )


def _ranked(report: Mapping[str, Any], labels: Sequence[str]) -> list[str]:
    """The readable variants, those that the report ranks first."""
    ranking = [each for each in report.get("ranking") or () if each in labels]
    return [*ranking, *(each for each in labels if each not in ranking)]


def _cues(report: Mapping[str, Any]) -> list[_Cue]:
    found = []
    for each in report.get("cues") or ():
        start_s, end_s = _number(each.get("start_s")), _number(each.get("end_s"))
        if start_s is not None and end_s is not None and 0 <= start_s < end_s:
            variants = each.get("variants") or {}
            found.append(_Cue(start_s, end_s, str(each.get("text") or ""), variants))
    return sorted(found, key=lambda cue: cue.start_s)


def _columns(middles_s: Sequence[float], rows: int, length_s: float) -> tuple[float, ...]:
    """The middles of cues, thinned evenly; without cues the length in equal parts."""
    most = max(1, min(MOST_COLUMNS, MOST_CELLS // rows))
    if middles_s:
        return tuple(thin(middles_s, most))
    count = min(most, _COLUMNS_OF_LENGTH, max(1, math.ceil(length_s)))
    return tuple((at + 0.5) * length_s / count for at in range(count))


def thin(times_s: Sequence[float], most: int) -> list[float]:
    """At most so many times, spread evenly, the first and the last among them."""
    count = len(times_s)
    if count <= most:
        return list(times_s)
    if most == 1:
        return [times_s[count // 2]]
    return [times_s[at * (count - 1) // (most - 1)] for at in range(most)]


def _longest(cues: Sequence[_Cue], label: str) -> _Cue | None:
    """The longest cue that a variant shows; any, where none is known to be shown."""
    shown = [each for each in cues if _of(each, label).get("visible", True)]
    return max(shown or cues, key=lambda cue: cue.end_s - cue.start_s, default=None)


def _worst(report: Mapping[str, Any], cues: Sequence[_Cue], best: Sequence[str]) -> list[Worst]:
    """The weakest moment of each variant that was measured, beside the best of the others."""
    found = []
    for label in sorted(best) if len(best) > 1 else ():
        moment = _weakest(report, cues, label)
        if moment is None:
            continue
        at_s, contrast = moment
        other = next(each for each in best if each != label)
        cue = next((each for each in cues if each.start_s <= at_s < each.end_s), None)
        crops = _crops(_box(cue, label), _box(cue, other))
        text = "" if cue is None else cue.text
        unseen = cue is not None and _of(cue, label).get("visible") is False
        found.append(Worst(label, other, at_s, contrast, text, unseen, *crops))
    return found


def _weakest(
    report: Mapping[str, Any], cues: Sequence[_Cue], label: str
) -> tuple[float, float | None] | None:
    """When a variant reads worst, and its contrast then: as measured, else its weakest cue."""
    for each in report.get("moments") or ():
        at_s = _number(each.get("at_s"))
        if (each.get("name"), each.get("variant")) == ("weakest", label) and at_s is not None:
            return at_s, _number(each.get("contrast"))
    measured = [
        (contrast, cue.middle_s)
        for cue in cues
        if (contrast := _number(_of(cue, label).get("weakest"))) is not None
    ]
    if not measured:
        return None
    contrast, at_s = min(measured)
    return at_s, contrast


def _difference_s(report: Mapping[str, Any], cues: Sequence[_Cue], length_s: float) -> float:
    for each in report.get("moments") or ():
        at_s = _number(each.get("at_s"))
        if each.get("name") == "largest_difference" and at_s is not None:
            return at_s
    return cues[0].middle_s if cues else length_s / 2


def _crops(box: Box | None, other: Box | None) -> tuple[Box, Box]:
    """What to cut out around a caption and around the other's; the whole where none is known."""
    if box is None:
        return _WHOLE, _WHOLE
    other = other or box
    width = max(box[2], other[2]) + 2 * _MARGIN_X
    height = max(box[3], other[3]) * (1 + 2 * _MARGIN_Y)
    size = (min(1.0, max(_LEAST_CROP[0], width)), min(1.0, max(_LEAST_CROP[1], height)))
    return _centred(box, size), _centred(other, size)


def _centred(box: Box, size: tuple[float, float]) -> Box:
    x = min(max(0.0, box[0] + box[2] / 2 - size[0] / 2), 1.0 - size[0])
    y = min(max(0.0, box[1] + box[3] / 2 - size[1] / 2), 1.0 - size[1])
    return x, y, *size


def _box(cue: _Cue | None, label: str) -> Box | None:
    sides = [] if cue is None else [_number(each) for each in _of(cue, label).get("box") or ()]
    known = [min(1.0, max(0.0, each)) for each in sides if each is not None]
    if len(known) != 4 or known[2] <= 0 or known[3] <= 0:
        return None
    x, y, width, height = known
    return x, y, width, height


def _of(cue: _Cue, label: str) -> Mapping[str, Any]:
    return cue.variants.get(label) or {}


def _number(value: Any) -> float | None:
    known = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if known else None
