"""Advice on long captions and vague wishes."""

from __future__ import annotations

import pytest

from service.captions.advice import advise
from service.captions.cues import Captions, Cue
from service.captions.model import CaptionFormat


def _captions(*texts):
    cues = tuple(Cue(n * 1000, n * 1000 + 900, text) for n, text in enumerate(texts))
    return Captions(CaptionFormat.SRT, cues)


@pytest.mark.parametrize(
    "text",
    ["one two three four five six seven eight", "x" * 43, "short\n" + "x" * 43, "字" * 22],
    ids=["words", "characters", "second line", "full-width characters"],
)
def test_long_captions_are_told(text):
    """Given one caption of three that is long, then the advice counts it and says where it is."""
    (advice,) = advise(_captions("Hi", text, "there"), "")
    assert advice.code == "captions_long"
    assert advice.pointer == "#/captions/text"
    assert advice.detail.startswith("1 of 3 captions")
    assert "00:00:01.000" in advice.detail


@pytest.mark.parametrize(
    "captions",
    [
        None,
        _captions("one two three four five six seven", "x" * 42, "字" * 21, "e\u0301" * 42),
        Captions(CaptionFormat.TEXT, script="a long script " * 100),
    ],
    ids=["none", "short", "script"],
)
def test_short_captions_are_not(captions):
    """Given no captions, short ones or a script that is timed later, then there is no advice."""
    assert advise(captions, "") == ()


@pytest.mark.parametrize(
    "instruction", ["make it better", "make it look nice please", "improve", "go", "让它更好看"]
)
def test_vague_wishes_are_told(instruction):
    """Given a wish that names nothing, then the advice shows one that does."""
    (advice,) = advise(None, instruction)
    assert advice.code == "instruction_vague"
    assert advice.pointer == "#/instruction"
    assert "yellow letters at the top" in advice.detail


@pytest.mark.parametrize(
    "instruction",
    [
        "",
        "test two caption styles on my video and compare which performs better",
        "keep it short",
        "make the text bigger and better at the top",
        "nicer in #FFD700",
        "黄色大字放在顶部",
        "follow the rhythm of the speaker",
    ],
)
def test_specific_wishes_are_not(instruction):
    """Given a wish that names something, or none at all, then there is no advice."""
    assert advise(None, instruction) == ()
