"""Reads caption styling out of plain English, and a little Chinese. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

from sandbox.style import COLORS, PRESETS, SIZES

_NAMES = "|".join(sorted(COLORS, key=len, reverse=True))
_COLOR = rf"(#[0-9a-fA-F]{{6}}|#[0-9a-fA-F]{{3}}|\b(?:{_NAMES})\b)"
_HEX = r"(#[0-9a-fA-F]{6}|#[0-9a-fA-F]{3})"
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
    (r"右对齐", "alignment", "right"), (r"，居中(?!显示)", "alignment", "center"),
    (r"加粗|粗体", "weight", 700), (r"常规字重", "weight", 400),
    (r"全部大写", "case", "upper"), (r"无底框", "box", False), (r"无描边", "outline_width", 0.0),
    (r"随语音逐词变", "animation", "karaoke"), (r"随语音弹出", "animation", "pop"),
    (r"大字|字体大(?!一?[点些])", "size", SIZES["large"]),
    (r"小字|字体小(?!一?[点些])", "size", SIZES["small"]),
    (r"(?:^|[>幕字体再更，,\s])(?:大一?[点些]|放大)", "growth", LARGER),
    (r"(?:^|[>幕字体再更，,\s])(?:小一?[点些]|缩小)", "growth", SMALLER),
    (r"卡拉\s?OK", "preset", "karaoke"), (r"(?<!无)描边(?![，和])", "preset", "outline"),
)  # fmt: skip
_COLOR_PATTERNS: tuple[tuple[str, str], ...] = (
    ("outline_color", rf"{_COLOR}\s+(?:outlines?|borders?|strokes?|edges?)\b"),
    ("outline_color", rf"{_HEX}描边"),
    (
        "outline_color",
        rf"(?:outlines?|borders?|strokes?)\s+(?:colou?r\s*)?(?:is|in|:|=)?\s*{_COLOR}",
    ),
    ("box_color", rf"{_COLOR}\s+(?:translucent\s+|solid\s+)?(?:box|background|bar)\b"),
    ("box_color", rf"(?:box|background)\s+(?:colou?r\s*)?(?:is|in|of|:|=)?\s*{_COLOR}"),
    ("box_color", rf"{_HEX}底框"),
    ("highlight_color", rf"{_COLOR}\s+highlights?\b"),
    ("highlight_color", rf"\bwords?\s+turns?\s+(?:to\s+)?{_COLOR}"),
    ("highlight_color", rf"\bspoken\s+(?:one|word)\s+(?:is\s+)?(?:in\s+)?{_COLOR}"),
    ("highlight_color", rf"(?:逐词变为|当前词为){_HEX}"),
    (
        "highlight_color",
        rf"highlight(?:ed|s|ing)?\s+(?:\w+\s+){{0,4}}?(?:in|with|colou?r|:|=)?\s*{_COLOR}",
    ),
    ("color", rf"文字颜色{_HEX}"),
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
    (r"\b(?:without|no) (?:an? )?(?:outline|border|stroke)s?\b", "outline_width", 0.0),
    (r"\bthick (?:\w+ )?(?:outline|border|stroke)s?\b", "outline_width", 8.0),
    (r"\bthin (?:\w+ )?(?:outline|border|stroke)s?\b", "outline_width", 2.0),
    (r"\bone word at a time\b", "words_per_line", 1),
    (r"\b(?:each|every) word (?:turns|lights up)\b", "animation", "karaoke"),
    (r"\bwords? (?:that )?pops?(?: up)?\b", "animation", "pop"),
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

_FAMILY = r"([A-Z0-9][A-Za-z0-9_-]*(?: [A-Za-z0-9_-]+)*)"
_FONTS = (
    re.compile(rf"\bfont(?: is|:)? {_FAMILY}"),
    re.compile(r"\b(?:in (?:the font )?)?(Inter|Anton|DejaVu Sans)(?: font| letters)?\b"),
    re.compile(rf"字体{_FAMILY}"),
)
_NUMBER = r"(\d{1,3}(?:\.\d+)?)"
_MEASURES: tuple[tuple[str, str], ...] = (
    ("weight", r"\b(?:bold|weight)\s*(?:of\s*)?\(?([1-9]\d\d)\b"),
    ("weight", r"(?:粗体|字重)（([1-9]\d\d)）"),
    ("outline_width", rf"\b(?:outline|border|stroke)s?\s+{_NUMBER}\s*px"),
    ("outline_width", rf"{_NUMBER}\s*px\s+(?:wide\s+|thick\s+)?(?:outline|border|stroke)"),
    ("outline_width", rf"描边，1080线时宽{_NUMBER}像素"),
    ("size", rf"短边的{_NUMBER}%"),
    ("words_per_line", r"每行最多(\d{1,2})个词"),
)
_OPACITY = re.compile(
    rf"{_NUMBER}\s*%\s*(?:opacity|opaque)|opacity\s*(?:of|:)?\s*{_NUMBER}\s*%|不透明度{_NUMBER}%"
)
_AREA = re.compile(r"\bsafe area\b|安全区", re.IGNORECASE)
_EDGES = {
    "top": "top|上边距",
    "bottom": "bottom|下边距",
    "left": "left|左边距",
    "right": "right|右边距",
}

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
    found.update(_measures(prose))
    return found


def _measures(prose: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, pattern in _MEASURES:
        if match := re.search(pattern, prose, re.IGNORECASE):
            number = float(match.group(1))
            found[key] = int(number) if key in {"weight", "words_per_line"} else number
    named = (family.search(prose) for family in _FONTS)
    if font := next(filter(None, named), None):
        found["font"] = font.group(1)
    if match := _OPACITY.search(prose):
        found["box_opacity"] = float(next(filter(None, match.groups()))) / 100
    if _AREA.search(prose):
        edges = {edge: _edge(prose, words) for edge, words in _EDGES.items()}
        if any(share is not None for share in edges.values()):
            found["safe_area"] = {edge: share or 0.0 for edge, share in edges.items()}
    return found


def _edge(prose: str, words: str) -> float | None:
    """What is said to be left free at an edge, such as `top 7.8%`."""
    match = re.search(rf"(?:{words})\s*:?\s*{_NUMBER}\s*%", prose, re.IGNORECASE)
    return float(match.group(1)) if match else None


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
