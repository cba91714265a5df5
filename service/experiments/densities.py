"""Densities and tails, to nearly all digits of a float. Pure.

`math.lgamma` keeps its digits relative to a value that itself grows: for a million outcomes a
density made from it has nine digits left. C. Loader's way ("Fast and accurate computation of
binomial probabilities", 2000) keeps fifteen.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
_ROOT_2PI = math.sqrt(2 * math.pi)
#: From here on six terms of Stirling's series leave less than a float can show.
_SERIES_FROM = 16.0
_SERIES = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)
_TINY = 1e-300
_ENOUGH = 1e-16
_STEPS = 1000
#: Below a tenth each term is a hundredth of the one before: ten of them leave nothing.
_ODD = tuple(float(n) for n in range(3, 101, 2))


def stirling_error(x: float) -> float:
    """What Stirling's formula lacks: ln Gamma(x) - ((x - 1/2) ln x - x + ln(2 pi)/2), for x > 0."""
    if x < _SERIES_FROM:
        return math.lgamma(x) - ((x - 0.5) * math.log(x) - x + _HALF_LOG_2PI)
    square = 1 / (x * x)
    total = 0.0
    for term in reversed(_SERIES):
        total = total * square + term
    return total / x


def deviance(x: float, expected: float) -> float:
    """X ln(x / expected) + expected - x, without loss where the two are close."""
    if x == 0:
        return expected
    off = x - expected
    if abs(off) >= 0.1 * (x + expected):
        return x * math.log(x / expected) - off
    v = off / (x + expected)
    square = v * v
    total, power = off * v, 2 * x * v
    for n in _ODD:
        power *= square
        more = total + power / n
        if more == total:
            break
        total = more
    return total


def beta_density(a: float, b: float) -> Callable[[float], float]:
    """The density of Beta(a, b), for a and b of at least 1, as a function of x in 0..1."""
    yes, no = a - 1, b - 1
    total = yes + no
    if yes == 0 or no == 0:
        return lambda x: _at_an_end(x, yes, no)
    constant = stirling_error(total) - stirling_error(yes) - stirling_error(no)
    front = (total + 1) * math.sqrt(total / yes / no) / _ROOT_2PI

    def density(x: float) -> float:
        if not 0 < x < 1:
            return 0.0
        off = deviance(yes, total * x) + deviance(no, total * (1 - x))
        return front * math.exp(constant - off)

    return density


def _at_an_end(x: float, yes: float, no: float) -> float:
    """The density where only failures or only successes were seen, or nothing."""
    if not 0 <= x <= 1:
        return 0.0
    many, base = (no, -x) if yes == 0 else (yes, x - 1)
    if many == 0:
        return 1.0
    return (many + 1) * math.exp(many * math.log1p(base)) if base > -1 else 0.0


def normal_density(mean: float, deviation: float) -> Callable[[float], float]:
    """The density of a normal distribution."""
    front = 1 / (_ROOT_2PI * deviation)
    return lambda x: front * math.exp(-0.5 * ((x - mean) / deviation) ** 2)


def normal_tail(z: float) -> float:
    """The probability that a standard normal variable exceeds z."""
    return 0.5 * math.erfc(z / math.sqrt(2))


def student_tail(t: float, freedom: float) -> float:
    """The probability that Student's t with so many degrees of freedom exceeds t, for t >= 0.

    Half the incomplete beta function of freedom / (freedom + t^2), by its continued fraction.
    """
    if t == 0:
        return 0.5
    a, b = freedom / 2, 0.5
    ratio = t * t / freedom
    x, rest = 1 / (1 + ratio), ratio / (1 + ratio)
    # x^a rest^b / B(a, b), where B(a, 1/2) is sqrt(pi) Gamma(a) / Gamma(a + 1/2)
    front = math.exp(-a * math.log1p(ratio) + b * math.log(rest) + _log_half_step(a))
    front /= math.sqrt(math.pi)
    if x < (a + 1) / (a + b + 2):
        return 0.5 * front * _fraction(x, a, b) / a
    return 0.5 - 0.5 * front * _fraction(rest, b, a) / b


def student_quantile(tail: float, freedom: float) -> float:
    """The t that is exceeded with probability `tail`, for 0 < tail < 1/2."""
    t = NormalDist().inv_cdf(1 - tail)
    for _ in range(60):
        slope = _student_density(t, freedom)
        # on the logarithm of the tail, which is nearly straight, Newton's steps do not overshoot
        now = student_tail(t, freedom)
        step = math.log(now / tail) * now / slope
        t += step
        if abs(step) <= 1e-15 * t:
            break
    return t


def _student_density(t: float, freedom: float) -> float:
    front = math.exp(_log_half_step(freedom / 2)) / math.sqrt(freedom * math.pi)
    return front * math.exp(-(freedom + 1) / 2 * math.log1p(t * t / freedom))


def _log_half_step(a: float) -> float:
    """The logarithm of Gamma(a + 1/2) / Gamma(a)."""
    more = a + 0.5
    # (a ln more - (a - 1/2) ln a - 1/2) with the large parts taken out
    large = a * math.log1p(0.5 / a) + 0.5 * math.log(a) - 0.5
    return large + stirling_error(more) - stirling_error(a)


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method (DLMF 8.17.22)."""
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    total = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _away(1 + term * d)
            c = _away(1 + term / c)
            total *= c * d
        if abs(c * d - 1) < _ENOUGH:
            break
    return total


def _away(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
