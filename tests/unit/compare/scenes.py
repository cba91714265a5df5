"""Pictures made of numbers: grounds, and bars that stand for letters."""

from __future__ import annotations

import numpy as np

from service.compare.alignment import ColourMap, Offset
from service.compare.difference import differ, find_floor, find_gradient
from service.compare.planes import Frame, Picture
from service.compare.views import Ground

HEIGHT, WIDTH = 180, 320


def flat(level: float, *, at_s: float = 0.0, noise: float = 0.0, seed: int = 0) -> Picture:
    """A grey picture of one level of luma, with noise of that deviation."""
    y = np.full((HEIGHT, WIDTH), level, np.float32)
    if noise:
        y += np.random.default_rng(seed).normal(0, noise, y.shape).astype(np.float32)
    grey = np.full_like(y, 128)
    return Picture(at_s, y, grey, grey.copy())


def letters(*, line_px: int = 24, top: int = 130, lines: int = 1, left: int = 60) -> np.ndarray:
    """A mask of lines of upright bars, each 4 px wide and 6 px apart."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    for line in range(lines):
        at = top - line * (line_px + 8)
        for x in range(left, WIDTH - left, 10):
            mask[at : at + line_px, x : x + 4] = True
    return mask


def draw(ground: Picture, mask: np.ndarray, level: float) -> Picture:
    """The ground with one level of luma where the mask is."""
    return Picture(ground.at_s, np.where(mask, np.float32(level), ground.y), ground.cb, ground.cr)


def frame(picture: Picture) -> Frame:
    """A picture as a decoder gives it, in whole levels."""
    planes = np.stack([picture.y, picture.cb, picture.cr])
    return Frame(picture.at_s, np.clip(np.rint(planes), 0, 255).astype(np.uint8), picture.matrix)


def texture(n: int, low: float = 40, high: float = 120) -> Picture:
    """A ground that moves: stripes, a little noise."""
    x = (np.arange(WIDTH) + 7 * n) % 60
    y = np.tile(low + (high - low) * x / 60, (HEIGHT, 1))
    y = (y + np.random.default_rng(n).normal(0, 1, y.shape)).astype(np.float32)
    grey = np.full_like(y, 128)
    return Picture(n / 4, y, grey, grey.copy())


def known_ground(clean: int = 4, residual: float = 0.5) -> Ground:
    """What is known of a variant that encoding changed by a level."""
    clear = [texture(n) for n in range(clean)]
    same = [differ(each, each) + 1 for each in clear]
    colours = ColourMap(np.eye(3, 4), residual)
    floor = find_floor(same, find_gradient(clear))
    return Ground(floor, colours, Offset(0.0, True), clean)
