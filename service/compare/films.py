"""Measures the captions of one finished video, given its clip: blind, as nothing else is known.

Reads both files three times: for how they lie upon each other, for moments without captions, and
for the samples, of which one cue's are in memory at a time. For a caller's files this runs in a
process of its own, with bounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from service.captions.model import Cue
from service.compare.alignment import ColourMap, Offset, find_offset, fit_colours
from service.compare.blind import Blind, Ground, measure_blind
from service.compare.difference import differ, find_floor
from service.compare.glyphs import Colour
from service.compare.legibility import nothing_seen
from service.compare.planes import Picture
from service.media.frames import read_pictures, read_thumbs

SAMPLES = 8
_FIRST, _LAST = 0.12, 0.88
_GUARD_S = 0.22
_SHORTEST_S = 0.3


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of the video, in seconds."""

    start_s: float
    end_s: float

    @property
    def lasts_s(self) -> float:
        return self.end_s - self.start_s

    def samples(self) -> list[float]:
        """Times within it, without its ends, where captions come and go."""
        step = (_LAST - _FIRST) / (SAMPLES - 1)
        return [self.start_s + self.lasts_s * (_FIRST + n * step) for n in range(SAMPLES)]


def find_windows(cues: Sequence[Cue]) -> list[Window]:
    """For each cue, sorted by time, what of it no earlier one is shown in. Pure."""
    windows, end_s = [], 0.0
    for cue in cues:
        start_s = max(end_s, cue.start_ms / 1000)
        end_s = max(start_s, cue.end_ms / 1000)
        windows.append(Window(start_s, end_s))
    return windows


def find_clean_times(windows: Sequence[Window], duration_s: float) -> list[float]:
    """Up to eight times without a caption, spread over all that there is. Pure."""
    starts = [0.0, *(window.end_s + _GUARD_S for window in windows)]
    ends = [*(window.start_s - _GUARD_S for window in windows), duration_s - 0.05]
    gaps = [Window(a, b) for a, b in zip(starts, ends, strict=True) if b > a]
    total_s = sum(gap.lasts_s for gap in gaps)
    times, passed_s = [], 0.0
    for gap in gaps:
        for n in range(SAMPLES):
            at_s = (n + 0.5) / SAMPLES * total_s
            if passed_s <= at_s < passed_s + gap.lasts_s:
                times.append(gap.start_s + at_s - passed_s)
        passed_s += gap.lasts_s
    return times


def measure_films(
    variant: Path, source: Path, cues: Sequence[Cue], *, asked: Colour | None = None
) -> list[Blind]:
    """Measure each cue, sorted by time; `asked` is the colour that the style gives the letters.

    Raises:
        UnsupportedFile, ProbeFailed: a file is no video, or cannot be decoded.
    """
    ours, theirs = read_thumbs(variant), read_thumbs(source)
    offset = find_offset(ours, theirs)
    windows = find_windows(cues)
    clean = list(_pairs(variant, source, find_clean_times(windows, ours.times_s[-1]), offset))
    ground = _learn(clean, offset)
    del clean
    wide = [window for window in windows if window.lasts_s >= _SHORTEST_S]
    times_s = [at_s for window in wide for at_s in window.samples()]
    pairs = _pairs(variant, source, times_s, offset)
    found = []
    for cue, window in zip(cues, windows, strict=True):
        if window.lasts_s < _SHORTEST_S:
            found.append(Blind(nothing_seen(0), ("too_short",)))
            continue
        taken = [(ours, ground.colours.apply(theirs)) for ours, theirs in _take(pairs)]
        chars = sum(not each.isspace() for each in cue.text)
        found.append(measure_blind(taken, ground, chars=chars, asked=asked))
    return found


def _take(pairs: Iterator[tuple[Picture, Picture]]) -> list[tuple[Picture, Picture]]:
    return [next(pairs) for _ in range(SAMPLES)]


def _learn(clean: Sequence[tuple[Picture, Picture]], offset: Offset) -> Ground:
    colours: ColourMap = fit_colours(clean)
    mapped = [(ours, colours.apply(theirs)) for ours, theirs in clean]
    floor = find_floor([(differ(ours, theirs), theirs) for ours, theirs in mapped])
    return Ground(floor, colours, offset, len(clean))


def _pairs(
    variant: Path, source: Path, times_s: Sequence[float], offset: Offset
) -> Iterator[tuple[Picture, Picture]]:
    """Pictures of the variant, and of the same moment of the source at the variant's size."""
    ours = read_pictures(variant, times_s)
    first = next(ours, None)
    if first is None:
        return
    height, width = first.shape
    shifted = [at_s - offset.seconds for at_s in times_s]
    theirs = read_pictures(source, shifted, size=(width, height))
    yield first, next(theirs)
    yield from zip(ours, theirs, strict=True)
