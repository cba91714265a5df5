"""Units to be assigned by us and by GrowthBook's SDK: ASCII, Chinese, emoji, halves of emoji."""

from __future__ import annotations

import json
import random
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from service.experiments.assign import Allocation, Namespace, assign

_ALPHABETS = (
    "0123456789abcdef",
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.@:/ ",
    "的一是不了人我在有他这为之大来以个中上们字幕视频观众",
    "😀🎬🔥👩\u200d💻🇨🇳🏳️\u200d🌈𝒳𠮷é\u0301ñßя",
    '\x00\t\n\u2028\u00a0\ufeff"\\',
)
_PLANS: tuple[tuple[list[float], float, list[Any] | None], ...] = (
    ([0.5, 0.5], 1.0, None),
    ([0.1, 0.9], 1.0, None),
    ([0.5, 0.5], 0.3, None),
    ([0.2, 0.3, 0.5], 0.65, None),
    ([1 / 3, 1 / 3, 1 / 3], 1.0, None),
    ([0.125] * 8, 1.0, None),
    ([0.7, 0.1, 0.1, 0.1], 0.9, ["page-top", 0.2, 0.7]),
    ([0.6, 0.6], 1.0, None),
    ([0.334, 0.333, 0.333], 0.999, ["字幕🎬", 0.0, 0.5]),
    ([0.5, 0.5], 0.0, None),
)
_SEEDS = ("job_01J", "字幕测试", "🎬", "a", "spring teaser")


def make_cases(count: int, seed: int) -> list[dict[str, Any]]:
    """At least `count` units, spread over weights, coverages, namespaces and alphabets."""
    dice = random.Random(seed)
    each = -(-count // len(_PLANS))
    return [
        {
            "seed": dice.choice(_SEEDS) + str(dice.randrange(1000)),
            "weights": weights,
            "coverage": coverage,
            "namespace": namespace,
            "units": [_make_unit(dice) for _ in range(each)],
        }
        for weights, coverage, namespace in _PLANS
    ]


def _make_unit(dice: random.Random) -> str | list[int]:
    if dice.random() < 0.02:  # half of a pair: no valid text, yet browsers hash it
        return [dice.randrange(0xD800, 0xE000), dice.randrange(0x20, 0x7F)]
    letters = dice.choice(_ALPHABETS)
    return "".join(dice.choice(letters) for _ in range(dice.randrange(1, 40)))


def assign_ours(case: dict[str, Any]) -> list[int]:
    """What we say of a case; -1 is "takes no part"."""
    namespace = Namespace(*case["namespace"]) if case["namespace"] else None
    allocation = Allocation(case["seed"], tuple(case["weights"]), case["coverage"], namespace)
    found = (assign(allocation, _text(unit)) for unit in case["units"])
    return [-1 if index is None else index for index in found]


def assign_theirs(cases: list[dict[str, Any]], script: Path) -> list[list[int]]:
    """What the SDK says, which node runs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "cases.json")
        path.write_text(json.dumps(cases), encoding="utf-8")
        run = subprocess.run(["node", script, path], check=True, capture_output=True)
    answer: list[list[int]] = json.loads(run.stdout)
    return answer


def _text(unit: str | list[int]) -> str:
    if isinstance(unit, str):
        return unit
    # as JavaScript has it: two halves that fit together are one character
    return b"".join(code.to_bytes(2, "little") for code in unit).decode(
        "utf-16-le", "surrogatepass"
    )
