"""Which characters of captions a font lacks, where its characters are known. Pure.

`glyphs.json` has the code points of the presets' fonts, written by `make styles` from the fonts
themselves. Of other fonts nothing is said.
"""

from __future__ import annotations

import json
import unicodedata
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.captions.advice import Advice
from service.captions.model import POINTER, Captions
from service.captions.style import build_style

CODE = "glyphs_missing"
#: Characters named in one warning.
_NAMED = 12
#: What draws nothing by itself: control and format characters, spaces.
_INVISIBLE = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Coverage:
    """The code points of a font: sorted starts and the end that belongs to each."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def has(self, char: str) -> bool:
        at = bisect_right(self.starts, ord(char)) - 1
        return at >= 0 and ord(char) <= self.ends[at]


def read_coverage(text: str) -> Coverage:
    """Reads code points in hexadecimal, such as `20-7E A0`, in their order."""
    pairs = [part.partition("-") for part in text.split()]
    return Coverage(
        tuple(int(first, 16) for first, _, _ in pairs),
        tuple(int(last or first, 16) for first, _, last in pairs),
    )


FONTS: Mapping[str, Coverage] = {
    family.lower(): read_coverage(text)
    for family, text in json.loads(
        Path(__file__).with_name("glyphs.json").read_text(encoding="utf-8")
    ).items()
}


def find_missing(text: str, font: str) -> tuple[str, ...]:
    """The visible characters of a text that a font lacks, by code point; none of unknown fonts.

    Letters and their accents count as one character where there is one.
    """
    known = FONTS.get(font.strip().lower())
    if known is None:
        return ()
    seen = set(unicodedata.normalize("NFC", text))
    return tuple(sorted(char for char in seen if _is_drawn(char) and not known.has(char)))


def advise_glyphs(
    captions: Captions | None, variants: Sequence[Mapping[str, Any]]
) -> tuple[Advice, ...]:
    """A warning for each font, and the variants that use it, which lacks what captions say.

    Args:
        captions: What is shown; of captions that the backend transcribes nothing is known.
        variants: As in a request, each with its `label`; their styles are valid.
    """
    if captions is None:
        return ()
    text = captions.script or "\n".join(cue.text for cue in captions.cues)
    lacking: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for each in variants:
        style = build_style(each.get("style") or {})
        shown = text.upper() if style.case == "upper" else text
        if missing := find_missing(shown, style.font):
            lacking.setdefault((style.font, missing), []).append(str(each["label"]))
    return tuple(_advise(font, missing, who) for (font, missing), who in lacking.items())


def _advise(font: str, missing: Sequence[str], labels: Sequence[str]) -> Advice:
    named = ", ".join(f"{_shown(char)} (U+{ord(char):04X})" for char in missing[:_NAMED])
    more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    who = f"variant {labels[0]}" if len(labels) == 1 else f"variants {', '.join(labels)}"
    return Advice(
        CODE,
        POINTER,
        f"The font {font} of {who} has no glyph for {named}{more}: another font stands in, or "
        "nothing is drawn. Choose a `font` that has them.",
    )


def _shown(char: str) -> str:
    return f"◌{char}" if unicodedata.combining(char) else char


def _is_drawn(char: str) -> bool:
    if unicodedata.category(char) in _INVISIBLE:
        return False
    return "VARIATION SELECTOR" not in unicodedata.name(char, "")
