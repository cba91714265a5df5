"""What viewers of an experiment are shown: its plan and its videos, as one value for many requests.

A variant's video does not change while its experiment runs: what viewers see is the latest revision
that was done when it began, whatever messages make of the variant later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from service.errors import NotFound
from service.experiments.plan import Plan
from service.experiments.standing import Status
from service.jobs.context import Services
from service.jobs.experiments import read_experiment
from service.jobs.films import ShownVideo, pick_shown
from service.unit_tokens import Stage


@dataclass(frozen=True, slots=True)
class Show:
    """An experiment as viewers meet it; `videos` are by label and the index of their clip."""

    job_id: str
    tenant_id: str
    plan: Plan
    stage: Stage
    status: Status
    clips: int
    videos: Mapping[tuple[str, int], ShownVideo]

    @property
    def has_begun(self) -> bool:
        return self.status in {Status.RUNNING, Status.DECIDED}


def read_show(job_id: str, services: Services) -> Show | None:
    """The show of a job; none where there is no such job any more, or it has no experiment."""
    job = services.jobs.read(job_id)
    if job is None or 0 < job.expires_ms <= services.clock.now_ms():
        return None
    try:
        found = read_experiment(job, services)
    except NotFound:
        return None
    _, cuts = services.jobs.read_units(job, revisions=True)
    return Show(
        job_id=job_id,
        tenant_id=job.tenant_id,
        plan=found.plan,
        stage=Stage(job_id, found.kept.digest, found.plan.labels),
        status=found.status,
        clips=len(job.spec.clips),
        videos=pick_shown(cuts, found.book.shown if found.book else {}),
    )
