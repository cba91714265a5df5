"""Whether an endpoint is still worth trying. Pure: the store applies what is decided here.

It is switched off at once by 410, and after `disable_s` of failures with no success between. Tries
that somebody asked for by hand do not count against it.
"""

from __future__ import annotations

from dataclasses import dataclass

from service.model.endpoint import Endpoint, OffReason


@dataclass(frozen=True, slots=True)
class HealthPolicy:
    """How long failures may go on; after `quiet_s` without one a new failure is the first.

    The longest pause between two tries of a delivery is a day: an endpoint that is down and has
    work fails at least that often. One that failed once last week is not down for a week.
    """

    disable_s: float
    quiet_s: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a failure means: when the row of failures began (0: it does not count), and the end."""

    since_ms: int
    off: OffReason | None = None

    @property
    def at_once(self) -> bool:
        """Whether it ends the endpoint whatever else was seen of it meanwhile."""
        return self.off is OffReason.GONE


def judge_failure(
    policy: HealthPolicy, endpoint: Endpoint, *, now_ms: int, gone: bool, manual: bool
) -> Verdict:
    """Decide what a failed try means for its endpoint.

    Args:
        policy: The limits.
        endpoint: The endpoint as it was when the try was recorded.
        now_ms: The time of the failure.
        gone: The receiver answered 410.
        manual: Somebody asked for this try.
    """
    since_ms = endpoint.failing_since_ms
    quiet = now_ms - endpoint.failed_last_ms > policy.quiet_s * 1000
    if not since_ms or quiet:
        since_ms = now_ms
    if gone:
        return Verdict(since_ms, OffReason.GONE)
    if manual:
        return Verdict(0)
    if now_ms - since_ms >= policy.disable_s * 1000:
        return Verdict(since_ms, OffReason.FAILING)
    return Verdict(since_ms)
