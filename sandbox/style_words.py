"""Reads caption styling out of plain English, and a little Chinese. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

from sandbox.style import COLORS, PRESETS, SIZES

_NAMES = "|".join(sorted(COLORS, key=len, reverse=True))
_COLOR = rf"(#[0-9a-fA-F]{{6}}|#[0-9a-fA-F]{{3}}|\b(?:{_NAMES})\b)"
_TEXT = r"(?:text|captions?|subtitles?|letters?|letterings?|words|font|titles?)"
#: What "larger" and "smaller" make of the size that is there.
LARGER, SMALLER = 1.25, 0.8
_PARAMETERS = re.compile(r"style parameters\s*:\s*(?=\{)", re.IGNORECASE)

_ZH_COLORS = {
    "黄色": "yellow", "白色": "white", "黑色": "black", "红色": "red", "绿色": "green",
    "蓝色": "blue", "橙色": "orange", "粉色": "pink", "紫色": "purple", "金色": "gold",
}  # fmt: skip
_ZH_WORDS: tuple[tuple[str, str, Any], ...] = (
    (r"顶部|上方", "position", "top"), (r"底部|下方", "position", "bottom"),
    (r"中间|居中显示", "position", "middle"), (r"左对齐", "alignment", "left"),
    (r"右对齐", "alignment", "right"), (r"加粗|粗体", "weight", 700),
    (r"大字|字体大(?!一?[点些])", "size", SIZES["large"]),
    (r"小字|字体小(?!一?[点些])", "size", SIZES["small"]),
    (r"(?:^|[>幕字体再更，,\s])(?:大一?[点些]|放大)", "growth", LARGER),
    (r"(?:^|[>幕字体再更，,\s])(?:小一?[点些]|缩小)", "growth", SMALLER),
    (r"卡拉\s?OK", "preset", "karaoke"), (r"描边", "preset", "outline"),
)  # fmt: skip
_COLOR_PATTERNS: tuple[tuple[str, str], ...] = (
    ("outline_color", rf"{_COLOR}\s+(?:outlines?|borders?|strokes?|edges?)\b"),
    (
        "outline_color",
        rf"(?:outlines?|borders?|strokes?)\s+(?:colou?r\s*)?(?:is|in|:|=)?\s*{_COLOR}",
    ),
    ("box_color", rf"{_COLOR}\s+(?:translucent\s+|solid\s+)?(?:box|background|bar)\b"),
    ("box_color", rf"(?:box|background)\s+(?:colou?r\s*)?(?:is|in|of|:|=)?\s*{_COLOR}"),
    ("highlight_color", rf"{_COLOR}\s+highlights?\b"),
    (
        "highlight_color",
        rf"highlight(?:ed|s|ing)?\s+(?:\w+\s+){{0,4}}?(?:in|with|colou?r|:|=)?\s*{_COLOR}",
    ),
    ("color", rf"{_COLOR}\s+(?:\w+\s+)?{_TEXT}\b"),
    ("color", rf"\b{_TEXT}\s+(?:colou?r\s*)?(?:is|are|in|to|:|=)?\s*{_COLOR}"),
    ("color", rf"\bcolou?r\s*(?:is|to|of|:|=)?\s*{_COLOR}"),
)
_FIXED: tuple[tuple[str, str, Any], ...] = (
    (r"\balign(?:ed)?\s+(?:to\s+the\s+)?left\b|\bleft[- ]aligned\b", "alignment", "left"),
    (r"\balign(?:ed)?\s+(?:to\s+the\s+)?right\b|\bright[- ]aligned\b", "alignment", "right"),
    (
        r"\balign(?:ed)?\s+(?:to\s+the\s+)?cent(?:er|re)\b|\bcent(?:er|re)[- ]aligned\b",
        "alignment",
        "center",
    ),
    (r"\b(?:not bold|regular weight|normal weight)\b", "weight", 400),
    (r"(?<!not )\bbold\b", "weight", 700),
    (r"\b(?:uppercase|upper case|all caps|in capitals|capital letters)\b", "case", "upper"),
    (r"\b(?:normal case|sentence case|as written)\b", "case", "none"),
    (r"\b(?:without|no) (?:a )?(?:box|background)\b", "box", False),
    (r"\bone word at a time\b", "words_per_line", 1),
)
_POSITION = re.compile(
    r"\b(?:at|on|to|near|in|towards?|position(?:ed)?)\s*:?\s*(?:at\s+)?(?:the\s+)?"
    r"(top|middle|cent(?:er|re)|bottom)\b",
    re.IGNORECASE,
)
_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_WORDS_PER = re.compile(
    r"\b(\d{1,2}|one|two|three|four|five|six)\s+words?"
    r"\s+(?:per|a|at a|each)\s*(?:line|card|time|caption)\b",
    re.IGNORECASE,
)

#: A wish that names nothing is about the captions: "make it yellow", "bigger please".
_BARE = re.compile(
    r"(?:(?:please|ok|now|just|can you|could you)\s+)*(?:(?:make|turn|set|change|try|use)\s+)?"
    r"(?:(?:it|them|this|that|everything)\s+)?"
    r"(?:(?:to|in|be|an?|bit|little|much|slightly|even|still|bold)\s+)*"
    rf"(?:{_COLOR}|(?P<size>bigger|larger|smaller|big|large|medium|small))"
    r"(?:\s+(?:please|instead|again|now|then|at the (?:top|middle|bottom)))*",
    re.IGNORECASE,
)
_CLAUSES = re.compile(r"[,.;!?]|\band\b|\bbut\b", re.IGNORECASE)


def read_parameters(message: str) -> dict[str, Any]:
    """Reads the JSON object after `Style parameters:`; empty where there is none."""
    for match in _PARAMETERS.finditer(message):
        try:
            value, _ = json.JSONDecoder().raw_decode(message, match.end())
        except ValueError:
            continue
        if isinstance(value, dict):
            return {str(key): item for key, item in value.items() if item is not None}
    return {}


def read_words(prose: str) -> dict[str, Any]:
    """Reads styling out of prose; captions must have been cut out of it before."""
    found: dict[str, Any] = {}
    for pattern, key, value in (*_ZH_WORDS, *_FIXED):
        if re.search(pattern, prose, re.IGNORECASE):
            found.setdefault(key, value)
    preset = _preset(prose)
    if preset:
        found["preset"] = preset
    found.update(_colors(prose))
    position = _POSITION.search(prose)
    if position:
        word = position.group(1).lower()
        found["position"] = "middle" if word.startswith("cent") else word
    found.update(_size(prose))
    found = {**_bare(prose), **found}
    per_line = _WORDS_PER.search(prose)
    if per_line:
        word = per_line.group(1).lower()
        found["words_per_line"] = _NUMBERS.get(word) or int(word)
    opacity = re.search(
        r"(\d{1,3})\s*%\s*(?:opacity|opaque)|opacity\s*(?:of|:)?\s*(\d{1,3})\s*%", prose
    )
    if opacity:
        found["box_opacity"] = int(opacity.group(1) or opacity.group(2)) / 100
    return found


def _bare(prose: str) -> dict[str, Any]:
    """What was wished without a noun: in a message of one line, or in lines quoted in a longer."""
    lines = prose.strip().splitlines()
    wishes = lines if len(lines) == 1 else [line for line in lines if line.startswith(">")]
    found: dict[str, Any] = {}
    for wish in wishes:
        for clause in _CLAUSES.split(wish.lstrip("> ")):
            if match := _BARE.fullmatch(clause.strip()):
                size = match["size"]
                found |= _named_size(size) if size else {"color": match.group(1)}
    return found


def _named_size(word: str) -> dict[str, Any]:
    name = word.lower()
    if name in {"bigger", "larger", "smaller"}:
        return {"growth": SMALLER if name == "smaller" else LARGER}
    return {"size": SIZES["large" if name == "big" else name]}


def _preset(prose: str) -> str | None:
    names = "|".join(PRESETS)
    for pattern in (
        rf"\b({names})\b[\s\"']*(?:style|preset|captions?|look)",
        rf"(?:style|preset|look)\s*(?:is|:|=|of|called|named)?[\s\"']*({names})\b",
        rf"[\"']({names})[\"']",
        r"\b(karaoke|boxed|lowerthird|broadcast)\b",
    ):
        match = re.search(pattern, prose, re.IGNORECASE)
        if match:
            return match.group(1).lower()
    return "lowerthird" if re.search(r"\blower[- ]third\b", prose, re.IGNORECASE) else None


def _colors(prose: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for word, name in _ZH_COLORS.items():
        if word in prose:
            found["color"] = COLORS[name]
            break
    rest = prose
    for key, pattern in _COLOR_PATTERNS:
        match = re.search(pattern, rest, re.IGNORECASE)
        if match and key not in found:
            found[key] = match.group(1)
            # a colour belongs to one thing: "black outline" must not colour the text too
            rest = rest[: match.start(1)] + " " * len(match.group(1)) + rest[match.end(1) :]
    return found


def _size(prose: str) -> dict[str, Any]:
    percent = re.search(
        r"(\d{1,2}(?:\.\d+)?)\s*%\s*of\s*(?:the\s+)?(?:frame|video|screen|picture)",
        prose,
        re.IGNORECASE,
    )
    if percent:
        return {"size": float(percent.group(1))}
    px = re.search(r"(\d{2,3})\s*px\b(?!\s*(?:outline|border|stroke))", prose, re.IGNORECASE)
    if px:
        return {"size": int(px.group(1)) / 10.8}
    word = re.search(
        rf"\b(smaller|larger|bigger|small|medium|large|big)(?:[- ]sized?)?\s+(?:\w+\s+)?{_TEXT}\b"
        r"|\bsize\s*(?:is|:|=)?\s*(small|medium|large|big)\b",
        prose,
        re.IGNORECASE,
    )
    return _named_size(word.group(1) or word.group(2)) if word else {}
