"""Takes guards out of a copy of the engine, one by one: some scenario must then fail.

`python -m tests.scenarios.guards [SEEDS]` prints for each guard the seed that noticed; it
ends with 1 when one was not missed. A guard is the piece of code that holds a rule.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PARTS = ("service", "sandbox", "tests", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Guard:
    """A guard, where it stands, and the code without it."""

    name: str
    path: str
    old: str
    new: str
    #: Where to begin: a rare scenario need not be waited for.
    first: int = 1


GUARDS = (
    Guard(
        "only the claim that wrote an intent sends it",
        "service/jobs/edits.py",
        "if intent is None or intent.fence != cut.claim.fence:",
        "if intent is None:",
    ),
    Guard(
        "no paid call starts late in a lease",
        "service/jobs/leases.py",
        "return not self.lost and now_s - self.renewed_at_s <= lease_s / 3",
        "return True",
    ),
    Guard(
        "a broken stream is looked for, never sent again",
        "service/jobs/edits.py",
        "return _lost(cut, broken.detail)",
        "return Advance(CutState.UPLOADED, replace(cut.doc, intent=None))",
    ),
    Guard(
        "after the last look nothing is sent",
        "service/jobs/edits.py",
        "    if looks >= len(schedule):\n        return _unconfirmed(cut, intent)\n",
        "    if looks >= len(schedule):\n"
        "        return Advance(CutState.CAPTIONED, survive(cut.doc))\n",
    ),
    Guard(
        "only a changed state is an edit",
        "service/jobs/edits.py",
        "if fingerprint(state) == intent.fingerprint or not state.exportable:",
        "if state.exportable is None:",
    ),
    Guard(
        "only 502 and 503 prove that a message was not taken",
        "service/nemo/dialogue.py",
        "frozenset({502, 503})",
        "frozenset({500, 502, 503})",
    ),
    Guard(
        "a render is asked for before it is submitted again",
        "service/jobs/renders.py",
        "known = None if intent.fence == cut.claim.fence else _find(cut, intent)",
        "known = None",
    ),
    Guard(
        "one new render and no third",
        "service/jobs/renders.py",
        "if intent.attempt < _ATTEMPTS:",
        "if intent.attempt < 9:",
    ),
    Guard(
        "a resumed cut goes on with the render it has",
        "service/jobs/renders.py",
        "    if cut.doc.render is not None:\n        return Advance(CutState.RENDERING, cut.doc)\n",
        "",
        first=270,
    ),
    Guard(
        "a render that nobody waits for is dropped",
        "service/jobs/renders.py",
        "cut.services.nemo.cancel_render(token, intent.render_id)",
        "pass",
    ),
    Guard(
        "a change that is seen after a loss must stand still before it counts",
        "service/jobs/edits.py",
        "if done or (recovery.seen == seen and now_ms - recovery.seen_ms >= settle_ms):",
        "if done is not None:",
        first=200,
    ),
    Guard(
        "a draft that changed in between earns no third render",
        "service/jobs/renders.py",
        "    if render is not None and render.attempt == 1:\n",
        "    if render is not None:\n",
        first=1240,
    ),
    Guard(
        "a lost paid edit is not paid for again without asking",
        "service/jobs/remedies.py",
        "if doc.edit is None and doc.intent is None:",
        "if doc is not None:",
    ),
    Guard(
        "an edit is booked before it is forgotten with its session",
        "service/jobs/remedies.py",
        "return say_charged(book_charge(cut, doc.intent, confirmed=False)[0])",
        "return said",
        first=780,
    ),
    Guard(
        "the whole job's credits are reserved, or none",
        "service/store/lua/reserve.lua",
        "if others + tonumber(ARGV[8]) > tonumber(ARGV[9]) then",
        "if false then",
    ),
    Guard(
        "what edits cost is measured from before the first of them",
        "service/store/lua/reserve.lua",
        "if redis.call('SCARD', K.editing(account)) == 0 and settles == ARGV[10] then",
        "if true then",
    ),
    Guard(
        "a cancel that was seen keeps the message from being sent",
        "service/jobs/edits.py",
        "if cut.lease.cancel_asked:  # seen before anybody listened",
        "if False:",
    ),
    Guard(
        "a spoiled download is made up for by the fallback",
        "service/jobs/renders.py",
        "with suppress(BackendError):  # V19: the API's own download is the way out",
        "with ExitStack():",
    ),
)


def main(seeds: int) -> int:
    """Try every guard; returns how many nobody missed."""
    unmissed = 0
    for guard in GUARDS:
        noticed = try_without(guard, seeds)
        unmissed += not noticed
        print(f"{'seed ' + noticed if noticed else 'NOT NOTICED':12} {guard.name}", flush=True)
    return unmissed


def try_without(guard: Guard, seeds: int) -> str:
    """Play scenarios on a copy without a guard; the first seed that fails, or nothing."""
    with tempfile.TemporaryDirectory(prefix="cab-guard-") as text:
        copy = Path(text)
        for part in _PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy / part)
        target = copy / guard.path
        code = target.read_text(encoding="utf-8")
        assert code.count(guard.old) == 1, f"{guard.path} does not hold the guard: {guard.name}"
        target.write_text(code.replace(guard.old, guard.new), encoding="utf-8")
        command = [sys.executable, "-m", "tests.scenarios", str(guard.first), str(seeds)]
        command.append("--until-failure")
        environment = {**os.environ, "PYTHONPATH": str(copy)}
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
    found = re.search(r"^seed (\d+): ", done.stdout, re.MULTILINE)
    if found is None and done.returncode not in {0, 1}:
        raise RuntimeError(done.stderr[-2000:])
    return found.group(1) if found else ""


if __name__ == "__main__":
    sys.exit(bool(main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)))
