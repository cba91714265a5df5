"""Production's own durations, in real time: recovery, polling, a drain. About six minutes.

    python -m tests.soak.realtime

Every process runs with the settings it has when nobody sets them; only the sandbox's behaviour is
chosen, for each session. All scenarios run side by side in one system; the sandbox's books judge.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from service.settings import Settings
from tests.chaos.calls import Call
from tests.chaos.facts import look_into
from tests.chaos.judge import judge
from tests.chaos.run import Run, open_run
from tests.chaos.scale import Production
from tests.clips import make_small_clip
from tests.soak.findings import closest, is_on_schedule, looks_after, polls_of, run_of

USUAL = Settings()
#: How much earlier than its time a poll may seem: two clocks, of which one counts milliseconds.
_ROUNDING_S = 0.1
#: Within what time a worker that may go is gone.
_LEAVES_S = 10.0
_RENDER_S, _STREAM_S = 100.0, 120.0
_READ_S = 20.0
_LOOKS_S = USUAL.recovery_looks_s
#: What becomes of the n-th session. An edit takes `edit_s`: its stream is cut after a tenth of it,
#: and it is applied after six tenths, cut or not, where the run continues.
_CUT = {"drop_after_events": 1, "run_continues": True}
SESSIONS: Mapping[str, Mapping[str, object]] = {
    "#1": {**_CUT, "edit_s": 10.0},
    "#2": {**_CUT, "edit_s": 100.0},
    "#3": {"drop_after_events": 1, "edit_s": 10.0},
    "#4": {"pending_s": 5.0, "processing_s": _RENDER_S - 5.0},
    "#5": {"edit_s": _STREAM_S},
    "#6": {"edit_s": _STREAM_S},
}


@dataclass
class Heard:
    """What a worker asked of the store, and when; `at` is `time.time()`."""

    calls: list[tuple[float, str, Call]] = field(default_factory=list)

    def hear(self, who: str, call: Call) -> None:
        if call.name in {"claim", "extend"}:
            self.calls.append((time.time(), who, call))

    def times(self, name: str, who: str, row: str = "") -> list[float]:
        return [
            at
            for at, by, call in list(self.calls)
            if (call.name, by) == (name, who) and row in {"", call.row}
        ]


@dataclass
class Drain:
    """A worker that was asked to stop while it read streams."""

    who: str
    rows: list[str]
    asked_at: float
    ended_at: float = 0.0
    code: int | None = None


@dataclass
class Ledger:
    """Findings, printed as they are made."""

    failed: int = 0

    def say(self, what: str, found: str, *, fine: bool) -> None:
        self.failed += not fine
        print(f"{'ok  ' if fine else 'FAIL'} {what}: {found}", flush=True)


def main() -> int:
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cab-") as name:
        clip = make_small_clip(Path(name) / "small.mp4")
        with open_run(Path(name) / "run", clip, scale=Production()) as run:
            failed = _play(run)
    print(f"{failed} findings failed; {time.monotonic() - began_s:.0f} s")
    return 1 if failed else 0


def _play(run: Run) -> int:
    heard, ledger = Heard(), Ledger()
    run.fleet.watch.on_call = heard.hear
    for number, switches in SESSIONS.items():
        run.fleet.switch(session_id=number, heartbeat_every_s=1.0, **switches)
    # Sessions are numbered as they are opened: the next job waits for both of the last one.
    for opened, name in ((2, "cut-streams"), (4, "slow-render"), (6, "drain")):
        run.customer.send(name)
        _await(lambda opened=opened: len(run.fleet.books()["sessions"]) >= opened)
    drain = _drain(run)
    facts = run.gather(500)
    books = facts.books
    for complaint in judge(facts):
        ledger.say("books", complaint, fine=False)
    sessions = dict(enumerate(books["sessions"], 1))
    _judge_recovery(ledger, books, sessions)
    _judge_polls(ledger, books, sessions[4])
    _judge_drain(ledger, books, drain, [sessions[5], sessions[6]])
    _judge_claims(ledger, heard, drain)
    return ledger.failed


def _drain(run: Run) -> Drain:
    """Ask the worker that reads the fifth session's stream to stop; send one more job then."""
    fleet = run.fleet
    _await(lambda: len(_streaming(run)) == 2)
    row = _streaming(run)[fleet.books()["sessions"][4]]
    time.sleep(_READ_S)
    who = next(each for each in ("flow-1", "flow-2") if row in fleet.watch.holds(each))
    child = fleet.children[who]
    fleet.hold(who)
    drain = Drain(who, fleet.watch.holds(who), time.time())
    child.ask_to_stop()

    def wait() -> None:
        assert child.process is not None
        drain.code = child.process.wait(USUAL.drain_s)
        drain.ended_at = time.time()

    threading.Thread(target=wait, name="drain", daemon=True).start()
    run.customer.send("after-the-signal")
    return drain


