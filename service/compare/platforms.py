"""Where platforms put their own buttons and words, and which captions run into them. Pure.

The table is `platforms.json`: dated, because platforms publish templates and no stable numbers, and
replaced by another file of the same form where an operator knows better.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.errors import StartupError

TABLE = Path(__file__).with_name("platforms.json")
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
class Platform:
    """What a platform covers of the picture: percent from each edge. `source` and date are told."""

    name: str
    label: str
    aspect: float
    top: float
    bottom: float
    left: float
    right: float
    source: str
    as_of: str


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


def read_platforms(data: Any) -> tuple[Platform, ...]:
    """Read the table's JSON.

    Raises:
        ValueError: it has another form, an edge outside 0..100, or leaves no room for captions.
    """
    try:
        as_of = str(data["as_of"])
        found = tuple(_read_platform(each, as_of) for each in data["platforms"])
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"not a table of platforms: {type(error).__name__} {error}") from None
    names = [each.name for each in found]
    if not names or len(set(names)) != len(names):
        raise ValueError("not a table of platforms: each needs a name of its own")
    return found


def load_platforms(path: str | Path = "") -> tuple[Platform, ...]:
    """Read the table from a file; from ours where none is named.

    Raises:
        StartupError: the file is not there or is no such table.
    """
    try:
        return read_platforms(json.loads(Path(path or TABLE).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise StartupError(
            f"The table of platforms cannot be read: {error}.",
            hint="Its form is that of service/compare/platforms.json.",
        ) from None


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


def _read_platform(data: Mapping[str, Any], as_of: str) -> Platform:
    edges = {edge: float(data[edge]) for edge in _EDGES}
    if not all(0 <= share < 100 for share in edges.values()):
        raise ValueError(f"an edge of {data['name']!r} is not a percentage")
    if edges["top"] + edges["bottom"] >= 100 or edges["left"] + edges["right"] >= 100:
        raise ValueError(f"{data['name']!r} leaves no room for captions")
    across, down = data["aspect"]
    if not (across > 0 and down > 0):
        raise ValueError(f"the aspect of {data['name']!r} is no shape")
    return Platform(
        name=str(data["name"]),
        label=str(data["label"]),
        aspect=across / down,
        source=str(data["source"]),
        as_of=str(data.get("as_of", as_of)),
        **edges,
    )
