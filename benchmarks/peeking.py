"""Does a verdict survive peeking? Simulated experiments, each looked at 200 times.

Where variants are equal, whoever names a winner is wrong. Prints the tables of docs/statistics.md,
with the seed; ends with 1 when a promise is not kept, or when the naive test beside it does so well
that the check proves nothing. The rules are the product's: it walks itself along some experiments
of each setting, winners among them, and must end each at the same look.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.paths import (
    PER_LOOK,
    Ends,
    Setting,
    disagreements,
    draw,
    run_chance,
    run_naive,
    run_product,
    run_relative,
)
from service.experiments.metrics import Kind

LOOKS = 200
MOST_FALSE = 0.05
LEAST_NAIVE = 0.25
LEAST_POWER = 0.90
_EVEN, _SKEWED, _THIRDS, _QUARTERS = (0.5, 0.5), (0.1, 0.9), (1 / 3,) * 3, (0.25,) * 4

#: The promise: at most 5 % in every one of these, with the naive test above 25 %.
EQUAL = tuple(
    Setting(f"{100 * rate:g} %, {name}", (rate, rate), weights)
    for rate in (0.01, 0.05, 0.3)
    for name, weights in (("50/50", _EVEN), ("10/90", _SKEWED))
)
#: At most 5 % as well; the naive test is only shown.
MORE_EQUAL = (
    Setting("three variants at 5 %", (0.05,) * 3, _THIRDS),
    Setting("two best of three: 5, 5, 2 %", (0.05, 0.05, 0.02), _THIRDS),
    Setting("two best of four: 5, 5, 2, 2 %", (0.05, 0.05, 0.02, 0.02), _QUARTERS),
)
#: Values instead of yes or no; they take long to draw, so there are fewer.
VALUES = (
    Setting("seconds watched, 50/50", (1.0, 1.0), _EVEN, Kind.MEAN, 0.6),
    Setting("seconds for each impression, 50/50", (1.0, 1.0), _EVEN, Kind.RATIO),
    Setting("seconds watched, 10/90", (1.0, 1.0), _SKEWED, Kind.MEAN, 0.6),
    Setting("seconds for each impression, 10/90", (1.0, 1.0), _SKEWED, Kind.RATIO),
    Setting("seconds of 1 % of viewers, 10/90", (1.0, 1.0), _SKEWED, Kind.MEAN, 0.01),
    Setting("the same for each impression, 50/50", (1.0, 1.0), _EVEN, Kind.RATIO, 0.01),
    Setting("the same for each impression, 10/90", (1.0, 1.0), _SKEWED, Kind.RATIO, 0.01),
)
#: The last variant is the best. In the first, at least 90 % must be found.
UNEQUAL = (
    Setting("5 % and 6 %", (0.05, 0.06), _EVEN),
    Setting("5 % and 6 %, 10/90", (0.05, 0.06), _SKEWED),
    Setting("30 % and 33 %", (0.30, 0.33), _EVEN),
    Setting("5, 5 and 6 %", (0.05, 0.05, 0.06), _THIRDS),
    Setting("5, 5, 5 and 6 %", (0.05, 0.05, 0.05, 0.06), _QUARTERS),
)
UNEQUAL_VALUES = (Setting("seconds for each impression, +10 %", (1.0, 1.1), _EVEN, Kind.RATIO),)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a setting; `faults` are experiments that the product ends otherwise."""

    setting: Setting
    experiments: int
    product: Ends
    naive: Ends
    chance: Ends
    relative: Ends
    walked: int
    faults: Sequence[str]

    @property
    def found(self) -> float:
        return float(np.mean(self.product.winner == self._best))

    @property
    def misled(self) -> tuple[float, float]:
        """How often a variant that is not the best was named: by the product, and naively."""
        ours, theirs = self.product.winner, self.naive.winner
        wrong = [(each >= 0) & (each != self._best) for each in (ours, theirs)]
        return float(np.mean(wrong[0])), float(np.mean(wrong[1]))

    @property
    def median_units(self) -> int:
        """Of the smallest variant, where the best was found."""
        looks = self.product.look[self.product.winner == self._best]
        return int(np.median(looks + 1) * PER_LOOK) if len(looks) else 0

    @property
    def _best(self) -> int:
        return len(self.setting.levels) - 1


