"""Takes the checks of the store out of a copy, one by one: the machine must then find a fault.

`python -m tests.integration.store.guards [EXAMPLES] [WORD]` prints for each what the machine
noticed (WORD narrows them), and ends with 1 when one was not missed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LUA = "service/store/lua/"
_PARTS = ("service", "tests", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Guard:
    """A check, the script it stands in, and the code without it."""

    name: str
    path: str
    old: str
    new: str


GUARDS = (
    Guard(
        "fence: a write shows it", "include/holder.lua", "if held ~= fence then", "if false then"
    ),
    Guard("fence: it grows with every claim", "claim.lua", "'fence', 1)", "'fence', 0)"),
    Guard(
        "an ended row takes no write", "include/holder.lua", "if open ~= '1' then", "if false then"
    ),
    Guard("expected state", "commit.lua", "if state ~= ARGV[7] then", "if false then"),
    Guard(
        "a commit sent again is known by state and document",
        "commit.lua",
        "if state == change.state and doc == change.doc then return { '1', cancel or '0' } end",
        "redis.call('HSET', key, 'doc', change.doc)",
    ),
    Guard(
        "lease: nobody takes a row that is worked on",
        "claim.lua",
        "if lease > 0 and now < lease + tonumber(ARGV[8]) then return { -1 } end",
        "",
    ),
    Guard("lease: grace", "claim.lua", "now < lease + tonumber(ARGV[8])", "now < lease"),
    Guard(
        "lease: a wake-up leaves it alone",
        "include/rows.lua",
        "> now then return end",
        "< 0 then return end",
    ),
    Guard(
        "lease: one that was given back is not extended",
        "extend.lua",
        "if tonumber(lease) == 0 then return { -6 } end",
        "",
    ),
    Guard(
        "lease: one that was given back is not released",
        "release.lua",
        "if tonumber(lease) == 0 then return { -6 } end",
        "",
    ),
    Guard(
        "lease: an extension moves the row's time",
        "extend.lua",
        "schedule(row, till + tonumber(ARGV[8]))",
        "",
    ),
    Guard(
        "a row is not taken before its time",
        "claim.lua",
        "if tonumber(ready) > now then return { -2 } end",
        "",
    ),
    Guard("a row that has ended is not taken", "claim.lua", "if open ~= '1' then", "if false then"),
    Guard(
        "a row waits for those before it",
        "claim.lua",
        "if redis.call('HGET', K.row(other), 'open') == '1' then return wait_for_other() end",
        "",
    ),
    Guard(
        "slots: no more than there are",
        "claim.lua",
        ">= free then return",
        ">= free + 1 then return",
    ),
    Guard(
        "slots: given back at the end",
        "include/rows.lua",
        "  free_slot(row, account)\n  if job ~= ''",
        "  if job ~= ''",
    ),
    Guard(
        "slots: given back by who waits for a person",
        "commit.lua",
        "if change.free then free_slot(row, account) end",
        "",
    ),
    Guard("an ended row is not due", "include/rows.lua", "redis.call('ZREM', K.due, row)", ""),
    Guard(
        "reserve: all or nothing",
        "reserve.lua",
        "if others + tonumber(ARGV[8]) > tonumber(ARGV[9]) then",
        "if false then",
    ),
    Guard("reserve: once for a scope", "reserve.lua", "if not already then", "if true then"),
    Guard(
        "settle: once for an edit", "settle.lua", "if booked then return { booked, '1' } end", ""
    ),
    Guard(
        "settle: no more is released than was reserved",
        "settle.lua",
        "math.min(reserved, charge)",
        "charge",
    ),
    Guard(
        "a job's reservation is released",
        "include/jobs.lua",
        "if tonumber(reserved or '0') == 0 then return end",
        "do return end",
    ),
    Guard(
        "cancel: not while comparing",
        "cancel.lua",
        "if status == 'comparing' then return { -7 } end",
        "",
    ),
    Guard("cancel: an ended job stays as it is", "cancel.lua", "if ENDED[status] or", "if"),
    Guard("resume: once", "resume.lua", "if resumed ~= '1' then", "if true then"),
    Guard(
        "resume: not while canceling",
        "resume.lua",
        "if status == 'canceling' then return { -7 } end",
        "",
    ),
    Guard("add_cut: once for a key", "add_cut.lua", "if fingerprint then", "if false then"),
    Guard(
        "add_cut: not while canceling",
        "add_cut.lua",
        "if status == 'canceling' then return { -7 } end",
        "",
    ),
    Guard(
        "add_cut: an ended job is kept again",
        "add_cut.lua",
        "if ENDED[status] then",
        "if false then",
    ),
    Guard("a later revision does not count for its job", "commit.lua", "and row:match('%.1$')", ""),
    Guard(
        "time to live: not while something is open",
        "include/jobs.lua",
        " or tonumber(open) > 0 then return",
        " then return",
    ),
    Guard(
        "retire: not while something is open",
        "retire.lua",
        "if tonumber(open) > 0 or not expires then return false end",
        "",
    ),
    Guard(
        "tick writes no lease",
        "tick.lua",
        "schedule(row, now + pause)",
        "redis.call('HSET', K.row(row), 'lease', '1') schedule(row, now + pause)",
    ),
    Guard(
        "clock: no time far below", "include/clock.lua", "now < high - tonumber(ARGV[3]) or ", ""
    ),
    Guard("clock: no time far above", "include/clock.lua", "or now > high + tonumber(ARGV[4])", ""),
    Guard(
        "token: one process at a time",
        "take_token.lua",
        "if locked > now then return { -3 } end",
        "",
    ),
    Guard(
        "token: a right that was lost stores nothing",
        "put_token.lua",
        "if not held and not wanted then return { -6 } end",
        "",
    ),
)


def main(examples: int, word: str) -> int:
    """Try every check; returns how many were not missed."""
    unmissed = 0
    for guard in (each for each in GUARDS if word in each.name):
        noticed = try_without(guard, examples)
        unmissed += not noticed
        print(f"{guard.name}: {noticed or 'NOT NOTICED'}", flush=True)
    return unmissed


def try_without(guard: Guard, examples: int) -> str:
    """Run the machine on a copy without a check; what it noticed, or nothing."""
    with tempfile.TemporaryDirectory(prefix="cab-guard-") as text:
        copy = Path(text)
        for part in _PARTS:
            source = ROOT / part
            if source.is_dir():
                left_out = shutil.ignore_patterns("__pycache__", "fixtures")
                shutil.copytree(source, copy / part, ignore=left_out)
            else:
                shutil.copy(source, copy / part)
        target = copy / LUA / guard.path
        code = target.read_text(encoding="utf-8")
        assert code.count(guard.old) == 1, f"{guard.path} does not hold it once: {guard.name}"
        target.write_text(code.replace(guard.old, guard.new), encoding="utf-8")
        command = [sys.executable, "-m", "tests.integration.store.machine", str(examples), "50"]
        environment = {**os.environ, "PYTHONPATH": str(copy)}
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
    if done.returncode not in {0, 1} or not done.stdout:
        raise RuntimeError(done.stderr[-2000:])
    return done.stdout.strip().splitlines()[-1] if done.returncode else ""


if __name__ == "__main__":
    given = sys.argv[1:]
    tries = int(given.pop(0)) if given and given[0].isdigit() else 150
    sys.exit(bool(main(tries, " ".join(given))))
