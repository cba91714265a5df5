"""Takes the rules of counting outcomes out of a copy, one by one: their tests must then fail.

`python -m tests.integration.store.outcome_guards [WORD]` prints for each which test failed (WORD
narrows them), and ends with 1 when one was not missed.
"""

from __future__ import annotations

import sys
from functools import partial

from tests.guards import LUA, Edit, Guard, run_without, try_each

_TESTS = (
    "test_outcomes",
    "test_outcome_room",
    "test_experiments",
    "test_experiment_life",
    "test_concurrent_outcomes",
)
_RECORD, _SUMS = f"{LUA}record_outcomes.lua", f"{LUA}include/outcomes.lua"

GUARDS = (
    Guard(
        "an id counts once",
        Edit(_RECORD, "local body = redis.call('HGET', seen, item.id)", "local body = nil"),
    ),
    Guard(
        "an id is for one content",
        Edit(
            _RECORD,
            "item.body and 'duplicate' or reused",
            "item.body and 'duplicate' or 'duplicate'",
        ),
    ),
    Guard("the first variant wins", Edit(_RECORD, "if unit.arm ~= item.arm then", "if false then")),
    Guard(
        "a unit in two variants is noted once",
        Edit(_RECORD, "if not unit.twice then", "if true then"),
    ),
    Guard(
        "room of an experiment", Edit(_RECORD, "if used + count > room then return false end", "")
    ),
    Guard(
        "figures take room by their size",
        Edit(_RECORD, "return math.ceil(#sums / SUMS)", "return 1"),
    ),
    Guard(
        "later figures take what is more",
        Edit(_RECORD, "math.max(0, cost - records_of(old.sums))", "cost"),
    ),
    Guard(
        "what was refused takes no room",
        Edit(_RECORD, "if fault then used = used - cost end", ""),
    ),
    Guard(
        "a counter that is nearly full is added to at once",
        Edit(_RECORD, "or '0') < ROOMY", "or '0') < 2 ^ 64"),
    ),
    Guard("what waits is an exact number", Edit(_RECORD, "if sum >= EXACT then", "if false then")),
    Guard(
        "what waits is written before a batch",
        Edit(_RECORD, "if item.kind ~= 'event' then flush() end", ""),
    ),
    Guard(
        "an overflow is told",
        Edit(_RECORD, "redis.call('HSET', book, 'overflowed', '1')", "local _ = 1"),
    ),
    Guard(
        "what was added before a fault is taken out",
        Edit(_SUMS, "redis.call('HINCRBY', book, done[at][1], negated(done[at][2]))", ""),
    ),
    Guard("nothing falls below 0", Edit(_SUMS, "if value < 0 then fault", "if false then fault")),
    Guard(
        "figures: an older revision changes nothing",
        Edit(
            _RECORD, "if is_less(item.revision, old.revision) then return 'revision_is_old' end", ""
        ),
    ),
    Guard(
        "figures: the ones before are taken out",
        Edit(_RECORD, "each[2] == '0' and '0' or negated(each[2])", "'0'"),
    ),
    Guard(
        "figures: no decrease unasked",
        Edit(_RECORD, "if next(was) and not item.correction then return 'decreased' end", ""),
    ),
    Guard(
        "numbers are compared, not words",
        Edit(_SUMS, "if #one ~= #other then return #one < #other end", ""),
    ),
    Guard(
        "a crowd of impressions keeps its average",
        Edit(_SUMS, "math.floor(x * metric.most_count / y)", "x"),
    ),
    Guard(
        "a unit's total is capped, not each outcome",
        Edit(_SUMS, "return within(x, metric.most), 0", "return math.max(0, x), 0"),
    ),
    Guard(
        "another plan is refused",
        Edit(f"{LUA}attach_plan.lua", "if digest then return { -7 } end", ""),
    ),
    Guard(
        "a verdict is given once",
        Edit(f"{LUA}freeze_verdict.lua", "if frozen then return { '0', frozen } end", ""),
    ),
    Guard(
        "the least of all looks is kept",
        Edit(f"{LUA}freeze_verdict.lua", "tonumber(least) < tonumber(before)", "true"),
    ),
    Guard(
        "an ended job is kept while its experiment runs",
        Edit(
            f"{LUA}attach_plan.lua",
            "if ENDED[redis.call('HGET', K.job(job), 'status')] then keep_again(job) end",
            "",
        ),
    ),
    Guard(
        "a job is kept for a while after the verdict",
        Edit(f"{LUA}close_experiment.lua", "math.max(ttl, tonumber(ARGV[8]))", "ttl"),
    ),
    Guard(
        "a longer life of its own stays",
        Edit(f"{LUA}close_experiment.lua", "math.max(ttl, tonumber(ARGV[8]))", "tonumber(ARGV[8])"),
    ),
    Guard(
        "a verdict is told once",
        Edit(f"{LUA}close_experiment.lua", "if open ~= '1' then return { '0' } end", ""),
    ),
    Guard(
        "nothing begins that is over",
        Edit(f"{LUA}begin_plan.lua", "if open ~= '1' then return { '0' } end", ""),
    ),
    Guard(
        "a running experiment holds the deletion back",
        Edit(f"{LUA}delete_job.lua", "if ARGV[9] ~= '1' then return { -7, kind } end", ""),
    ),
    Guard(
        "the end of a job wakes its experiment",
        Edit(f"{LUA}finish.lua", "wake('experiment:' .. job)", ""),
    ),
    Guard(
        "nothing is counted before it begins",
        Edit(_RECORD, " or started == '0' then", " then"),
    ),
    Guard(
        "it begins once",
        Edit(f"{LUA}attach_experiment.lua", "if started == '0' and", "if"),
    ),
    Guard(
        "points are thinned",
        Edit(f"{LUA}freeze_verdict.lua", "if many > tonumber(ARGV[11]) then", "if false then"),
    ),
    Guard(
        "it goes with its job",
        Edit(
            f"{LUA}include/ends.lua",
            "redis.call('ZADD', K.trash, ARGV[2], 'experiments/' .. job)",
            "",
        ),
    ),
    Guard(
        "its tenant has its room again",
        Edit(
            f"{LUA}drop_experiment.lua",
            "redis.call('DECRBY', K.experiments(tenant), records) <= 0",
            "false",
        ),
    ),
    Guard(
        "nothing counted stays for ever",
        Edit(_SUMS, "redis.call('PEXPIRE', key, UNENDED_MS)", ""),
    ),
)


def main(word: str) -> int:
    """Try every rule; returns how many were not missed."""
    return try_each(
        (guard.name, partial(try_without, guard)) for guard in GUARDS if word in guard.name
    )


def try_without(guard: Guard) -> str:
    """Run the tests on a copy without a rule; which one failed first, or nothing."""
    paths = [f"tests/integration/store/{each}.py" for each in _TESTS]
    done = run_without([guard.edit], ["pytest", "-q", "-x", "-p", "no:cacheprovider", *paths])
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0].partition("::")[2][:100] if done.returncode and failed else ""


if __name__ == "__main__":
    sys.exit(bool(main(" ".join(sys.argv[1:]))))
