"""The tables of a job's page: measures by variant, cues, the order of all variants. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from api.page_choice import Choice, Side
from api.page_curve import find_frame
from api.page_words import (
    NOTHING,
    clock,
    is_number,
    items,
    number,
    part,
    percent,
    ratio,
    say_flag,
    texts,
)
from service.compare.standards import STANDARDS


@dataclass(frozen=True, slots=True)
class Row:
    """A measure: its name, a text for each column, and the standard it comes from."""

    name: str
    cells: tuple[str, ...]
    standard: str = ""


@dataclass(frozen=True, slots=True)
class CueRow:
    """A caption with the figures of both sides; `frame` is the first on which it is shown."""

    frame: int
    last: int
    at: str
    until: str
    text: str
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """A standard that variants do not keep."""

    variants: str
    text: str
    source: str
    checked: bool
    cues: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A variant in the table of all; `token` chooses it as a side."""

    place: int
    label: str
    token: str
    cells: tuple[str, ...]


Say = Callable[[Any], str]


def _plain(digits: int, unit: str = "") -> Say:
    return lambda value: number(value, digits, unit)


#: Name, where it is in a variant's measures, how it is said, which standard speaks of it.
_MEASURES: tuple[tuple[str, tuple[str, ...], Say, str], ...] = (
    ("Contrast, median", ("contrast", "median"), ratio, "wcag-contrast"),
    ("Contrast, weakest tenth", ("contrast", "weakest"), ratio, "wcag-contrast"),
    ("Share below 4.5:1", ("contrast", "below_4_5"), percent, "wcag-contrast"),
    ("Share below 3:1", ("contrast", "below_3"), percent, "wcag-contrast-large"),
    ("Height of a line", ("text_height", "percent"), _plain(1, "% of the picture"), ""),
    ("Height of a line in pixels", ("text_height", "px"), _plain(0, "px"), ""),
    ("Picture covered", ("covered",), percent, ""),
    (
        "Reading speed, median",
        ("timing", "cps_median"),
        _plain(1, "characters/s"),
        "netflix-comfortable-speed",
    ),
    (
        "Reading speed, highest",
        ("timing", "cps_highest"),
        _plain(1, "characters/s"),
        "netflix-speed",
    ),
    ("Lines at most, as sent", ("timing", "lines_most"), _plain(0), "netflix-lines"),
    (
        "Characters in a line at most, as sent",
        ("timing", "line_chars_most"),
        _plain(0),
        "netflix-line",
    ),
    ("Shortest caption", ("timing", "duration_shortest_s"), _plain(2, "s"), "netflix-duration"),
    ("Longest caption", ("timing", "duration_longest_s"), _plain(2, "s"), "netflix-duration"),
    ("Shortest gap", ("timing", "gap_shortest_s"), _plain(2, "s"), "netflix-gap"),
    ("Changes of the text", ("timing", "changes_per_s"), _plain(2, "a second"), ""),
    ("Words lit up", ("timing", "highlights_per_s"), _plain(2, "a second"), ""),
    ("Captions measured", ("cues", "measured"), _plain(0), ""),
    ("Captions that cannot be seen", ("cues", "invisible"), _plain(0), ""),
    ("Captions of low confidence", ("cues", "flagged"), _plain(0), ""),
)


def list_measures(choice: Choice) -> list[Row]:
    """A row for each measure that any variant has."""
    measures = part(choice.report, "measures")
    rows = [Row("Score of 100", tuple(_score(part(measures, each)) for each in measures))]
    for name, path, say, standard in _MEASURES:
        cells = tuple(say(_dig(measures[label], path)) for label in measures)
        rows.append(Row(name, cells, _standard(standard)))
    rows += _platforms(measures)
    return [each for each in rows if any(cell != NOTHING for cell in each.cells)]


def list_parts(choice: Choice) -> list[Row]:
    """What the score is made of; the standard's column has each part's weight."""
    measures = part(choice.report, "measures")
    by_label = {
        label: {
            str(each.get("name")): each for each in items(part(measures[label], "score"), "parts")
        }
        for label in measures
    }
    names = list(dict.fromkeys(name for own in by_label.values() for name in own))
    rows = []
    for name in names:
        found = [own.get(name, {}) for own in by_label.values()]
        weight = next((each["weight"] for each in found if is_number(each.get("weight"))), None)
        cells = tuple(
            f"{percent(each.get('value'))}{': ' if each.get('text') else ''}{each.get('text', '')}"
            for each in found
        )
        rows.append(Row(name.replace("_", " "), cells, percent(weight)))
    return rows


