"""Planted pairs: the variant that reads plainly worse is named, and what reads alike is a tie.

A few of them, in small pictures; `python -m benchmarks.pairs` has all 30 at 720 lines.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.pairs import judge
from benchmarks.plants import ALIKE, WORSE, Planted

LINES = 360
#: In smaller pictures a tie is not believed, as letters are too small.
TIE_LINES = 480
SHORT = (
    "lost letters on dark",
    "1.5 % high on dark",
    "at the edge on dark",
    "30 a second on dark",
)
TIES = ("encoded smaller on dark", "left and right on dark")


def named(planted: tuple[Planted, ...], names: tuple[str, ...]) -> list[Planted]:
    found = {each.name: each for each in planted}
    return [found[name] for name in names]


@pytest.mark.parametrize("planted", named(WORSE, SHORT), ids=str)
def test_the_one_that_reads_worse_is_named(planted: Planted, shelf: Path):
    outcome = judge(planted, shelf, lines=LINES)
    assert outcome.verdict["better"] == "A", outcome.verdict["text"]
    assert outcome.verdict["over"] == "B"
    # The pair differs in nothing else.
    assert outcome.clip["control"]["differences"] == []


@pytest.mark.parametrize("planted", named(ALIKE, TIES), ids=str)
def test_two_that_read_alike_are_a_tie(planted: Planted, shelf: Path):
    outcome = judge(planted, shelf, lines=TIE_LINES)
    assert outcome.verdict["result"] == "tie", outcome.verdict["text"]


@pytest.mark.slow
@pytest.mark.parametrize("planted", [*WORSE, *ALIKE], ids=str)
def test_every_pair_is_told_right(planted: Planted, shelf: Path):
    outcome = judge(planted, shelf)
    assert outcome.is_right, outcome.verdict["text"]
