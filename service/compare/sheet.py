"""What is told of one clip: its measures, scores, pairs, curve and verdict, as JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from service.compare import words
from service.compare.cards import Asked, Card, have_same_cues, make_cards
from service.compare.curve import draw_curve, find_moments, find_stretches
from service.compare.facts import ClipFacts, ClipSights, Film, Seen
from service.compare.figures import rounded, tell_cues, tell_measures
from service.compare.measures import Measures, measure_variant
from service.compare.pairs import Pair, Result, compare_two, rank
from service.compare.platforms import Platform
from service.compare.score import Score, score
from service.compare.verdict import UNEVEN, Judgement


@dataclass(frozen=True, slots=True)
class ClipMeasured:
    """A clip as it was asked for, measured and judged."""

    clip: int
    judged: Judgement
    asked: Mapping[str, Asked] = field(default_factory=dict)
    facts: ClipFacts = field(default_factory=ClipFacts)
    sights: ClipSights = field(default_factory=ClipSights)
    revisions: Mapping[str, int] = field(default_factory=dict)


def tell_clip(
    measured: ClipMeasured, platforms: Sequence[Platform], *, confounded: bool = False
) -> dict[str, Any]:
    """The entry of one clip in the full report."""
    films = {each.label: each.film for each in measured.facts.variants}
    found = _measure(measured, films, platforms)
    scores = {label: score(each) for label, each in found.items()}
    same = have_same_cues(measured.asked)
    pairs = {
        (one, two): compare_two(found[one], found[two], same_cues=same)
        for one, two in combinations(found, 2)
    }
    ranking = rank(scores, pairs.values())
    cards = {label: each.cards for label, each in found.items()}
    return {
        "clip": measured.clip,
        **_tell_control(measured.judged),
        "variants": list(found),
        "revisions": dict(measured.revisions),
        "film": {label: _tell_film(films.get(label)) for label in found},
        "verdict": _tell_verdict(measured.judged, found, scores, pairs, confounded=confounded),
        "ranking": ranking,
        "pairs": [_tell_pair(each, found, scores) for each in pairs.values()],
        "measures": {label: tell_measures(found[label], scores[label]) for label in found},
        "cues": list(tell_cues(measured.asked, found)),
        **_tell_curve(measured, cards, films, ranking),
        "pictures": {"status": "unavailable", "reason": "No pictures were made.", "files": []},
    }


def _measure(
    measured: ClipMeasured, films: Mapping[str, Film], platforms: Sequence[Platform]
) -> dict[str, Measures]:
    seen = {each.label: each for each in measured.sights.variants}
    length_s = measured.facts.source.stated_s
    found = {}
    for label, asked in sorted(measured.asked.items()):
        fault = measured.sights.fault or "they were not looked at"
        own = seen.get(label) or Seen(label, fault=fault.rstrip("."))
        cards = make_cards(asked, length_s)
        film = films.get(label, Film())
        found[label] = measure_variant(
            label, asked, cards, seen=own, film=film, platforms=platforms
        )
    return found


def _tell_control(judged: Judgement) -> dict[str, Any]:
    return {
        "status": "unavailable" if judged.reason else "done",
        "reason": judged.reason or None,
        "controlled": judged.controlled,
        "control": {
            "differences": [each.as_json() for each in judged.differences],
            "shared": [each.as_json() for each in judged.shared],
            "unsure": list(judged.unsure),
            "notes": list(judged.notes),
        },
    }


def _tell_film(film: Film | None) -> dict[str, Any] | None:
    if film is None or not film.width:
        return None
    return {
        "width": film.width,
        "height": film.height,
        "fps": film.fps,
        "step_s": round(film.step_s, 6),
        "frames": film.frames,
        "duration_s": round(film.stated_s, 3),
        "start_s": round(film.start_s, 6),
        "variable": film.uneven > UNEVEN,
    }


def _tell_verdict(
    judged: Judgement,
    found: Mapping[str, Measures],
    scores: Mapping[str, Score],
    pairs: Mapping[tuple[str, str], Pair],
    *,
    confounded: bool,
) -> dict[str, Any]:
    ranking = rank(scores, pairs.values())
    caveats = words.caveats(found, controlled=judged.controlled, confounded=confounded)
    if len(ranking) < 2:
        reason = judged.reason or "There are fewer than two variants."
        return no_verdict(reason, caveats)
    best, following = ranking[:2]
    pair = pairs.get((best, following)) or pairs[following, best]
    ranked = ""
    if len(ranking) > 2:
        order = f"{best} comes first and {following} next"
        if not pair.better:
            order = f"{best} and {following} come first"
        ranked = f"Of {len(ranking)} variants, {order}."
    text = words.join(
        words.first_words(caveats), ranked, words.tell_pair(pair, found, scores), words.KIND
    )
    return {
        "kind": "legibility",
        "result": pair.result.value,
        "better": pair.better or None,
        "over": pair.worse if pair.better else None,
        "text": text,
        "caveats": caveats,
    }


def no_verdict(reason: str, caveats: Sequence[str] = ()) -> dict[str, Any]:
    """The verdict where nothing could be compared."""
    return {
        "kind": "legibility",
        "result": Result.UNKNOWN.value,
        "better": None,
        "over": None,
        "text": f"Which captions are easier to read is not known: {reason}",
        "caveats": list(caveats),
    }


def _tell_pair(
    pair: Pair, found: Mapping[str, Measures], scores: Mapping[str, Score]
) -> dict[str, Any]:
    return {
        "variants": [pair.first, pair.second],
        "result": pair.result.value,
        "better": pair.better or None,
        "difference": rounded(pair.difference, 1),
        "text": words.tell_pair(pair, found, scores),
    }


def _tell_curve(
    measured: ClipMeasured,
    cards: Mapping[str, Sequence[Card]],
    films: Mapping[str, Film],
    ranking: Sequence[str],
) -> dict[str, Any]:
    stretches = {
        each.label: find_stretches(cards[each.label], each.sights)
        for each in measured.sights.variants
        if each.sights
    }
    if not stretches:
        return {"curve": None, "moments": []}
    curve = draw_curve(stretches, measured.facts.source.stated_s)
    best = [label for label in ranking if label in stretches][:2]
    pair = (best[0], best[1]) if len(best) > 1 else None
    return {"curve": curve, "moments": find_moments(stretches, films, curve, pair)}