def _streaming(run: Run) -> dict[str, str]:
    """Rows of the long streams that are being read, by their session."""
    books = run.fleet.books()
    long = set(books["sessions"][4:6])
    running = {each["session_id"] for each in books["runs"] if each["outcome"] == "running"} & long
    with run.fleet.store() as store:
        cuts = look_into(store, set(run.customer.accepted.values())).cuts
    return {doc["session_id"]: row for row, doc in cuts.items() if doc["session_id"] in running}


def _judge_recovery(ledger: Ledger, books: Mapping, sessions: Mapping[int, str]) -> None:
    """Looks come on the vendor's schedule; an edit that is seen must stand for a while."""
    stands_s = USUAL.settle_s
    for number, looks, schedule in (
        (1, 1, [30.0, 30.0 + stands_s]),
        (2, 2, [30.0, 90.0, 90.0 + stands_s]),
        (3, 5, list(_LOOKS_S)),
    ):
        run = run_of(books, sessions[number])
        cut_ms = run["started_ms"] + 100 * float(str(SESSIONS[f"#{number}"]["edit_s"]))
        seen = looks_after(books, sessions[number], cut_ms)
        outcome = run["outcome"]
        fine = is_on_schedule(seen, schedule)
        fine &= outcome == ("aborted" if number == 3 else "applied_unseen")
        ledger.say(
            f"stream cut, edit {'never made' if number == 3 else f'seen at look {looks}'}",
            f"sent once, {outcome}, charged {run['charged']}; looks {_listed(seen)} s after the cut"
            f" (due {_listed(schedule, 0)})",
            fine=fine,
        )


def _judge_polls(ledger: Ledger, books: Mapping, slow_session: str) -> None:
    """No render is polled before its time, and the slow one is polled until it is done."""
    polls = polls_of(books)
    slow = next(name for name, row in books["renders"].items() if row["session_id"] == slow_session)
    times = polls[slow]
    done_at_s = next(each for each in times if each >= _RENDER_S)
    ledger.say(
        f"a render of {_RENDER_S:.0f} s",
        f"polled {_listed(times)} s after its submission, fetched "
        f"{books['renders'][slow]['fetched']} time(s)",
        fine=len(times) == 4 and times[-1] == done_at_s,
    )
    smallest = min(closest(each) for each in polls.values())
    ledger.say(
        "distance of polls of a render",
        f"{smallest:.2f} s at least, in {sum(map(len, polls.values()))} polls of "
        f"{len(polls)} renders",
        fine=smallest >= USUAL.poll_every_s - _ROUNDING_S,
    )


def _judge_drain(ledger: Ledger, books: Mapping, drain: Drain, sessions: list[str]) -> None:
    """Streams under way are read to their end, and the process goes soon after the last."""
    runs = [run_of(books, each) for each in sessions]
    begun = min(run["started_ms"] for run in runs) / 1000
    ended = max(run["ended_ms"] for run in runs) / 1000
    long_s = [round((run["ended_ms"] - run["started_ms"]) / 1000, 1) for run in runs]
    ledger.say(
        f"streams of {_STREAM_S:.0f} s, SIGTERM to {drain.who}",
        f"{drain.asked_at - begun:.1f} s into them; they ran {long_s} s, "
        f"{[run['outcome'] for run in runs]}, each sent once",
        fine=all(run["outcome"] == "applied" for run in runs) and min(long_s) >= _STREAM_S - 1,
    )
    ledger.say(
        "end of that process",
        f"{drain.ended_at - ended:.1f} s after the last stream's, exit code {drain.code}",
        fine=drain.code == 0 and 0 <= drain.ended_at - ended <= _LEAVES_S,
    )


def _judge_claims(ledger: Ledger, heard: Heard, drain: Drain) -> None:
    """A draining worker claims nothing new, and renews what it holds every five seconds."""
    late = [at - drain.asked_at for at in heard.times("claim", drain.who) if at > drain.asked_at]
    other = "flow-2" if drain.who == "flow-1" else "flow-1"
    others = [at for at in heard.times("claim", other) if drain.asked_at < at < drain.ended_at]
    ledger.say(
        "claims after the signal",
        f"{len(late)} by {drain.who} {_listed(late)}, {len(others)} by {other} until it was gone",
        fine=not [each for each in late if each > 1.0] and len(others) > 0,
    )
    pauses = [
        later - earlier
        for row in drain.rows
        for earlier, later in pairwise(heard.times("extend", drain.who, row))
    ]
    usual = USUAL.extend_every_s
    ledger.say(
        "renewals of its leases",
        f"{len(pauses) + len(drain.rows)}, every {statistics.median(pauses):.2f} s, "
        f"at most {max(pauses):.2f} s apart (a lease lasts {USUAL.lease_s:.0f} s)",
        fine=abs(statistics.median(pauses) - usual) < 0.5 and max(pauses) < 3 * usual,
    )


def _listed(times: Iterator[float] | list[float], digits: int = 1) -> str:
    return ", ".join(f"{each:.{digits}f}" for each in times) or "none"


def _await(true: object, seconds: float = 120) -> None:
    until_s = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until_s:
            raise AssertionError(f"not so in {seconds:.0f} s")
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
