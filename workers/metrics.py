"""The metrics of a worker process: served by the parent, counted where the work is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from billiard import current_process

from service import metrics
from service.settings import Settings

if TYPE_CHECKING:
    from service.exposition import Outlet, PrometheusRecorder


class Meter:
    """The port and the recorder of one worker; nothing of either where no port is set."""

    def __init__(self, settings: Settings, *, forks: bool) -> None:
        """Take the port.

        Raises:
            StartupError: it cannot be had.
        """
        self._outlet: Outlet | None = None
        self._recorder: PrometheusRecorder | None = None
        if settings.metrics_port:
            from service.exposition import open_outlet

            self._outlet = open_outlet(settings, shared=forks)
            self._recorder = self._outlet.install(lambda: "parent")
            metrics.install(self._recorder)

    def serve(self) -> None:
        """Answer scrapes; after the children were forked, so that none inherits the thread."""
        if self._outlet is not None and self._recorder is not None:
            self._outlet.serve(self._recorder)

    def count_in_child(self) -> None:
        """Count in a child of a prefork worker; a new one goes on in the place of an old one."""
        if self._outlet is not None:
            place = getattr(current_process(), "index", 0)
            metrics.install(self._outlet.install(lambda: f"child{place}"))
            metrics.put(metrics.LEASES_HELD, 0)

    def close(self) -> None:
        if self._outlet is not None:
            self._outlet.close()