def list_cues(choice: Choice) -> list[CueRow]:
    """Every caption, in order, with what was measured of it on each side."""
    rows = []
    for cue in items(choice.report, "cues"):
        start = find_frame(cue.get("start_s"), choice.timing)
        # The first whole frame on which it is shown.
        first = min(start + 1, choice.timing.frames - 1) if is_number(cue.get("start_s")) else 0
        cells = tuple(_cue_cell(cue, side) for side in choice.sides)
        last = max(first, find_frame(cue.get("end_s"), choice.timing) - 1)
        at, until = clock(cue.get("start_s")), clock(cue.get("end_s"))
        rows.append(CueRow(first, last, at, until, str(cue.get("text") or ""), cells))
    return rows


def list_findings(choice: Choice) -> list[Finding]:
    """Every standard that some variant does not keep; what several do alike is told once."""
    measures = part(choice.report, "measures")
    found: dict[Finding, list[str]] = {}
    for label in measures:
        for each in items(measures[label], "findings"):
            cues = each.get("cues")
            finding = Finding(
                "",
                str(each.get("text") or each.get("standard") or ""),
                str(each.get("source") or ""),
                each.get("checked") is not False,
                tuple(int(cue) for cue in cues if is_number(cue)) if isinstance(cues, list) else (),
            )
            found.setdefault(finding, []).append(label)
    return [replace(each, variants=", ".join(labels)) for each, labels in found.items()]


def rank_variants(choice: Choice) -> list[Place]:
    """All variants that have a video, best first; those not ranked come last without a place."""
    measures = part(choice.report, "measures")
    ranking = texts(choice.report, "ranking")
    latest = {each.label: each for each in choice.latest}
    order = [*(each for each in ranking if each in latest)]
    rest = [each for each in latest if each not in order]
    return [
        Place(
            order.index(label) + 1 if label in order else 0,
            label,
            _measured_token(choice, label),
            _place_cells(part(measures, label)),
        )
        for label in (*order, *rest)
    ]


def _measured_token(choice: Choice, label: str) -> str:
    own = [each for each in choice.videos if each.label == label]
    return next((each.token for each in own if each.measured), own[-1].token)


def _place_cells(own: Mapping[str, Any]) -> tuple[str, ...]:
    contrast, timing = part(own, "contrast"), part(own, "timing")
    return (
        _score(own),
        ratio(contrast.get("median")),
        ratio(contrast.get("weakest")),
        percent(contrast.get("below_4_5")),
        number(part(own, "text_height").get("percent"), 1, "%"),
        number(timing.get("cps_median"), 1),
    )


def _score(own: Mapping[str, Any]) -> str:
    score = part(own, "score")
    told = number(score.get("value"), 0)
    if told == NOTHING:
        return str(score.get("reason") or NOTHING)
    return f"{told} (low confidence)" if score.get("confident") is False else told


def _standard(key: str) -> str:
    """A rule with its source."""
    found = [each for each in STANDARDS if each.key == key]
    return f"{found[0].source}: {found[0].text}" if found else ""


def _dig(own: Any, path: Sequence[str]) -> Any:
    for name in path:
        own = own.get(name) if isinstance(own, Mapping) else None
    return own


def _platforms(measures: Mapping[str, Any]) -> list[Row]:
    by_label = {
        label: {str(each.get("platform")): each for each in items(measures[label], "platforms")}
        for label in measures
    }
    names = list(dict.fromkeys(name for own in by_label.values() for name in own))
    rows = []
    for name in names:
        found = [own.get(name, {}) for own in by_label.values()]
        known = next((each for each in found if each), {})
        source = ", ".join(str(known[key]) for key in ("source", "as_of") if known.get(key))
        title = f"Fits {known.get('label') or name}"
        rows.append(Row(title, tuple(_fit(each) for each in found), source))
    return rows


def _fit(own: Mapping[str, Any]) -> str:
    if own.get("right_shape") is False:
        return "made for another shape"
    if not isinstance(own.get("fits"), bool):
        return NOTHING
    return "yes" if own["fits"] else f"no: covered at {', '.join(texts(own, 'edges')) or 'an edge'}"


def _cue_cell(cue: Mapping[str, Any], side: Side) -> tuple[str, str]:
    """What is told of a cue on one side, and why it may be wrong."""
    own = part(part(cue, "variants"), side.label)
    if not side.measured or not own:
        return "not measured", ""
    if own.get("visible") is False:
        return "cannot be seen", ""
    told = f"{ratio(own.get('contrast'))}, weakest {ratio(own.get('weakest'))}"
    flags = [say_flag(each) for each in texts(own, "flags")]
    return told, "; ".join(flags)
