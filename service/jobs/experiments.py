"""Experiments of jobs: attached, begun when the videos are there, looked at, told, closed.

A plan lies beside its job; what is counted may lie in another Redis. So each step is idempotent and
the row of the experiment does it again until it is done: whoever was cut off leaves no half.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.errors import (
    Conflict,
    FieldError,
    InvalidRequest,
    NotFound,
)
from service.experiments import intake
from service.experiments.intake import Result, look
from service.experiments.ledger import Book, plan_digest, plan_text, take_snapshot
from service.experiments.plan import Plan, read_plan
from service.experiments.snapshot import canonical, write_snapshot
from service.experiments.standing import Status, end_without_verdict
from service.experiments.states import State
from service.jobs.context import Services
from service.jobs.films import missing_labels, write_shown
from service.metrics import EXPERIMENTS_ENDED, OUTCOMES, count
from service.model.job import Job
from service.model.lifecycle import ENDED_JOB
from service.store.plans import KeptPlan
from service.webhooks.events import EventType, event_body, iso_time

_log = logging.getLogger(__name__)
_INVALID = frozenset({State.INVALID_SRM, State.INVALID_DATA})


@dataclass(frozen=True, slots=True)
class Experiment:
    """All that is known of an experiment, of one moment; `book` has its counters."""

    job_id: str
    plan: Plan
    kept: KeptPlan
    book: Book | None

    @property
    def status(self) -> Status:
        if self.verdict_text is not None:
            return Status.DECIDED
        if self.kept.closed_ms:
            return end_without_verdict(self.kept.end)
        return Status.RUNNING if self.started_ms else Status.WAITING

    @property
    def can_be_judged(self) -> bool:
        """Whether it has a verdict, or may get one: counts of before a verdict give no second."""
        return self.status in {Status.RUNNING, Status.DECIDED}

    @property
    def started_ms(self) -> int:
        """When it began to count; 0 while it waits."""
        return self.book.started_ms if self.book else 0

    @property
    def decided_ms(self) -> int:
        """When its verdict was frozen; 0 while there is none."""
        return self.book.count("decided") if self.book else 0

    @property
    def verdict_text(self) -> str | None:
        """The frozen verdict in its one form."""
        return self.book.verdict if self.book else None


def attach_experiment(job: Job, plan: Plan, services: Services) -> bool:
    """Attach a plan to a job, and begin at once where its videos are there; false when it has it.

    Raises:
        InvalidRequest: the job has no such variants.
        Conflict: it has another plan, or has ended without a video of a variant.
        NotFound, StoreUnavailable
    """
    check_labels(plan, [each.label for each in job.spec.variants])
    now_ms = services.clock.now_ms()
    if services.plans.read(job.id) is None and job.status in ENDED_JOB:
        missing = find_missing(job, plan, services)
        if missing:
            raise Conflict(
                f"The job has ended and has no video of {', '.join(missing)}.",
                hint="Leave the variant out, or send the job again.",
            )
    new = _keep(job, plan, services, now_ms)
    if services.plans.is_open(job.id):  # what is over does not begin: nobody would look at it
        begin(job, plan, services)
    return new


def _keep(job: Job, plan: Plan, services: Services, now_ms: int) -> bool:
    """Give a job its plan; false when it has this one, perhaps as a release before wrote it.

    Raises:
        Conflict: it has another plan.
        NotFound, StoreUnavailable
    """
    text = plan_text(plan)
    try:
        return services.plans.attach(job.id, job.tenant_id, text, plan_digest(text), now_ms=now_ms)
    except Conflict:
        # A field that is younger than the plan has its default in both.
        kept = services.plans.read(job.id)
        if kept is None or read_plan(json.loads(kept.text)) != plan:
            raise
        return False


def check_labels(plan: Plan, labels: Sequence[str]) -> None:
    """Refuse a plan of variants that a job does not have.

    Raises:
        InvalidRequest: it names others.
    """
    faults = [
        FieldError(f"#/variants/{at}/label", f"The job has no variant {label!r}.")
        for at, label in enumerate(plan.labels)
        if label not in labels
    ]
    if faults:
        raise InvalidRequest("The plan of the experiment is not valid.", faults)


def read_experiment(job: Job, services: Services) -> Experiment:
    """The experiment of a job.

    Raises:
        NotFound: it has none.
        StoreUnavailable: or it is another Redis that counts than the one that has counted it.
    """
    kept = services.plans.read(job.id)
    if kept is None:
        raise intake.refuse_none()
    plan, book = read_plan(json.loads(kept.text)), services.experiments.read(job.id)
    if book is None and not kept.closed_ms:
        services.experiments.require_known()
    return Experiment(job.id, plan, kept, book)


def judge_experiment(job: Job, services: Services) -> str:
    """The verdict in its one form: the frozen one, or of now; a final one is frozen and told.

    Raises:
        NotFound: the job has no experiment.
        Conflict: it has not begun.
    """
    experiment = read_experiment(job, services)
    if not experiment.can_be_judged:
        raise refuse_early(experiment.status)
    now_ms = services.clock.now_ms()
    looked = look(services.experiments, job.id, job.tenant_id, now_ms=now_ms)
    if looked.is_final and not experiment.kept.closed_ms:
        _tell(job, json.loads(looked.text), services)
    return looked.text


def snapshot_of(experiment: Experiment, now_ms: int) -> str:
    """What the verdict was made from, or what one would be made from now, in its one form.

    Raises:
        Conflict: nothing was counted yet.
    """
    if experiment.book is None or not experiment.can_be_judged:
        raise refuse_early(experiment.status)
    frozen = experiment.book.frozen_snapshot
    if frozen is not None:
        return frozen
    return canonical(write_snapshot(take_snapshot(experiment.book, now_ms=now_ms))).decode()


def refuse_early(status: Status) -> Conflict:
    """Why nothing is shown, counted or judged: it waits, never has its videos, or was lost."""
    if status is Status.LOST:
        return Conflict(
            "The experiment is over without a result: what was counted of it has been lost.",
            hint="Send the job again, with the experiment.",
            experiment_status=status.value,
        )
    if status is Status.DROPPED:
        return Conflict(
            "The experiment never began: the job has ended without a video of each variant.",
            hint="Try the job again, or give the experiment to another one.",
            experiment_status=status.value,
        )
    return Conflict(intake.NOT_BEGUN, hint=intake.WHEN, experiment_status=status.value)


def take_outcomes(
    job_id: str, tenant_id: str, document: Any, services: Services, *, from_browser: bool = False
) -> list[Result]:
    """Check and count a batch of outcomes; one result for each item, in its order.

    What comes `from_browser` must show the unit token of its viewer.

    Raises:
        InvalidRequest, NotFound, Conflict, ExperimentFull, StoreUnavailable: as `intake` does.
    """
    now_ms = services.clock.now_ms()
    store, secret = services.experiments, services.settings.signing_secret if from_browser else None
    try:
        results = intake.take_outcomes(
            store, job_id, tenant_id, document, now_ms=now_ms, secret=secret
        )
    except (NotFound, Conflict) as refused:
        kept = services.plans.read(job_id)
        if isinstance(refused, NotFound) and kept is not None and not kept.closed_ms:
            services.experiments.require_known()
        # that there is no book yet is no news: the row of the experiment opens it
        if kept is None or (isinstance(refused, Conflict) and refused.detail != intake.NOT_BEGUN):
            raise
        raise refuse_early(
            end_without_verdict(kept.end) if kept.closed_ms else Status.WAITING
        ) from None
    for each in results:
        count(OUTCOMES, outcome=each.status)
    return results


def find_missing(job: Job, plan: Plan, services: Services) -> list[str]:
    """Variants of a plan without a video where no clip has all of them; none: it may run."""
    _, cuts = services.jobs.read_units(job, revisions=True)
    return missing_labels(plan.labels, cuts)


def begin(job: Job, plan: Plan, services: Services) -> bool:
    """Open its book, and begin to count if its variants can be seen; whether it has begun.

    Raises:
        NotFound: the job was deleted meanwhile.
        StoreUnavailable
    """
    services.experiments.require_known()
    kept = services.plans.read(job.id)
    if kept is None:
        raise intake.refuse_none()
    _, cuts = services.jobs.read_units(job, revisions=True)
    ready = job.status in ENDED_JOB and not missing_labels(plan.labels, cuts)
    started_ms = services.experiments.attach(
        job.id,
        job.tenant_id,
        plan,
        begin=ready,
        shown=write_shown(cuts),
        text=kept.text,
        now_ms=services.clock.now_ms(),
    )
    if services.plans.read(job.id) is None:
        # Deleted meanwhile: the book may have been opened after it was dropped.
        services.experiments.drop(job.id, now_ms=services.clock.now_ms())
        raise intake.refuse_none()
    if started_ms and job.experiment != Status.RUNNING:
        services.plans.begin(job.id, job.tenant_id, now_ms=services.clock.now_ms())
    return started_ms > 0


def _tell(job: Job, verdict: dict[str, Any], services: Services) -> None:
    """Close an experiment with the event of its verdict; whoever comes second changes nothing."""
    state, now_ms = State(verdict["state"]), services.clock.now_ms()
    kind = EventType.EXPERIMENT_INVALID if state in _INVALID else EventType.EXPERIMENT_DECIDED
    data = {name: verdict[name] for name in _TOLD}
    data["decided_at"] = iso_time(verdict["taken_at_ms"])
    data["verdict_url"] = f"{services.settings.public_url.rstrip('/')}/v1/jobs/{job.id}/verdict"
    event = event_body(kind, job.id, data, now_ms=now_ms)
    if services.plans.close(job.id, job.tenant_id, state, event, now_ms=now_ms):
        count(EXPERIMENTS_ENDED, state=state)
        _log.info("experiment_ended", extra={"job": job.id, "state": state})


#: What the event of a verdict has of it.
_TOLD = (
    *("state", "reason", "variant", "leaning", "sentence", "metric", "alpha", "multiple"),
    *("started_at_ms", "taken_at_ms", "assumptions", "snapshot_sha256"),
)
