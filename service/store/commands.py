"""The store's commands on rows, typed. Each method is one atomic write in Redis.

What deliveries of webhooks need is in `deliveries.py`.

Refusals that a caller must act on are values; those that mean a bug or a lost lease are errors.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.metrics import CREDITS_RESERVED, count, count_charge
from service.model.lifecycle import Queue, RowKind
from service.model.rows import row_kind
from service.settings import Settings
from service.store import scripts
from service.store.connection import Connection, OverLimit, Refused
from service.store.held import LeaseLost, run_held
from service.store.kept import Kept, read_kept
from service.store.scripts import Refusal
from service.store.ticks import Rooms, Tick, read_tick


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a row until `lease_until_ms`, under a number that only grows."""

    row: str
    fence: int
    state: str
    queue: Queue
    doc: str
    job_id: str
    account_id: str
    deadline_ms: int
    crashes: int
    cancel_asked: bool
    resumed: bool = False
    claimed_at_s: float = 0.0
    origin: str = ""

    def is_poisoned(self, crash_limit: int) -> bool:
        """Whether the row was claimed too often without an outcome."""
        return self.crashes > crash_limit


@dataclass(frozen=True, slots=True)
class Change:
    """What a step's outcome writes. `ready_ms` counts only when the lease is given back.

    `pause` is 1 when a person must act now, -1 when that is over; `first` is the event to write if
    this is the first work on the job.
    """

    state: str
    queue: Queue
    doc: str
    ready_ms: int = 0
    keep: bool = False
    ended: bool = False
    free: bool = False
    pause: int = 0
    deadline_ms: int | None = None
    events: Sequence[str] = ()
    first: str = ""
    wake: Sequence[str] = ()
    session: tuple[str, str] | None = None

    def as_json(self) -> str:
        body: dict[str, Any] = {
            "state": self.state,
            "queue": self.queue,
            "doc": self.doc,
            "ready_ms": self.ready_ms,
            "keep": self.keep,
            "ended": self.ended,
            "free": self.free,
            "events": list(self.events),
            "wake": list(self.wake),
        }
        if self.pause:
            body["pause"] = self.pause
        if self.deadline_ms is not None:
            body["deadline_ms"] = self.deadline_ms
        if self.first:
            body["first"] = self.first
        if self.session:
            body["session"] = {"label": self.session[0], "doc": self.session[1]}
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


__all__ = ["Change", "Claim", "Commands", "LeaseLost"]


