"""What is known of backend accounts, and when their tokens end or may be asked for. Pure.

SEED: an anonymous token lives 7 days and a client gets one in 7 days, so an early refresh is
refused with 429 as a rule. A refused request is repeated once, after 30 s or what Retry-After says;
then we say when the next token is possible. That state is kept on the account: all workers share
it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from service.errors import CaptionAbError
from service.nemo.errors import RateLimited

_DAY_MS = 86_400_000
#: SEED: the life of an anonymous token, and the time in which a client gets one.
WINDOW_MS = 7 * _DAY_MS
#: Assumed where the backend does not say when a token ends: an hour less.
ASSUMED_LIFE_MS = WINDOW_MS - 3_600_000
#: A refused request is repeated by itself only if that is soon; a person is told of a longer wait.
LONGEST_WAIT_S = 600.0
#: How often an account is asked for again whose window nobody knows.
_BLIND_RETRY_MS = 3_600_000


class AccountKind(StrEnum):
    """Whose an account is: NEMO_TOKEN's, a tenant's own, or one the backend gave without a name."""

    ENV = "env"
    OWN = "own"
    ANONYMOUS = "anonymous"


class TokenPending(CaptionAbError):
    """Another process is getting this account's token."""

    code = "token_pending"
    retryable = True
    retry_in_s = 1.0


class TokenDelayed(RateLimited):
    """The backend gives no token just now; it is asked once more, soon."""

    code = "token_delayed"
    hint = "Nothing: the one retry comes by itself after the time that the backend names."

    def __init__(self, detail: str = "", *, retry_in_s: float) -> None:
        super().__init__(detail)
        self.retry_in_s = retry_in_s  # type: ignore[misc]  # per instance


class TokenRefused(RateLimited):
    """The backend gives no new token; `next_possible_at` says when it will."""

    code = "token_refused"
    retryable = False
    hint = "Resume the job at `next_possible_at`, or attach a token: PUT /v1/account/nemo-token."


@dataclass(frozen=True, slots=True)
class PutOff:
    """When to ask again, when a token may be had at the latest, and whether to wait for it."""

    retry_ms: int
    possible_ms: int
    final: bool


def own_account(tenant_id: str) -> str:
    """The account that holds a tenant's own token; a new token goes into the same one."""
    return f"acc_{tenant_id}"


def hash_token(token: str) -> str:
    """By what a token is compared without being opened."""
    return hashlib.sha256(token.encode()).hexdigest()


def expiry_ms(said_ms: int | None, now_ms: int) -> int:
    """When a token that came just now ends, whatever the backend's clock is worth.

    It cannot have ended already, and lives 7 days at most (SEED): a time outside comes of a clock
    that is wrong, or is missing.
    """
    if said_ms is None or said_ms <= now_ms:
        return now_ms + ASSUMED_LIFE_MS
    return min(said_ms, now_ms + WINDOW_MS)


def put_off(
    fields: Mapping[str, str], *, retry_after_s: float | None, retry_s: float, now_ms: int
) -> PutOff:
    """What follows from a 429 on an account with these fields; the first is repeated, if soon."""
    window_ms = _window_ends(fields, now_ms)
    lives = is_alive(fields, now_ms)
    wait_s = max(retry_s, retry_after_s or 0.0)
    possible_ms = window_ms if retry_after_s is None else now_ms + int(retry_after_s * 1000)
    first = fields.get("token_refusals", "0") == "0"
    expected = lives and retry_after_s is None
    if first and not expected and wait_s <= LONGEST_WAIT_S:
        return PutOff(now_ms + int(wait_s * 1000), possible_ms, final=False)
    if lives:
        return PutOff(max(possible_ms, window_ms), possible_ms, final=True)
    soon_ms = now_ms + int(retry_s * 1000)
    if retry_after_s is None:
        return PutOff(min(possible_ms, now_ms + _BLIND_RETRY_MS), possible_ms, final=True)
    return PutOff(max(possible_ms, soon_ms), possible_ms, final=True)


def refusal(fields: Mapping[str, str], now_ms: int) -> TokenDelayed | TokenRefused:
    """The error for whoever needs a token that the backend has refused (fields of `put_off`)."""
    retry_ms, possible_ms = int(fields["token_retry"]), int(fields["token_possible"])
    if fields.get("token_final") != "1":
        return TokenDelayed(retry_in_s=max(1.0, (retry_ms - now_ms) / 1000))
    at = iso_time(possible_ms)
    detail = f"The backend gives no new token now; the next one is possible at {at}."
    if int(fields.get("token_lost", "0")):
        detail += " A token may have been issued and lost on its way to us."
    hint = f"Resume the job after {at}, or attach a token: PUT /v1/account/nemo-token."
    return TokenRefused(detail, hint=hint, next_possible_at=at)


def is_alive(fields: Mapping[str, str], now_ms: int) -> bool:
    """Whether a stored anonymous token has not ended yet."""
    return "token" in fields and int(fields.get("token_expires", "0")) > now_ms


def iso_time(at_ms: int) -> str:
    """A time as RFC 3339 in UTC, in whole seconds, rounded up."""
    moment = datetime.fromtimestamp(-(-at_ms // 1000), UTC)
    return moment.isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


def _window_ends(fields: Mapping[str, str], now_ms: int) -> int:
    """When the time ends in which the backend gives this client no other token."""
    if is_alive(fields, now_ms):
        return int(fields["token_expires"]) + 1000
    ends_ms = int(fields.get("token_issued", "0")) + WINDOW_MS
    return ends_ms if ends_ms > now_ms else now_ms + WINDOW_MS
