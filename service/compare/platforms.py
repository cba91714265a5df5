"""Which captions run into what a platform covers. Pure.

The table is that of `service.captions.platforms`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from service.captions.platforms import TABLE, Platform, load_platforms, read_platforms

__all__ = ["TABLE", "Box", "Fit", "Platform", "judge_fit", "load_platforms", "read_platforms"]

_EDGES = ("top", "bottom", "left", "right")
# A clip of 1080x1922 is still vertical video.
_ASPECT_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Box:
    """A part of the picture, in shares 0 to 1 from its upper left corner."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Fit:
    """How a variant's captions stand on one platform, which `label` names for people.

    `right_shape` tells whether the picture has the platform's aspect ratio; `colliding` are the
    indexes of boxes that reach into what it covers; `edges` names where; `deepest` is the largest
    reach in percent of the picture. Where the shape is another one, nothing is said of collisions.
    """

    platform: str
    label: str
    right_shape: bool
    colliding: tuple[int, ...]
    edges: tuple[str, ...]
    deepest: float
    source: str
    as_of: str

    @property
    def fits(self) -> bool:
        return self.right_shape and not self.colliding


def judge_fit(boxes: Sequence[Box], platform: Platform, *, width: int, height: int) -> Fit:
    """Tell which boxes of captions reach into what the platform covers."""
    shape = width / height
    right_shape = abs(shape / platform.aspect - 1) <= _ASPECT_SHARE
    reaches = [_reach(box, platform) for box in boxes] if right_shape else []
    colliding = tuple(n for n, reach in enumerate(reaches) if reach)
    edges = tuple(edge for edge in _EDGES if any(edge in reach for reach in reaches))
    deepest = max((depth for reach in reaches for depth in reach.values()), default=0.0)
    return Fit(
        platform.name,
        platform.label,
        right_shape,
        colliding,
        edges,
        round(deepest, 2),
        platform.source,
        platform.as_of,
    )


def _reach(box: Box, platform: Platform) -> dict[str, float]:
    """By edge, how far a box reaches into what is covered, in percent of the picture."""
    depths = {
        "top": platform.top - 100 * box.top,
        "bottom": 100 * box.bottom - (100 - platform.bottom),
        "left": platform.left - 100 * box.left,
        "right": 100 * box.right - (100 - platform.right),
    }
    return {edge: depth for edge, depth in depths.items() if depth > 0.05}
