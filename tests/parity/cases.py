"""Questions for oracles.py and for us: made by a seed, and some at the edges."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

Case = dict[str, Any]
_ALPHAS = (0.05, 0.01, 0.1, 0.05 * 2 / 3, 0.0125)


def make_cases(count: int, seed: int) -> list[Case]:
    """`count` of each kind that costs little, fewer of the others."""
    dice = random.Random(seed)
    cases = []
    for _ in range(count):
        cases += [{"what": what, "given": given} for what, given in _one_of_each(dice)]
    few = max(2, count // 10)
    cases += [{"what": "exact_two", "given": _counts(dice, 2, 4000)} for _ in range(count)]
    cases += [{"what": "exact_three", "given": _counts(dice, 3, 60)} for _ in range(few)]
    return cases + [{"what": what, "given": given} for what, given in _edges()]


def _one_of_each(dice: random.Random) -> Iterator[tuple[str, Case]]:
    pair = _pair(dice)
    yield "gbstats_sequential", pair | {"planned_units": dice.choice((500, 5000, 40_000))}
    yield "gbstats_fixed", pair
    yield "gbstats_shrunk", pair
    yield "gbstats_flat", pair
    values = [[dice.randrange(3000) for _ in range(dice.randrange(5, 60))] for _ in range(2)]
    yield "statsmodels_welch", {"values": values, "alpha": dice.choice(_ALPHAS)}
    p_values = [dice.random() ** dice.randrange(1, 9) for _ in range(dice.randrange(1, 9))]
    yield "statsmodels_holm", {"p": p_values}
    yield (
        "statsmodels_size",
        {
            "effect": dice.uniform(1e-6, 1e-5),
            "deviation": dice.uniform(0.1, 1),
            "alpha": dice.choice(_ALPHAS),
            "power": dice.uniform(0.6, 0.95),
        },
    )
    tail = 10 ** dice.uniform(-8, -0.5)
    freedom = 10 ** dice.uniform(0, 6)
    yield "scipy_student", {"t": dice.uniform(0, 9), "freedom": freedom, "tail": tail}
    n = dice.randrange(1, 10 ** dice.randrange(1, 7))
    yield "scipy_credible", {"n": n, "s": dice.randrange(n + 1)}
    yield "ssrm_shares", _stream(dice)
    yield "exact_shares", _shares(dice, 10 ** dice.randrange(2, 10))
    yield "exact_sequence", _sequence(dice)
    yield "exact_variance", _large_sums(dice)


def _pair(dice: random.Random) -> Case:
    kind = dice.choice(("proportion", "mean", "ratio"))
    sums = [_sums(kind, dice) for _ in range(2)]
    return {"kind": kind, "sums": sums, "alpha": dice.choice(_ALPHAS)}


def _sums(kind: str, dice: random.Random) -> Case:
    n = dice.randrange(100, 3000)
    if kind == "proportion":
        return {"n": n, "s": dice.randrange(25, n - 25)}
    x = [dice.randrange(3001) * dice.randrange(2) for _ in range(n)]
    if kind == "mean":
        return {"n": n, "s1": sum(x), "s2": sum(each * each for each in x)}
    y = [dice.randrange(1, 9) for _ in range(n)]
    return {
        "n": n,
        "sx": sum(x),
        "sxx": sum(each * each for each in x),
        "sy": sum(y),
        "syy": sum(each * each for each in y),
        "sxy": sum(a * b for a, b in zip(x, y, strict=True)),
    }


def _weights(dice: random.Random) -> list[float]:
    parts = [dice.randrange(1, 10) for _ in range(dice.randrange(2, 9))]
    return [each / sum(parts) for each in parts]


def _stream(dice: random.Random) -> Case:
    weights = _weights(dice)
    looks = [[round(w * dice.randrange(200, 600)) for w in weights] for _ in range(12)]
    return {"weights": weights, "counts": looks, "concentration": dice.choice((1000, 10_000))}


def _shares(dice: random.Random, total: int) -> Case:
    weights = _weights(dice)
    counts = [round(w * total * dice.uniform(0.99, 1.01)) for w in weights]
    return {"weights": weights, "counts": counts, "concentration": 1000}


def _sequence(dice: random.Random) -> Case:
    means = [dice.uniform(0.01, 50), dice.uniform(0.01, 50)]
    return {
        "units": 2 * dice.randrange(50, 10**7),
        "alpha": dice.choice(_ALPHAS),
        "planned_units": dice.choice((500, 5000, 10**6)),
        "z": dice.uniform(-60, 60),
        "means": means,
        "variances": [(mean * dice.uniform(0.001, 0.05)) ** 2 for mean in means],
    }


def _large_sums(dice: random.Random) -> Case:
    """A trillion units that hardly differ: a textbook variance in floats has no digit right."""
    n = dice.randrange(10**11, 10**12)
    mean = dice.randrange(10**6, 10**7)
    s1 = n * mean + dice.randrange(-(10**9), 10**9)
    square = s1 * s1 // n
    return {"n": n, "s1": s1, "s2": square + dice.randrange(n, 100 * n)}


def _counts(dice: random.Random, variants: int, most: int) -> Case:
    sizes = [dice.randrange(1, most) for _ in range(variants)]
    return {"counts": [[n, dice.randrange(n + 1)] for n in sizes]}


def _edges() -> Iterator[tuple[str, Case]]:
    for counts in (
        [[1, 0], [1, 1]],
        [[1000, 0], [1000, 0]],
        [[1000, 1000], [1000, 999]],
        [[5, 0], [40_000, 12]],
        [[20_000, 1000], [20_000, 1200]],
        [[20_000, 6000], [20_000, 6600]],
        [[300_000, 3000], [900_000, 9100]],
        [[1_000_000, 50_000], [1_000_000, 50_300]],
        [[100, 3], [1_000_000, 30_000]],
    ):
        yield "exact_two", {"counts": counts}
