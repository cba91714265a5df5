"""Connected parts of a mask, found by their runs. Pure; no image library needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.compare.planes import Mask


@dataclass(frozen=True, slots=True)
class Parts:
    """`labels` is 0 outside and 1..count in the parts, which touch at an edge or a corner."""

    labels: NDArray[np.int32]
    count: int

    def sums(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """The sum of some values over each part; of ones, its pixels."""
        sums = np.bincount(self.labels.ravel(), values.ravel(), self.count + 1)[1:]
        return sums.astype(np.float64)

    def keep(self, chosen: NDArray[np.bool_]) -> Mask:
        """The mask of the chosen parts; one flag for each."""
        flags: Mask = np.concatenate(([False], chosen))
        return np.asarray(flags[self.labels], np.bool_)


def find_parts(mask: Mask) -> Parts:
    """Label the connected parts of a mask."""
    height, width = mask.shape
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = mask
    steps = np.diff(padded, axis=1)
    rows, firsts = np.nonzero(steps == 1)
    behinds = np.nonzero(steps == -1)[1]
    roots = _join(rows, firsts, behinds, height)
    _, numbers = np.unique(roots, return_inverse=True)
    labels = np.zeros((height, width), np.int32)
    labels[mask] = np.repeat(numbers + 1, behinds - firsts)
    return Parts(labels, int(numbers.max()) + 1 if numbers.size else 0)


def fill_holes(mask: Mask, most: int) -> Mask:
    """A mask with its holes of at most that many pixels filled."""
    parts = find_parts(~mask)
    if not parts.count:
        return mask
    border = np.unique(
        np.concatenate([parts.labels[0], parts.labels[-1], parts.labels[:, 0], parts.labels[:, -1]])
    )
    small = parts.sums(np.ones(mask.shape)) <= most
    small[border[border > 0] - 1] = False
    return mask | parts.keep(small)


def _join(
    rows: NDArray[Any], firsts: NDArray[Any], behinds: NDArray[Any], height: int
) -> NDArray[np.int64]:
    """The root of each run, joined with those that it touches in the row above."""
    parents = list(range(len(rows)))
    begins = np.searchsorted(rows, np.arange(height + 1)).tolist()
    first, behind = firsts.tolist(), behinds.tolist()
    for row in range(1, height):
        above, below = begins[row - 1], begins[row]
        last_above, last_below = begins[row], begins[row + 1]
        while above < last_above and below < last_below:
            if first[above] <= behind[below] and first[below] <= behind[above]:
                _unite(parents, above, below)
            if behind[above] < behind[below]:
                above += 1
            else:
                below += 1
    return np.array([_root(parents, n) for n in range(len(parents))], np.int64)


def _unite(parents: list[int], one: int, two: int) -> None:
    a, b = _root(parents, one), _root(parents, two)
    parents[max(a, b)] = min(a, b)


def _root(parents: list[int], at: int) -> int:
    while parents[at] != at:
        parents[at] = parents[parents[at]]
        at = parents[at]
    return at
