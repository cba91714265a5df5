"""Takes the guards of the named points out of a copy of the engine: each point must then fail.

`python -m tests.chaos.guards [WORD ...]` tries the points whose names hold one of the words, each
on a copy and a system of its own, and prints what became of them; it ends with 1 when one passed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.points import POINTS, Keeps, Point

ROOT = Path(__file__).resolve().parents[2]
_PARTS = ("api", "cli", "sandbox", "service", "tests", "workers", "pyproject.toml")
_LUA = "service/store/lua/"
#: A point fails within this time or not at all.
_PATIENCE_S = "12"


@dataclass(frozen=True, slots=True)
class Edit:
    """A piece of code, and what stands there without the guard."""

    path: str
    old: str
    new: str


#: The code that holds each rule. Of a write that holds all that follows, a part is left out.
GUARDS: dict[Keeps, tuple[Edit, ...]] = {
    Keeps.LEASE_ENDS: (
        Edit(
            f"{_LUA}claim.lua",
            "if lease > 0 and now < lease + tonumber(ARGV[8]) then",
            "if lease > 0 then",
        ),
    ),
    Keeps.OWN_INTENT: (
        Edit(
            "service/jobs/edits.py",
            "if intent is None or intent.fence != cut.claim.fence:",
            "if intent is None:",
        ),
    ),
    Keeps.DUE: (
        Edit(
            f"{_LUA}include/rows.lua",
            "  else\n    schedule(row, now)\n    ring(spec.queue, row)",
            "  else\n    ring(spec.queue, row)",
        ),
    ),
    Keeps.STEP_WRITTEN: (
        Edit(
            f"{_LUA}commit.lua",
            "  schedule(row, ready)\n  if ready <= now then ring(change.queue, row) end",
            "  redis.call('ZREM', K.due, row)",
        ),
    ),
    Keeps.CUTS_WOKEN: (
        Edit(f"{_LUA}commit.lua", "for _, other in ipairs(change.wake) do wake(other) end", ""),
        Edit(f"{_LUA}include/rows.lua", "schedule(row, now + spec.look_ms)", ""),
    ),
    Keeps.FINISH_WRITTEN: (
        Edit(
            f"{_LUA}include/jobs.lua",
            "create_row('finish:' .. job, job, { queue = 'media', state = 'pending' })",
            "",
        ),
    ),
    Keeps.EVENT_WRITTEN: (Edit(f"{_LUA}finish.lua", "append_event(job, ARGV[9])", ""),),
    Keeps.DELIVERIES_WRITTEN: (
        Edit(f"{_LUA}fan_out.lua", "if create_row(delivery.row, job, spec) then", "if false then"),
    ),
    Keeps.ATTEMPT_WRITTEN: (
        Edit(f"{_LUA}record_attempt.lua", "if ARGV[9] == '0' then", "if false then"),
    ),
    Keeps.SAME_KEY: (
        Edit(
            f"{_LUA}create_job.lua",
            "return { known, known == job and '0' or '1' }",
            "",
        ),
    ),
    Keeps.FIND_RENDER: (
        Edit(
            "service/jobs/renders.py",
            "known = None if intent.fence == cut.claim.fence else _find(cut, intent)",
            "known = None",
        ),
    ),
    Keeps.FIND_FILE: (
        Edit("service/jobs/uploads.py", "if find_file(state, name) is not None:", "if False:"),
    ),
    Keeps.BOOK_ONCE: (Edit(f"{_LUA}settle.lua", "if booked then return { booked, '1' } end", ""),),
    Keeps.LATE_SENDER: (
        Edit(
            "service/jobs/leases.py",
            "return not self.lost and now_s - self.renewed_at_s <= lease_s / 3",
            "return True",
        ),
    ),
}


def main(words: Sequence[str]) -> int:
    """Try every point without its guard; returns how many passed all the same."""
    unmissed = 0
    for point in POINTS:
        if words and not any(word in point.name for word in words):
            continue
        if point.keeps not in GUARDS:
            print(f"{'no guard':12} {point.name}: {point.keeps}", flush=True)
            continue
        why = try_without(point)
        unmissed += not why
        print(f"{'failed' if why else 'NOT MISSED':12} {point.name}: {point.keeps}", flush=True)
        print(f"{'':12} {why}", flush=True)
    return unmissed


def try_without(point: Point) -> str:
    """Run one point's test on a copy without its guard; why it failed, or nothing."""
    with tempfile.TemporaryDirectory(prefix="cab-guard-") as text:
        copy = Path(text)
        for part in _PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy / part)
        for edit in GUARDS[point.keeps]:
            target = copy / edit.path
            code = target.read_text(encoding="utf-8")
            assert code.count(edit.old) == 1, f"{edit.path} does not hold: {point.keeps}"
            target.write_text(code.replace(edit.old, edit.new), encoding="utf-8")
        test = f"tests/chaos/test_points.py::test_at_a_named_point[{point.slug}]"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "chaos"]
        environment = {**os.environ, "PYTHONPATH": str(copy), "PATIENCE_S": _PATIENCE_S}
        done = subprocess.run(
            [*command, test], cwd=copy, env=environment, capture_output=True, text=True
        )
    if done.returncode not in {0, 1}:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    said = [line[2:].strip() for line in done.stdout.splitlines() if line.startswith("E  ")]
    return (said or ["it failed"])[0][:150] if done.returncode else ""


if __name__ == "__main__":
    sys.exit(bool(main(sys.argv[1:])))
