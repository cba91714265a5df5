"""Comparing files by themselves, without a job: for the command line and for measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from service.captions.model import Cue
from service.captions.style import Style
from service.clock import Clock, MachineClock
from service.compare.cards import Asked
from service.compare.clips import look_at_captions, measure_clip
from service.compare.facts import ClipFacts, Film, Measured
from service.compare.platforms import Platform, load_platforms
from service.compare.report import put_together
from service.compare.sheet import ClipMeasured, tell_clip
from service.compare.verdict import Judgement
from service.errors import MediaError
from service.media.apart import probe_apart
from service.media.limits import MediaLimits

NO_CLIP = "There is no clip to compare with."


def compare_files(
    source: Path | None,
    variants: Mapping[str, Path],
    cues: Sequence[Cue],
    styles: Mapping[str, Style] | None = None,
    *,
    cues_of: Mapping[str, Sequence[Cue]] | None = None,
    colours: Mapping[str, str] | None = None,
    limits: MediaLimits | None = None,
    platforms: Sequence[Platform] | None = None,
    clock: Clock | None = None,
) -> dict[str, Any]:
    """The full report on finished videos of one clip, as a job has it.

    Args:
        source: The clip without captions; without it all figures are flagged.
        variants: The videos by label, two at least.
        cues: When which caption is shown, sorted by time; empty where that is not known.
        styles: What was asked for, by label: how many words stand at once, and what is animated.
        cues_of: Cues of those variants that have their own.
        colours: What the letters should have, such as `#FFFFFF`, where that is known.
        limits: Of each process that decodes; `deadline_s` bounds everything together.
        platforms: What platforms cover; ours where none are given.
        clock: What the deadline is measured by.

    Raises:
        ValueError: there are fewer than two variants.
    """
    if len(variants) < 2:
        raise ValueError("a comparison needs two variants")
    styles, cues_of, colours = styles or {}, cues_of or {}, colours or {}
    asked = {
        label: Asked(
            styles.get(label, Style()), tuple(cues_of.get(label, cues)), colours.get(label, "")
        )
        for label in variants
    }
    bounds = limits or MediaLimits(deadline_s=600.0)
    if source is None:
        measured = _without_clip(variants, asked, bounds)
    else:
        measured = measure_clip(
            0, source, variants, asked, limits=bounds, clock=clock or MachineClock()
        )
    shapes = load_platforms() if platforms is None else platforms
    return put_together([tell_clip(measured, shapes)])


def _without_clip(
    variants: Mapping[str, Path], asked: Mapping[str, Asked], limits: MediaLimits
) -> ClipMeasured:
    """What files state of themselves, and their captions each against the other's."""
    films = [Measured(label, _look_into(path, limits)) for label, path in variants.items()]
    able = [each.film for each in films if not each.film.fault]
    clip = able[0] if able else Film()  # what the others' shape and length are held against
    facts = ClipFacts(clip, tuple(films))
    sights = look_at_captions(None, variants, asked, facts, limits)
    return ClipMeasured(0, Judgement(None, NO_CLIP), asked, facts, sights)


def _look_into(path: Path, limits: MediaLimits) -> Film:
    try:
        found = probe_apart(path, replace(limits, deadline_s=min(60.0, limits.deadline_s)))
    except MediaError as error:
        return Film(fault=error.detail)
    return Film(
        found.width,
        found.height,
        found.duration_s,
        found.duration_s,
        step_s=float(1 / found.fps) if found.fps else 0.0,
        has_sound=found.has_audio,
        fps=f"{found.fps.numerator}/{found.fps.denominator}",
    )
