"""What the sandbox's books say of distances in time. Pure: books in, seconds out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

_SUBMIT = "POST /api/render/proxy/lambda"
_POLL = "GET /api/render/proxy/lambda/<render_id>"
_STATE = "GET /api/state/nemo_agent/me/<session_id>/latest"
Books = Mapping[str, Any]


def run_of(books: Books, session_id: str) -> Mapping[str, Any]:
    """The only run of a session.

    Raises:
        AssertionError: there is none, or its message was sent more than once.
    """
    runs = [run for run in books["runs"] if run["session_id"] == session_id]
    assert len(runs) == 1, f"session {session_id} has {len(runs)} runs"
    return runs[0]


def looks_after(books: Books, session_id: str, from_ms: float) -> list[float]:
    """When the state of a session was asked for, in seconds after a moment."""
    return [
        (row["at_ms"] - from_ms) / 1000
        for row in books["request_log"]
        if row["route"] == _STATE and row["session_id"] == session_id and row["at_ms"] > from_ms
    ]


def polls_of(books: Books) -> dict[str, list[float]]:
    """By render, when it was polled, in seconds after its submission was answered."""
    submitted: dict[str, float] = {}
    polls: dict[str, list[float]] = defaultdict(list)
    for row in books["request_log"]:
        if row["route"] == _SUBMIT:
            submitted[row["render_id"]] = row["at_ms"]
        elif row["route"] == _POLL:
            polls[row["render_id"]].append((row["at_ms"] - submitted[row["render_id"]]) / 1000)
    return dict(polls)


def closest(times: Sequence[float]) -> float:
    """The smallest distance between neighbours, the submission at 0 being one of them."""
    return min(later - earlier for earlier, later in pairwise([0.0, *times]))


def is_on_schedule(
    seen: Sequence[float], schedule: Sequence[float], *, late_s: float = 3.0
) -> bool:
    """Whether the first looks came when they are due, never before and at most so much later."""
    return len(seen) >= len(schedule) and all(
        due <= at <= due + late_s for at, due in zip(seen, schedule, strict=False)
    )
