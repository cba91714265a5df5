"""Following a variant frame by frame along its clip: frames that are lost, added or held.

For each frame the clip's frame that it shows is looked for within two of the expected one
(reference, step 3). What is kept is a few numbers, whatever the length.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from service.compare.facts import Break, Placing
from service.compare.frames import Plane, Shot
from service.compare.placing import Tone, place, unlikeness

REACH = 2
#: Another frame must be 20 % better than the expected one (reference, step 3), and by a tenth of a
#: level, which is less than re-encoding adds.
_BETTER = 0.8
_BETTER_LEVELS = 0.1
#: So many frames in a row must agree before the clip is held to have jumped.
_VOTES = 3
#: A held frame differs from the one before it by less than this, while the clip moves by more.
_HELD = 0.35
_MOVED = 0.4
_MOST_NAMED = 20


class Follower:
    """Follows one variant. `shift` is by how many of the clip's frames it is ahead by now."""

    def __init__(self, offset_s: float, step_s: float, placing: Placing, tone: Tone) -> None:
        self._offset_s = offset_s
        self._step_s = step_s
        self._placing = placing
        self._tone = tone
        self._votes: deque[tuple[int, float]] = deque(maxlen=_VOTES)
        self._before: Plane | None = None
        self._ahead = False
        self.shift = 0
        self.jumps: list[Break] = []
        self.held: list[float] = []

    def expected_s(self, at_s: float) -> float:
        """The clip's time of what a variant shows at a time."""
        return at_s - self._offset_s + self.shift * self._step_s

    def follow(self, shot: Shot, window: Sequence[Shot]) -> Shot | None:
        """Take one frame of the variant; the clip's frame that it shows, if that is near."""
        index = nearest(window, self.expected_s(shot.at_s))
        if index is None or abs(window[index].at_s - self.expected_s(shot.at_s)) > self._step_s:
            return None
        small = self._tone(place(shot.small, self._placing))
        found = self._decide(small, window, index)
        before, self._before = self._before, small
        ahead, self._ahead = self._ahead, found is not None and found > 0
        if found is None:
            found = 0
        else:
            self._vote(found, shot.at_s)
        # The frame before was shown for this one, or this place has the one before again.
        off = found < 0 or ahead
        if off and before is not None and self._is_held(before, small, window, index):
            self.held = [*self.held, shot.at_s][:_MOST_NAMED]
        return window[index + found]

    def _decide(self, small: Plane, window: Sequence[Shot], index: int) -> int | None:
        """How many frames from the expected one the right one is; none where all look alike."""
        low, high = max(0, index - REACH), min(len(window) - 1, index + REACH)
        costs = {at - index: _cost(window[at].small, small) for at in range(low, high + 1)}
        best = min(costs, key=lambda each: costs[each])
        others = [cost for step, cost in costs.items() if step != best]
        if not others or not _is_clear(costs[best], min(others)):
            return None
        return best

    def _is_held(self, before: Plane, small: Plane, window: Sequence[Shot], index: int) -> bool:
        moved = unlikeness(window[index - 1].small, window[index].small) if index else 0.0
        still = _cost(before, small)
        return moved > _MOVED and still < _HELD * moved

    def _vote(self, found: int, at_s: float) -> None:
        self._votes.append((found, at_s))
        steps = {step for step, _ in self._votes}
        if len(self._votes) == _VOTES and len(steps) == 1 and found:
            self.shift += found
            if len(self.jumps) < _MOST_NAMED:
                self.jumps.append(Break(self._votes[0][1], float(found)))
            self._votes.clear()


def nearest(window: Sequence[Shot], at_s: float) -> int | None:
    """The index of the shot nearest to a time."""
    if not window:
        return None
    return int(np.argmin([abs(shot.at_s - at_s) for shot in window]))


def _is_clear(best: float, other: float) -> bool:
    return best < _BETTER * other and best < other - _BETTER_LEVELS


def _cost(first: Plane, second: Plane) -> float:
    there = np.isfinite(second)
    return unlikeness(first[there], second[there])
