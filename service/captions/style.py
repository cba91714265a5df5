"""Caption styles: eight presets, and what a caller may change of them. Pure.

Sizes and widths come from `captions.md` 2: measured at 1080 lines, scaled with the short side.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

from service.captions.parameters import BY_NAME, COLORS
from service.captions.safe_area import PLATFORMS, SafeArea, read_safe_area
from service.errors import FieldError, InvalidRequest

DEFAULT_PRESET = "outline"

_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}){1,2}", re.ASCII)
_FONT = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Style:
    """One look of captions; None where a part does not apply.

    `size` is percent of the frame's short side, which is its height in a landscape clip;
    `outline_width` is pixels at 1080 lines; `box_opacity` is 0 to 1; `words_per_line` 0 keeps the
    lines as they are. Without a `safe_area` captions keep to the preset's own margins.
    """

    preset: str = DEFAULT_PRESET
    font: str = "Inter"
    size: float = 6.67
    weight: int = 700
    color: str = "#FFFFFF"
    outline_color: str | None = None
    outline_width: float = 0.0
    box: bool = False
    box_color: str | None = None
    box_opacity: float | None = None
    position: str = "bottom"
    alignment: str = "center"
    case: str = "none"
    words_per_line: int | None = None
    highlight_color: str | None = None
    animation: str = "none"
    safe_area: SafeArea | None = None


@dataclass(frozen=True, slots=True)
class Preset:
    """A named look: what `GET /v1/styles` lists."""

    name: str
    label: str
    description: str
    description_zh: str
    style: Style


def _preset(name: str, label: str, description: str, description_zh: str, **look: Any) -> Preset:
    return Preset(name, label, description, description_zh, Style(preset=name, **look))


PRESETS: Mapping[str, Preset] = MappingProxyType({
    each.name: each
    for each in (
        _preset(
            "outline", "Outline",
            "Bold white letters with a black outline, the look that reads on most footage.",
            "白色粗体字加黑色描边，在大多数画面上都清晰易读。",
            outline_color="#000000", outline_width=4.5,
        ),
        _preset(
            "boxed", "Boxed",
            "Bold white letters on a translucent black box, the safest contrast on busy footage.",
            "白色粗体字配半透明黑色底框，在杂乱的画面上对比最稳妥。",
            size=5.93, box=True, box_color="#000000", box_opacity=0.81,
        ),
        _preset(
            "plain", "Plain",
            "White letters of normal weight with neither outline nor box, for calm dark footage.",
            "常规字重的白字，无描边无底框，适合安静的深色画面。",
            size=5.93, weight=400,
        ),
        _preset(
            "karaoke", "Karaoke",
            "White words with a black outline that turn gold one after another as they are spoken.",
            "白字黑描边，随语音逐词变为金色。",
            size=7.04, outline_color="#000000", outline_width=5.0,
            highlight_color="#FFD700", animation="karaoke",
        ),
        _preset(
            "pop", "Pop",
            "Two big words at a time in the middle of the frame that pop up as they are spoken.",
            "画面中央每次弹出两个大字词，随语音跳动。",
            font="Anton", size=9.63, weight=400, outline_color="#000000", outline_width=7.0,
            position="middle", words_per_line=2, highlight_color="#FFD700", animation="pop",
        ),
        _preset(
            "lowerthird", "Lower third",
            "Small white letters in a dark blue box at the lower left, as in news and interviews.",
            "左下方深蓝底框内的白色小字，如新闻和访谈。",
            size=4.81, box=True, box_color="#102040", box_opacity=0.87, alignment="left",
        ),
        _preset(
            "shorts", "Shorts",
            "Large yellow letters with a black outline, three words a line, for vertical video.",
            "黄色大字加黑色描边，每行三个词，适合竖屏视频。",
            size=8.15, color="#FFF000", outline_color="#000000", outline_width=6.0,
            words_per_line=3,
        ),
        _preset(
            "broadcast", "Broadcast",
            "Yellow letters of normal weight on a solid black box, as television captions them.",
            "常规字重的黄字配不透明黑色底框，如电视字幕。",
            size=6.11, weight=400, color="#FFFF00", box=True, box_color="#000000",
            box_opacity=1.0,
        ),
    )
})  # fmt: skip


def build_style(
    values: Mapping[str, Any],
    *,
    pointer: str = "#/style",
    areas: Mapping[str, SafeArea] = PLATFORMS,
) -> Style:
    """Builds a style from a preset's name and overrides, whose types a schema has checked.

    A part implies what it belongs to: a box colour the box, a highlight colour the karaoke.

    Args:
        values: `preset` (default `outline`) and any other field of `Style`; None means not given.
        pointer: Where the values stand in the request.
        areas: The safe areas that have names.

    Raises:
        InvalidRequest: all faults at once, each with its pointer.
    """
    given = {key: value for key, value in values.items() if value is not None}
    name = given.pop("preset", DEFAULT_PRESET)
    faults: list[FieldError] = []
    preset = PRESETS.get(name)
    if preset is None:
        detail = f"There is no preset {name[:40]!r}; the presets are {', '.join(PRESETS)}."
        faults.append(FieldError(f"{pointer}/preset", detail))
    checked: dict[str, Any] = {}
    for key, value in given.items():
        try:
            checked[key] = _check_value(key, value, areas)
        except _Unfit as unfit:
            place = f"{pointer}/{_escape(key)}"
            faults.extend(
                FieldError(f"{place}/{_escape(part)}" if part else place, text)
                for part, text in unfit.faults
            )
    if preset and not faults:
        faults.extend(
            FieldError(f"{pointer}/{key}", text) for key, text in _contradictions(checked)
        )
    if preset is None or faults:
        raise InvalidRequest("The caption style is not valid.", faults)
    return _settle(replace(preset.style, **checked), checked)


class _Unfit(Exception):
    """What is wrong with a value: the part of it, empty for the whole, and what to do."""

    def __init__(self, *faults: tuple[str, str]) -> None:
        super().__init__(faults)
        self.faults = faults


def name_no_area(values: Mapping[str, Any], areas: Mapping[str, SafeArea]) -> dict[str, Any]:
    """The values of a valid style with its safe area in numbers.

    A job keeps these: what a platform covers today holds for all of its cuts.
    """
    if values.get("safe_area") is None:
        return dict(values)
    area, _ = read_safe_area(values["safe_area"], areas)
    return {**values, "safe_area": asdict(area)}


def _check_value(key: str, value: Any, areas: Mapping[str, SafeArea]) -> Any:
    parameter = BY_NAME.get(key)
    if parameter is None:
        raise _Unfit(("", "There is no such parameter of a style."))
    if key == "safe_area":
        area, faults = read_safe_area(value, areas)
        if faults:
            raise _Unfit(*faults)
        return area
    if parameter.choices and value not in parameter.choices:
        raise _Unfit(("", f"Must be one of {', '.join(parameter.choices)}."))
    low, high = parameter.low, parameter.high
    if low is not None and high is not None and not low <= value <= high:
        raise _Unfit(("", f"Must be between {low:g} and {high:g}."))
    if parameter.type == "color":
        return _check_color(value)
    if key == "font" and not _FONT.fullmatch(value):
        raise _Unfit(("", "Must be a font's family name of letters, digits, spaces, '-' and '_'."))
    return value


def _check_color(text: str) -> str:
    named = COLORS.get(text.strip().lower())
    if named:
        return named
    if not _HEX.fullmatch(text):
        raise _Unfit(("", f"Must be a colour such as #FFD700, or one of {', '.join(COLORS)}."))
    digits = text[1:] if len(text) > len("#RGB") else "".join(digit * 2 for digit in text[1:])
    return f"#{digits.upper()}"


def _contradictions(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = []
    if given.get("box") is False:
        found += [
            (key, "Has no effect while `box` is false.")
            for key in ("box_color", "box_opacity")
            if key in given
        ]
    if given.get("outline_width") == 0 and "outline_color" in given:
        found.append(("outline_color", "Has no effect while `outline_width` is 0."))
    if given.get("animation") == "none" and "highlight_color" in given:
        found.append(("highlight_color", "Has no effect while `animation` is none."))
    return found


def _settle(style: Style, given: Mapping[str, Any]) -> Style:
    """Make the parts agree: a box has a colour, and what is off has none."""
    boxed = style.box or ("box" not in given and bool({"box_color", "box_opacity"} & given.keys()))
    width = style.outline_width
    if "outline_color" in given and not width:
        width = 4.5
    lit = style.highlight_color
    animation = style.animation
    if "highlight_color" in given and animation == "none":
        animation = "karaoke"
    opacity = style.box_opacity if style.box_opacity is not None else 0.81
    return replace(
        style,
        box=boxed,
        box_color=(style.box_color or "#000000") if boxed else None,
        box_opacity=opacity if boxed else None,
        outline_width=width,
        outline_color=(style.outline_color or "#000000") if width else None,
        animation=animation,
        highlight_color=None if animation == "none" else lit or "#FFD700",
    )


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")[:80]
