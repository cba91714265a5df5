"""What the product says of fonts, held against what libass finds in them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sandbox.ass import write_ass
from sandbox.cues import Cue
from sandbox.ffmpeg import ffmpeg_binary, glyph_warnings, write_fonts_conf
from sandbox.style import resolve
from service.captions.glyphs import find_missing

TEXTS = [
    "Good morning — it’s 5 €, “naïve” œuvre ½",
    "Tiếng Việt: đường, Łódź, Ğ ş İ",
    "Доброе утро",
    "Καλημέρα",
    "שלום",
    "早上好",
    "Party 🎉",
    "→ ★ ♥ ✓",
]


def drawn_with_other_fonts(text: str, font: str, folder: Path) -> bool:
    """Whether libass looked for another font, or found none, for some character of a text."""
    style = resolve({"font": font, "weight": 400 if font == "Anton" else 700})
    ass = write_ass([(Cue(0, 1000, text), style)], width=640, height=360)
    (folder / "captions.ass").write_text(ass, encoding="utf-8")
    done = subprocess.run(
        [
            ffmpeg_binary(), "-hide_banner", "-nostdin", "-loglevel", "verbose", "-f", "lavfi",
            "-i", "color=c=gray:s=640x360:d=0.1", "-vf", "ass=captions.ass", "-frames:v", "1",
            "-f", "null", "-",
        ],
        cwd=folder, capture_output=True, text=True, timeout=60, check=True,
        env={**os.environ, "FONTCONFIG_FILE": str(write_fonts_conf(folder).resolve())},
    )  # fmt: skip
    return bool(glyph_warnings(done.stderr))


@pytest.mark.parametrize("font", ["Inter", "Anton"])
def test_a_warning_is_given_where_another_font_stands_in_and_nowhere_else(
    font: str, tmp_path: Path
):
    """Given texts of many scripts, then the table and libass agree on each."""
    told = {text: bool(find_missing(text, font)) for text in TEXTS}
    assert told == {text: drawn_with_other_fonts(text, font, tmp_path) for text in TEXTS}
    assert set(told.values()) == {True, False}
