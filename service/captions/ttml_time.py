"""Time expressions of TTML (W3C TTML2 12.3): `00:00:01.5`, `00:00:01:12`, `1.5s`, `36f`. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

_CLOCK = re.compile(
    r"^(\d{1,4}):([0-5]\d):([0-5]\d|60)(?:(\.\d{1,9})|:(\d{1,4})(?:\.(\d{1,4}))?)?$", re.ASCII
)
_OFFSET = re.compile(r"^(\d{1,15}(?:\.\d{1,9})?)(h|ms|m|s|f|t)$", re.ASCII)
_RATE = re.compile(r"^[1-9]\d{0,8}$", re.ASCII)
_MULTIPLIER = re.compile(r"^([1-9]\d{0,5})[\s:]([1-9]\d{0,5})$", re.ASCII)
_UNITS_MS = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}


@dataclass(frozen=True, slots=True)
class Rates:
    """How many frames, parts of a frame and ticks a second has."""

    frame: Fraction = Fraction(30)
    subframe: int = 1
    tick: Fraction = Fraction(1)


def read_rates(parameters: Mapping[str, str]) -> Rates:
    """Read the rates of a document from the root's `ttp:` parameters, by their local names.

    Raises:
        ValueError: a rate is not a positive number; says which.
    """
    base = _rate(parameters, "frameRate", 30)
    subframe = _rate(parameters, "subFrameRate", 1)
    multiplier = parameters.get("frameRateMultiplier", "1 1")
    match = _MULTIPLIER.match(multiplier.strip())
    if not match:
        raise ValueError(f"'{multiplier[:20]}' is not a frameRateMultiplier")
    frame = Fraction(base * int(match.group(1)), int(match.group(2)))
    by_default = frame * subframe if "frameRate" in parameters else Fraction(1)
    tick = Fraction(_rate(parameters, "tickRate", 1)) if "tickRate" in parameters else by_default
    return Rates(frame, subframe, tick)


def read_time(text: str, rates: Rates) -> int:
    """Read a time expression into milliseconds.

    Raises:
        ValueError: it is not one.
    """
    plain = text.strip()
    clock = _CLOCK.match(plain)
    if clock:
        return round(_clock_ms(clock, rates))
    offset = _OFFSET.match(plain)
    if not offset:
        raise ValueError(f"'{plain[:40]}' is not a time")
    amount, unit = Fraction(offset.group(1)), offset.group(2)
    if unit == "f":
        return round(amount * 1000 / rates.frame)
    if unit == "t":
        return round(amount * 1000 / rates.tick)
    return round(amount * _UNITS_MS[unit])


def _clock_ms(clock: re.Match[str], rates: Rates) -> Fraction:
    hours, minutes, seconds, fraction, frames, subframes = clock.groups()
    whole_s = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    frame = int(frames or 0) + Fraction(int(subframes or 0), rates.subframe)
    return (whole_s + Fraction(f"0{fraction or '.0'}") + frame / rates.frame) * 1000


def _rate(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name, str(default)).strip()
    if not _RATE.match(text):
        raise ValueError(f"'{text[:20]}' is not a {name}")
    return int(text)
