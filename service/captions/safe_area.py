"""The part of a frame that captions keep to. Pure.

A platform's is what its own buttons and words leave of the frame; see `platforms.json`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from service.captions.platforms import Platform, load_platforms

EDGES = ("top", "bottom", "left", "right")
#: Free at an edge where neither a platform nor a number is given: EBU R95, graphics safe.
DEFAULT_EDGE = 5.0
#: Of the width and of the height, a fifth at least is left for captions.
MOST_FREE = 80.0


@dataclass(frozen=True, slots=True)
class SafeArea:
    """What captions leave free at each edge, in percent of the frame's height or width."""

    top: float = DEFAULT_EDGE
    bottom: float = DEFAULT_EDGE
    left: float = DEFAULT_EDGE
    right: float = DEFAULT_EDGE


def areas_of(platforms: Iterable[Platform]) -> Mapping[str, SafeArea]:
    """What each platform leaves of the frame, by its name."""
    return {each.name: SafeArea(each.top, each.bottom, each.left, each.right) for each in platforms}


#: Those of the packaged table.
PLATFORMS = areas_of(load_platforms())


def read_safe_area(
    values: Mapping[str, Any], areas: Mapping[str, SafeArea] = PLATFORMS
) -> tuple[SafeArea, list[tuple[str, str]]]:
    """Reads a platform's name, edges in percent, or both: a number goes before the platform's.

    Args:
        values: `platform`, a name of `areas`, and edges; None means not given.
        areas: What platforms leave of the frame.

    Returns:
        The area, and each fault as the key it belongs to (empty for the whole) and what to do.
    """
    given = {key: value for key, value in values.items() if value is not None}
    faults = []
    name = given.pop("platform", None)
    if name is not None and name not in areas:
        faults.append(("platform", f"Must be one of {', '.join(areas)}."))
    edges = {edge: getattr(areas.get(str(name), SafeArea()), edge) for edge in EDGES}
    for key, value in given.items():
        if key not in EDGES:
            faults.append((key, f"There is no such edge; known are platform, {', '.join(EDGES)}."))
        elif not 0 <= value <= MOST_FREE:
            faults.append((key, f"Must be between 0 and {MOST_FREE:g} percent of the frame."))
        else:
            edges[key] = value
    if not faults:
        faults = _crowding(edges)
    return (SafeArea(**edges) if not faults else SafeArea()), faults


def _crowding(edges: Mapping[str, float]) -> list[tuple[str, str]]:
    return [
        ("", f"`{one}` and `{other}` may be {MOST_FREE:g} percent together, so that room is left.")
        for one, other in (("top", "bottom"), ("left", "right"))
        if edges[one] + edges[other] > MOST_FREE
    ]
