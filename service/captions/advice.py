"""Advice that stops nothing: SEED's two tips, short captions and specific wishes. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from service.captions.model import Captions, Cue, format_time

LINE_COLUMNS = 42  # Netflix's English template; a full-width character takes two
CUE_WORDS = 7
_MIN_WORDS = 2

_VAGUE = re.compile(
    r"\b(?:better|best|nice(?:r|ly)?|cool(?:er)?|good|great|awesome|amazing|pretty|beautiful|fun"
    r"|improve|enhance|fix|polish|professional|modern|aesthetic|stylish|viral|pop|magic|vibes?"
    r"|engaging|catchy|interesting|exciting|perfect|something|whatever|anything|surprise)\b"
    r"|好看|更好|漂亮|高级|优化|随便|有感觉|吸引|美观|酷|大气|专业|完美|舒服",
    re.IGNORECASE,
)
_CONCRETE = re.compile(
    r"#[0-9a-f]{3,6}\b|\d|\b(?:white|black|yellow|gold|red|green|blue|cyan|orange|pink|purple"
    r"|gr[ae]y|dark|bright|top|middle|bottom|left|right(?! now\b| away\b)|cent(?:er|re)|bold|italic"
    r"|box|outline|shadow|contrast|karaoke|typewriter|handwriting|fade|caps|capital|upper|lower|word"
    r"|letter|line|font|size|colou?r|short(?:er)?|large|small|big(?:ger)?|thick|thin|compare|two"
    r"|translate|punctuation|emoji|comma)\w*\b"
    r"|[白黑黄红绿蓝橙粉紫金]色|顶部|底部|中间|描边|底框|粗体|加粗|大写|字号|字体|手写|逐字|对比|翻译"
    r"|[一二两三四五六七八九十]个?字|[上下]方",
    re.IGNORECASE,
)
_WIDE = re.compile(r"[\u3400-\u9fff\u3040-\u30ff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Advice:
    """A warning of a job: a stable code, where it points to in the request, and what to do."""

    code: str
    pointer: str
    detail: str


def advise(
    captions: Captions | None, instruction: str, variant_instructions: Sequence[str] = ()
) -> tuple[Advice, ...]:
    """Looks for long captions (SEED: "keep both caption variants short") and for vague wishes.

    Args:
        captions: What is shown; None when the backend transcribes.
        instruction: The wish for all variants.
        variant_instructions: Each variant's own wish, empty for none; it is read with the one for
            all, and pointed to where it is vague as well.
    """
    wishes = [("#/instruction", instruction)]
    if any(text.strip() for text in variant_instructions):
        wishes = [
            (f"#/variants/{index}/instruction" if text.strip() else "#/instruction", text)
            for index, text in enumerate(variant_instructions)
        ]
        wishes = [(pointer, f"{instruction} {text}") for pointer, text in wishes]
    found = [_advise_length(captions), *(_advise_words(*wish) for wish in wishes)]
    return tuple(dict.fromkeys(each for each in found if each is not None))


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


def _advise_words(pointer: str, instruction: str) -> Advice | None:
    text = instruction.strip()
    if not text or _CONCRETE.search(text):
        return None
    short = len(text.split()) < _MIN_WORDS and not _WIDE.search(text)
    if not short and not _VAGUE.search(text):
        return None
    return Advice(
        "instruction_vague",
        pointer,
        "Say what should change, for example: 'yellow letters at the top, at most four words per "
        "line'. Concrete words get better and faster results.",
    )
