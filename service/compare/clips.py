"""Measuring a clip's files: what else differs and how captions read, within one deadline.

It never fails a job. What goes wrong, a file that is gone among it, becomes the reason why a clip's
comparison is unavailable; where only captions could not be looked at, the rest is told.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from service.clock import Clock
from service.compare.apart import look_apart, measure_apart
from service.compare.cards import Asked, choose_cards, make_cards
from service.compare.facts import ClipFacts, ClipSights, Seen
from service.compare.sheet import ClipMeasured
from service.compare.verdict import fault_of, judge
from service.media.limits import MediaLimits

_log = logging.getLogger(__name__)

#: Less time than this is not worth starting for.
_LEAST_S = 1.0
#: Cards of a variant that are looked at; of more, those of cues spread over the clip.
MOST_CARDS = 120
NO_TIMES = "it is not known when which caption is shown (cues with times, as in SRT, tell it)"


def measure_clip(
    clip: int,
    source: Path,
    variants: Mapping[str, Path],
    asked: Mapping[str, Asked],
    *,
    limits: MediaLimits,
    clock: Clock,
) -> ClipMeasured:
    """Measure a clip and its variants, of which there are two at least.

    `limits.deadline_s` bounds both looks together; the second one has what the first one left.
    """
    ends_s = clock.monotonic_s() + limits.deadline_s
    if limits.deadline_s < _LEAST_S:
        facts = ClipFacts(fault="There was no time left to compare it.")
    else:
        facts = measure_apart(source, variants, _cue_times(asked), limits)
    judged = judge(facts)
    left = replace(limits, deadline_s=ends_s - clock.monotonic_s())
    sights = look_at_captions(source, variants, asked, facts, left)
    return ClipMeasured(clip, judged, asked, facts, sights)


def _cue_times(asked: Mapping[str, Asked]) -> list[tuple[float, float]]:
    """When any variant shows a caption."""
    times = {
        (cue.start_ms / 1000, cue.end_ms / 1000) for each in asked.values() for cue in each.cues
    }
    return sorted(times)


def look_at_captions(
    source: Path | None,
    variants: Mapping[str, Path],
    asked: Mapping[str, Asked],
    facts: ClipFacts,
    limits: MediaLimits,
) -> ClipSights:
    """The captions of those variants that can be followed and whose cues have times."""
    films = {each.label: each.film for each in facts.variants}
    faults = {
        label: fault_of(facts.source, films[label]) if label in films else "" for label in variants
    }
    cards = {label: make_cards(each, facts.source.stated_s) for label, each in asked.items()}
    for label in variants:
        if not faults[label] and not asked[label].cues:
            faults[label] = NO_TIMES
    able = {label: path for label, path in variants.items() if not faults[label]}
    chosen = {label: choose_cards(cards[label], MOST_CARDS) for label in able}
    seen = ClipSights()
    if able and limits.deadline_s < _LEAST_S:
        seen = ClipSights(fault="there was no time left to look at them")
    elif able:
        shown = {
            label: [cards[label][at].shown for at in places] for label, places in chosen.items()
        }
        colours = {label: asked[label].colour for label in able if asked[label].colour}
        seen = look_apart(source, able, shown, colours, limits)
    told = [
        replace(
            each,
            sights=tuple(
                replace(sight, card=chosen[each.label][sight.card]) for sight in each.sights
            ),
        )
        for each in seen.variants
    ]
    told += [Seen(label, fault=fault) for label, fault in faults.items() if fault]
    return replace(seen, variants=tuple(sorted(told, key=lambda each: each.label)))
