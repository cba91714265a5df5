"""Where a variant differs from its source by more than encoding explains. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.compare.components import find_parts
from service.compare.planes import Mask, Picture, Plane, dilate, erode, spread

_CHROMA = 0.6
_LEAST = 7.0
_MARGIN = 1.35
_QUANTILE = 0.997
_GRADIENTS = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
# Codecs leave a halo around letters; it is weak beside what it surrounds.
_HALO = 0.22
_HALO_PX = 3
# Where captions never leave: so far from them, in heights of the picture, is beside them.
_BESIDE = 0.03
_SOLID = 3 * _LEAST
_STRONG_SHARE = 0.12
_BLOCK_SHARE = 0.12


@dataclass(frozen=True, slots=True)
class Floor:
    """What a clean picture may differ by, for each class of local gradient, rising.

    `always` is what differs on clean pictures too, such as a logo: no caption.
    """

    thresholds: NDArray[np.float64]
    always: Mask | None

    def at(self, gradient: Plane) -> Plane:
        return np.asarray(self.thresholds[np.digitize(gradient, _GRADIENTS)], np.float32)


def differ(variant: Picture, source: Picture) -> Plane:
    """By how many levels each pixel differs; colour counts a little less than light."""
    light = np.abs(variant.y - source.y)
    colour = np.abs(variant.cb - source.cb) + np.abs(variant.cr - source.cr)
    return np.asarray(light + _CHROMA * colour, np.float32)


def persist(differences: Sequence[Plane]) -> Plane:
    """The difference that stays: the mean without the lowest quarter of the samples.

    At some moments the picture has the letters' own colour; those say nothing.
    """
    ordered = np.sort(np.stack(differences), axis=0)
    return np.asarray(ordered[len(differences) // 4 :].mean(axis=0), np.float32)


def find_gradient(pictures: Iterable[Picture]) -> Plane:
    """How much light changes around each pixel, at most over the pictures."""
    steepest: Plane = np.zeros((1, 1), np.float32)
    for picture in pictures:
        across = np.abs(np.diff(picture.y, axis=1, prepend=picture.y[:, :1]))
        down = np.abs(np.diff(picture.y, axis=0, prepend=picture.y[:1]))
        steepest = np.maximum(steepest, across + down)
    return np.asarray(spread(steepest, 1))


def find_floor(differences: Sequence[Plane], gradient: Plane) -> Floor:
    """The floor from what differs at clean moments, and the source's gradient there."""
    if not differences:
        return Floor(np.full(len(_GRADIENTS) + 1, _SOLID), None)
    lasting = persist(differences)
    # A logo is no noise: solid differences do not raise the floor.
    solid = dilate(erode(lasting > _SOLID, 2), 4)
    kinds = np.digitize(gradient, _GRADIENTS)
    rising = _rise(lasting, kinds, ~solid)
    always = lasting > 2 * rising[kinds]
    return Floor(rising, always)


def find_floor_beside(differences: Sequence[Plane], gradient: Plane) -> Floor | None:
    """The floor from moments with captions, by what lies beside all of them.

    For videos in which one caption follows the other. What differs always, such as a logo, is not
    told from captions then. Nothing where captions leave less than half of the picture.
    """
    reach = round(_BESIDE * gradient.shape[0])
    covered = np.zeros(gradient.shape, np.bool_)
    for each in differences:
        covered |= dilate(erode(each > _SOLID, 1), reach)
    if covered.mean() > 0.5:
        return None
    rising = _rise(persist(differences), np.digitize(gradient, _GRADIENTS), ~covered)
    return Floor(np.minimum(rising, _SOLID), None)


def _rise(lasting: Plane, kinds: NDArray[np.intp], counted: Mask) -> NDArray[np.float64]:
    """For each class of gradient what encoding may change, never less than for a lower class."""
    found = []
    for kind in range(len(_GRADIENTS) + 1):
        values = lasting[(kinds == kind) & counted]
        enough = values.size >= 200
        found.append(_MARGIN * float(np.quantile(values, _QUANTILE)) if enough else 0.0)
    return np.maximum.accumulate(np.maximum(found, _LEAST))


def find_footprint(
    lasting: Plane,
    floor: Plane,
    always: Mask | None = None,
    *,
    frame: tuple[int, int] | None = None,
) -> Mask:
    """What a caption changes, of a difference that stays over a cue and the floor at each pixel.

    Small specks, weak parts and what is far lighter than the heaviest block of ink are dropped;
    `frame` is the height and width of the whole picture, where this is a part of it.
    """
    height, width = frame or lasting.shape
    excess = lasting / floor
    mask = (excess > 1) & (lasting > _HALO * spread(lasting, _HALO_PX))
    if always is not None:
        mask &= ~always
    parts = find_parts(mask)
    if not parts.count:
        return mask
    sizes = parts.sums(np.ones(mask.shape))
    strong = parts.sums(excess > 2) / sizes
    mask = parts.keep((sizes >= 6e-6 * height * width) & (strong >= _STRONG_SHARE))
    return _keep_heavy(mask, excess, height)


def _keep_heavy(mask: Mask, excess: Plane, height: int) -> Mask:
    blocks = find_parts(dilate(mask, round(0.02 * height)))
    if not blocks.count:
        return mask
    masses = blocks.sums(np.where(mask, excess, 0))
    return mask & blocks.keep(masses >= _BLOCK_SHARE * masses.max())
