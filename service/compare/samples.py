"""Whole pictures at some moments: colours that changed, and what stands in the picture for ever."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.compare.facts import Box, Colour, Patch

Whole = NDArray[np.uint8]
Grid = NDArray[np.float32]
Part = list[tuple[int, int]]

SAMPLES = 12
_CLEAN_SAMPLES = 8
#: Cues of a variant may come this much early or late (reference, set-up).
_GUARD_S = 0.22
_ENOUGH_CLEAN = 3
#: Blocks of 4x4 of a picture 640 long: 8x8 of 720p, as the prototype had them.
BLOCK = 4
_CHROMA = 0.6
#: Reference: block mean above max(12, median + 10 MAD), 10 blocks joined.
_PATCH_LEVEL = 12.0
_PATCH_SPREAD = 10.0
_PATCH_BLOCKS = 10
#: What changes by this much more than it stands is a caption, or the like.
_VARYING = 36.0
#: So much of a box of captions changes by so many levels when its words do.
_WORDS = 24.0
_WORDS_SHARE = 0.1
_ROOM = 4
_COLOURS = 16
_MOST_POINTS = 20_000
_BINS = 16
_PULL = 1e-3


def pick_times(end_s: float, cues: Sequence[tuple[float, float]]) -> tuple[list[float], bool]:
    """When to look closely, and whether captions are away then: between cues where known."""
    grid = [end_s * (at + 0.5) / (4 * SAMPLES) for at in range(4 * SAMPLES)]
    free = [
        at_s
        for at_s in grid
        if not any(start - _GUARD_S <= at_s <= end + _GUARD_S for start, end in cues)
    ]
    if cues and len(free) >= _ENOUGH_CLEAN:
        count = min(_CLEAN_SAMPLES, len(free))
        return [free[at * (len(free) - 1) // max(1, count - 1)] for at in range(count)], True
    return grid[2::4], False


def blocks_of(whole: Whole) -> Grid:
    """Means of the blocks of a picture: 3 planes of rows of columns."""
    planes, rows, columns = whole.shape
    rows, columns = rows // BLOCK, columns // BLOCK
    cut = whole[:, : rows * BLOCK, : columns * BLOCK]
    parts = cut.reshape(planes, rows, BLOCK, columns, BLOCK)
    means: Grid = parts.mean(axis=(2, 4), dtype=np.float32)
    return means


class ColourMap:
    """What a variant made of its clip's colours: a matrix, then a curve of luma (step 4)."""

    def __init__(self, ours: Grid, theirs: Grid) -> None:
        """Fit on blocks of all samples: 3 planes of points each."""
        self._matrix = np.vstack([np.eye(3), np.zeros((1, 3))])
        kept = np.ones(ours.shape[1], bool)
        for share in (1.0, 0.7, 0.7, 0.7):
            off = np.abs(theirs - self.linear(ours)).sum(axis=0)
            kept = off <= np.quantile(off, share)
            self._matrix = _solve(ours[:, kept], theirs[:, kept])
        self._curve = _bend(ours[0, kept], (theirs - self.linear(ours))[0, kept])

    def linear(self, colours: Grid) -> Grid:
        bent: Grid = (self._matrix[:3].T @ colours + self._matrix[3][:, None]).astype(np.float32)
        return bent

    def __call__(self, colours: Grid) -> Grid:
        mapped = self.linear(colours)
        mapped[0] += np.interp(colours[0], _centres(), self._curve)
        return mapped


def _solve(ours: Grid, theirs: Grid) -> NDArray[np.float64]:
    """Least squares, drawn a little to leaving colours as they are."""
    left = np.vstack([ours, np.ones((1, ours.shape[1]))]).astype(np.float64)
    pull = np.diag([1.0, 1.0, 1.0, 0.01]) * _PULL * ours.shape[1] * 100
    asis = np.vstack([np.eye(3), np.zeros((1, 3))])
    found: NDArray[np.float64] = np.linalg.solve(
        left @ left.T + pull, left @ theirs.T.astype(np.float64) + pull @ asis
    )
    return found


def _centres() -> NDArray[np.float64]:
    return np.asarray((np.arange(_BINS) + 0.5) * (256 / _BINS), np.float64)


