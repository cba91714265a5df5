"""`Prefer: wait`: hold an answer until the job has ended, asking gently meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import g

from service.model.job import Job
from service.model.lifecycle import ENDED_JOB, JobStatus

if TYPE_CHECKING:
    from service.jobs.context import Services

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 1.0


def is_settled(job: Job) -> bool:
    """Whether nothing changes by waiting: it has ended, or waits for a person."""
    return job.status in ENDED_JOB or job.status is JobStatus.ACTION_REQUIRED


def wait_for_job(job: Job, wait_s: float, parts: Services) -> Job:
    """The job when it is settled, or as it is after `wait_s`."""
    began_s = parts.clock.monotonic_s()
    until_s = began_s + wait_s
    pause_s = FIRST_PAUSE_S
    while not is_settled(job):
        left_s = until_s - parts.clock.monotonic_s()
        if left_s <= 0:
            break
        parts.clock.sleep(min(pause_s, left_s))
        pause_s = min(pause_s * 1.5, LONGEST_PAUSE_S)
        job = parts.jobs.read(job.id) or job
    g.waited_s = parts.clock.monotonic_s() - began_s  # asked for, so no latency of ours
    return job
