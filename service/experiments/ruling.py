"""The state of an experiment, by checks in one order. Pure.

Spoiled data, wrong shares, too early, a winner, no difference, the end, and otherwise more data:
the first check that has an answer gives it.
"""

from __future__ import annotations

from collections.abc import Callable

from service.experiments import srm
from service.experiments.look import Look
from service.experiments.metrics import is_full
from service.experiments.plan import Method, Split
from service.experiments.states import Reason, Ruling, State


def rule(look: Look) -> Ruling:
    """The state, by the first check that has one."""
    for check in _CHECKS:
        ruling = check(look)
        if ruling is not None:
            return ruling
    return Ruling(State.COLLECTING, _why_collecting(look))


def _spoiled(look: Look) -> Ruling | None:
    snapshot = look.snapshot
    if srm.is_mixed(snapshot.multiple, snapshot.units):
        return Ruling(State.INVALID_DATA, Reason.MULTIPLE_EXPOSURE)
    sums = (each for tally in snapshot.tallies for each in tally.sums.values())
    if snapshot.overflowed or any(map(is_full, sums)):
        return Ruling(State.INVALID_DATA, Reason.COUNTER_OVERFLOW)
    return None


def _mismatched(look: Look) -> Ruling | None:
    if look.log_p_shares is None:
        return None
    if srm.is_mismatched(look.log_p_shares, look.snapshot.units):
        return Ruling(State.INVALID_SRM, Reason.SHARES)
    return None


def _too_early(look: Look) -> Ruling | None:
    if look.is_young and look.snapshot.units:
        return Ruling(State.COLLECTING, Reason.MIN_RUNTIME)
    lack = _lack(look)
    if lack is None:
        return None
    # what is too little for a verdict does not keep a test from ending
    if look.is_past_deadline or look.is_full:
        return Ruling(State.INCONCLUSIVE, lack)
    state = State.NO_DATA if lack is Reason.NO_UNITS else State.COLLECTING
    return Ruling(state, lack)


def _lack(look: Look) -> Reason | None:
    if not look.snapshot.units:
        return Reason.NO_UNITS
    if look.is_before_planned:
        return Reason.BEFORE_PLANNED
    return look.primary_lack


def _ahead(look: Look) -> Ruling | None:
    winner = look.winner
    if winner is None:
        return None
    label = look.plan.labels[winner]
    ours = [pair for between, pair in look.pairs.items() if winner in between]
    if all(map(look.is_alike, ours)):
        return Ruling(State.NO_DIFFERENCE, Reason.AHEAD_WITHIN_ROPE, label)
    state = State.WINNER if look.plan.split is Split.RANDOMIZED else State.LEADING
    harmed = any(look.is_harmed(metric, winner) for metric in look.plan.guardrails)
    return Ruling(state, Reason.AHEAD_WITH_HARM if harmed else Reason.AHEAD, label)


def _alike(look: Look) -> Ruling | None:
    if look.pairs and all(map(look.is_alike, look.pairs.values())):
        return Ruling(State.NO_DIFFERENCE, Reason.WITHIN_ROPE)
    return None


def _ended(look: Look) -> Ruling | None:
    if look.plan.method is Method.FIXED:
        return Ruling(State.INCONCLUSIVE, Reason.PLANNED_UNITS)
    if look.is_past_deadline:
        return Ruling(State.INCONCLUSIVE, Reason.DEADLINE)
    if look.is_full:
        return Ruling(State.INCONCLUSIVE, Reason.MAX_UNITS)
    return None


_CHECKS: tuple[Callable[[Look], Ruling | None], ...] = (
    _spoiled,
    _mismatched,
    _too_early,
    _ahead,
    _alike,
    _ended,
)


def _why_collecting(look: Look) -> Reason:
    if look.needed_units is not None and look.snapshot.units >= look.needed_units:
        return Reason.PAST_NEED
    if look.days_left is None:
        return Reason.NO_TRAFFIC if look.needed_units is not None else Reason.UNDECIDED
    return Reason.TOO_SLOW if look.days_left > look.days_to_end else Reason.UNDECIDED
