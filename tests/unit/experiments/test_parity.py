"""Our numbers beside those of others: gbstats, statsmodels, scipy, ssrm-test, and 40 digits.

The others are not installed here. Their answers lie in a file that `make parity WRITE=1` makes; the
same comparison on fresh questions is `make parity`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.parity.compare import limit_of, worst_gap

PATH = Path(__file__).resolve().parents[2] / "fixtures" / "statistics" / "oracles.json"
DOCUMENT = json.loads(PATH.read_text(encoding="utf-8"))
KINDS = sorted({case["what"] for case in DOCUMENT["cases"]})


@pytest.mark.parametrize("what", KINDS)
def test_others_say_the_same(what):
    # Given their answers to questions of a kind,
    cases = [case for case in DOCUMENT["cases"] if case["what"] == what]
    # Then ours are the same, to 1e-9, or to 1e-12 of what is exact.
    gaps = {n: worst_gap(case, case["answer"]) for n, case in enumerate(cases)}
    assert {n: gap for n, gap in gaps.items() if gap > limit_of(what)} == {}


def test_all_of_them_were_asked():
    assert len(KINDS) == 15
    assert DOCUMENT["made_by"]["gbstats"] == "0.8.0"


def test_a_wrong_digit_is_seen():
    # Given an answer that is off by a millionth,
    case = next(c for c in DOCUMENT["cases"] if c["what"] == "gbstats_sequential")
    wrong = {name: x * (1 + 1e-6) + 1e-6 for name, x in case["answer"].items()}
    # Then the comparison does not pass it.
    assert worst_gap(case, wrong) > limit_of("gbstats_sequential")
