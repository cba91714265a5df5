"""Measuring one clip: its source and its variants in step, frame by frame, in bounded memory.

Runs in the process of `apart` only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from service.compare import samples
from service.compare.differing import SOUND_LIKENESS
from service.compare.facts import ClipFacts, Film, Measured, Picture, Placing
from service.compare.following import REACH, Follower, nearest
from service.compare.frames import Reel, Shot, whole_size
from service.compare.placing import (
    MOST_OFFSET_S,
    Tone,
    find_offset,
    find_placing,
    motion,
    place,
)
from service.compare.samples import Grid
from service.compare.sound import compare_sound
from service.compare.verdict import cannot_follow
from service.errors import MediaError
from service.media.limits import MOST_PIXELS

#: So much of the beginning is read first, to find where and when a variant shows its clip.
HEAD_S = 4.0
_PLACING_PAIRS = 8
#: Colours and patches need pictures that lie on one another (reference: residual above 5).
_MOST_RESIDUAL = 5.0
#: A picture that moves by less than this from frame to frame is still.
_STILL = 0.15


def measure(
    source: Path,
    variants: Mapping[str, Path],
    cues: Sequence[tuple[float, float]] = (),
    *,
    most_pixels: int = MOST_PIXELS,
) -> ClipFacts:
    """Measure what each variant's file is against its clip's.

    `cues` are seconds in which captions are shown, where that is known. Files that cannot be read
    are told of in the facts; nothing is raised for them.
    """
    try:
        clip = Reel(source, most_pixels=most_pixels)
    except MediaError as error:
        return ClipFacts(fault=f"The clip: {error.detail}")
    reels: dict[str, Reel] = {}
    broken: list[Measured] = []
    for label, path in variants.items():
        try:
            reels[label] = Reel(path, most_pixels=most_pixels)
        except MediaError as error:
            broken.append(Measured(label, Film(fault=error.detail)))
    able = {
        label: reel
        for label, reel in reels.items()
        if not cannot_follow(_stated(clip), _stated(reel))
    }
    lanes = _Walk(clip, able, cues).run() if able else {}
    measured = [_measured(label, reel, lanes.get(label)) for label, reel in reels.items()]
    heard = source if clip.probe.has_audio else _first_with_sound(reels, variants)
    if heard is not None:
        measured = _with_sounds(measured, heard, variants)
    film = clip.film() if able else _stated(clip)
    return ClipFacts(film, tuple(sorted([*measured, *broken], key=lambda each: each.label)))


def _stated(reel: Reel) -> Film:
    """What a file says of itself, before its frames are read."""
    return replace(reel.film(), end_s=reel.probe.duration_s)


def _measured(label: str, reel: Reel, lane: _Lane | None) -> Measured:
    if lane is None:
        return Measured(label, _stated(reel))
    return Measured(label, reel.film(), lane.picture())


def _first_with_sound(reels: Mapping[str, Reel], variants: Mapping[str, Path]) -> Path | None:
    """What variants' sound is set against where the clip has none."""
    with_sound = (label for label, reel in reels.items() if reel.probe.has_audio)
    label = next(with_sound, None)
    return None if label is None else variants[label]


def _with_sounds(
    measured: Sequence[Measured], heard: Path, variants: Mapping[str, Path]
) -> list[Measured]:
    """Every variant's sound against the clip's; where none is like it, against the first one's.

    Music that was asked for all variants leaves nothing of the clip's sound to compare with.
    """
    found = [_with_sound(each, heard, variants[each.label]) for each in measured]
    sounds = {each.label: each.sound for each in found if each.sound is not None}
    if len(sounds) > 1 and all((each.likeness or 0) < SOUND_LIKENESS for each in sounds.values()):
        first = variants[min(sounds)]
        return [_with_sound(each, first, variants[each.label]) for each in measured]
    return found


def _with_sound(measured: Measured, source: Path, variant: Path) -> Measured:
    if not measured.film.has_sound:
        return measured
    try:
        return replace(measured, sound=compare_sound(source, variant))
    except MediaError:
        return measured  # its pictures were read: the verdict says that its sound was not


class _Lane:
    """One variant on its way."""

    def __init__(
        self, offset_s: float | None, placing: Placing, follower: Follower, *, is_still: bool
    ) -> None:
        self.offset_s = offset_s
        self.placing = placing
        self.follower = follower
        self.is_still = is_still
        self.ours: list[Grid] = []
        self.theirs: list[Grid] = []
        self.clean = False
        self.left: deque[float] = deque()
        self.colours: Grid | None = None

    def take(self, shot: Shot, window: Sequence[Shot]) -> None:
        seen = self.follower.follow(shot, window)
        if self.left and shot.at_s >= self.left[0] and shot.whole is not None:
            self.left.popleft()
            if seen is not None and seen.whole is not None:
                self.ours.append(samples.blocks_of(seen.whole))
                self.theirs.append(samples.blocks_of(shot.whole))

    def picture(self) -> Picture:
        found = Picture(
            self.placing,
            self.offset_s,
            tuple(self.follower.jumps),
            tuple(self.follower.held),
            self.is_still,
        )
        fits = self.placing.is_straight and self.placing.residual <= _MOST_RESIDUAL
        if not fits or not self.ours or self.colours is None:
            return found
        mapped = samples.fit_colours(self.ours, self.theirs)
        patches = samples.find_patches(self.ours, self.theirs, mapped, clean=self.clean)
        return replace(found, colours=samples.as_colours(mapped(self.colours)), patches=patches)


