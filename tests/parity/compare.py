"""How far two answers lie apart."""

from __future__ import annotations

from collections.abc import Mapping

from tests.parity.cases import Case
from tests.parity.ours import answer

EXACT, CLOSE = 1e-12, 1e-9


def limit_of(what: str) -> float:
    """How far we may lie from a kind of oracle."""
    return EXACT if what.startswith("exact_") else CLOSE


def worst_gap(case: Case, theirs: Mapping[str, float]) -> float:
    """The largest gap among the numbers of a case.

    It is relative; below 1, or below 0.01 where the other is exact, it is relative to that.
    """
    ours = answer(case["what"], case["given"])
    assert ours.keys() == theirs.keys(), (case["what"], ours.keys(), theirs.keys())
    least = 0.01 if case["what"].startswith("exact_") else 1.0
    return max(abs(ours[name] - x) / max(least, abs(x)) for name, x in theirs.items())
