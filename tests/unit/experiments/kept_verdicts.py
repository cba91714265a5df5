"""Verdicts as they were first given, kept with their snapshots: `python -m` writes them anew.

A verdict is made again from its snapshot in a dispute, so rules, words and digits of a format do
not change once it is released: a change needs a new `format` of snapshots, read by its own rules.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from service.experiments.snapshot import canonical, write_snapshot
from service.experiments.verdict import decide
from tests.unit.experiments.scenes import TABLE

PATH = Path(__file__).with_suffix(".jsonl")


def read_kept() -> Iterator[dict[str, Any]]:
    with PATH.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def main() -> None:
    with PATH.open("wb") as lines:
        for name, snapshot, *_ in TABLE:
            kept = {
                "name": name,
                "snapshot": write_snapshot(snapshot),
                "verdict": decide(snapshot).document,
            }
            lines.write(canonical(kept) + b"\n")


if __name__ == "__main__":
    main()
