"""The picture of each preset that is packaged: its name and size. Pure."""

from __future__ import annotations

#: The one preset that is made for vertical video.
_VERTICAL = frozenset({"shorts"})


def picture_name(preset: str) -> str:
    """The file's name below `/static/`."""
    return f"style-{preset}.webp"


def picture_size(preset: str) -> tuple[int, int]:
    """Width and height in pixels."""
    return (360, 640) if preset in _VERTICAL else (640, 360)
