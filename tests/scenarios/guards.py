"""Takes guards out of a copy of the engine, one by one: some scenario must then fail.

`python -m tests.scenarios.guards [SEEDS]` prints for each guard the seed that noticed; it
ends with 1 when one was not missed. A guard is the piece of code that holds a rule.
"""

from __future__ import annotations

import re
import sys
from functools import partial

from tests.guards import Edit, Guard, run_without, try_each

GUARDS = (
    Guard(
        "only the claim that wrote an intent sends it",
        Edit(
            "service/jobs/edits.py",
            "if intent is None or intent.fence != cut.claim.fence:",
            "if intent is None:",
        ),
    ),
    Guard(
        "no paid call starts late in a lease",
        Edit(
            "service/jobs/leases.py",
            "return not self.lost and now_s - self.renewed_at_s <= lease_s / 3",
            "return True",
        ),
    ),
    Guard(
        "a broken stream is looked for, never sent again",
        Edit(
            "service/jobs/edits.py",
            "return _lost(cut, broken.detail)",
            "return Advance(CutState.UPLOADED, replace(cut.doc, intent=None))",
        ),
    ),
    Guard(
        "after the last look nothing is sent",
        Edit(
            "service/jobs/edits.py",
            "    if looks >= len(schedule):\n        return _unconfirmed(cut, intent)\n",
            "    if looks >= len(schedule):\n"
            "        return Advance(CutState.CAPTIONED, survive(cut.doc))\n",
        ),
    ),
    Guard(
        "only a changed state is an edit",
        Edit(
            "service/jobs/edits.py",
            "return state if state.exportable and is_changed(state, intent, cut) else None",
            "return state",
        ),
    ),
    Guard(
        "only 502 and 503 prove that a message was not taken",
        Edit("service/nemo/dialogue.py", "frozenset({502, 503})", "frozenset({500, 502, 503})"),
    ),
    Guard(
        "a render is asked for before it is submitted again",
        Edit(
            "service/jobs/renders.py",
            "known = None if intent.fence == cut.claim.fence else _find(cut, intent)",
            "known = None",
        ),
    ),
    Guard(
        "one new render and no third",
        Edit("service/jobs/renders.py", "if intent.attempt < _ATTEMPTS:", "if intent.attempt < 9:"),
    ),
    Guard(
        "a resumed cut goes on with the render it has",
        Edit(
            "service/jobs/renders.py",
            "    if cut.doc.render is not None:\n"
            "        return Advance(CutState.RENDERING, cut.doc)\n",
            "",
        ),
        first=270,
    ),
    Guard(
        "a render that nobody waits for is dropped",
        Edit(
            "service/jobs/renders.py",
            "cut.services.nemo.cancel_render(token, intent.render_id)",
            "pass",
        ),
    ),
    Guard(
        "a change that is seen after a loss must stand still before it counts",
        Edit(
            "service/jobs/edits.py",
            "if done or (recovery.seen == seen and now_ms - recovery.seen_ms >= settle_ms):",
            "if done is not None:",
        ),
        first=200,
    ),
    Guard(
        "a draft that changed in between earns no third render",
        Edit(
            "service/jobs/renders.py",
            "    if render is not None and render.attempt == 1:\n",
            "    if render is not None:\n",
        ),
        first=1240,
    ),
    Guard(
        "a lost paid edit is not paid for again without asking",
        Edit(
            "service/jobs/remedies.py",
            "if doc.edit is None and doc.intent is None:",
            "if doc is not None:",
        ),
    ),
    Guard(
        "an edit is booked before it is forgotten with its session",
        Edit(
            "service/jobs/remedies.py",
            "return say_charged(book_charge(cut, doc.intent, confirmed=False)[0])",
            "return said",
        ),
        first=780,
    ),
    Guard(
        "the whole job's credits are reserved, or none",
        Edit(
            "service/store/lua/reserve.lua",
            "if others + tonumber(ARGV[8]) > tonumber(ARGV[9]) then",
            "if false then",
        ),
    ),
    Guard(
        "what edits cost is measured from before the first of them",
        Edit(
            "service/store/lua/reserve.lua",
            "if redis.call('SCARD', K.editing(account)) == 0 and settles == ARGV[10] then",
            "if true then",
        ),
    ),
    Guard(
        "a cancel that was seen keeps the message from being sent",
        Edit(
            "service/jobs/edits.py",
            "if cut.lease.cancel_asked:  # seen before anybody listened",
            "if False:",
        ),
    ),
    Guard(
        "a spoiled download is made up for by the fallback",
        Edit(
            "service/jobs/renders.py",
            "with suppress(BackendError):  # V19: the API's own download is the way out",
            "with ExitStack():",
        ),
    ),
)


def main(seeds: int) -> int:
    """Try every guard; returns how many nobody missed."""
    return try_each((guard.name, partial(try_without, guard, seeds)) for guard in GUARDS)


def try_without(guard: Guard, seeds: int) -> str:
    """Play scenarios on a copy without a guard; the first seed that fails, or nothing."""
    args = ["tests.scenarios", str(guard.first), str(seeds), "--until-failure"]
    done = run_without([guard.edit], args)
    found = re.search(r"^seed (\d+): ", done.stdout, re.MULTILINE)
    return f"seed {found.group(1)}" if found else ""


if __name__ == "__main__":
    sys.exit(bool(main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)))
