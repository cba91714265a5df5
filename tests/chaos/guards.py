"""Takes the guards of the named points out of a copy of the engine: each point must then fail.

`python -m tests.chaos.guards [WORD ...]` tries the points whose names hold one of the words, each
on a copy and a system of its own, and prints what became of them; it ends with 1 when one passed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial

from tests.chaos.experiment_points import EXPERIMENT_POINTS
from tests.chaos.points import POINTS, Keeps, Point
from tests.guards import LUA, Edit, run_without, try_each

#: A point fails within this time or not at all.
_PATIENCE_S = "12"

#: The code that holds each rule. Of a write that holds all that follows, a part is left out.
GUARDS: dict[Keeps, tuple[Edit, ...]] = {
    Keeps.LEASE_ENDS: (
        Edit(
            f"{LUA}claim.lua",
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
            f"{LUA}include/rows.lua",
            "  else\n    schedule(row, now)\n    ring(spec.queue, row)",
            "  else\n    ring(spec.queue, row)",
        ),
    ),
    Keeps.STEP_WRITTEN: (
        Edit(
            f"{LUA}commit.lua",
            "  schedule(row, ready)\n  if ready <= now then ring(change.queue, row) end",
            "  redis.call('ZREM', K.due, row)",
        ),
    ),
    Keeps.CUTS_WOKEN: (
        Edit(f"{LUA}commit.lua", "for _, other in ipairs(change.wake) do wake(other) end", ""),
        Edit(f"{LUA}include/rows.lua", "schedule(row, now + spec.look_ms)", ""),
    ),
    Keeps.FINISH_WRITTEN: (
        Edit(
            f"{LUA}include/jobs.lua",
            "create_row('finish:' .. job, job, { queue = 'media', state = 'pending' })",
            "",
        ),
    ),
    Keeps.EVENT_WRITTEN: (Edit(f"{LUA}finish.lua", "append_event(job, ARGV[9])", ""),),
    Keeps.DELIVERIES_WRITTEN: (
        Edit(f"{LUA}fan_out.lua", "if create_row(delivery.row, job, spec) then", "if false then"),
    ),
    Keeps.ATTEMPT_WRITTEN: (
        Edit(f"{LUA}record_attempt.lua", "if ARGV[9] == '0' then", "if false then"),
    ),
    Keeps.SAME_KEY: (
        Edit(
            f"{LUA}create_job.lua",
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
    Keeps.BOOK_ONCE: (Edit(f"{LUA}settle.lua", "if booked then return { booked, '1' } end", ""),),
    Keeps.LATE_SENDER: (
        Edit(
            "service/jobs/leases.py",
            "return not self.lost and now_s - self.renewed_at_s <= lease_s / 3",
            "return True",
        ),
    ),
    Keeps.SAME_PLAN: (
        Edit(f"{LUA}attach_plan.lua", "if digest == ARGV[8] then return { '0' } end", ""),
        Edit(
            "service/jobs/experiments.py",
            "if kept is None or read_plan(json.loads(kept.text)) != plan:",
            "if True:",
        ),
    ),
    Keeps.OPENED_ONCE: (Edit(f"{LUA}attach_experiment.lua", "if digest then", "if false then"),),
    Keeps.COUNTED_ONCE: (
        Edit(
            f"{LUA}record_outcomes.lua",
            "local before = known(item, 'event_id_reused')",
            "local before = nil",
        ),
    ),
    Keeps.FROZEN_IS_TOLD: (
        Edit(
            "service/experiments/intake.py",
            "return Looked(book.verdict, is_final=True)",
            "return Looked(book.verdict, is_final=False)",
        ),
    ),
    Keeps.TOLD_ONCE: (
        Edit(f"{LUA}close_experiment.lua", "if open ~= '1' then return { '0' } end", ""),
    ),
    Keeps.TELLING_WRITTEN: (Edit(f"{LUA}close_experiment.lua", "append_event(job, ARGV[9])", ""),),
}


def main(words: Sequence[str]) -> int:
    """Try every point without its guard; returns how many passed all the same."""
    return try_each(
        (f"{point.name}, without: {point.keeps}", partial(try_without, point))
        for point in (*POINTS, *EXPERIMENT_POINTS)
        if not words or any(word in point.name for word in words)
    )


def try_without(point: Point) -> str:
    """Run one point's test on a copy without its guard; why it failed, or nothing."""
    if point.keeps not in GUARDS:
        return "no guard to take away"
    test = "test_points.py::test_at_a_named_point"
    if point in EXPERIMENT_POINTS:
        test = "test_experiments.py::test_an_experiment_at_a_named_point"
    test = f"tests/chaos/{test}[{point.slug}]"
    args = ["pytest", "-q", "-p", "no:cacheprovider", "-m", "chaos", test]
    done = run_without(GUARDS[point.keeps], args, {"PATIENCE_S": _PATIENCE_S})
    said = [line[2:].strip() for line in done.stdout.splitlines() if line.startswith("E  ")]
    return (said or ["it failed"])[0][:150] if done.returncode else ""


if __name__ == "__main__":
    sys.exit(bool(main(sys.argv[1:])))