def simulate(
    setting: Setting, *, experiments: int, looks: int, walked: int, random: np.random.Generator
) -> Result:
    """Draws experiments and ends each in four ways; the product walks along `walked` of them."""
    paths = draw(setting, experiments, looks, random)
    product = run_product(paths)
    which = _choose(product, walked, random)
    faults = disagreements(paths, product, which)
    others = run_naive(paths), run_chance(paths), run_relative(paths)
    return Result(setting, experiments, product, *others, len(which), faults)


def _choose(ends: Ends, walked: int, random: np.random.Generator) -> list[int]:
    """Some experiments by chance, and of those that ended early at most as many again."""
    some = random.choice(len(ends.look), size=min(walked, len(ends.look)), replace=False)
    won = np.flatnonzero(ends.winner >= 0)[:walked]
    return sorted({*map(int, some), *map(int, won)})


def judge_equal(results: Sequence[Result], *, most: float = MOST_FALSE) -> list[str]:
    """What of the promise about equal variants is not kept; naively it must not be in `EQUAL`."""
    faults = []
    for each in results:
        if each.product.share_won() > most:
            faults.append(
                f"{each.setting.name}: {_percent(each.product.share_won())} false winners"
            )
        if each.naive.share_won() <= LEAST_NAIVE and each.setting in EQUAL:
            faults.append(f"{each.setting.name}: the naive test shows no fault to guard against")
    return faults


def judge_power(result: Result, *, least: float = LEAST_POWER) -> list[str]:
    """Whether the better variant is found often enough."""
    if result.found >= least:
        return []
    return [f"{result.setting.name}: the better one was found in {_percent(result.found)}"]


def print_equal(results: Sequence[Result]) -> None:
    print("| equal variants | experiments | false winners | naive z | best with 95 % | relative |")
    print("|---|---|---|---|---|---|")
    for each in results:
        cells = (
            ends.share_won() for ends in (each.product, each.naive, each.chance, each.relative)
        )
        shares = " | ".join(_percent(cell) for cell in cells)
        print(f"| {each.setting.name} | {each.experiments:,} | {shares} |")


def print_unequal(results: Sequence[Result]) -> None:
    print("| the last is the best | found | median units | a worse one named | naively |")
    print("|---|---|---|---|---|")
    for each in results:
        ours, naive = each.misled
        print(
            f"| {each.setting.name} | {_percent(each.found)} | {each.median_units:,}"
            f" | {_percent(ours, 2)} | {_percent(naive)} |"
        )


def _percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiments", type=int, default=4000)
    parser.add_argument("--values", type=int, default=2000, help="experiments of watch times")
    parser.add_argument("--walked", type=int, default=50, help="that the product walks itself")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    args = parser.parse_args()
    random = np.random.default_rng(args.seed)
    print(
        f"seed {args.seed}; {LOOKS} looks, the last at about {LOOKS * 100:,} units of the", end=" "
    )
    print("smallest variant\n", flush=True)

    def run(settings: Sequence[Setting], experiments: int) -> list[Result]:
        found = []
        for each in settings:
            counts = {"experiments": experiments, "looks": LOOKS, "walked": args.walked}
            found.append(simulate(each, **counts, random=random))
            print(f"  {each.name}: {_percent(found[-1].product.share_won())}", file=sys.stderr)
        return found

    equal = run((*EQUAL, *MORE_EQUAL), args.experiments) + run(VALUES, args.values)
    print_equal(equal)
    unequal = run(UNEQUAL, args.experiments) + run(UNEQUAL_VALUES, args.values)
    print()
    print_unequal(unequal)
    everything = [*equal, *unequal]
    walked = sum(each.walked for each in everything)
    faults = [fault for each in everything for fault in each.faults]
    faults += judge_equal(equal) + judge_power(unequal[0])
    print(f"\n{walked:,} experiments were walked by the product itself, look by look.")
    print("\n".join(faults) or "All promises are kept, and the product agrees at every look.")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
