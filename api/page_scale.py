"""Where times and values of an experiment lie in the picture of an interval. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from api.page_values import say_difference
from api.page_words import instant, say_seconds, signed_percent
from service.experiments.plan import Unit

WIDTH, HEIGHT = 1000.0, 220.0
#: What is left free at both ends.
MARGIN = 12.0
_HOUR_MS = 3_600_000
#: Steps of a scale are these times a power of ten.
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Span:
    """An interval at one look: `low` and `high` are None where it could not be told."""

    at_ms: float
    units: int
    low: float | None
    high: float | None


class Scale:
    """Where times and values lie in the picture; values run over equal steps, 0 among them."""

    def __init__(self, spans: list[Span], rope: tuple[float, float], started_ms: int) -> None:
        kept = [each for each in spans if each.low is not None]
        # Early intervals are so wide that the later ones would be a line: these decide the scale.
        late = kept[len(kept) // 2 :]
        ends = [end for each in late for end in (each.low, each.high) if end is not None]
        low, high = min(0.0, rope[0], *ends), max(0.0, rope[1], *ends)
        self.step = _find_step(high - low)
        self.bottom = math.floor(low / self.step + 1e-9) * self.step
        self.top = math.ceil(high / self.step - 1e-9) * self.step
        if self.top <= self.bottom:
            self.top = self.bottom + self.step
        count = max(1, round((self.top - self.bottom) / self.step))
        self.values = [self.top - index * self.step for index in range(count + 1)]
        self.end = max(each.at_ms for each in spans)
        self.begin = started_ms if 0 < started_ms < self.end else min(each.at_ms for each in spans)

    def time(self, at_ms: float) -> str:
        """A time in words, to the second where all of it was within an hour."""
        return instant(at_ms, seconds=self.end - self.begin < _HOUR_MS)

    def x(self, at_ms: float) -> float:
        """From the left; all at the right end where there is no time between."""
        whole = self.end - self.begin
        part = (at_ms - self.begin) / whole if whole > 0 else 1.0
        return MARGIN + (WIDTH - 2 * MARGIN) * min(1.0, max(0.0, part))

    def y(self, value: float) -> float:
        """From the top; what lies beyond is drawn at the edge."""
        part = (self.top - value) / (self.top - self.bottom)
        return round(HEIGHT * min(1.0, max(0.0, part)), 1)

    def is_beyond(self, span: Span) -> bool:
        """Whether a part of it is cut off."""
        slack = 1e-6 * self.step
        return any(
            not self.bottom - slack <= end <= self.top + slack
            for end in (span.low, span.high)
            if end is not None
        )

    def tick(self, value: float, *, relative: bool, unit: Unit) -> str:
        """A value of the scale in words."""
        if abs(value) < self.step / 2:
            return "0"
        if relative:
            return signed_percent(value, _digits(100 * self.step))
        if unit is Unit.SECONDS:
            return say_seconds(value, _digits(self.step / 100), signed=True)
        return say_difference(value, unit)


def _digits(step: float) -> int:
    """Digits after the point that tell steps apart, six at most."""
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    digits += 0 if round(step * 10**digits) * 10**-digits == round(step, 12) else 1
    return min(digits, 6)


def _find_step(whole: float) -> float:
    """A round step, of which three to six fill the scale."""
    rough = max(whole, 1e-9) / 4
    size = 10.0 ** math.floor(math.log10(rough))
    return next((each * size for each in _STEPS if each * size >= rough), 10 * size)
