"""Where platforms put their own buttons and words. Pure, but for reading the table once.

The table is `platforms.json`: dated, because platforms publish templates and no stable numbers, and
replaced by another file of the same form where an operator knows better.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from service.errors import StartupError

TABLE = Path(__file__).with_name("platforms.json")
_EDGES = ("top", "bottom", "left", "right")


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


@cache
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
            hint="Its form is that of service/captions/platforms.json.",
        ) from None


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
