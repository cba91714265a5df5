"""The end of a job: its status from its cuts, the comparison, the last event."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Any

from service.compare.report import compare, not_compared, summarise
from service.errors import StoreError
from service.jobs.comparing import Telling
from service.jobs.comparison import keep_report, measure_job
from service.jobs.context import Services
from service.jobs.drafts import drop_draft, keep_draft, name_videos, read_draft
from service.jobs.frozen import freeze
from service.jobs.gallery import Studio
from service.jobs.view import job_data
from service.metrics import JOBS_ENDED, count
from service.model.job import Job
from service.model.lifecycle import JobStatus, job_end
from service.store.commands import Claim, LeaseLost
from service.store.jobs import ClipRow, CutRow
from service.webhooks.events import EventType, event_body, iso_time

_log = logging.getLogger(__name__)
_CANCELED = "The job was canceled."


def finish_job(claim: Claim, services: Services) -> None:
    """Compare the videos that there are and end the job."""
    job = services.jobs.read(claim.job_id)
    if job is None:
        raise StoreError(f"{claim.row} has no job.")
    clips, cuts = services.jobs.read_units(job)
    status = job_end([cut.state for cut in cuts], cancel_asked=job.cancel_asked)
    # A comparison that keeps ending its worker must not keep the job from its end.
    poisoned = claim.is_poisoned(services.settings.crash_limit)
    result = {} if poisoned else _compare(job, clips, cuts, Telling(claim, services), services)
    now_ms = services.clock.now_ms()
    ended = replace(job, status=status, result=result, ended_ms=now_ms, updated_ms=now_ms)
    data = job_data(ended, clips, cuts, services.settings.public_url)
    del data["expires_at"]  # its time begins with the last delivery, of this very event perhaps
    event = event_body(event_of(status), job.id, data, now_ms=now_ms)
    if not poisoned:
        freeze(ended, services)
    services.commands.finish(
        claim, status=status, result=json.dumps(result), event=event, now_ms=now_ms
    )
    drop_draft(job.id, services.files)
    count(JOBS_ENDED, status=status)
    _log.info("job_ended", extra={"row": claim.row, "status": status})


def _compare(
    job: Job, clips: list[ClipRow], cuts: list[CutRow], telling: Telling, services: Services
) -> dict[str, Any]:
    """The summary of the comparison; what goes wrong on the way to it is its reason."""
    if job.cancel_asked:  # whoever asked waits for the end, not for minutes of measuring
        return summarise(not_compared(_CANCELED))
    try:
        return summarise(_make_report(job, clips, cuts, telling, services))
    except LeaseLost:
        raise
    except Exception as error:  # noqa: BLE001 - the videos are there and paid for: the job ends
        _log.exception("not_compared", extra={"job": job.id})
        why = f"The videos could not be compared ({type(error).__name__})."
        return summarise(not_compared(why))


def _make_report(
    job: Job, clips: list[ClipRow], cuts: list[CutRow], telling: Telling, services: Services
) -> dict[str, Any]:
    """Measure, make pictures, and keep the full report; what was measured before is taken.

    Raises:
        LeaseLost: another worker has taken the job's end, and keeps its own.
    """
    videos = name_videos(clips, cuts)
    full = read_draft(job.id, videos, services.files)
    if full is None:
        measured = measure_job(job.spec, clips, cuts, services, telling.compared)
        full = compare(clips, cuts, measured, services.platforms)
        keep_draft(job.id, videos, full, services.files)
    full = Studio(job.id, services, telling).picture(full, clips, cuts)
    made_at = iso_time(services.clock.now_ms())
    keep_report(job.id, {**full, "job": job.id, "made_at": made_at}, services.files)
    return full


def event_of(status: JobStatus) -> EventType:
    """The event that tells of a terminal status."""
    return EventType(f"job.{status}")
