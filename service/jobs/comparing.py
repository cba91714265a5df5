"""Words of progress while a job's videos are compared and pictured."""

from __future__ import annotations

import logging

from service.errors import StoreError
from service.jobs.context import Services
from service.store.commands import Claim, LeaseLost
from service.webhooks.events import EventType, event_body

_log = logging.getLogger(__name__)

COMPARING = "comparing"
PICTURES = "pictures"
#: The first and the last word of a stage are always told, others no closer than this.
_TELL_EVERY_S = 2.0


class Telling:
    """Says how far the comparison of a job is; what cannot be told ends nothing.

    Its methods raise LeaseLost when another worker has taken the job's end, or the job is gone.
    """

    def __init__(self, claim: Claim, services: Services) -> None:
        self._claim = claim
        self._services = services
        self._started_s = self._told_s = services.clock.monotonic_s()
        self._last: tuple[str, int, int] | None = None

    def compared(self, clips: int, of: int) -> None:
        """So many clips are measured."""
        self._tell(COMPARING, None, clips, of)

    def pictured(self, clip: int, pictures: int, of: int) -> None:
        """So many pictures of a clip are made."""
        self._tell(PICTURES, clip, pictures, of)

    def _tell(self, stage: str, clip: int | None, done: int, total: int) -> None:
        now_s = self._services.clock.monotonic_s()
        word = (stage, clip or 0, done)
        begins = self._last is None or self._last[:2] != word[:2]
        early = now_s - self._told_s < _TELL_EVERY_S
        if word == self._last or (early and not begins and done < total):
            return
        self._last, self._told_s = word, now_s
        now_ms = self._services.clock.now_ms()
        seconds = int(now_s - self._started_s)
        data = {"stage": stage, "done": done, "total": total, "seconds": seconds}
        if clip is not None:
            data["clip"] = clip
        body = event_body(EventType.JOB_PROGRESS, self._claim.job_id, data, now_ms=now_ms)
        try:
            self._services.commands.note(self._claim, body, now_ms=now_ms)
        except LeaseLost:  # two at one comparison would write into each other's pictures
            raise
        except StoreError as error:
            _log.info("progress_not_told", extra={"row": self._claim.row, "why": error.code})
