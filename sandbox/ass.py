"""Writes cues and a style as an ASS subtitle file for libass. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from sandbox.cues import Cue, Word, split_cards, timed_words
from sandbox.style import Style

#: Follows a literal backslash, so that libass reads no escape out of it and the next character.
WORD_JOINER = "\u2060"

_POP = r"{\fscx70\fscy70\t(0,90,\fscx112\fscy112)\t(90,160,\fscx100\fscy100)}"
_BREAKS = re.compile(r"\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_UNPRINTABLE = re.compile(r"[\x00-\x09\x0e-\x1b\x1f\x7f\ud800-\udfff]")
_ROW = {"bottom": 0, "middle": 3, "top": 6}
_COLUMN = {"left": 1, "center": 2, "right": 3}
_BOLD_FROM = 600

_HEAD = """[Script Info]
ScriptType: v4.00+
PlayResX: {width}
PlayResY: {height}
WrapStyle: 0
ScaledBorderAndShadow: yes
YCbCr Matrix: TV.709

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, \
Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, \
Alignment, MarginL, MarginR, MarginV, Encoding
{style}

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def escape_text(text: str) -> str:
    r"""Makes libass show the text as it is: no overrides, no escapes; line breaks become `\N`."""
    safe = text.replace("\\", "\\" + WORD_JOINER).replace("{", r"\{").replace("}", r"\}")
    return _UNPRINTABLE.sub(" ", _BREAKS.sub(r"\\N", safe))


def write_ass(cues: Iterable[tuple[Cue, Style]], *, width: int, height: int) -> str:
    """Writes a whole ASS document for a frame of that many pixels.

    Each different style becomes one ASS style. Presets are scaled by the frame's short side.
    """
    pairs = list(cues)
    names = {style: f"S{n}" for n, style in enumerate(dict.fromkeys(style for _, style in pairs))}
    rows = [style_row(style, name, width=width, height=height) for style, name in names.items()]
    head = _HEAD.format(width=width, height=height, style="\n".join(rows))
    events = [
        f"Dialogue: 0,{_stamp(card.start_ms)},{_stamp(card.end_ms)},{names[style]},,0,0,0,,"
        f"{_place(style, width, height)}{text}"
        for cue, style in pairs
        for card in split_cards(cue, style.words_per_line)
        if (text := card_text(card, style))
    ]
    return head + "".join(line + "\n" for line in events)


def style_row(style: Style, name: str, *, width: int, height: int) -> str:
    """Writes one `Style:` row; pixel sizes follow min(width, height) / 1080."""
    scale = min(width, height) / 1080
    boxed, karaoke = style.box, style.animation == "karaoke"
    edge = style.padding if boxed else style.shadow
    primary = style.highlight_color if karaoke else style.color
    back = _colour(style.box_color, style.box_opacity) if boxed else _colour("#000000", 0.5)
    values = (
        name,
        style.font,
        _num(style.size / 100 * min(width, height)),
        _colour(primary),
        _colour(style.color),
        _colour(style.outline_color),
        back,
        -1 if style.weight >= _BOLD_FROM else 0,
        "0,0,0,100,100",
        _num(style.spacing * scale),
        0,
        4 if boxed else 1,
        _num(style.outline_width * scale),
        _num(edge * scale),
        _ROW[style.position] + _COLUMN[style.alignment],
        *_margins(style, width, height),
        1,
    )
    return "Style: " + ",".join(str(value) for value in values)


def _margins(style: Style, width: int, height: int) -> tuple[int, int, int]:
    """Left, right and vertical margin in px; those of a safe area hold outline and box too."""
    if style.safe_area is None:
        return (
            round(style.margin_left / 100 * width),
            round(style.margin_right / 100 * width),
            round(style.margin_vertical / 100 * height),
        )
    top, bottom, left, right = style.safe_area
    up = top if style.position == "top" else bottom
    around = _around(style, width, height)
    edges = (left / 100 * width, right / 100 * width, up / 100 * height)
    across, back, along = (math.ceil(edge + around) for edge in edges)
    return across, back, along


def _around(style: Style, width: int, height: int) -> float:
    """How far outline, shadow and box reach beyond the letters, in px."""
    scale = min(width, height) / 1080
    return (style.outline_width + (style.padding if style.box else style.shadow)) * scale


def _place(style: Style, width: int, height: int) -> str:
    """Where the middle of a safe area is: margins alone would take the middle of the frame."""
    if style.safe_area is None or style.position != "middle":
        return ""
    top, bottom, _, _ = style.safe_area
    left_px, right_px, _ = _margins(style, width, height)
    across = {"left": left_px, "right": width - right_px}.get(
        style.alignment, (left_px + width - right_px) / 2
    )
    down = (top + 100 - bottom) / 200 * height
    return rf"{{\pos({_num(across)},{_num(down)})}}"


def card_text(card: Cue, style: Style) -> str:
    """Writes the text field of one card, with its animation."""
    if style.animation == "karaoke":
        return _karaoke(card, upper=style.case == "upper")
    if style.animation == "pop":
        return _pop(card, style)
    return escape_text(card.text.upper() if style.case == "upper" else card.text)


def _karaoke(card: Cue, *, upper: bool) -> str:
    words: tuple[Word, ...] = timed_words(card)
    parts, done_cs = [], 0
    for n, word in enumerate(words):
        start_cs = max(done_cs, round((word.start_ms - card.start_ms) / 10))
        end_cs = max(start_cs, round((word.end_ms - card.start_ms) / 10))
        if start_cs > done_cs:
            parts.append(f"{{\\k{start_cs - done_cs}}}")
        text = escape_text(word.text.upper() if upper else word.text)
        gap = "" if n == len(words) - 1 else r"\N" if word.ends_line else " "
        parts.append(f"{{\\k{end_cs - start_cs}}}{text}{gap}")
        done_cs = end_cs
    return "".join(parts)


def _pop(card: Cue, style: Style) -> str:
    """The card pops up; the word that is being spoken has the highlight's colour."""
    words = timed_words(card)
    plain, lit = (_colour(each)[4:] for each in (style.color, style.highlight_color))
    parts = [_POP] if words else []
    for n, word in enumerate(words):
        start_ms, end_ms = word.start_ms - card.start_ms, word.end_ms - card.start_ms
        text = escape_text(word.text.upper() if style.case == "upper" else word.text)
        gap = "" if n == len(words) - 1 else r"\N" if word.ends_line else " "
        parts.append(
            rf"{{\1c&H{plain}&\t({start_ms},{start_ms + 1},\1c&H{lit}&)"
            rf"\t({end_ms},{end_ms + 1},\1c&H{plain}&)}}{text}{gap}"
        )
    return "".join(parts)


def _colour(rgb: str, opacity: float = 1.0) -> str:
    red, green, blue = rgb[1:3], rgb[3:5], rgb[5:7]
    return f"&H{round((1 - opacity) * 255):02X}{blue}{green}{red}".upper()


def _num(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _stamp(ms: int) -> str:
    cs = round(ms / 10)
    return f"{cs // 360000}:{cs // 6000 % 60:02d}:{cs // 100 % 60:02d}.{cs % 100:02d}"
