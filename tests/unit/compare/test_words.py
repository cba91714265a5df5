"""The sentences of a verdict: figures, what weakens them first, and no word of performance."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import replace

import pytest

from service.compare import words
from service.compare.pairs import compare_two
from service.compare.score import score
from tests.unit.compare.shown import CUES, HIDDEN, SIGHT, shown

_CLAIMS = re.compile(r"perform(?!ance\.)|\bwin|\bbest for|convert|engag|viewers", re.IGNORECASE)
WEAK = {"contrast": 1.6, "weakest": 1.1, "below_4_5": 1.0, "below_3": 1.0}
LOOKS = {
    "good": {},
    "weak": WEAK,
    "small": {"line_px": 12.0},
    "flagged": {"flags": ("several_fills",)},
    "hidden": {"sights": (HIDDEN,) * 4},
    "at the edge": {"box": (0.0, 0.9, 0.6, 0.1)},
    "unseen": {"cues": ()},
}


def tell(one, two, **options) -> str:
    found = {each.label: each for each in (one, two)}
    scores = {label: score(each) for label, each in found.items()}
    return words.tell_pair(compare_two(one, two, **options), found, scores)


@pytest.mark.parametrize(("one", "two"), list(itertools.product(LOOKS, LOOKS)))
def test_no_verdict_claims_more_than_legibility(one, two):
    first, second = shown("A", **LOOKS[one]), shown("B", **LOOKS[two])
    text = words.join(tell(first, second), words.KIND)
    assert not _CLAIMS.search(text), text
    assert text.endswith("not performance.")
    for each in (first, second):
        for part in score(each).parts:
            assert not _CLAIMS.search(words.tell_part(part, each))


def test_the_figures_that_decide_are_told():
    assert tell(shown("A", **WEAK), shown("B")) == (
        "B's captions are easier to read than A's: contrast 12.0 to 1 against 1.6 "
        "(8.0 against 1.1 where it is weakest)."
    )


def test_a_speed_that_decides_is_told():
    hasty = tuple(replace(cue, end_ms=cue.start_ms + 1200) for cue in CUES)
    text = tell(shown("A"), shown("B", cues=hasty), same_cues=False)
    assert "13 characters a second at most against 27" in text


def test_a_tie_tells_both_scores_and_the_band():
    assert tell(shown("A"), shown("B")) == (
        "A's and B's captions are about equally easy to read "
        "(100 and 100 of 100 points; below 5 apart is a tie)."
    )


def test_contrast_that_was_left_out_is_said():
    text = tell(shown("A", flags=("several_fills",), line_px=14.0), shown("B"))
    assert "letters of 5.4 % of the picture's short side against 1.9 %" in text
    assert text.endswith("Their contrast is of low confidence and was left out.")


def test_captions_that_cannot_be_seen_are_counted():
    text = tell(shown("A", sights=(HIDDEN, HIDDEN, HIDDEN, SIGHT)), shown("B"))
    assert "in 3 of A's 4 captions no letters can be made out" in text


def test_what_differs_besides_captions_comes_first():
    found = {"A": shown("A"), "B": shown("B", flags=("uneven",))}
    told = words.caveats(found, controlled=False, confounded=True)
    assert [each.split(" ")[0] for each in told] == ["The", "More", "B:"]
    assert words.first_words(told) == " ".join(told[:2])


def test_what_is_not_known_to_be_controlled_is_a_caveat_and_no_preface():
    told = words.caveats({}, controlled=None)
    assert len(told) == 1
    assert words.first_words(told) == ""


def test_several_clips_are_counted():
    results = Counter({"better": 3, "tie": 1, "unknown": 1})
    assert words.tell_clips(Counter({"B": 3}), results, 5) == (
        "B's captions are easier to read in 3 of 5 clips; there is no clear difference in 1; "
        "which are easier to read is not known in 1."
    )
