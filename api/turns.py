"""Turns of those who have no key: who asks too often within a minute is told so."""

from __future__ import annotations

from service.errors import RateExceeded
from service.throttle import Throttle


def take_turn(throttle: Throttle, name: str, what: str, policy: str) -> None:
    """Count one more of `what`, such as "requests for pages", by whoever has this name.

    Raises:
        RateExceeded: there were too many in this minute.
    """
    turn = throttle.take(name)
    if turn is not None and not turn.allowed:
        raise RateExceeded(
            f"There were {turn.limit} {what} within a minute.",
            policy=policy,
            retry_after_s=turn.reset_s,
        )
