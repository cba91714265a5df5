"""Measures the captions of finished videos, given their clip: blind, as nothing else is known.

The clip is read three times, however many variants there are: its beginning for how they lie upon
it in time, then for moments without captions, then for the samples, of which one cue's are in
memory at a time. For a caller's files this runs in a process of its own, with bounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from service.captions.model import Cue
from service.compare.alignment import Offset, find_offset, fit_colours
from service.compare.blind import Blind, measure_blind
from service.compare.colours import Colour
from service.compare.difference import differ, find_floor, find_floor_beside, find_gradient
from service.compare.legibility import nothing_seen
from service.compare.planes import Frame
from service.compare.views import Ground
from service.media.frames import find_size, read_frames, read_thumbs
from service.media.limits import MOST_PIXELS
from service.media.probe import probe

SAMPLES = 8
_FIRST, _LAST = 0.12, 0.88
_GUARD_S = 0.22
# From fewer clean moments than this nothing is learned.
_FEW = 2
_SHORTEST_S = 0.3
_HEAD_S = 12.0
# Behind Cyrillic; punctuation of U+2000 counts as another script, which is rare enough.
_BEHIND_ALPHABETS = 0x530
_MOSTLY = 0.8


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


def find_windows(cues: Sequence[Cue], duration_s: float = float("inf")) -> list[Window]:
    """For each cue, sorted by time, what of it is in the video and no earlier one is shown in.

    Pure.
    """
    windows, end_s = [], 0.0
    for cue in cues:
        start_s = max(end_s, min(cue.start_ms / 1000, duration_s))
        end_s = max(start_s, min(cue.end_ms / 1000, duration_s))
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


def spread_times(windows: Sequence[Window]) -> list[float]:
    """Up to eight times with a caption, spread over all of them. Pure."""
    times = [at_s for window in windows for at_s in window.samples()]
    step = max(1.0, len(times) / SAMPLES)
    return [times[int((n + 0.5) * step)] for n in range(min(SAMPLES, len(times)))]


def is_alphabetic(text: str) -> bool:
    """Whether most of a text is in an alphabet whose letters are about one part each. Pure.

    Latin, Greek, Cyrillic, digits and signs; how many parts letters of other scripts have, and how
    much ink, was not measured.
    """
    shown = [each for each in text if not each.isspace()]
    return sum(ord(each) < _BEHIND_ALPHABETS for each in shown) >= _MOSTLY * len(shown)


@dataclass(frozen=True, slots=True)
class _Lane:
    """One variant: its file, the size it is measured in, and where it lies on its clip in time."""

    label: str
    path: Path
    size: tuple[int, int]
    height: int
    offset: Offset
    duration_s: float


def measure_films(
    source: Path | None,
    variants: Mapping[str, Path],
    cues: Sequence[Cue],
    *,
    asked: Mapping[str, Colour] | None = None,
    most_pixels: int = MOST_PIXELS,
) -> dict[str, list[Blind]]:
    """Measure each cue, sorted by time, in each variant of a clip.

    `asked` is the colour that a variant's style gives the letters, where that is known. Without a
    clip each variant is compared with the next one, and every cue is flagged.

    Raises:
        UnsupportedFile, ProbeFailed: a file is no video, is cut off, or has larger pictures than
            `most_pixels`.
    """
    if source is None:
        return _measure_without(variants, cues, asked or {}, most_pixels)
    begins = read_thumbs(source, until_s=_HEAD_S, most_pixels=most_pixels)
    lanes = []
    for label, path in variants.items():
        about = probe(path, most_pixels=most_pixels)
        ours = read_thumbs(path, until_s=_HEAD_S, most_pixels=most_pixels)
        offset = find_offset(ours, begins)
        lanes.append(_Lane(label, path, find_size(about), about.height, offset, about.duration_s))
    found: dict[str, list[Blind]] = {}
    for alike in _group(lanes):
        found |= _measure_alike(source, alike, cues, asked or {}, most_pixels)
    return {label: found[label] for label in variants}


def _group(lanes: Sequence[_Lane]) -> list[list[_Lane]]:
    """Variants that need the same pictures of the clip: as a rule all of them."""
    groups: dict[tuple[float, tuple[int, int]], list[_Lane]] = {}
    for lane in lanes:
        groups.setdefault((lane.offset.seconds, lane.size), []).append(lane)
    return list(groups.values())


def _measure_alike(
    source: Path,
    lanes: Sequence[_Lane],
    cues: Sequence[Cue],
    asked: Mapping[str, Colour],
    most_pixels: int,
) -> dict[str, list[Blind]]:
    """Measure variants of one size and offset, side by side."""
    first = lanes[0]
    windows = find_windows(cues, min(lane.duration_s for lane in lanes))
    wide = [window for window in windows if window.lasts_s >= _SHORTEST_S]
    clean_s = find_clean_times(windows, min(lane.duration_s for lane in lanes))
    beside = len(clean_s) < _FEW
    known_s = spread_times(wide) if beside else clean_s

    def read(path: Path, times_s: Sequence[float], late_s: float = 0.0) -> Iterator[Frame]:
        moved_s = [at_s - late_s for at_s in times_s]
        return read_frames(path, moved_s, size=first.size, most_pixels=most_pixels)

    theirs = list(read(source, known_s, first.offset.seconds))
    grounds = {}
    for lane in lanes:
        pairs = list(zip(read(lane.path, known_s), theirs, strict=True))
        grounds[lane.label] = _learn(pairs, lane.offset, beside=beside)
    del theirs
    times_s = [at_s for window in wide for at_s in window.samples()]
    clip = read(source, times_s, first.offset.seconds)
    reels = {lane.label: read(lane.path, times_s) for lane in lanes}
    found: dict[str, list[Blind]] = {lane.label: [] for lane in lanes}
    for cue, window in zip(cues, windows, strict=True):
        if window.lasts_s < _SHORTEST_S:
            for each in found.values():
                each.append(Blind(nothing_seen(0), ("too_short",)))
            continue
        theirs = list(islice(clip, SAMPLES))
        for lane in lanes:
            label = lane.label
            pairs = list(zip(islice(reels[label], SAMPLES), theirs, strict=True))
            blind = _measure_text(cue.text, pairs, grounds[label], asked.get(label))
            found[label].append(_enlarge(blind, lane.height / lane.size[1]))
    return found


def _measure_text(
    text: str, pairs: Sequence[tuple[Frame, Frame]], ground: Ground, asked: Colour | None
) -> Blind:
    chars = sum(not each.isspace() for each in text)
    blind = measure_blind(pairs, ground, chars=chars, asked=asked)
    if is_alphabetic(text):
        return blind
    return replace(blind, flags=(*blind.flags, "other_script"))


def _measure_without(
    variants: Mapping[str, Path],
    cues: Sequence[Cue],
    asked: Mapping[str, Colour],
    most_pixels: int,
) -> dict[str, list[Blind]]:
    """Each variant against the next one, whose captions then count as this one's: all flagged."""
    labels = list(variants)
    found: dict[str, list[Blind]] = {}
    for label, other in zip(labels, [*labels[1:], *labels[:1]], strict=True):
        blinds = [Blind(nothing_seen(0), ())] * len(cues)
        if other != label:
            ours = {label: variants[label]}
            measured = measure_films(
                variants[other], ours, cues, asked=asked, most_pixels=most_pixels
            )
            blinds = measured[label]
        found[label] = [replace(each, flags=("no_clip", *each.flags)) for each in blinds]
    return found


def _enlarge(blind: Blind, factor: float) -> Blind:
    """Pixels of the reduced picture told in those of the whole."""
    seen = blind.legibility
    return replace(blind, legibility=replace(seen, line_px=seen.line_px * factor))


def _learn(known: Sequence[tuple[Frame, Frame]], offset: Offset, *, beside: bool) -> Ground:
    """What encoding and grading alone do to the picture, at clean moments or beside captions."""
    colours = fit_colours(known)
    differences = [differ(a.picture(), colours.apply(b.picture())) for a, b in known]
    gradient = find_gradient(colours.apply(theirs.picture()) for _, theirs in known)
    if beside and known:
        floor = find_floor_beside(differences, gradient)
        if floor is not None:
            return Ground(floor, colours, offset, len(known))
        known = ()
    return Ground(find_floor(differences if known else (), gradient), colours, offset, len(known))
