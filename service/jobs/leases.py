"""The leases of one process, renewed together every few seconds.

A step asks its lease whether it may still send, and whether somebody wants the job canceled.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from service.clock import Clock
from service.errors import StoreError, StoreUnavailable
from service.metrics import LEASES_HELD, LEASES_LOST, count, under_way
from service.model.origin import read_origin
from service.nemo.wire import State
from service.settings import Settings
from service.store.commands import Claim, Commands
from service.store.kept import Kept

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Lease:
    """One row in work. `on_cancel` shuts its stream down, from whatever thread calls it.

    `state_before` is the session as the claim's own edit found it, to tell what the edit changed.
    """

    claim: Claim
    renewed_at_s: float
    cancel_asked: bool = False
    lost: bool = False
    reading: str = ""
    state_before: State | None = field(default=None, repr=False)
    #: Its row is being given back by a commit: an extension that comes too late is no loss.
    closing: bool = False
    on_cancel: Callable[[], None] | None = field(default=None, repr=False)

    def may_send(self, now_s: float, lease_s: float) -> bool:
        """Whether at most a third of the lease is gone, so that a paid call may start."""
        return not self.lost and now_s - self.renewed_at_s <= lease_s / 3


class Leases:
    """All leases that this process holds."""

    def __init__(self, commands: Commands, clock: Clock, settings: Settings) -> None:
        self._commands = commands
        self._clock = clock
        self._settings = settings
        self._held: dict[int, Lease] = {}
        self._lock = threading.Lock()
        #: When all that is held was last renewed, and how often Redis had been away by then.
        self._renewed_at_s = 0.0
        self._outages = 0
        self._renewing = threading.Lock()
        self._stopped = threading.Event()

    @contextmanager
    def hold(self, claim: Claim) -> Iterator[Lease]:
        """Keep a claim's lease alive for the length of a block."""
        lease = Lease(claim, claim.claimed_at_s, cancel_asked=claim.cancel_asked)
        with self._lock:
            if not self._held:
                self._renewed_at_s, self._outages = claim.claimed_at_s, self._commands.outages
            self._held[id(lease)] = lease
        try:
            with under_way(LEASES_HELD):
                yield lease
        finally:
            with self._lock:
                del self._held[id(lease)]

    def __len__(self) -> int:
        return len(self._held)

    def hand_back(self) -> None:
        """Shut the streams of all leases down, so that their steps keep evidence and let go.

        For the end of a drain: hanging up may cancel a paid run, so this is the last resort.
        """
        with self._lock:
            held = list(self._held.values())
        for lease in held:
            if lease.on_cancel is not None:
                lease.on_cancel()

    def release_all(self) -> int:
        """Give back what is held still, as the last thing before this process ends; how many.

        From then on nothing that a step of this process wants to send is sent.
        """
        with self._lock:
            held = [lease for lease in self._held.values() if not lease.lost]
        for lease in held:
            lease.lost = True
        rows = [(lease.claim.row, lease.claim.fence) for lease in held]
        return self._commands.release_all(rows, now_ms=self._clock.now_ms()) if rows else 0

    def catch_up(self) -> None:
        """Extend what is held before anything more may be claimed (design 5, invariant 2).

        Nothing is done unless Redis was away since, or this process stood still for two renewals:
        its own rows would look free to it.

        Raises:
            StoreUnavailable: they cannot be extended now; nothing may be claimed.
        """
        if not self._is_behind():
            return
        with self._renewing:  # all who want to claim wait for one of them
            if self._is_behind() and not self.renew_all():
                raise StoreUnavailable("The leases held were not renewed after an outage.")

    def _is_behind(self) -> bool:
        late_s = self._clock.monotonic_s() - self._renewed_at_s
        stood_still = late_s > 2 * self._settings.extend_every_s
        return bool(self._held) and (stood_still or self._outages != self._commands.outages)

    def renew_all(self) -> bool:
        """Extend every lease once, all in one exchange; false when Redis did not take them."""
        with self._lock:
            held = list(self._held.values())
        started_s, outages = self._clock.monotonic_s(), self._commands.outages
        mine = [lease for lease in held if not lease.lost]
        rows = [(lease.claim.row, lease.claim.fence) for lease in mine]
        try:
            found = self._commands.extend_all(rows, now_ms=self._clock.now_ms()) if rows else []
        except StoreError as error:
            _log.warning("leases_not_renewed", extra={"leases": len(rows), "why": error.code})
            return False
        self._renewed_at_s, self._outages = started_s, outages
        for lease, kept in zip(mine, found, strict=True):
            _guarded(lease, partial(_note, lease, kept, started_s))
        for lease in held:
            if lease.lost and lease.reading:
                _guarded(lease, partial(self._say_reading, lease))
        return True

    def _say_reading(self, lease: Lease) -> None:
        """A stream is still being read for a row that is no longer ours: say so."""
        now_ms = self._clock.now_ms()
        word = str(now_ms)
        self._commands.evidence(lease.claim.row, lease.reading, "reading", word, now_ms=now_ms)

    def start(self) -> None:
        """Renew every `extend_every_s` in a thread of its own until `stop`."""
        threading.Thread(target=self._run, name="leases", daemon=True).start()

    def _run(self) -> None:
        while not self._stopped.wait(self._settings.extend_every_s):
            try:
                self._clock.anchor_if_due()
            except StoreError as error:
                _log.warning("clock_not_anchored", extra={"why": error.code})
            self.renew_all()

    def stop(self) -> None:
        self._stopped.set()


def _guarded(lease: Lease, work: Callable[[], None]) -> None:
    try:
        work()
    except Exception:  # noqa: BLE001  one row's trouble must not end what keeps all others
        _log.exception("lease_renewal_failed", extra={"row": lease.claim.row})


def _note(lease: Lease, kept: Kept, started_s: float) -> None:
    """What an extension found, told to the lease's holder; a cancel is passed on once."""
    if kept is Kept.LOST and lease.closing:
        return
    if kept is Kept.LOST:
        lease.lost = True
        count(LEASES_LOST)
        claim = lease.claim
        origin = read_origin(claim.origin).request_id  # this thread is about no row of its own
        fields = {"row": claim.row, "fence": claim.fence, "request_id": origin}
        _log.warning("lease_lost", extra=fields)
        return
    lease.renewed_at_s = started_s
    if kept is Kept.CANCEL and not lease.cancel_asked:
        lease.cancel_asked = True
        if lease.on_cancel is not None:
            lease.on_cancel()
