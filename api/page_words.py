"""How the page of a job says things: numbers, states, flags. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeGuard

#: Said where a figure is not there.
NOTHING = "–"

_DAY_S = 86_400
_LAST_MS = 253_402_300_800_000  # the year 10000
_JOBS = {
    "queued": "Waiting to begin",
    "running": "Being made",
    "action_required": "Waiting for a person",
    "comparing": "Being compared",
    "canceling": "Being canceled",
    "succeeded": "Done",
    "partial": "Done in part",
    "failed": "Failed",
    "canceled": "Canceled",
    "expired": "Ran out of time",
}
_ENDED = ("succeeded", "partial", "failed", "canceled", "expired")
_FLAGS = {
    "several_fills": "letters in several colours",
    "fading": "fading in or out",
    "shadow_only": "a shadow on one side only",
    "thin_outline": "a very thin outline",
    "small_text": "very small lines",
    "uneven": "very uneven contrast",
    "misaligned": "the pictures do not lie on each other",
    "few_clean_frames": "hardly a moment without captions",
    "partly_hidden": "letters that cannot be seen in part",
    "other_colour": "another colour than asked for",
    "no_letters": "something without letters",
    "too_short": "too short to measure",
    "unlike_text": "shapes unlike the text",
    "moving": "captions that move or change within a cue",
    "unknown_offset": "pictures that do not fit at any moment",
    "other_script": "a script that measuring was not tried on",
    "no_clip": "no clip to compare with",
}


def say_job(status: str) -> str:
    """A job's status in a word or two."""
    return _JOBS.get(status, status.replace("_", " "))


def has_ended(status: str) -> bool:
    """Whether a job is over."""
    return status in _ENDED


def say_flag(flag: str) -> str:
    """Why a figure is of low confidence."""
    return _FLAGS.get(flag, flag.replace("_", " "))


def number(value: Any, digits: int = 1, unit: str = "") -> str:
    """A figure with so many digits after the point; a dash where there is none."""
    if not is_number(value):
        return NOTHING
    return f"{value:.{digits}f}{unit and ' '}{unit}"


def percent(value: Any) -> str:
    """A share of 0 to 1."""
    if not is_number(value):
        return NOTHING
    shown = value * 100
    return "under 1 %" if 0 < shown < 1 else f"{shown:.0f} %"


def reached(share: Any) -> str:
    """How much of a need is met, rounded down: 99.9 % of it is not all."""
    if not is_number(share):
        return NOTHING
    return "under 1 %" if 0 < share < 0.01 else f"{math.floor(100 * share):,} %"


def count(value: Any) -> str:
    """A whole number as 12,345."""
    return f"{value:,.0f}" if is_number(value) else NOTHING


def signed_percent(value: Any, digits: int = 1) -> str:
    """A relative change as +3.1 %, with a true minus sign."""
    if not is_number(value):
        return NOTHING
    shown = f"{100 * value:+,.{digits}f}".replace("-", "\u2212")
    return f"{shown} %"


def say_seconds(centiseconds: float, digits: int = 2, *, signed: bool = False) -> str:
    """Centiseconds as 7.81 s, with a true minus sign."""
    shown = round(centiseconds / 100, digits) + 0.0  # adding it makes -0 a plain 0
    text = f"{shown:+,.{digits}f}" if signed else f"{shown:,.{digits}f}"
    return f"{text} s".replace("-", "\u2212")


def instant(at_ms: Any, *, seconds: bool = False) -> str:
    """Milliseconds of Unix time as 2026-11-25 14:05 UTC, or with its seconds."""
    if not is_number(at_ms) or not 0 < at_ms < _LAST_MS:
        return NOTHING
    clock_time = "%H:%M:%S" if seconds else "%H:%M"
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime(f"%Y-%m-%d {clock_time} UTC")


def say_days(days: Any) -> str:
    """Whole days in words."""
    if not is_number(days):
        return "an unknown time"
    return "less than a day" if days < 1 else f"{days:,.0f} day{'' if days == 1 else 's'}"


def say_time(seconds: float) -> str:
    """A time of a plan in words."""
    if seconds >= _DAY_S and seconds % _DAY_S == 0:
        return say_days(seconds / _DAY_S)
    if seconds < 3600:
        return f"{seconds / 60:.3g} minutes"
    return f"{seconds / 3600:.3g} hours"


def ratio(value: Any) -> str:
    """A contrast as the WCAG writes it."""
    return f"{value:.1f}:1" if is_number(value) else NOTHING


def clock(seconds: Any) -> str:
    """A time on a clip's line, as 0:04.57."""
    if not is_number(seconds):
        return NOTHING
    hundredths = max(0, round(seconds * 100))
    return f"{hundredths // 6000}:{hundredths % 6000 // 100:02d}.{hundredths % 100:02d}"


def size(value: Any) -> str:
    """Bytes as people read them."""
    if not is_number(value):
        return ""
    return f"{value / 1e6:.1f} MB" if value >= 1e6 else f"{value / 1e3:.0f} kB"


def day(moment: Any) -> str:
    """An ISO time as 2026-11-25 14:05 UTC."""
    text = str(moment or "")
    return f"{text[:10]} {text[11:16]} UTC" if len(text) >= 16 else text


def moment(at: Any) -> str:
    """An ISO time as 14:05:30 UTC."""
    text = str(at or "")
    return f"{text[11:19]} UTC" if len(text) >= 19 else text


def is_number(value: Any) -> TypeGuard[float]:
    """Whether a value of the report is a figure."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def figure(values: Any, name: str, otherwise: float) -> float:
    """A figure of a report; another one where it is missing or something else."""
    found = values.get(name) if isinstance(values, Mapping) else None
    return found if is_number(found) else otherwise


def part(values: Any, name: str) -> Mapping[str, Any]:
    """A part of a report; empty where it is missing or something else."""
    found = values.get(name) if isinstance(values, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def items(values: Any, name: str) -> list[Mapping[str, Any]]:
    """A list of objects in a report; empty where it is missing."""
    found = values.get(name) if isinstance(values, Mapping) else None
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def texts(values: Any, name: str) -> list[str]:
    """A list of words in a report; empty where it is missing."""
    found = values.get(name) if isinstance(values, Mapping) else None
    return [str(each) for each in found] if isinstance(found, list | tuple) else []
