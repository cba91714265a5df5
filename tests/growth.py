"""How the cost of something grows with its input: a ratio, so that no machine is too slow."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Below this many CPU seconds a measurement is mostly noise.
_NOISE_S = 0.02
_FACTOR = 4


def is_about_linear(run: Callable[[int], object], size: int) -> bool:
    """Whether four times the input costs clearly less than sixteen times the CPU."""
    small, large = _cost(run, size // _FACTOR), _cost(run, size)
    return large / max(small, _NOISE_S) < 0.6 * _FACTOR**2


def _cost(run: Callable[[int], object], size: int) -> float:
    def once() -> float:
        began = time.process_time()
        run(size)
        return time.process_time() - began

    return min(once() for _ in range(3))
