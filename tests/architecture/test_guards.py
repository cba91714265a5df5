"""The tools that take guards out of a copy of the code still find each of them."""

from __future__ import annotations

import pytest

from tests.architecture.tree import ROOT
from tests.chaos import guards as chaos
from tests.integration.store import guards as store
from tests.integration.store import outcome_guards as outcomes
from tests.scenarios import guards as scenarios

EDITS = {(edit.path, edit.old) for edits in chaos.GUARDS.values() for edit in edits}
EDITS |= {
    (each.edit.path, each.edit.old) for each in (*store.GUARDS, *outcomes.GUARDS, *scenarios.GUARDS)
}


@pytest.mark.parametrize(("path", "old"), sorted(EDITS), ids=range(len(EDITS)))
def test_a_guard_stands_once_in_its_file(path: str, old: str):
    assert (ROOT / path).read_text(encoding="utf-8").count(old) == 1
