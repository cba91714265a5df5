"""What may be set of a style: one description for the check, the API and whoever draws a form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

COLORS: Mapping[str, str] = MappingProxyType({
    "white": "#FFFFFF", "black": "#000000", "yellow": "#FFFF00", "gold": "#FFD700",
    "red": "#FF0000", "green": "#00C853", "blue": "#2962FF", "cyan": "#00E5FF",
    "orange": "#FF9100", "pink": "#FF4081", "purple": "#AA00FF", "gray": "#9E9E9E",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a style.

    `type` is string, color, number, integer, boolean or object; `low` and `high` are the bounds of
    a number, `choices` all values of a string that has no others; `unit` is empty where there is
    none.
    """

    name: str
    type: str
    text: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


PARAMETERS: tuple[Parameter, ...] = (
    Parameter("font", "string", "Family name of the letters. Inter and Anton are known: of them "
              "it is told which characters they lack. Another one is up to the backend."),
    Parameter("size", "number", "Height of a line from its highest to its lowest letter.",
              "percent of the frame's short side", 2, 20),
    Parameter("weight", "integer", "400 is regular, 700 bold. Where a font has these two only, "
              "600 and more is bold.", "", 100, 900),
    Parameter("color", "color", "Of the letters."),
    Parameter("outline_color", "color", "Of the line around the letters; makes one where there is "
              "none, 4.5 px wide."),
    Parameter("outline_width", "number", "Width of that line; 0: none.", "px at 1080 lines", 0, 20),
    Parameter("box", "boolean", "Whether a box is behind the letters."),
    Parameter("box_color", "color", "Of the box; makes one."),
    Parameter("box_opacity", "number", "0 is invisible, 1 hides the picture; makes a box.",
              "share", 0, 1),
    Parameter("position", "string", "Where captions stand in the frame, or in the safe area.",
              choices=("top", "middle", "bottom")),
    Parameter("alignment", "string", "To which side lines are set.",
              choices=("left", "center", "right")),
    Parameter("case", "string", "`upper` shows all in capitals.", choices=("none", "upper")),
    Parameter("words_per_line", "integer", "At most so many words at once, one group after "
              "another; 0 keeps the lines as they are.", "words", 0, 20),
    Parameter("highlight_color", "color", "Of words that are being or have been spoken; makes the "
              "animation `karaoke` where there is none."),
    Parameter("animation", "string", "`karaoke`: each word takes the highlight's colour when it "
              "is spoken, and keeps it. `pop`: words pop up, and the spoken one has that colour.",
              choices=("none", "karaoke", "pop")),
    Parameter("safe_area", "object", "The part of the frame that captions keep to, with outline "
              "and box: `platform`, a name of `safe_areas`, or `top`, `bottom`, `left` and "
              "`right`, or both. Edges not given leave 5 free, or what the platform covers. "
              "Without it captions keep to the preset's own margins.",
              "percent of the frame's height or width", 0, 80),
)  # fmt: skip
BY_NAME: Mapping[str, Parameter] = MappingProxyType({each.name: each for each in PARAMETERS})
