"""Characters that a font lacks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.captions.cues import parse_captions
from service.captions.glyphs import FONTS, advise_glyphs, find_missing, read_coverage
from tests.architecture.write_styles import code_points, write_ranges


def advice(text: str, *styles: dict, kind: str = "text"):
    variants = [{"label": "ABCD"[n], "style": style} for n, style in enumerate(styles)]
    return [each.detail for each in advise_glyphs(parse_captions(kind, text), variants)]


@pytest.mark.parametrize(
    ("text", "font", "missing"),
    [
        ("Good morning — it’s 5 €", "Inter", ""),
        ("Доброе утро", "Inter", ""),
        ("Да", "Anton", "Да"),
        ("Tiếng Việt, Łódź", "anton", ""),
        ("早上好", "Inter", "上好早"),
        ("שלום", "Inter", "םשול"),
        ("Party 🎉🎉", "Inter", "🎉"),
        ("🎉", "Comic Sans", ""),
        ("a\u200d\u202e\ufe0f\u00ad\u2009b", "Anton", ""),
        ("e\u0301", "Anton", ""),
    ],
)
def test_what_a_font_lacks(text: str, font: str, missing: str):
    """Given a text, then the visible characters that a known font lacks are found, each once."""
    assert "".join(find_missing(text, font)) == "".join(sorted(missing))


def test_a_warning_names_characters_font_and_variants():
    """Given two variants in one font, then one warning names both; another font has its own."""
    first, second = advice("Да 🎉", {}, {"preset": "pop"}, {"preset": "boxed"})
    assert first == (
        "The font Inter of variants A, C has no glyph for 🎉 (U+1F389): another font stands in, or "
        "nothing is drawn. Choose a `font` that has them."
    )
    assert second.startswith(
        "The font Anton of variant B has no glyph for Д (U+0414), а (U+0430), 🎉 (U+1F389): "
    )


def test_many_characters_are_counted():
    """Given a long Chinese text, then twelve characters are named and the rest counted."""
    (text,) = advice("".join(chr(0x4E00 + n) for n in range(40)), {})
    assert text.count("U+") == 12
    assert " and 28 more:" in text


def test_capitals_are_looked_at_where_they_are_shown():
    """Given a letter whose capital the font lacks, then only the style in capitals is warned of."""
    small = next(
        char
        for char in map(chr, range(0x250, 0x2B0))
        if not find_missing(char, "Inter") and find_missing(char.upper(), "Inter")
    )
    assert advice(small, {}, {"case": "upper"})[0].startswith("The font Inter of variant B")


def test_nothing_is_claimed_where_nothing_is_known():
    """Given captions that are transcribed, or another font, then there is no warning."""
    assert advise_glyphs(None, [{"label": "A"}]) == ()
    assert advice("早上好", {"font": "Noto Sans SC"}) == []


def test_cues_are_read_like_a_script():
    """Given SRT, then its text is looked at, not its times."""
    assert advice("1\n00:00:01,000 --> 00:00:02,000\nHi 早\n", {}, kind="srt")[0].count("U+") == 1


@given(st.sets(st.integers(0, 0x10FFFF)))
def test_a_table_says_what_was_written_into_it(points: set[int]):
    """Given any code points, then the table has them and not their neighbours."""
    table = read_coverage(write_ranges(points))
    for point in points | {each + step for each in points for step in (-1, 1)}:
        if 0 <= point <= 0x10FFFF:
            assert table.has(chr(point)) == (point in points)


def test_the_tables_are_those_of_the_fonts():
    """Given the packaged fonts, then the tables are theirs; if not, `make styles` makes them so."""
    assert set(FONTS) == {"inter", "anton"}
    for family in ("Inter", "Anton"):
        assert FONTS[family.lower()] == read_coverage(write_ranges(code_points(family)))
