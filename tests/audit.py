"""What known weaknesses the pinned packages have: `python -m tests.audit` (`make audit`).

pip-audit asks the advisories of PyPI. Where they cannot be reached nothing is known, which is said
and is no failure: a machine without network must still be able to run its tests.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TOOL = ROOT / ".cache" / "deploy-tools" / "bin" / "pip-audit"
LOCKS = ("requirements.lock", "requirements-dev.lock")


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found: how many packages could be judged, how many not, and what is weak."""

    judged: int
    unknown: int
    weak: tuple[str, ...]

    @property
    def text(self) -> str:
        if self.weak:
            return "known weaknesses:\n" + "\n".join(f"  {each}" for each in self.weak)
        if not self.judged:
            return f"NOT AUDITED: no advisories could be had for {self.unknown} packages"
        return f"{self.judged} packages without known weaknesses, {self.unknown} not judged"


def judge(report: Mapping[str, Any]) -> Audit:
    """Read a report of pip-audit (its JSON). Pure."""
    packages: Sequence[Mapping[str, Any]] = report["dependencies"]
    judged = [each for each in packages if "skip_reason" not in each]
    weak = [
        f"{each['name']} {each['version']}: {found['id']}"
        + (f", mended in {', '.join(found['fix_versions'])}" if found["fix_versions"] else "")
        for each in judged
        for found in each["vulns"]
    ]
    return Audit(len(judged), len(packages) - len(judged), tuple(weak))


def main() -> int:
    """Audit each lock file; 1 when something is weak."""
    code = 0
    for lock in LOCKS:
        command = [str(TOOL), "--require-hashes", "--disable-pip", "--progress-spinner", "off"]
        made = subprocess.run(
            [*command, "--format", "json", "--requirement", lock],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        if not made.stdout.strip():
            print(f"{lock}: NOT AUDITED: {made.stderr.strip()[-200:]}")
            continue
        audit = judge(json.loads(made.stdout))
        print(f"{lock}: {audit.text}")
        code = max(code, int(bool(audit.weak)))
    return code


if __name__ == "__main__":
    sys.exit(main())
