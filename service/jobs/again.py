"""Going on: the job that waits for a person, or a new job of the same request."""

from __future__ import annotations

from service.clock import Clock
from service.errors import AccountChanged, Conflict
from service.jobs.charges import estimate
from service.jobs.context import Services
from service.jobs.submit import Caller, accept_spec, fingerprint
from service.model.job import Job
from service.model.lifecycle import ENDED_JOB
from service.model.origin import NOWHERE, Origin
from service.settings import Settings
from service.store.acceptance import Accepted
from service.store.jobs import JobStore
from service.webhooks.events import EventType, event_body


def check_account(job: Job, services: Services) -> None:
    """See that the tenant still uses the account that the job's sessions belong to.

    Raises:
        AccountChanged: it does not; `retry_credits` says what a new job would cost.
    """
    tenant = services.accounts.read_tenant(job.tenant_id)
    if tenant is None or tenant.account_id == job.account_id:
        return
    cost = estimate(job.spec, services.settings)
    raise AccountChanged(
        hint=f"`retry` makes a new job on the account in use; it costs about {cost} credits.",
        retry_credits=cost,
    )


def resume_job(job: Job, services: Services) -> int:
    """Let the cuts that wait for a person go on; how many do. Idempotent, and pays nothing twice.

    Raises:
        AccountChanged: the tenant uses another account now.
        Conflict: the job has ended or is being canceled.
    """
    if job.status not in ENDED_JOB or job.revisions:
        check_account(job, services)
    now_ms = services.clock.now_ms()
    event = event_body(EventType.JOB_RESUMED, job.id, {"status": "running"}, now_ms=now_ms)
    return services.jobs.resume(job.id, event, now_ms=now_ms)


def retry_job(
    job: Job,
    caller: Caller,
    *,
    jobs: JobStore,
    settings: Settings,
    clock: Clock,
    idempotency_key: str = "",
    origin: Origin = NOWHERE,
) -> Accepted:
    """Accept a new job of the same request on the caller's account; its edits are paid anew.

    Raises:
        Conflict: the job still runs.
        IdempotencyReused, Gone, QuotaExceeded, StoreUnavailable: as for any new job.
    """
    if job.status not in ENDED_JOB:
        raise Conflict(
            f"The job is {job.status}; only one that has ended is tried again.",
            hint="Cancel it first, or wait for its end.",
            status=job.status.value,
        )
    return accept_spec(
        job.spec,
        caller,
        jobs=jobs,
        settings=settings,
        clock=clock,
        idempotency_key=idempotency_key,
        fingerprint=fingerprint({"retry_of": job.id}),
        retry_of=job.id,
        origin=origin,
    )
