"""Pictures as planes of numbers, and the arithmetic that every measurement shares. Pure.

Planes are arrays of height x width; luma and chroma are in the levels of limited range (16..235).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

# float32 is meant: a 4K frame is 100 MB of it.
Plane: TypeAlias = NDArray[np.floating[Any]]
Mask: TypeAlias = NDArray[np.bool_]

# Kr and Kb of the matrices that video is made with (BT.601, BT.709, BT.2020).
_MATRICES = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}
# Of linear red, green and blue, as the WCAG's relative luminance has it.
_LUMINANCE = (0.2126, 0.7152, 0.0722)
_ALL = slice(None)


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame: Y'CbCr at full size, float32, limited range; `at_s` is its time in the clip."""

    at_s: float
    y: Plane
    cb: Plane
    cr: Plane
    matrix: str = "bt709"

    @property
    def shape(self) -> tuple[int, int]:
        return (self.y.shape[0], self.y.shape[1])


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it is kept: 3 x height x width of Y', Cb, Cr in whole levels, limited range.

    A quarter of a `Picture`'s memory, and no worse: video itself has whole levels.
    """

    at_s: float
    planes: NDArray[np.uint8]
    matrix: str = "bt709"

    @property
    def shape(self) -> tuple[int, int]:
        return (self.planes.shape[1], self.planes.shape[2])

    def picture(self, rows: slice = _ALL, columns: slice = _ALL) -> Picture:
        """The frame, or a part of it, for arithmetic."""
        y, cb, cr = self.planes[:, rows, columns].astype(np.float32)
        return Picture(self.at_s, y, cb, cr, self.matrix)


def to_luminance(picture: Picture) -> Plane:
    """Relative luminance 0..1 of every pixel, as the WCAG's contrast formula needs it."""
    kr, kb = _MATRICES[picture.matrix]
    y = (picture.y - 16) / 219
    cb, cr = (picture.cb - 128) / 224, (picture.cr - 128) / 224
    red = y + 2 * (1 - kr) * cr
    blue = y + 2 * (1 - kb) * cb
    green = (y - kr * red - kb * blue) / (1 - kr - kb)
    r, g, b = _LUMINANCE
    total: Plane = r * _linear(red) + g * _linear(green) + b * _linear(blue)
    return total.astype(np.float32)


def contrast(one: float | Plane, two: float | Plane) -> Plane:
    """The WCAG's contrast of two relative luminances, 1..21, whichever is the lighter."""
    light, dark = np.maximum(one, two), np.minimum(one, two)
    return np.asarray((light + 0.05) / (dark + 0.05), np.float32)


def spread(values: NDArray[Any], radius: int) -> NDArray[Any]:
    """The highest value within `radius` pixels, in a square window."""
    out = values
    for axis in (0, 1):
        out = _spread_along(out, radius, axis)
    return out


def dilate(mask: Mask, radius: int) -> Mask:
    """A mask and all within `radius` pixels of it, in a square window."""
    return np.asarray(spread(mask, radius), np.bool_)


def erode(mask: Mask, radius: int) -> Mask:
    """What of a mask has nothing else within `radius` pixels; outside the picture is mask."""
    return ~dilate(~mask, radius)


def local_mean(values: Plane, mask: Mask, radius: int) -> Plane:
    """The mean of the values in the mask, in a square window around each pixel; 0 without any."""
    total = _box_sum(np.where(mask, values, 0).astype(np.float64), radius)
    count = _box_sum(mask.astype(np.float64), radius)
    return np.asarray(
        np.divide(total, count, out=np.zeros_like(total), where=count > 0.5), np.float32
    )


def runs(flags: Mask) -> list[tuple[int, int]]:
    """Stretches of true values in a row of them, as (first, behind the last)."""
    padded = np.concatenate(([False], flags, [False])).astype(np.int8)
    edges = np.flatnonzero(np.diff(padded))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _spread_along(values: NDArray[Any], radius: int, axis: int) -> NDArray[Any]:
    """A running maximum along one axis, by doubling the window."""
    size = 2 * radius + 1
    pad = [(0, 0), (0, 0)]
    pad[axis] = (radius, radius)
    lowest = False if values.dtype == np.bool_ else -np.inf
    out = np.pad(values, pad, constant_values=lowest)
    width = 1
    while width < size:
        step = min(width, size - width)
        length = out.shape[axis] - step
        out = (
            np.maximum(out[:length], out[step:])
            if axis == 0
            else np.maximum(out[:, :length], out[:, step:])
        )
        width += step
    return out


def _linear(value: Plane) -> Plane:
    value = np.clip(value.astype(np.float32), 0, 1)
    low = value / 12.92
    high = ((value + 0.055) / 1.055) ** 2.4
    return np.where(value <= 0.04045, low, high).astype(np.float32)


def _box_sum(values: Plane, radius: int) -> Plane:
    padded = np.pad(values, radius + 1)
    table = padded.cumsum(axis=0).cumsum(axis=1)
    size = 2 * radius + 1
    boxes = (
        table[size:, size:] - table[:-size, size:] - table[size:, :-size] + table[:-size, :-size]
    )
    return np.asarray(boxes[: values.shape[0], : values.shape[1]])
