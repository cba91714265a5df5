"""Jobs: accept, list, show, cancel, resume, retry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import Response, request

from api.accept import accept_job, accept_retry
from api.frozen import mark, thaw_own
from api.gate import takes_json
from api.headers import IDEMPOTENCY_KEY_SCHEMA, read_idempotency_key, read_wait_s, tell_applied
from api.links import ON_JOB, ON_VARIANT, links
from api.listing import list_jobs, read_filter
from api.openapi import Routes
from api.rehearsals import DryRunReply
from api.replies import JobReply, JobsReply
from api.schemas import CreateJobQuery, JobRequest, JobsQuery, NoQuery
from api.state import answer_json, answer_page, caller, public_url, services, state
from api.waiting import is_settled, wait_for_job
from service.errors import Conflict, Gone, NotFound, StoreUnavailable
from service.ids import is_id
from service.jobs.again import resume_job
from service.jobs.rehearsal import rehearse
from service.jobs.rehearsed import rehearsal_data
from service.jobs.view import job_data, job_summary
from service.model.job import Job
from service.model.lifecycle import ENDED_JOB, JobStatus
from service.store.jobs import ClipRow, CutRow
from service.webhooks.events import EventType, event_body

routes = Routes("jobs", __name__, url_prefix="/v1/jobs", description="A/B tests of captions")
RETRY_AFTER_S = "5"
_IDEMPOTENCY = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": IDEMPOTENCY_KEY_SCHEMA,
    "description": "The same key with the same body returns the first job; remembered for 24 h.",
}
_PREFER = {
    "in": "header",
    "name": "Prefer",
    "schema": {"type": "string"},
    "description": "`wait=n` answers when the job has ended, or after n seconds (at most 30); "
    "`respond-async` is what happens anyway. `Preference-Applied` says what was kept.",
}

_METADATA = {
    "in": "query",
    "name": "metadata",
    "style": "form",
    "explode": True,
    "schema": {
        "type": "object",
        "propertyNames": {"pattern": "^metadata\\..{1,40}$"},
        "additionalProperties": {"type": "string", "maxLength": 500},
        "maxProperties": 20,
    },
    "example": {"metadata.campaign": "spring"},
    "description": "`metadata.KEY=value`: jobs whose metadata has exactly that; one or several.",
}


@routes.route("", methods=["POST"])
@takes_json
@routes.doc(parameters=[_IDEMPOTENCY, _PREFER], **links(202, "job_id", ON_JOB, ON_VARIANT))
@routes.arguments(CreateJobQuery, location="query")
@routes.arguments(JobRequest)
@routes.response(202, JobReply)
@routes.alt_response(200, schema=DryRunReply, description="With `dry_run`; nothing was made")
@routes.alt_response(415, "UNSUPPORTED_MEDIA_TYPE")
@routes.alt_response(429, "TOO_MANY_REQUESTS")
def create_job(query: dict[str, Any], body: dict[str, Any]) -> Response:
    """Accept a job: on disk before the answer, `202` with its address in Location.

    Only `clips` is required. Without variants `outline` is compared with `boxed`. With `dry_run`
    everything is checked that a job is checked for, and that each clip can be had and is a video by
    its first bytes; nothing is made, spent or remembered.
    """
    key = read_idempotency_key(request.headers.get("Idempotency-Key"))
    if query["dry_run"]:
        with state().dry_runs.one_of(caller().key_id or caller().tenant_id):
            return answer_json(rehearsal_data(rehearse(body, caller(), services())))
    accepted = accept_job(body, caller(), services(), key)
    headers = {"Location": f"{public_url()}/v1/jobs/{accepted.job_id}"}
    if accepted.replayed:
        headers["Idempotency-Replayed"] = "true"
    prefer = request.headers.get("Prefer")
    wait_s = read_wait_s(prefer, services().settings.wait_max_s)
    if applied := tell_applied(prefer, wait_s):
        headers["Preference-Applied"] = applied
    if wait_s:
        job = wait_for_job(own_job(accepted.job_id), wait_s, services())
        return _answer_job(job, headers, 200 if job.status in ENDED_JOB else 202)
    if accepted.resource is None:
        return _answer_job(own_job(accepted.job_id), headers, 202)
    return answer_json(accepted.resource, 202, {**headers, "Retry-After": RETRY_AFTER_S})


@routes.route("")
@routes.doc(parameters=[_METADATA])
@routes.arguments(JobsQuery, location="query")
@routes.response(200, JobsReply)
@routes.alt_response(304, description="Unchanged since the ETag in If-None-Match")
def read_jobs(query: dict[str, Any]) -> Response:
    """List your jobs, newest first. Go on with `next_cursor`, or the Link header.

    A page of a filtered list may be short or empty: it is at its end when `next_cursor` is null.
    """
    asked = list(request.args.items(multi=True))
    page = list_jobs(
        services().connection,
        caller().tenant_id,
        limit=query["limit"],
        cursor=query["cursor"],
        chosen=read_filter(query, asked),
    )
    return answer_page([job_summary(job, public_url()) for job in page.jobs], page.next_cursor)


@routes.route("/<job_id>")
@routes.doc(parameters=[_PREFER])
@routes.arguments(NoQuery, location="query")
@routes.response(200, JobReply)
@routes.alt_response(304, description="Unchanged since the ETag in If-None-Match")
def read_job(_query: dict[str, Any], job_id: str) -> Response:
    """One job with its clips, variants and cuts; a finished one also while Redis is away."""
    headers = {}
    wait_s = read_wait_s(request.headers.get("Prefer"), services().settings.wait_max_s)
    try:
        job = own_job(job_id)
        if wait_s:
            headers["Preference-Applied"] = f"wait={wait_s:.0f}"
            job = wait_for_job(job, wait_s, services())
        return _answer_job(job, headers)
    except StoreUnavailable as away:
        found = thaw_own(job_id, away)
        return mark(_answer_units(found.job, found.clips, found.cuts, headers))


@routes.route("/<job_id>/cancel", methods=["POST"])
@routes.arguments(NoQuery, location="query")
@routes.response(202, JobReply, description="It ends within seconds")
@routes.alt_response(200, schema=JobReply, description="It had been canceled before")
@routes.alt_response(409, "CONFLICT")
def cancel_job(_query: dict[str, Any], job_id: str) -> Response:
    """Ask a job to end; asking again changes nothing. 409 when its videos exist or it has ended."""
    status = ask_to_cancel(own_job(job_id))
    return _answer_job(own_job(job_id), {}, 200 if status in ENDED_JOB else 202)


@routes.route("/<job_id>/resume", methods=["POST"])
@routes.arguments(NoQuery, location="query")
@routes.response(202, JobReply, description="It goes on; asking again changes nothing")
@routes.alt_response(409, "CONFLICT")
def resume_waiting_job(_query: dict[str, Any], job_id: str) -> Response:
    """Go on where the job waits for a person; nothing is paid twice.

    409 when it has ended, and `account_changed` with the cost of `retry` when you use another
    backend account now than the job's.
    """
    job = own_job(job_id)
    resume_job(job, services())
    return _answer_job(own_job(job_id), {}, 202)


@routes.route("/<job_id>/retry", methods=["POST"])
@routes.doc(parameters=[_IDEMPOTENCY])
@routes.arguments(NoQuery, location="query")
@routes.response(202, JobReply, description="A new job of the same request")
@routes.alt_response(409, "CONFLICT")
@routes.alt_response(410, "GONE")
@routes.alt_response(429, "TOO_MANY_REQUESTS")
def retry_ended_job(_query: dict[str, Any], job_id: str) -> Response:
    """Make a new job of an ended one's request, on the account you use now; it is paid anew."""
    key = read_idempotency_key(request.headers.get("Idempotency-Key"))
    parts, job = services(), own_job(job_id)
    tenant = parts.accounts.read_tenant(job.tenant_id)
    now = replace(caller(), account_id=tenant.account_id) if tenant else caller()
    accepted = accept_retry(job, now, parts, key)
    headers = {"Location": f"{public_url()}/v1/jobs/{accepted.job_id}"}
    if accepted.replayed:
        headers["Idempotency-Replayed"] = "true"
    if accepted.resource is None:
        return _answer_job(own_job(accepted.job_id), headers, 202)
    return answer_json(accepted.resource, 202, {**headers, "Retry-After": RETRY_AFTER_S})


