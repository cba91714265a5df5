"""The tables of legibility measured blind beside the truth."""

from __future__ import annotations

import itertools
import statistics
from dataclasses import dataclass

from benchmarks.looks import Clip, Look
from service.compare.blind import Blind
from service.compare.legibility import Legibility

ORDINARY_PX = 20
INFINITE = float("inf")


@dataclass(frozen=True, slots=True)
class Case:
    """One cue of one style on one clip, both ways."""

    look: Look
    clip: str
    exact: Legibility
    blind: Blind

    @property
    def error(self) -> float | None:
        """The blind median contrast's relative error; nothing where either sees no letters."""
        ours, true = self.blind.legibility.contrast, self.exact.contrast
        if ours is None or true is None or not self.exact.visible:
            return None
        return ours / true - 1


def print_table(cases: list[Case], looks: tuple[Look, ...], clips: tuple[Clip, ...]) -> None:
    print("\n\nError of the blind median contrast in percent, cue 1 / cue 2. `*`: flagged. `inv`:")
    print("invisible both ways; `missed`: the letters were there; `false`: they were not.\n")
    print("| style | " + " | ".join(clip.name for clip in clips) + " |")
    print("|---" * (len(clips) + 1) + "|")
    for look in looks:
        row = [
            " / ".join(
                show_error(c) for c in cases if (c.look.name, c.clip) == (look.name, clip.name)
            )
            for clip in clips
        ]
        print(f"| {look.name} | " + " | ".join(row) + " |")


def show_error(case: Case) -> str:
    flagged = "" if case.blind.confident else "*"
    if not case.exact.visible:
        return ("false" if case.blind.legibility.visible else "inv") + flagged
    if case.error is None or not case.blind.legibility.visible:
        return "missed" + flagged
    return f"{100 * case.error:+.0f}{flagged}"


def print_summary(cases: list[Case], cpu_s: float) -> None:
    seen = [case for case in cases if case.exact.visible]
    hidden = [case for case in cases if not case.exact.visible]
    print(
        "\n| | cues | median error | within 15 % | within 25 % | right side of 3 and 4.5 |", end=""
    )
    print(" weakest tenth within 25 % | shares within .1 | line within 10 % |")
    print("|---" * 9 + "|")
    for name, some in (
        ("all visible cues", seen),
        ("without a flag", [case for case in seen if case.blind.confident]),
        ("flagged", [case for case in seen if not case.blind.confident]),
    ):
        print(f"| {name} | {' | '.join(_sum_up(some))} |")
    found = sum(not case.blind.legibility.visible for case in hidden)
    false = sum(not case.blind.legibility.visible for case in seen)
    print(
        f"\ninvisible: {found} of {len(hidden)} found, {false} of {len(seen)} visible ones missed"
    )
    flags = sorted(itertools.chain.from_iterable(case.blind.flags for case in seen))
    counts = ", ".join(f"{name} {len(list(same))}" for name, same in itertools.groupby(flags))
    unsure = sum(not case.blind.confident for case in seen)
    print(f"flagged: {unsure} of {len(seen)} ({counts or 'none'})")
    ordinary = [case for case in seen if case.look.ordinary and case.exact.line_px >= ORDINARY_PX]
    unsure = sum(not case.blind.confident for case in ordinary)
    print(
        f"plain, outlined, steadily boxed at {ORDINARY_PX} px or more:"
        f" {unsure} flagged of {len(ordinary)}"
    )
    print(f"blind: {cpu_s:.2f} CPU seconds for a second of video")


def _sum_up(cases: list[Case]) -> list[str]:
    """One row of the summary; cues whose letters were not found count as missing every bound."""
    if not cases:
        return ["0", *["-"] * 7]
    errors = [abs(case.error) if case.error is not None else INFINITE for case in cases]
    pairs = [(case.exact, case.blind.legibility) for case in cases]
    weakest = [_error(true.weakest, found.weakest) for true, found in pairs]
    shares = [
        max(_gap(true.below_3, found.below_3), _gap(true.below_4_5, found.below_4_5))
        for true, found in pairs
    ]
    lines = [_error(true.line_px, found.line_px) for true, found in pairs]
    middle = statistics.median(errors)
    sides = statistics.mean(_same_side(case) for case in cases)
    parts = [_share(errors, 0.15), _share(errors, 0.25), sides]
    parts += [_share(weakest, 0.25), _share(shares, 0.1), _share(lines, 0.1)]
    return [str(len(cases)), f"{middle:.1%}", *(f"{part:.0%}" for part in parts)]


def _error(true: float | None, found: float | None) -> float:
    return abs(found / true - 1) if true and found is not None else INFINITE


def _gap(true: float | None, found: float | None) -> float:
    return INFINITE if true is None or found is None else abs(true - found)


def _share(errors: list[float], most: float) -> float:
    return sum(error <= most for error in errors) / len(errors)


def _same_side(case: Case) -> float:
    ours, true = case.blind.legibility.contrast, case.exact.contrast
    if ours is None or true is None:
        return 0.0
    return float(all((ours >= limit) == (true >= limit) for limit in (3, 4.5)))