class Commands:
    """Rows: tick, claim, extend, commit, evidence, and what credits need."""

    def __init__(self, connection: Connection, settings: Settings) -> None:
        self._connection = connection
        self._settings = settings
        self._lease_ms = int(settings.lease_s * 1000)
        self._grace_ms = int(settings.lease_grace_s * 1000)

    @property
    def outages(self) -> int:
        """How often this process has found Redis away, full or read-only."""
        return self._connection.outages

    def tick(self, rooms: Rooms, *, now_ms: int) -> Tick:
        """Ring for rows that are due, as far as workers have room; write no lease."""
        reply = self._connection.run(
            scripts.TICK,
            now_ms,
            self._settings.tick_batch,
            int(self._settings.ring_s * 1000),
            int(self._settings.ring_max_s * 1000),
            rooms.worker,
            rooms.until_ms,
            json.dumps({str(queue): free for queue, free in rooms.free.items()}),
        )
        return read_tick(reply)

    def claim(self, row: str, *, owner: str, now_ms: int, now_s: float) -> Claim | Refusal:
        """Take a row, or learn why not: HELD, NOT_YET, WAITING, GONE or ENDED.

        `now_s` is the monotonic clock; the claim carries it, so that a sender can tell how much of
        its lease is gone whatever happened in between.
        """
        try:
            reply = self._connection.run(
                scripts.CLAIM,
                now_ms,
                row,
                owner,
                self._lease_ms,
                self._grace_ms,
                int(self._settings.look_every_s * 1000),
                self._most_at_once(row),
                self._settings.webhook_tenant_slots,
            )
        except Refused as refused:
            return refused.refusal
        fence, state, queue, doc, job, account, deadline, crashes, cancel, resume, origin = reply
        return Claim(
            row=row,
            fence=int(fence),
            state=state,
            queue=Queue(queue),
            doc=doc,
            job_id=job,
            account_id=account,
            deadline_ms=int(deadline),
            crashes=int(crashes),
            cancel_asked=cancel == "1",
            resumed=resume == "1",
            claimed_at_s=now_s,
            origin=origin,
        )

    def _most_at_once(self, row: str) -> int:
        """Rows at work at once in one line: of an account's clips or cuts, of a receiver."""
        match row_kind(row):
            case RowKind.CLIP:
                return self._settings.account_clips
            case RowKind.DELIVERY:
                return self._settings.webhook_slots
            case _:
                return self._settings.account_slots

    def extend_all(self, held: Sequence[tuple[str, int]], *, now_ms: int) -> list[Kept]:
        """Renew leases (row, fence), all in one exchange; what became of each."""
        calls = [(row, fence, self._lease_ms, self._grace_ms) for row, fence in held]
        return [read_kept(each) for each in self._connection.run_all(scripts.EXTEND, now_ms, calls)]

    def release_all(self, held: Sequence[tuple[str, int]], *, now_ms: int) -> int:
        """Give rows (row, fence) back unfinished, in one exchange; how many were still held."""
        replies = self._connection.run_all(scripts.RELEASE, now_ms, held)
        return sum(not isinstance(reply, Refusal) for reply in replies)

    def commit(self, claim: Claim, change: Change, *, now_ms: int) -> bool:
        """Write the outcome of a step; true when the row is asked to cancel.

        Raises:
            LeaseLost: somebody else has the row; nothing was written.
        """
        reply = self._held(
            scripts.COMMIT,
            now_ms,
            claim.row,
            claim.fence,
            claim.state,
            self._lease_ms,
            self._grace_ms,
            change.as_json(),
        )
        return reply[1] == "1"

    def park(self, claim: Claim, *, delay_s: float, now_ms: int, state: str = "") -> None:
        """Give a row back, unchanged but for a state, to be looked at again after a pause."""
        ready_ms = now_ms + int(delay_s * 1000)
        unchanged = Change(state or claim.state, claim.queue, claim.doc, ready_ms=ready_ms)
        self.commit(claim, unchanged, now_ms=now_ms)

    def evidence(self, row: str, edit_id: str, kind: str, body: str, *, now_ms: int) -> None:
        """Keep what was seen of a paid call, at most 4 kB; anybody may, lease or not."""
        ttl_ms = int((self._settings.job_ttl_s + self._settings.action_required_s) * 1000)
        self._connection.run(scripts.EVIDENCE, now_ms, row, edit_id, kind, _clipped(body), ttl_ms)

    def read_evidence(self, edit_id: str) -> dict[str, str]:
        """What was seen of a paid call, by kind."""
        key = self._connection.keys.evidence(edit_id)
        return dict(self._connection.read(lambda client: client.hgetall(key)))

    def reserve(
        self,
        claim: Claim,
        *,
        amount: int,
        total: int,
        mark: str,
        now_ms: int,
        scope: str = "job",
        limit: int | None = None,
    ) -> bool:
        """Set credits aside on the account, once for each scope; false when they do not suffice.

        `total` is the balance just read and `mark` what `read_mark` said before; `scope` is `job`,
        or the row of a revision; `limit` is what the whole job may cost.

        Raises:
            OverLimit: with what it has cost and set aside, the job would cost more than `limit`.
        """
        most = -1 if limit is None else limit
        args = (claim.row, claim.fence, scope, amount, total, mark, most)
        try:
            _, before = self._held(scripts.RESERVE, now_ms, *args)
        except Refused as refused:
            if refused.refusal is Refusal.LIMIT:
                raise OverLimit(int(refused.reply[1])) from None
            return False
        if before == "0":
            count(CREDITS_RESERVED, amount)
        return True

    def read_mark(self, account_id: str) -> str:
        """A count that grows with every charge booked on an account."""
        key = self._connection.keys.account(account_id)
        return str(self._connection.read(lambda client: client.hget(key, "settles")) or "0")

    def settle(
        self,
        claim: Claim,
        *,
        edit_id: str,
        total: int,
        mark: str,
        most: int,
        confirmed: bool,
        now_ms: int,
    ) -> int | None:
        """Book what an edit cost, once, and release as much; the credits charged.

        `total` is the balance just read and `mark` what `read_mark` said before: where another edit
        has settled in between by a later balance, that one counts. Where other edits of the account
        run beside this one, it is charged `most` at the most, and the rest falls to them. None:
        what has gone may be theirs, because this edit was not `confirmed` or credits were added.
        """
        args = (claim.row, claim.fence, edit_id, total, most, "1" if confirmed else "0", mark)
        said, before = self._held(scripts.SETTLE, now_ms, *args)
        charge = None if said == "unknown" else int(said)
        if before == "0":
            count_charge(charge)
        return charge

    def finish(self, claim: Claim, *, status: str, result: str, event: str, now_ms: int) -> None:
        """End a job."""
        self._held(scripts.FINISH, now_ms, claim.row, claim.fence, status, result, event)

    def note(self, claim: Claim, event: str, *, now_ms: int) -> None:
        """Tell of progress while a step runs."""
        self._held(scripts.NOTE, now_ms, claim.row, claim.fence, event)

    def _held(self, script: scripts.Script, now_ms: int, *args: str | int) -> list[str]:
        return run_held(self._connection, script, now_ms, *args)


def _clipped(body: str) -> str:
    return body.encode()[:4096].decode(errors="ignore")
