"""Words of progress while a stream runs."""

from __future__ import annotations

import logging

from service.errors import StoreError
from service.jobs.context import CutContext
from service.jobs.endings import cut_name
from service.nemo.dialect import Event
from service.webhooks.events import EventType, event_body

_log = logging.getLogger(__name__)


class Progress:
    """Says every two minutes that a stream still runs (SEED: "Still working")."""

    def __init__(self, cut: CutContext) -> None:
        self._cut = cut
        self._started_s = self._told_s = cut.services.clock.monotonic_s()

    def hear(self, _event: Event) -> None:
        """Take an event; never raises, because that would end a paid stream."""
        services = self._cut.services
        now_s = services.clock.monotonic_s()
        if now_s - self._told_s < services.settings.progress_every_s:
            return
        self._told_s = now_s
        now_ms = services.clock.now_ms()
        data = {
            "cut": cut_name(self._cut.doc),
            "stage": "captioning",
            "seconds": int(now_s - self._started_s),
        }
        body = event_body(EventType.JOB_PROGRESS, self._cut.job.id, data, now_ms=now_ms)
        try:
            services.commands.note(self._cut.claim, body, now_ms=now_ms)
        except StoreError as error:
            _log.info("progress_not_told", extra={"row": self._cut.claim.row, "why": error.code})
