"""The sweeper: in every `transfer` process, a thread that deletes what has outlived its time.

Any number may run: each deletes what one write of the store has given up before.
"""

from __future__ import annotations

import logging
import threading
from functools import partial

from service.errors import CaptionAbError
from service.jobs.context import Services
from service.jobs.retention import sweep, sweep_orphans, warn_expiring
from service.store.retention import Retention

_log = logging.getLogger(__name__)


class Sweeper:
    """Sweeps every `sweep_every_s` until `stop`."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._retention = Retention(services.connection)
        self._stopped = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name="sweeper", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def look(self) -> None:
        """Sweep once; what fails now is done by a later sweep."""
        parts = self._services
        for work in (
            partial(warn_expiring, self._retention, parts.jobs, parts.clock),
            partial(
                sweep,
                *(self._retention, parts.files, parts.experiments, parts.settings, parts.clock),
            ),
            partial(sweep_orphans, self._retention, parts.files, parts.settings, parts.clock),
        ):
            try:
                work()
            except CaptionAbError as error:
                _log.warning("sweep_failed", extra={"code": error.code, "why": error.detail})
            except Exception:  # noqa: BLE001  the sweeper outlives every fault
                _log.exception("sweep_broken")

    def _run(self) -> None:
        while not self._stopped.wait(self._services.settings.sweep_every_s):
            self.look()
