"""The work of an experiment's row: it begins, is looked at, tells its verdict, or comes again."""

from __future__ import annotations

import json
import logging

from service.errors import ClockRefused, NotFound, StoreError, StoreUnavailable
from service.experiments.plan import Plan, read_plan
from service.experiments.standing import DROPPED
from service.jobs.context import Services
from service.jobs.experiments import begin, find_missing, judge_experiment
from service.jobs.watch import tell_failed
from service.metrics import EXPERIMENTS_ENDED, count
from service.model.job import Job
from service.model.lifecycle import ENDED_JOB
from service.store.commands import Claim
from service.webhooks.events import EventType, event_body

_log = logging.getLogger(__name__)
#: Why an experiment is over whose counts are gone.
LOST = "counts_lost"
#: How long an experiment is left alone whose looks keep ending their worker.
_REST_S = 3600.0
_WAITING, _RUNNING = "waiting", "running"


def look_at_experiment(claim: Claim, services: Services) -> None:
    """Work on the row of an experiment, and park it until its next look unless it is over."""
    settings, now_ms = services.settings, services.clock.now_ms()
    if claim.is_poisoned(settings.crash_limit):
        _log.error("row_given_up", extra={"row": claim.row})
        services.commands.park(claim, delay_s=_REST_S, now_ms=now_ms)
        return
    job, kept = services.jobs.read(claim.job_id), services.plans.read(claim.job_id)
    if job is None or kept is None:
        raise StoreError(f"{claim.row} has no job or no plan.")
    state = claim.state
    try:
        services.experiments.require_awake(services.clock.monotonic_s())
        state = _look(job, read_plan(json.loads(kept.text)), claim.state, services)
    except (StoreUnavailable, ClockRefused) as away:
        # Where outcomes are counted may be away alone: nothing is lost by coming again.
        _tell_unread(claim, away, services)
    except NotFound:
        _log.info("experiment_gone", extra={"row": claim.row})
        return
    if services.plans.is_open(job.id):
        ended = job.status in ENDED_JOB  # else it waits, and a wake-up may have been lost
        delay_s = settings.experiment_look_every_s if ended else settings.look_every_s
        now_ms = services.clock.now_ms()
        services.commands.park(claim, state=state, delay_s=delay_s, now_ms=now_ms)


def _tell_unread(claim: Claim, away: StoreUnavailable | ClockRefused, services: Services) -> None:
    tell_failed(claim, away)
    _log.warning("experiment_unread", extra={"row": claim.row, "why": away.detail})
    # A look that hangs holds one of the few places of `media`, in which no job is compared.
    now_s = services.clock.monotonic_s()
    services.experiments.rest(now_s, services.settings.look_every_s, away.detail)


def _look(job: Job, plan: Plan, state: str, services: Services) -> str:
    """Do what there is to do; the state of the row from then on."""
    if state == _RUNNING and services.experiments.read_head(job.id) is None:
        services.experiments.require_known()
        _end(job, LOST, _LOST_WORDS, services)
        return state
    if begin(job, plan, services):
        judge_experiment(job, services)
        return _RUNNING
    if job.status in ENDED_JOB:
        missing = ", ".join(find_missing(job, plan, services))
        words = {tongue: text.format(missing=missing) for tongue, text in _DROPPED_WORDS.items()}
        _end(job, DROPPED, words, services)
    return _WAITING


_DROPPED_WORDS = {
    "en": "The test never began: the job has ended without a video of {missing}.",
    "zh": "测试未能开始：任务已结束，但没有 {missing} 的视频。",
}
_LOST_WORDS = {
    "en": "The test is over without a result: what was counted of it has been lost.",
    "zh": "测试已结束，没有结果：已统计的数据丢失了。",
}


def _end(job: Job, why: str, sentence: dict[str, str], services: Services) -> None:
    """Close an experiment that can have no verdict, and tell it."""
    now_ms = services.clock.now_ms()
    data = {"state": None, "reason": why, "variant": None, "sentence": sentence}
    event = event_body(EventType.EXPERIMENT_INVALID, job.id, data, now_ms=now_ms)
    if services.plans.close(job.id, job.tenant_id, why, event, now_ms=now_ms):
        count(EXPERIMENTS_ENDED, state=why)
        _log.info("experiment_ended", extra={"job": job.id, "state": why})