class _Walk:
    """The clip and its variants read side by side; the clip once for all of them."""

    def __init__(
        self, clip: Reel, reels: Mapping[str, Reel], cues: Sequence[tuple[float, float]]
    ) -> None:
        self._clip = clip
        self._reels = reels
        self._size = whole_size(clip.probe)
        ends = [clip.probe.duration_s, *(reel.probe.duration_s for reel in reels.values())]
        self._times, self._clean = samples.pick_times(min(ends), cues)
        self._window: deque[Shot] = deque()

    def run(self) -> dict[str, _Lane]:
        head = list(_head(self._clip, self._size))
        self._step_s = self._clip.step_s
        lanes = {label: self._lane(head, reel) for label, reel in self._reels.items()}
        self._clip.restart()
        for reel in self._reels.values():
            reel.restart()
        self._near_s = MOST_OFFSET_S if any(lane.offset_s for lane in lanes.values()) else 0.0
        self._near_s += (2 * REACH + 1) * self._step_s
        self._follow(lanes)
        self._share_colours(lanes)
        return lanes

    def _lane(self, head: Sequence[Shot], reel: Reel) -> _Lane:
        shots = list(_head(reel, self._size))
        offset_s = find_offset(head, shots, self._step_s)
        chosen = shots[:: max(1, len(shots) // _PLACING_PAIRS)]
        pairs = []
        for shot in chosen:
            at = nearest(head, shot.at_s - (offset_s or 0.0))
            if at is not None:
                pairs.append((head[at].small, shot.small))
        placing = find_placing(pairs) if pairs else Placing()
        tone = Tone([(first, place(second, placing)) for first, second in pairs])
        follower = Follower(offset_s or 0.0, self._step_s, placing, tone)
        is_still = offset_s is None and motion(head) < _STILL
        lane = _Lane(offset_s, placing, follower, is_still=is_still)
        lane.clean = self._clean
        lane.left = deque(self._times)
        return lane

    def _follow(self, lanes: Mapping[str, _Lane]) -> None:
        ahead = self._clip.shots(self._size, self._is_near)
        streams = {label: self._variant(label) for label in lanes}
        waiting = {label: shot for label, each in streams.items() if (shot := next(each, None))}
        while waiting:
            label = min(waiting, key=lambda each: waiting[each].at_s)
            shot, lane = waiting[label], lanes[label]
            at_s = lane.follower.expected_s(shot.at_s)
            reach_s = (REACH + 1) * self._step_s
            while not self._window or self._window[-1].at_s < at_s + reach_s:
                found = next(ahead, None)
                if found is None:
                    break
                self._window.append(found)
            lane.take(shot, self._window)
            following = next(streams[label], None)
            if following is None:
                del waiting[label]
            else:
                waiting[label] = following
            oldest_s = min(
                (lanes[name].follower.expected_s(each.at_s) for name, each in waiting.items()),
                default=at_s,
            )
            while self._window and self._window[0].at_s < oldest_s - reach_s:
                self._window.popleft()
        for _ in ahead:
            pass  # so that its length is known

    def _is_near(self, at_s: float) -> bool:
        return any(abs(at_s - each) <= self._near_s for each in self._times)

    def _variant(self, label: str) -> Iterator[Shot]:
        left = deque(self._times)

        def wants(at_s: float) -> bool:
            if left and at_s >= left[0]:
                left.popleft()
                return True
            return False

        return self._reels[label].shots(self._size, wants)

    def _share_colours(self, lanes: Mapping[str, _Lane]) -> None:
        """The same colours of the clip for all variants, or their maps could not be compared."""
        ours = next((lane.ours for lane in lanes.values() if lane.ours), None)
        if ours is not None:
            picked = samples.pick_colours(_joined(ours))
            for lane in lanes.values():
                lane.colours = picked


def _joined(grids: Sequence[Grid]) -> Grid:
    import numpy as np

    return np.concatenate([each.reshape(3, -1) for each in grids], axis=1)


def _head(reel: Reel, size: tuple[int, int]) -> Iterator[Shot]:
    return reel.shots(size, lambda _: False, until_s=HEAD_S)
