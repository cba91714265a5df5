"""Advice that stops nothing: SEED's two tips, short captions and specific wishes. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from service.captions.model import Captions, Cue, format_time

LINE_COLUMNS = 42  # Netflix's English template; a full-width character takes two
CUE_WORDS = 7
_MIN_WORDS = 3

_VAGUE = re.compile(
    r"\b(?:better|nicer?|cool(?:er)?|good|great|awesome|amazing|pretty|beautiful|improve|enhance"
    r"|fix|polish|professional|viral|pop more|something)\b|好看|更好|漂亮|高级|优化",
    re.IGNORECASE,
)
_CONCRETE = re.compile(
    r"#[0-9a-f]{3,6}\b|\d|\b(?:white|black|yellow|gold|red|green|blue|cyan|orange|pink|purple|gr[ae]y"
    r"|top|middle|bottom|left|right|cent(?:er|re)|bold|box|outline|karaoke|caps|capital|upper"
    r"|word|line|font|size|colou?r|short(?:er)?|large|small|compare|two)\w*\b"
    r"|[白黑黄红绿蓝橙粉紫金]色|顶部|底部|中间|描边|底框|粗体|大写|字号|字体|对比",
    re.IGNORECASE,
)
_WIDE = re.compile(r"[\u3400-\u9fff\u3040-\u30ff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Advice:
    """A warning of a job: a stable code, where it points to in the request, and what to do."""

    code: str
    pointer: str
    detail: str


def advise(captions: Captions | None, instruction: str) -> tuple[Advice, ...]:
    """Looks for long captions (SEED: "keep both caption variants short") and a vague wish."""
    found = (_advise_length(captions), _advise_words(instruction))
    return tuple(each for each in found if each is not None)


def _advise_length(captions: Captions | None) -> Advice | None:
    long = [cue for cue in captions.cues if _is_long(cue)] if captions else []
    if not captions or not long:
        return None
    first = format_time(long[0].start_ms)
    return Advice(
        "captions_long",
        "#/captions/text",
        f"{len(long)} of {len(captions.cues)} captions have more than {LINE_COLUMNS} characters in "
        f"a line or more than {CUE_WORDS} words, the first at {first}. Short captions make the "
        "difference between variants easy to see.",
    )


def _is_long(cue: Cue) -> bool:
    widest = max(map(_columns, cue.text.split("\n")))
    return widest > LINE_COLUMNS or len(cue.text.split()) > CUE_WORDS


def _columns(line: str) -> int:
    shown = (char for char in line if not unicodedata.combining(char))
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in shown)


def _advise_words(instruction: str) -> Advice | None:
    text = instruction.strip()
    if not text or _CONCRETE.search(text):
        return None
    short = len(text.split()) < _MIN_WORDS and not _WIDE.search(text)
    if not short and not _VAGUE.search(text):
        return None
    return Advice(
        "instruction_vague",
        "#/instruction",
        "Say what should change, for example: 'yellow letters at the top, at most four words per "
        "line'. Concrete words get better and faster results.",
    )
