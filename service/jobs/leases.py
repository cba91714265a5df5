"""The leases of one process, renewed together every few seconds.

A step asks its lease whether it may still send, and whether somebody wants the job canceled.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from service.clock import Clock
from service.errors import StoreError
from service.metrics import LEASES_HELD, LEASES_LOST, count, under_way
from service.model.origin import read_origin
from service.nemo.wire import State
from service.settings import Settings
from service.store.commands import Claim, Commands, LeaseLost

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
        self._stopped = threading.Event()

    @contextmanager
    def hold(self, claim: Claim) -> Iterator[Lease]:
        """Keep a claim's lease alive for the length of a block."""
        lease = Lease(claim, claim.claimed_at_s, cancel_asked=claim.cancel_asked)
        with self._lock:
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

    def renew_all(self) -> None:
        """Extend every lease once."""
        with self._lock:
            held = list(self._held.values())
        for lease in held:
            try:
                self._renew(lease)
            except Exception:  # noqa: BLE001  one row's trouble must not end what keeps all others
                _log.exception("lease_renewal_failed", extra={"row": lease.claim.row})

    def _renew(self, lease: Lease) -> None:
        started_s = self._clock.monotonic_s()
        claim = lease.claim
        try:
            if lease.lost:
                self._say_reading(lease)
                return
            canceled = self._commands.extend(claim.row, claim.fence, now_ms=self._clock.now_ms())
        except LeaseLost:
            lease.lost = True
            count(LEASES_LOST)
            origin = read_origin(claim.origin).request_id  # this thread is about no row of its own
            fields = {"row": claim.row, "fence": claim.fence, "request_id": origin}
            _log.warning("lease_lost", extra=fields)
            return
        except StoreError as error:
            _log.warning("lease_not_renewed", extra={"row": claim.row, "why": error.code})
            return
        lease.renewed_at_s = started_s
        if canceled and not lease.cancel_asked:
            lease.cancel_asked = True
            if lease.on_cancel is not None:
                lease.on_cancel()

    def _say_reading(self, lease: Lease) -> None:
        """A stream is still being read for a row that is no longer ours: say so."""
        if lease.reading:
            now_ms = self._clock.now_ms()
            self._commands.evidence(
                lease.claim.row, lease.reading, "reading", str(now_ms), now_ms=now_ms
            )

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
