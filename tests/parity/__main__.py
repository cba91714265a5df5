"""Our statistics beside those of others, on fresh questions: `make parity`.

Numbers must agree to 1e-9 with gbstats, statsmodels, scipy and ssrm-test, and to 1e-12 with
arithmetic of 40 digits; assignments must be the same. `--write` also renews the committed answers
that `make test` compares with where the others are not installed.
"""

from __future__ import annotations

import argparse
import json
import secrets
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.parity.assignments import assign_ours, assign_theirs
from tests.parity.assignments import make_cases as make_assignments
from tests.parity.cases import Case, make_cases
from tests.parity.compare import limit_of, worst_gap

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".cache" / "parity-tools" / "bin" / "python3"
SDK = ROOT / ".cache" / "parity-node" / "assign.mjs"
ORACLES = ROOT / "tests" / "fixtures" / "statistics" / "oracles.json"
ASSIGNMENTS = ROOT / "tests" / "fixtures" / "statistics" / "assignments.json"
_KEPT_SEED, _KEPT_CASES, _KEPT_UNITS = 20_261_125, 12, 600


def ask(cases: list[Case]) -> dict[str, Any]:
    """The answers of the others, and which versions gave them."""
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder, "cases.json"), Path(folder, "answers.json")
        asked.write_text(json.dumps(cases), encoding="utf-8")
        script = ROOT / "tests" / "parity" / "oracles.py"
        subprocess.run([PYTHON, script, asked, answered], check=True)
        found: dict[str, Any] = json.loads(answered.read_text())
    return found


def compare_numbers(count: int, seed: int) -> int:
    """Prints the largest gap of each kind of question; how many are too large."""
    cases = make_cases(count, seed)
    gaps: dict[str, list[float]] = defaultdict(list)
    reply = ask(cases)
    print(", ".join(f"{name} {version}" for name, version in reply["made_by"].items()))
    for case, answers in zip(cases, reply["answers"], strict=True):
        gaps[case["what"]].append(worst_gap(case, answers))
    wrong = 0
    for what, found in gaps.items():
        limit = limit_of(what)
        wrong += max(found) > limit
        print(f"  {what:20} {len(found):4} cases, at most {max(found):.1e} of {limit:.0e}")
    return wrong


def compare_assignments(units: int, seed: int) -> int:
    """Prints how many units GrowthBook's SDK puts elsewhere."""
    cases = make_assignments(units, seed)
    theirs = assign_theirs(cases, SDK)
    ours = [assign_ours(case) for case in cases]
    pairs = [pair for both in zip(ours, theirs, strict=True) for pair in zip(*both, strict=True)]
    wrong = sum(a != b for a, b in pairs)
    print(f"  assignment           {len(pairs):,} units, {wrong} placed otherwise by the SDK")
    return wrong


def write() -> None:
    """Renews what is committed: fewer questions, by a seed that stays."""
    cases = make_cases(_KEPT_CASES, _KEPT_SEED)
    reply = ask(cases)
    rows = [case | {"answer": a} for case, a in zip(cases, reply["answers"], strict=True)]
    note = "Made by `make parity WRITE=1`; see tests/parity."
    _write(ORACLES, {"note": note, "made_by": reply["made_by"], "cases": rows})
    units = make_assignments(_KEPT_UNITS, _KEPT_SEED)
    placed = [
        case | {"answer": a} for case, a in zip(units, assign_theirs(units, SDK), strict=True)
    ]
    lock = json.loads((ROOT / "tests/parity/node/package-lock.json").read_text())
    version = lock["packages"]["node_modules/@growthbook/growthbook"]["version"]
    made_by = {"@growthbook/growthbook": version}
    _write(ASSIGNMENTS, {"note": note, "made_by": made_by, "cases": placed})


def _write(path: Path, document: dict[str, Any]) -> None:
    rows = ",\n".join(json.dumps(case, sort_keys=True) for case in document["cases"])
    head = json.dumps({k: v for k, v in document.items() if k != "cases"}, indent=1)
    path.write_text(f'{head[:-2]},\n "cases": [\n{rows}\n]}}\n', encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--cases", type=int, default=60, help="of each kind")
    parser.add_argument("--units", type=int, default=100_000)
    parser.add_argument("--write", action="store_true", help="renew the committed answers")
    args = parser.parse_args()
    print(f"seed {args.seed}")
    wrong = compare_numbers(args.cases, args.seed)
    if SDK.exists():  # npm is there
        wrong += compare_assignments(args.units, args.seed)
    if args.write:
        write()
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
