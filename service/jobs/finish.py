"""The end of a job: its status from its cuts, the comparison, the last event."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import replace

from service.captions.cues import parse_captions
from service.compare.control import control_clips
from service.compare.report import compare
from service.compare.verdict import Judgement
from service.errors import InvalidRequest, StoreError
from service.jobs.context import Services
from service.jobs.frozen import freeze
from service.jobs.view import job_data
from service.media.limits import MediaLimits
from service.metrics import JOBS_ENDED, count
from service.model.job import JobSpec
from service.model.lifecycle import JobStatus, job_end
from service.store.commands import Claim
from service.store.jobs import ClipRow, CutRow
from service.webhooks.events import EventType, event_body

_log = logging.getLogger(__name__)


def finish_job(claim: Claim, services: Services) -> None:
    """Compare the videos that there are and end the job."""
    job = services.jobs.read(claim.job_id)
    if job is None:
        raise StoreError(f"{claim.row} has no job.")
    clips, cuts = services.jobs.read_units(job)
    status = job_end([cut.state for cut in cuts], cancel_asked=job.cancel_asked)
    # A comparison that keeps ending its worker must not keep the job from its end.
    poisoned = claim.is_poisoned(services.settings.crash_limit)
    result = {} if poisoned else compare(clips, cuts, _judge(job.spec, clips, cuts, services))
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
    count(JOBS_ENDED, status=status)
    _log.info("job_ended", extra={"row": claim.row, "status": status})


def _judge(
    spec: JobSpec, clips: list[ClipRow], cuts: list[CutRow], services: Services
) -> Mapping[int, Judgement]:
    """What differs in pictures and sound; switched off by a deadline of nothing."""
    settings = services.settings
    if settings.compare_deadline_s <= 0:
        off = Judgement(None, "Comparing is switched off here.")
        return {clip.doc.index: off for clip in clips}
    limits = MediaLimits(
        settings.media_memory_bytes,
        settings.media_max_pixels,
        deadline_s=settings.compare_deadline_s,
    )
    return control_clips(
        clips, cuts, _cues_s(spec), files=services.files, limits=limits, clock=services.clock
    )


def _cues_s(spec: JobSpec) -> list[tuple[float, float]]:
    """When captions were asked to be shown; nothing where that is not known."""
    if spec.captions is None:
        return []
    try:
        cues = parse_captions(spec.captions.format or None, spec.captions.text).cues
    except InvalidRequest:
        return []
    return [(cue.start_ms / 1000, cue.end_ms / 1000) for cue in cues]


def event_of(status: JobStatus) -> EventType:
    """The event that tells of a terminal status."""
    return EventType(f"job.{status}")
