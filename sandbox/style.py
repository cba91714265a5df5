"""Caption styles: the eight presets and the overrides a message may ask for. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

COLORS: dict[str, str] = {
    "white": "#FFFFFF", "black": "#000000", "yellow": "#FFFF00", "gold": "#FFD700",
    "red": "#FF0000", "green": "#00C853", "blue": "#2962FF", "cyan": "#00E5FF",
    "orange": "#FF9100", "pink": "#FF4081", "purple": "#AA00FF", "magenta": "#FF00FF",
    "lime": "#AEEA00", "teal": "#00897B", "navy": "#102040", "gray": "#9E9E9E",
    "grey": "#9E9E9E", "silver": "#C0C0C0", "brown": "#6D4C41",
}  # fmt: skip

#: Small, medium and large as percent of the frame's short side.
SIZES: dict[str, float] = {"small": 4.6, "medium": 6.2, "large": 8.4}


@dataclass(frozen=True, slots=True)
class Style:
    """A whole caption style.

    `size` is percent of the frame's short side (of its height, in a landscape clip);
    `outline_width` and `padding` are px at 1080 lines; margins are percent of width and height.
    """

    preset: str = "outline"
    font: str = "Inter"
    size: float = 6.667
    weight: int = 700
    color: str = "#FFFFFF"
    outline_color: str = "#000000"
    outline_width: float = 4.5
    shadow: float = 1.5
    box: bool = False
    box_color: str = "#000000"
    box_opacity: float = 0.8
    padding: float = 14.0
    position: str = "bottom"
    alignment: str = "center"
    case: str = "none"
    words_per_line: int = 0
    highlight_color: str = "#FFD700"
    animation: str = "none"
    spacing: float = 0.0
    margin_left: float = 10.0
    margin_right: float = 10.0
    margin_vertical: float = 8.0
    #: Top, bottom, left and right, percent left free; goes before the margins.
    safe_area: tuple[float, float, float, float] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Returns every field as plain JSON values."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


_BASE = Style()
PRESETS: dict[str, Style] = {
    "outline": _BASE,
    "boxed": replace(
        _BASE, preset="boxed", size=5.926, outline_width=0.0, shadow=0.0, box=True,
        box_opacity=0.81, margin_vertical=9.0,
    ),
    "plain": replace(
        _BASE, preset="plain", size=5.926, weight=400, outline_width=0.0, shadow=0.0
    ),
    "karaoke": replace(
        _BASE, preset="karaoke", size=7.037, outline_width=5.0, shadow=0.0, animation="karaoke",
        margin_vertical=11.0,
    ),
    "pop": replace(
        _BASE, preset="pop", font="Anton", size=9.63, weight=400, outline_width=7.0, shadow=0.0,
        position="middle", words_per_line=2, animation="pop", spacing=1.0,
        margin_left=8.3, margin_right=8.3, margin_vertical=0.0,
    ),
    "lowerthird": replace(
        _BASE, preset="lowerthird", size=4.815, outline_width=0.0, shadow=0.0, box=True,
        box_color="#102040", box_opacity=0.875, padding=18.0, alignment="left",
        margin_left=5.0, margin_right=33.0, margin_vertical=9.0,
    ),
    "shorts": replace(
        _BASE, preset="shorts", size=8.148, color="#FFF000", outline_width=6.0, shadow=0.0,
        words_per_line=3, margin_left=11.1, margin_right=13.9, margin_vertical=25.0,
    ),
    "broadcast": replace(
        _BASE, preset="broadcast", size=6.111, weight=400, color="#FFFF00", outline_width=0.0,
        shadow=0.0, box=True, box_opacity=1.0, padding=10.0, margin_vertical=9.0,
    ),
}  # fmt: skip

_CHOICES: dict[str, frozenset[str]] = {
    "position": frozenset({"top", "middle", "bottom"}),
    "alignment": frozenset({"left", "center", "right"}),
    "case": frozenset({"none", "upper"}),
    "animation": frozenset({"none", "karaoke", "pop"}),
}
_RANGES: dict[str, tuple[float, float]] = {
    "size": (1.0, 30.0), "weight": (100, 900), "outline_width": (0.0, 40.0),
    "shadow": (0.0, 40.0), "box_opacity": (0.0, 1.0), "padding": (0.0, 80.0),
    "words_per_line": (0, 20), "spacing": (-5.0, 20.0), "margin_left": (0.0, 45.0),
    "margin_right": (0.0, 45.0), "margin_vertical": (0.0, 90.0),
}  # fmt: skip
_FONT = re.compile(r"^[A-Za-z0-9][A-Za-z0-9 _-]{0,63}$")
_EDGES = ("top", "bottom", "left", "right")
#: Percent of a frame that its safe area may leave free along one direction.
_MOST_FREE = 90.0


def color_of(value: object) -> str | None:
    """Reads `#RGB`, `#RRGGBB` or a common colour name; None for anything else."""
    text = str(value).strip().lower()
    if text in COLORS:
        return COLORS[text]
    if re.fullmatch(r"#[0-9a-f]{3}", text):
        text = "#" + "".join(c * 2 for c in text[1:])
    return text.upper() if re.fullmatch(r"#[0-9a-f]{6}", text) else None


def resolve(overrides: Mapping[str, Any], *, base: Style | None = None) -> Style:
    """Applies overrides to their preset (or to `base` when they name none).

    `growth` is a factor on the size that is there, for who names no size. Values that make no sense
    are left out, numbers are clamped: an agent does its best.
    """
    name = str(overrides.get("preset", "")).lower()
    style = PRESETS.get(name) or base or PRESETS["outline"]
    good = {key: value for key, value in _checked(overrides).items() if value is not None}
    growth = _number(overrides.get("growth"))
    if growth is not None:
        good.setdefault("size", _value("size", style.size * growth))
    moved = good.get("position", style.position) != style.position
    return _settle(replace(style, **good), good, moved=moved)


def _checked(overrides: Mapping[str, Any]) -> dict[str, Any]:
    known = {field.name for field in fields(Style)} - {"preset"}
    checked = {key: _value(key, value) for key, value in overrides.items() if key in known}
    margins = overrides.get("margins")
    if isinstance(margins, Mapping):
        pairs = {"left": "margin_left", "right": "margin_right", "vertical": "margin_vertical"}
        for key, field in pairs.items():
            if key in margins:
                # px at 1080 lines of a 1920 x 1080 frame become percent of the frame
                px = _number(margins[key])
                whole = 10.8 if key == "vertical" else 19.2
                checked[field] = _value(field, px / whole) if px is not None else None
    return checked


def _value(key: str, value: object) -> Any:
    if key in _CHOICES:
        word = {"centre": "center", "upper-case": "upper", "uppercase": "upper"}.get(
            str(value).lower(), str(value).lower()
        )
        return word if word in _CHOICES[key] else None
    if key.endswith("color"):
        return color_of(value)
    if key == "safe_area":
        return _area(value)
    if key == "box":
        return value if isinstance(value, bool) else None
    if key == "font":
        return str(value) if _FONT.match(str(value)) else None
    number = _number(value)
    if number is None:
        return None
    low, high = _RANGES[key]
    clamped = min(high, max(low, number))
    return int(clamped) if key in {"weight", "words_per_line"} else clamped


def _area(value: object) -> tuple[float, float, float, float] | None:
    if isinstance(value, Mapping):
        value = [value.get(edge, 0.0) for edge in _EDGES]
    if not isinstance(value, list | tuple) or len(value) != len(_EDGES):
        return None
    top, bottom, left, right = (_number(each) for each in value)
    if top is None or bottom is None or left is None or right is None:
        return None
    if min(top, bottom, left, right) < 0 or max(top + bottom, left + right) > _MOST_FREE:
        return None
    return (top, bottom, left, right)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if abs(number) < 1e6 else None


def _settle(style: Style, given: Mapping[str, Any], *, moved: bool) -> Style:
    changes: dict[str, Any] = {}
    if "box_color" in given and "box" not in given:
        changes["box"] = True
    if (
        changes.get("box", given.get("box"))
        and not {"outline_width", "outline_color"} & given.keys()
    ):
        changes["outline_width"] = 0.0  # who asks for a box has no use for an outline beside it
    if "highlight_color" in given and "animation" not in given and style.animation == "none":
        changes["animation"] = "karaoke"
    if given.get("box") is False and "outline_width" not in given and style.outline_width == 0:
        changes["outline_width"] = 4.5
    if "outline_color" in given and "outline_width" not in given and style.outline_width == 0:
        changes["outline_width"] = 4.5
    if moved and "margin_vertical" not in given:
        changes["margin_vertical"] = 0.0 if style.position == "middle" else 8.0
    same = style.color == style.highlight_color and "highlight_color" not in given
    if changes.get("animation", style.animation) == "karaoke" and same:
        # words that light up in their own colour would show nothing
        changes["highlight_color"] = "#FFFFFF"
    return replace(style, **changes)
