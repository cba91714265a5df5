"""When a delivery is tried again, and when no more. Pure: the dice and the time are arguments.

Standard Webhooks 1.0.0: 2xx is success, whatever else is failure, redirects included; 410 switches
the endpoint off; Retry-After is heeded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

_GONE = 410
_HEEDED = frozenset({429, 503})
_SECONDS = re.compile(r"\d{1,18}", re.ASCII)
_DATE_CHARS = 64


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How patient we are: `schedule_s[n]` is the pause before try n + 1, the first included.

    `jitter` is the share by which a pause may differ, so that many deliveries that failed together
    do not come back together.
    """

    schedule_s: tuple[float, ...]
    jitter: float = 0.2
    retry_after_max_s: float = 86_400.0

    @property
    def tries(self) -> int:
        """How often a delivery is tried in all."""
        return len(self.schedule_s)


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    """What came of one try: the status, or None when no answer came."""

    status: int | None
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Delivered:
    """The endpoint took it."""


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Try again `delay_s` from now."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class Exhausted:
    """The last try failed; only a replay sends it again."""


@dataclass(frozen=True, slots=True)
class Disabled:
    """The endpoint wants no more events."""

    status: int = _GONE


@dataclass(frozen=True, slots=True)
class AsPlanned:
    """The schedule goes on as if this try had not been made."""


Decision = Delivered | RetryAt | Exhausted | Disabled | AsPlanned


def after_manual(outcome: AttemptOutcome, *, ended_before: bool) -> Decision:
    """Decides what follows a try that somebody asked for: it starts no schedule and moves none."""
    status = outcome.status
    if status is not None and status // 100 == 2:
        return Delivered()
    if status == _GONE:
        return Disabled()
    return Exhausted() if ended_before else AsPlanned()


def next_try(
    policy: RetryPolicy, *, attempt: int, outcome: AttemptOutcome, random_0_1: float
) -> Decision:
    """Decides what follows a try.

    Args:
        policy: The schedule.
        attempt: The number of the try just made; the first is 1.
        outcome: What came of it.
        random_0_1: The dice; 0.5 gives the pause as scheduled.
    """
    status = outcome.status
    if status is not None and status // 100 == 2:
        return Delivered()
    if status == _GONE:
        return Disabled()
    if attempt >= policy.tries:
        return Exhausted()
    delay_s = policy.schedule_s[attempt] * (1.0 + policy.jitter * (2.0 * random_0_1 - 1.0))
    if status in _HEEDED and outcome.retry_after_s is not None:
        # never sooner than scheduled, or a receiver could make us hammer it
        delay_s = max(delay_s, min(outcome.retry_after_s, policy.retry_after_max_s))
    return RetryAt(delay_s)


def parse_retry_after(text: str | None, now_ms: int) -> float | None:
    """Read a Retry-After header, seconds or an HTTP date (RFC 9110 10.2.3), into seconds from now.

    A date gone by is 0; what does not read is None.
    """
    plain = (text or "").strip()
    if _SECONDS.fullmatch(plain):
        return float(plain)
    if not plain or len(plain) > _DATE_CHARS:
        return None
    try:
        moment = parsedate_to_datetime(plain)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, aware.timestamp() - now_ms / 1000.0)
    except (TypeError, ValueError, OverflowError):
        return None
