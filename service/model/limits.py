"""What an API key may use up: limits of its own, and those of the installation. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from service.errors import FieldError
from service.settings import Settings


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """Limits of one key; None takes the setting, 0 means no limit.

    `jobs_per_minute` are accepted jobs, `open_jobs` unfinished ones, `month_credits` credits of a
    calendar month (UTC), those of unfinished jobs as estimated.
    """

    jobs_per_minute: int | None = None
    open_jobs: int | None = None
    month_credits: int | None = None


#: A key that has no limits but those of the settings.
NO_OWN_LIMITS = KeyLimits()

DAY_MS = 86_400_000
_NAMES = ("jobs_per_minute", "open_jobs", "month_credits")


@dataclass(frozen=True, slots=True)
class HeldLimits:
    """Limits as they hold for a key; 0 means none."""

    jobs_per_minute: int
    open_jobs: int
    month_credits: int


def limits_of(own: KeyLimits, settings: Settings) -> HeldLimits:
    """A key's own limits where it has them, else those of the settings."""

    def held(name: str) -> int:
        value: int | None = getattr(own, name)
        return int(getattr(settings, f"key_{name}")) if value is None else value

    return HeldLimits(*(held(name) for name in _NAMES))


def above(own: KeyLimits, most: HeldLimits) -> list[FieldError]:
    """Where a key's own limits let more through than the installation does."""
    errors = []
    for name in _NAMES:
        value, bound = getattr(own, name), getattr(most, name)
        if value is not None and bound and not 0 < value <= bound:
            errors.append(FieldError(f"#/limits/{name}", f"must be 1 to {bound}"))
    return errors


@dataclass(frozen=True, slots=True)
class KeyUse:
    """What new work would use of a key, and the key's limits; 0 is none.

    `credits` is what the work is expected to cost, `month_first_day` the first day of this month
    (UTC), in days since 1970. Without a key only the tenant's use is counted.
    """

    key: str
    jobs_per_minute: int
    open_jobs: int
    month_credits: int
    credits: int
    month_first_day: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def use_of(key_id: str, held: HeldLimits, *, price: int, now_ms: int) -> KeyUse:
    """What work that is expected to cost so many credits would use of a key now."""
    day = datetime.fromtimestamp(now_ms / 1000, UTC).day
    return KeyUse(
        key=key_id,
        jobs_per_minute=held.jobs_per_minute,
        open_jobs=held.open_jobs,
        month_credits=held.month_credits,
        credits=price,
        month_first_day=now_ms // DAY_MS - day + 1,
    )
