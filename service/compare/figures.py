"""The figures of variants and cues as JSON, and which standards they do not keep. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from service.compare import words
from service.compare.cards import Asked
from service.compare.measures import Contrast, CueSight, Measures
from service.compare.platforms import Fit
from service.compare.score import Score
from service.compare.standards import STANDARDS, Standard
from service.compare.timing import Timing

#: Cues of a clip that are listed one by one, at most.
MOST_CUES = 1000


def tell_measures(found: Measures, given: Score) -> dict[str, Any]:
    """All measures of one variant."""
    covered = [cue.covered for cue in found.seen.values()]
    return {
        "score": _tell_score(found, given),
        "contrast": _tell_contrast(found.contrast),
        "text_height": {
            "percent": rounded(found.text_percent, 2),
            "px": rounded(found.text_px, 1),
        },
        "covered": rounded(max(covered), 4) if covered else None,
        "timing": _tell_timing(found.timing),
        "cues": {
            "measured": len(found.seen),
            "invisible": found.invisible,
            "lost": found.lost,
            "flagged": found.flagged,
        },
        "fault": found.fault or None,
        "platforms": [_tell_fit(fit) for fit in found.fits],
        "findings": list(_tell_findings(found)),
    }


def _tell_score(found: Measures, given: Score) -> dict[str, Any]:
    return {
        "value": rounded(given.value, 1),
        "confident": given.confident,
        "reason": "captions_not_visible" if given.is_hidden else None,
        "parts": [
            {
                "name": part.name,
                "weight": part.weight,
                "value": rounded(part.value, 3),
                "confident": part.sure,
                "text": words.tell_part(part, found),
            }
            for part in given.parts
        ],
    }


def _tell_contrast(contrast: Contrast | None) -> dict[str, Any] | None:
    if contrast is None:
        return None
    return {
        "median": rounded(contrast.median, 2),
        "weakest": rounded(contrast.weakest, 2),
        "below_4_5": rounded(contrast.below_4_5, 3),
        "below_3": rounded(contrast.below_3, 3),
    }


def _tell_timing(timing: Timing | None) -> dict[str, Any] | None:
    if timing is None:
        return None
    return {
        "cps_median": rounded(timing.cps_median, 1),
        "cps_highest": rounded(timing.cps_highest, 1),
        "lines_most": timing.lines_most,
        "line_chars_most": timing.line_chars_most,
        "duration_shortest_s": _seconds(timing.duration_shortest_ms),
        "duration_longest_s": _seconds(timing.duration_longest_ms),
        "gap_shortest_s": _seconds(timing.gap_shortest_ms),
        "changes_per_s": timing.changes_per_s,
        "highlights_per_s": timing.highlights_per_s,
        "latin": timing.latin,
    }


def _tell_fit(fit: Fit) -> dict[str, Any]:
    return {
        "platform": fit.platform,
        "label": fit.label,
        "fits": fit.fits,
        "right_shape": fit.right_shape,
        "edges": list(fit.edges),
        "deepest": fit.deepest,
        "cues": list(fit.colliding),
        "source": fit.source,
        "as_of": fit.as_of,
    }


def _tell_findings(found: Measures) -> Iterator[dict[str, Any]]:
    """Each standard that some cues do not keep, with the worst figure and their numbers."""
    outside: dict[str, list[tuple[int, float]]] = {}
    timing = found.timing
    for each in () if timing is None else timing.findings:
        outside.setdefault(each.standard, []).append((found.cards[each.card].cue, each.value))
    for number in sorted(found.sure):
        contrast = found.seen[number].contrast
        for standard in STANDARDS:
            if standard.measure == "contrast" and contrast < (standard.least or 0):
                outside.setdefault(standard.key, []).append((number, contrast))
    for standard in STANDARDS:
        values = outside.get(standard.key)
        if values:
            worst = max(values, key=lambda each: abs(each[1] - _limit(each[1], standard)))
            yield {
                "standard": standard.key,
                "source": standard.source,
                "text": standard.text,
                "checked": standard.checked,
                "worst": rounded(worst[1], 2),
                "cues": sorted({number for number, _ in values}),
            }


def _limit(value: float, standard: Standard) -> float:
    """The limit that a value is outside of."""
    if standard.least is not None and value < standard.least:
        return float(standard.least)
    return float(standard.most if standard.most is not None else value)


def tell_cues(
    asked: Mapping[str, Asked], found: Mapping[str, Measures]
) -> Iterator[dict[str, Any]]:
    """Cue by cue, by the cues of the first variant where each has its own."""
    cues = next((each.cues for each in asked.values() if each.cues), ())
    for number, cue in enumerate(cues[:MOST_CUES]):
        yield {
            "index": number,
            "start_s": cue.start_ms / 1000,
            "end_s": cue.end_ms / 1000,
            "text": cue.text,
            "variants": {
                label: _tell_cue(each.seen[number])
                for label, each in found.items()
                if number in each.seen and each.asked.cues[number:]
            },
        }


def _tell_cue(cue: CueSight) -> dict[str, Any]:
    return {
        "visible": cue.visible,
        "contrast": rounded(cue.contrast, 2),
        "weakest": rounded(cue.weakest, 2),
        "below_4_5": rounded(cue.below_4_5, 3),
        "below_3": rounded(cue.below_3, 3),
        "line_px": rounded(cue.line_px, 1),
        "box": None if cue.box is None else [round(each, 4) for each in cue.box],
        "flags": list(cue.flags),
    }


def _seconds(value_ms: int | None) -> float | None:
    return None if value_ms is None else value_ms / 1000


def rounded(value: float | None, places: int) -> float | None:
    """A figure that may be missing, to so many places."""
    return None if value is None else round(value, places)
