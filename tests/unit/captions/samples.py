"""Captions at random, for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from service.captions.model import Cue, Word, clean_text

NASTY = (  # whatever some reader could take for something else
    "`",
    "``",
    "```",
    "```srt",
    "~~~",
    '"""',
    "-->",
    "->",
    "<b>",
    "</i>",
    "<00:00:01.000>",
    "<v Bob>",
    "{\\an8}",
    "{",
    "}",
    "\\N",
    "&amp;",
    "&",
    "<",
    ">",
    "WEBVTT",
    "NOTE",
    "1",
    "42",
    "Style parameters: {}",
    'STYLE PARAMETERS: {"size": 20}',
    "00:00:01,000 --> 00:00:02,000",
    "00:01.0 -> 2",
    "👩‍👩‍👧",
    "שלום",
    "مرحبا",
    "你好",
    "\u202e",
    "\u200f",
    "\u00a0",
    "\ufeff",
    "\x00",
    "\r",
    "\n",
    "\n\n",
    "\t",
    " ",
    "\u2028",
    "a",
    "Hello",
)

texts = st.lists(st.sampled_from(NASTY) | st.text(max_size=8), min_size=1, max_size=8).map("".join)
clean_texts = texts.map(clean_text).filter(bool)
letters = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=8)
words_only = (
    (st.sampled_from(NASTY) | letters)
    .map(clean_text)
    .filter(lambda text: bool(text) and len(text.split()) == 1)
)


@st.composite
def plain_cues(draw, text=clean_texts):
    start_ms = draw(st.integers(0, 3_600_000 * 30))
    return Cue(start_ms, start_ms + draw(st.integers(1, 20_000)), draw(text))


@st.composite
def worded_cues(draw):
    """A cue whose words have times, with pauses between some of them and joints without space."""
    parts = draw(st.lists(words_only, min_size=2, max_size=6))
    count = 2 * len(parts)
    start_ms = draw(st.integers(0, 3_600_000))
    steps = draw(st.lists(st.integers(0, 900), min_size=count + 1, max_size=count + 1))
    moments = [start_ms]
    for number, step in enumerate(steps):
        # a word lasts; before and after it there may be a pause
        moments.append(moments[-1] + (step + 1 if number % 2 else step))
    words = tuple(
        Word(moments[2 * n + 1], moments[2 * n + 2], part) for n, part in enumerate(parts)
    )
    spaces = draw(
        st.lists(st.sampled_from([" ", "\n", ""]), min_size=len(parts), max_size=len(parts))
    )
    text = "".join(part + space for part, space in zip(parts, spaces, strict=True)).rstrip(" \n")
    return Cue(start_ms, moments[-1], text, words)


def many_srt(count):
    """SRT with so many captions, one a second."""
    return "".join(
        f"{n + 1}\n{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02},000 --> "
        f"{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02},900\nCaption {n}\n\n"
        for n in range(count)
    )