def _bend(luma: NDArray[np.float32], rest: NDArray[np.float32]) -> NDArray[np.float64]:
    bins = np.clip(luma // (256 / _BINS), 0, _BINS - 1).astype(int)
    counts = np.bincount(bins, minlength=_BINS)
    sums = np.bincount(bins, rest, _BINS)
    return np.where(counts >= 50, sums / np.maximum(1, counts), 0.0)


def pick_colours(ours: Grid) -> Grid:
    """The clip's own colours to compare at: the middle of each sixteenth of its blocks by luma."""
    order = np.argsort(ours[0], kind="stable")
    parts = np.array_split(order, _COLOURS)
    return np.stack([np.median(ours[:, part], axis=1) for part in parts], axis=1)


def fit_colours(ours: Sequence[Grid], theirs: Sequence[Grid]) -> ColourMap:
    """The map of colours from blocks of the same moments."""
    first = np.concatenate([each.reshape(3, -1) for each in ours], axis=1)
    second = np.concatenate([each.reshape(3, -1) for each in theirs], axis=1)
    step = max(1, first.shape[1] // _MOST_POINTS)
    return ColourMap(first[:, ::step], second[:, ::step])


def as_colours(grid: Grid) -> tuple[Colour, ...]:
    """Columns as triples, rounded to what means something."""
    return tuple((round(float(y), 2), round(float(b), 2), round(float(r), 2)) for y, b, r in grid.T)


def find_patches(
    ours: Sequence[Grid], theirs: Sequence[Grid], mapped: ColourMap, *, clean: bool
) -> tuple[Patch, ...]:
    """What a variant has in all samples and its clip has not."""
    off = [
        _difference(mapped(first.reshape(3, -1)).reshape(first.shape), second)
        for first, second in zip(ours, theirs, strict=True)
    ]
    stack = np.stack(off)
    standing = np.median(stack, axis=0) if clean else np.quantile(stack, 0.2, axis=0)
    middle = float(np.median(standing))
    spread = float(np.median(np.abs(standing - middle)))
    parts = _large(standing > max(_PATCH_LEVEL, middle + _PATCH_SPREAD * spread))
    varying = (stack.max(axis=0) - standing) > _VARYING
    elsewhere = _is_elsewhere(varying, _widen(_mask(parts, varying.shape), _ROOM))
    zone = _widen(_mask(_large(varying), varying.shape), _ROOM)
    patches = []
    for part in parts:
        rows, columns = np.array(part).T
        if not clean and _has_words(ours, theirs, rows, columns):
            continue
        # Where something changes it may be the box of captions that never leave.
        apart = elsewhere and float(zone[rows, columns].mean()) < 0.5
        level = float(standing[rows, columns].mean())
        patches.append(Patch(_box(rows, columns, standing.shape), level, clean or apart))
    return tuple(sorted(patches, key=lambda each: -each.level))


def _has_words(
    ours: Sequence[Grid],
    theirs: Sequence[Grid],
    rows: NDArray[np.int_],
    columns: NDArray[np.int_],
) -> bool:
    """Whether a patch changes by itself, not with what is behind it: a box whose words change."""
    behind = np.stack([each[0, rows, columns] for each in ours])
    seen = np.stack([each[0, rows, columns] for each in theirs])
    behind, seen = behind - behind.mean(axis=0), seen - seen.mean(axis=0)
    through = float((behind * seen).sum()) / max(1.0, float((behind**2).sum()))
    own = np.abs(seen - through * behind).max(axis=0)
    return float((own > _WORDS).mean()) >= _WORDS_SHARE


def _difference(first: Grid, second: Grid) -> NDArray[np.float32]:
    off = np.abs(second - first)
    weighted: NDArray[np.float32] = off[0] + _CHROMA * (off[1] + off[2])
    return weighted


def _large(mask: NDArray[np.bool_]) -> list[Part]:
    return [part for part in join(mask) if len(part) >= _PATCH_BLOCKS]


def _mask(parts: Sequence[Part], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = np.zeros(shape, bool)
    for part in parts:
        rows, columns = np.array(part).T
        mask[rows, columns] = True
    return mask


def _is_elsewhere(varying: NDArray[np.bool_], near: NDArray[np.bool_]) -> bool:
    """Whether something changes away from all that stands: captions, so what stands is none."""
    return any(not near[tuple(np.array(part).T)].any() for part in _large(varying))


def _widen(mask: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    """Each place and its neighbours up to `by` blocks away."""
    for axis in (0, 1):
        wide = mask.copy()
        for step in range(1, by + 1):
            for sign in (-step, step):
                moved = np.roll(mask, sign, axis)
                edge = slice(0, sign) if sign > 0 else slice(sign, None)
                moved[(slice(None), edge) if axis else (edge, slice(None))] = False
                wide |= moved
        mask = wide
    return mask


def join(mask: NDArray[np.bool_]) -> list[Part]:
    """Blocks that touch, corners too, as lists of row and column."""
    left = {(int(row), int(column)) for row, column in np.argwhere(mask)}
    parts: list[Part] = []
    while left:
        part = [left.pop()]
        for row, column in part:  # grows while it is read
            near = {(row + i, column + k) for i in (-1, 0, 1) for k in (-1, 0, 1)} & left
            left -= near
            part += near
        parts.append(part)
    return parts


def _box(rows: NDArray[np.int_], columns: NDArray[np.int_], shape: tuple[int, ...]) -> Box:
    top, left = int(rows.min()), int(columns.min())
    height, width = int(rows.max()) + 1 - top, int(columns.max()) + 1 - left
    found = (left / shape[1], top / shape[0], width / shape[1], height / shape[0])
    x, y, w, h = (round(each, 3) for each in found)
    return x, y, w, h
