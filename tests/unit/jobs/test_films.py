"""Which videos viewers of an experiment see: those that were done when it began."""

from __future__ import annotations

import json
from itertools import permutations

import pytest

from service.jobs.films import missing_labels, pick_shown, write_shown
from service.model.cut import CutDoc, ResultFile
from service.model.lifecycle import CutState
from service.store.jobs import CutRow


def a_cut(label: str, revision: int = 1, clip: int = 0, state: str = "succeeded") -> CutRow:
    result = ResultFile(f"{label}-{clip}-{revision}.mp4", 1, "") if state == "succeeded" else None
    doc = CutDoc(clip, label, revision, result=result)
    return CutRow(f"cut:{label}.{clip}.{revision}", CutState(state), doc)


CUTS = (a_cut("A"), a_cut("A", 3), a_cut("A", 2), a_cut("B"), a_cut("B", 2, state="rendering"))


@pytest.mark.parametrize("cuts", list(permutations(CUTS)))
def test_the_latest_revision_that_is_done_is_kept_in_whatever_order_they_come(cuts):
    assert json.loads(write_shown(cuts)) == {"A": {"0": 3}, "B": {"0": 1}}


def test_what_is_done_later_is_not_shown():
    shown = json.loads(write_shown(CUTS))
    later = [*CUTS, a_cut("A", 4), a_cut("B", 2), a_cut("A", clip=1)]
    assert {place: each.revision for place, each in pick_shown(later, shown).items()} == {
        ("A", 0): 3,
        ("B", 0): 1,
    }


def test_nothing_is_shown_before_it_begins():
    assert pick_shown(CUTS, {}) == {}


def test_one_clip_with_all_variants_is_enough():
    cuts = [a_cut("A"), a_cut("B", state="failed"), a_cut("A", clip=1), a_cut("B", clip=1)]
    assert missing_labels(["A", "B"], cuts) == []
    assert missing_labels(["A", "B"], cuts[:3]) == ["B"]
