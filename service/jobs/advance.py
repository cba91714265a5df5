"""Moving a row: claim it, run the step of its state, commit what the step decided.

It goes on while steps say `Advance` on the same queue. A worker never waits for time to pass:
`Wait` parks the row. Nothing is committed inside a step.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any, assert_never

from service.errors import CaptionAbError, StoreError
from service.jobs import clips, endings, finish, renders, steps
from service.jobs.context import ClipContext, CutContext, Services
from service.jobs.experiment_rows import look_at_experiment
from service.jobs.frozen import freeze
from service.jobs.leases import Lease
from service.jobs.outcomes import Advance, End, News, Outcome, Pause, Wait
from service.jobs.poison import give_up
from service.jobs.remedies import remedy
from service.jobs.watch import tell_failed, tell_moved, watched
from service.logs import learn
from service.metrics import LEASES_LOST, count
from service.model.cut import ClipDoc, CutDoc, Failure
from service.model.documents import read_document, write_document
from service.model.job import Job, cut_rows
from service.model.lifecycle import (
    ENDED_CLIP,
    ENDED_JOB,
    ClipState,
    CutState,
    JobStatus,
    Queue,
    RowKind,
    clip_queue,
    cut_queue,
)
from service.model.origin import read_origin
from service.model.rows import row_kind
from service.nemo.tokens import refresh_token
from service.store.commands import Change, Claim, LeaseLost
from service.store.scripts import Refusal
from service.webhooks.deliver import deliver, fan_out
from service.webhooks.events import EventType, event_body

_log = logging.getLogger(__name__)

#: Cuts that a deadline does not end: a paid edit may be under way, or a person is waited for, and
#: their steps have limits of their own.
_ENDS_BY_ITSELF = frozenset({CutState.CAPTIONING, CutState.RECOVERING, CutState.ACTION_REQUIRED})

#: How long a token is left alone whose renewal keeps ending its worker.
_TOKEN_REST_S = 3600.0


def advance(row: str, services: Services) -> Refusal | None:
    """Work on a row as far as it goes; the refusal when it is not ours to work on."""
    clock = services.clock
    services.leases.catch_up()
    claim = services.commands.claim(
        row, owner=services.owner, now_ms=clock.now_ms(), now_s=clock.monotonic_s()
    )
    if isinstance(claim, Refusal):
        return claim
    origin = read_origin(claim.origin)
    learn(request_id=origin.request_id)
    with services.leases.hold(claim) as lease:
        try:
            _work(claim, lease, services)
        except LeaseLost:
            if not lease.lost:
                count(LEASES_LOST)
            _log.warning("lease_lost_at_commit", extra={"row": row, "fence": claim.fence})
    return None


def _work(claim: Claim, lease: Lease, services: Services) -> None:
    kind = row_kind(claim.row)
    if kind in {RowKind.CLIP, RowKind.CUT}:
        _advance_unit(claim, lease, services)
    else:
        lease.closing = True  # its one write is its end, and finds out by itself
        with watched(claim, services.clock):
            _work_once(kind, claim, services)


def _work_once(kind: RowKind, claim: Claim, services: Services) -> None:
    match kind:
        case RowKind.FINISH:
            finish.finish_job(claim, services)
        case RowKind.EVENT:
            fan_out(claim, services)
        case RowKind.DELIVERY:
            deliver(claim, services)
        case RowKind.EXPERIMENT:
            look_at_experiment(claim, services)
        case RowKind.TOKEN:
            _refresh_token(claim, services)
        case RowKind.CLIP | RowKind.CUT:
            raise ValueError(f"{claim.row} has steps of its own.")
        case _:
            assert_never(kind)


def _refresh_token(claim: Claim, services: Services) -> None:
    if claim.is_poisoned(services.settings.crash_limit):
        _log.error("row_given_up", extra={"row": claim.row})
        now_ms = services.clock.now_ms()
        services.commands.park(claim, delay_s=_TOKEN_REST_S, now_ms=now_ms)
        return
    refresh_token(claim, services.tokens, services.commands, services.clock)


def _advance_unit(claim: Claim, lease: Lease, services: Services) -> None:
    job = services.jobs.read(claim.job_id)
    if job is None:
        raise StoreError(f"{claim.row} has no job.")
    while True:
        with watched(claim, services.clock):
            outcome = _decide(claim, lease, job, services)
        started_s = services.clock.monotonic_s()
        change = _change(outcome, claim, job, services)
        lease.closing = not change.keep
        canceled = services.commands.commit(claim, change, now_ms=services.clock.now_ms())
        tell_moved(claim, change)
        if not change.keep:
            _freeze_again(claim, change, services)
            return
        lease.renewed_at_s = started_s
        claim = replace(
            claim,
            state=change.state,
            queue=change.queue,
            doc=change.doc,
            crashes=1,
            cancel_asked=canceled,
        )


def _freeze_again(claim: Claim, change: Change, services: Services) -> None:
    """A later revision of an ended job has its video: what the files keep of the job says so."""
    if not change.ended or change.state != CutState.SUCCEEDED or claim.row.endswith(".1"):
        return
    job = services.jobs.read(claim.job_id)
    if job is not None and job.status in ENDED_JOB:
        freeze(job, services)


def _decide(claim: Claim, lease: Lease, job: Job, services: Services) -> Outcome:
    """The outcome of one step; errors of ours become outcomes here."""
    if claim.is_poisoned(services.settings.crash_limit):
        _log.error("row_given_up", extra={"row": claim.row, "state": claim.state})
        return give_up(claim)
    if row_kind(claim.row) is RowKind.CLIP:
        return _decide_clip(claim, lease, job, services)
    return _decide_cut(claim, lease, job, services)


def _decide_clip(claim: Claim, lease: Lease, job: Job, services: Services) -> Outcome:
    doc = read_document(ClipDoc, claim.doc)
    if claim.cancel_asked:
        return End(ClipState.CANCELED, doc)
    late = _too_late(claim, services)
    if late is not None:
        return clips.fail(doc, late)
    context = ClipContext(claim, lease, job, doc, services)
    try:
        return clips.STEPS[ClipState(claim.state)](context)
    except StoreError:
        raise
    except CaptionAbError as error:
        tell_failed(claim, error)
        return clips.remedy(error, context)


def _decide_cut(claim: Claim, lease: Lease, job: Job, services: Services) -> Outcome:
    doc, state = read_document(CutDoc, claim.doc), CutState(claim.state)
    context = CutContext(claim, lease, job, doc, services)
    if claim.cancel_asked:
        renders.give_up(context)
        return endings.cancel(_without_unsent(doc, claim))
    late = _too_late(claim, services)
    if late is not None and state not in _ENDS_BY_ITSELF:
        renders.give_up(context)
        return endings.expire(doc, late)
    try:
        return steps.STEPS[state](context)
    except StoreError:
        raise
    except CaptionAbError as error:
        tell_failed(claim, error)
        return remedy(error, context, state=state)


def _without_unsent(doc: CutDoc, claim: Claim) -> CutDoc:
    """A cut whose intent this very claim wrote has not sent it yet."""
    own = doc.intent is not None and doc.intent.fence == claim.fence
    return replace(doc, intent=None) if own and claim.state == CutState.CAPTIONING else doc


def _too_late(claim: Claim, services: Services) -> Failure | None:
    if 0 < claim.deadline_ms <= services.clock.now_ms():
        return Failure(
            "expired",
            "The deadline passed before the work was done.",
            hint="Send the job again with a larger `deadline_s`.",
            retryable=True,
            stage=claim.state,
        )
    return None


def _change(outcome: Outcome, claim: Claim, job: Job, services: Services) -> Change:
    """An outcome as the one write that it is."""
    now_ms = services.clock.now_ms()
    if isinstance(outcome, Pause):
        return _pause_change(outcome, job, services, now_ms)
    queue = _queue_of(outcome.state)
    change = Change(
        state=outcome.state,
        queue=queue,
        doc=write_document(outcome.doc),
        ready_ms=now_ms,
        events=_bodies(outcome.news, job, now_ms),
        first=_first(job, now_ms),
    )
    if isinstance(outcome, Advance):
        keep = queue is claim.queue
        return replace(change, keep=keep, session=outcome.session, pause=_leaving(claim))
    if isinstance(outcome, Wait):
        return replace(change, ready_ms=now_ms + int(outcome.delay_s * 1000))
    return replace(change, ended=True, wake=_wakes(outcome, job), pause=_leaving(claim))


def _pause_change(outcome: Pause, job: Job, services: Services, now_ms: int) -> Change:
    until_ms = now_ms + int(services.settings.action_required_s * 1000)
    doc = replace(outcome.doc, failure=outcome.failure, resume_state=outcome.resume_state)
    data = {"cut": endings.cut_name(doc), "error": endings.failure_data(outcome.failure)}
    kinds = [EventType.CUT_ACTION_REQUIRED]
    if doc.revision == 1:  # a later revision does not change what its job is
        kinds.append(EventType.JOB_ACTION_REQUIRED)
    news = tuple(News(kind, data) for kind in kinds)
    return Change(
        state=CutState.ACTION_REQUIRED,
        queue=Queue.FLOW,
        doc=write_document(doc),
        ready_ms=until_ms,
        deadline_ms=until_ms,
        free=True,
        pause=1,
        events=_bodies(news, job, now_ms),
        first=_first(job, now_ms),
    )


def _queue_of(state: ClipState | CutState) -> Queue:
    return clip_queue(state) if isinstance(state, ClipState) else cut_queue(state)


def _bodies(news: tuple[News, ...], job: Job, now_ms: int) -> list[str]:
    return [event_body(each.kind, job.id, each.data, now_ms=now_ms) for each in news]


def _first(job: Job, now_ms: int) -> str:
    if job.status is not JobStatus.QUEUED:
        return ""
    data: dict[str, Any] = {"status": JobStatus.RUNNING}
    return event_body(EventType.JOB_RUNNING, job.id, data, now_ms=now_ms)


def _leaving(claim: Claim) -> int:
    return -1 if claim.state == CutState.ACTION_REQUIRED else 0


def _wakes(outcome: End, job: Job) -> list[str]:
    """Rows that waited for this unit: a clip's cuts, the next cut of the session."""
    rows = cut_rows(job.id, job.spec)
    width = len(job.spec.variants)
    if isinstance(outcome.doc, ClipDoc):
        assert outcome.state in ENDED_CLIP  # noqa: S101  only ended units are closed
        start = outcome.doc.index * width
        return rows[start : start + width]
    following = [
        row
        for row, (clip, label) in zip(rows, _cells(job), strict=True)
        if clip == outcome.doc.clip + 1 and label == outcome.doc.label
    ]
    return following if outcome.doc.revision == 1 else []


def _cells(job: Job) -> list[tuple[int, str]]:
    return [
        (clip, variant.label)
        for clip in range(len(job.spec.clips))
        for variant in job.spec.variants
    ]
