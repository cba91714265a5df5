"""The states of a verdict and the reasons for them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What an experiment says. docs/statistics.md describes each; a test compares the two."""

    NO_DATA = "no_data"
    COLLECTING = "collecting"
    WINNER = "winner"
    LEADING = "leading"  #: ahead, but audiences were not randomized
    NO_DIFFERENCE = "no_difference"
    INCONCLUSIVE = "inconclusive"
    INVALID_SRM = "invalid_srm"
    INVALID_DATA = "invalid_data"

    @property
    def is_final(self) -> bool:
        """Whether it is frozen: later data is shown and changes nothing."""
        return self not in {State.NO_DATA, State.COLLECTING}


class Reason(StrEnum):
    """Why a state is what it is. docs/statistics.md describes each; a test compares the two."""

    NO_UNITS = "no_units"
    MIN_RUNTIME = "min_runtime"
    FEW_UNITS = "few_units"
    FEW_OUTCOMES = "few_outcomes"
    FEW_VALUES = "few_values"
    NO_VARIANCE = "no_variance"
    BEFORE_PLANNED = "before_planned"
    UNDECIDED = "undecided"
    TOO_SLOW = "too_slow"
    NO_TRAFFIC = "no_traffic"
    PAST_NEED = "past_need"
    AHEAD = "ahead"
    AHEAD_WITH_HARM = "ahead_with_harm"
    WITHIN_ROPE = "within_rope"
    AHEAD_WITHIN_ROPE = "ahead_within_rope"
    DEADLINE = "deadline"
    MAX_UNITS = "max_units"
    PLANNED_UNITS = "planned_units"
    SHARES = "shares"
    MULTIPLE_EXPOSURE = "multiple_exposure"
    COUNTER_OVERFLOW = "counter_overflow"


@dataclass(frozen=True, slots=True)
class Ruling:
    """A state with its reason; `label` is the variant that is ahead."""

    state: State
    reason: Reason
    label: str | None = None