def ask_to_cancel(job: Job) -> JobStatus:
    """Ask a job to end; its status after that.

    Raises:
        Conflict: it has ended otherwise, or is comparing its videos.
    """
    parts = services()
    now_ms = parts.clock.now_ms()
    event = event_body(EventType.JOB_CANCELING, job.id, {"status": "canceling"}, now_ms=now_ms)
    status = parts.jobs.cancel(job.id, event, now_ms=now_ms)
    if status in ENDED_JOB and status is not JobStatus.CANCELED:
        raise Conflict(f"The job has ended as {status}.", job_status=status.value)
    return status


def own_job(job_id: str) -> Job:
    """A job of this caller; another tenant's does not exist for it.

    Raises:
        NotFound: there is none.
        Gone: there was one, and its time to live has passed.
    """
    jobs, tenant_id = services().jobs, caller().tenant_id
    job = jobs.read(job_id) if is_id(job_id, "job") else None
    own = job is not None and job.tenant_id == tenant_id
    if job is not None and own and not _has_expired(job):
        return job
    if own or (job is None and jobs.was_accepted(job_id, tenant_id)):
        raise Gone(
            "The job has expired or was deleted.",
            hint="Its videos are gone too; send the job anew.",
        )
    raise NotFound("There is no such job.")


def _has_expired(job: Job) -> bool:
    """Whether a job's time has passed, swept or not."""
    return 0 < job.expires_ms <= services().clock.now_ms()


def _answer_job(job: Job, headers: dict[str, str], status: int = 200) -> Response:
    clips, cuts = services().jobs.read_units(job, revisions=True)
    return _answer_units(job, clips, cuts, headers, status)


def _answer_units(
    job: Job,
    clips: Sequence[ClipRow],
    cuts: Sequence[CutRow],
    headers: dict[str, str],
    status: int = 200,
) -> Response:
    body = job_data(job, clips, cuts, public_url(), editor_links=True)
    response = answer_json(body, status, headers)
    if not is_settled(job):
        response.headers["Retry-After"] = RETRY_AFTER_S
    return response
