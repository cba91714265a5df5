"""Accepting a job: from a checked request to one atomic write."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from service.captions.advice import advise
from service.captions.cues import Captions, parse_captions
from service.captions.glyphs import advise_glyphs
from service.captions.platforms import load_platforms
from service.captions.safe_area import areas_of
from service.captions.sameness import advise_variants
from service.captions.style import build_style, name_no_area
from service.clock import Clock
from service.errors import (
    CaptionsRequired,
    FieldError,
    InvalidRequest,
    UploadGone,
    UploadMissing,
)
from service.experiments.proposal import Proposal, keep_plan, read_proposal
from service.ids import new_id
from service.jobs.charges import estimate
from service.jobs.faults import Faults, find_uploads
from service.jobs.rows import list_rows, plan_of
from service.jobs.wishes import HINT, check_wishes
from service.model.documents import read_document
from service.model.job import LABELS, JobSpec
from service.model.limits import NO_OWN_LIMITS, KeyLimits, KeyUse, limits_of, use_of
from service.model.origin import NOWHERE, Origin, write_origin
from service.model.scope import DEFAULT_SCOPES, Mode, Scope
from service.outbound.guard import Policy
from service.settings import Settings
from service.store.acceptance import Accepted, NewJob
from service.store.jobs import JobStore
from service.webhooks.events import EventType, event_body

#: What a job without variants compares.
DEFAULT_VARIANTS = ({"label": "A", "style": {"preset": "outline"}},
                    {"label": "B", "style": {"preset": "boxed"}})  # fmt: skip
_EXAMPLE = {"format": "srt", "text": "1\n00:00:00,500 --> 00:00:02,500\nYour first caption\n"}


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose request this is, and by which key. An `operator` may name any tenant."""

    tenant_id: str
    account_id: str
    key_id: str = ""
    scopes: frozenset[Scope] = DEFAULT_SCOPES
    mode: Mode = Mode.LIVE
    operator: bool = False
    limits: KeyLimits = NO_OWN_LIMITS


def build_spec(request: Mapping[str, Any], settings: Settings, caller_policy: Policy) -> JobSpec:
    """A request, already of the right shape, as a job.

    Raises:
        InvalidRequest: labels, styles, captions, wishes or addresses are wrong, or the limit of
            credits is too low; each is named.
        CaptionsRequired: there are no captions and the backend cannot transcribe.
        AddressRefused: an address is not public; raised as InvalidRequest with its pointer.
    """
    variants = list(request.get("variants") or DEFAULT_VARIANTS)
    faults = Faults()
    labelled = _label(variants, faults.errors)
    areas = areas_of(load_platforms(settings.platforms))
    for index, variant in enumerate(labelled):
        check = partial(build_style, areas=areas)
        faults.check(f"#/variants/{index}/style", check, variant.get("style") or {})
    faults.check_addresses(request, caller_policy)
    labels = [variant["label"] for variant in labelled]
    proposal = faults.check("#/experiment", propose, request, labels)
    captions, parsed = request.get("captions"), None
    if captions is not None:
        parsed = faults.check(
            "#/captions", parse_captions, captions.get("format") or None, captions["text"]
        )
    unfit = list(check_wishes(request))
    if faults.errors or unfit:
        raise InvalidRequest(
            "The job is not valid.",
            [*faults.errors, *unfit],
            hint=faults.hint if faults.errors else HINT,
        )
    if captions is None and not settings.nemo_transcribes:
        raise CaptionsRequired(
            errors=[FieldError("#/captions", "is required here")], example={"captions": _EXAMPLE}
        )
    labelled = [{**v, "style": name_no_area(v.get("style") or {}, areas)} for v in labelled]
    fields = {**request, "variants": labelled, "warnings": _warnings(request, labelled, parsed)}
    fields.setdefault("deadline_s", settings.job_deadline_s)
    if proposal is not None:
        fields["experiment"] = keep_plan(proposal)
    spec = read_document(JobSpec, json.dumps(fields))
    _check_limit(spec, settings)
    return spec


def propose(request: Mapping[str, Any], labels: Sequence[str]) -> Proposal | None:
    """The plan of the experiment that a request asks for, if it does.

    Its seed is the id of the job, which there is not yet, unless the caller has chosen one.

    Raises:
        InvalidRequest: the plan is not valid.
    """
    if request.get("experiment") is None:
        return None
    return read_proposal(request["experiment"], labels, seed="job", pointer="#/experiment")


def _check_limit(spec: JobSpec, settings: Settings) -> None:
    """A job that could only wait for ever for a higher limit is not taken."""
    cost = estimate(spec, settings)
    if spec.max_credits is not None and spec.max_credits < cost:
        raise InvalidRequest(
            f"The job is expected to cost {cost} credits, more than its own limit.",
            [FieldError("#/max_credits", f"must be at least {cost} for this job")],
            hint="Raise `max_credits`, or send fewer clips or variants.",
        )


def _warnings(
    request: Mapping[str, Any], variants: list[dict[str, Any]], captions: Captions | None
) -> list[dict[str, str]]:
    """What will make the test worse without making it wrong (SEED's two tips)."""
    wishes = [variant.get("instruction", "") for variant in variants]
    found = [asdict(each) for each in advise(captions, request.get("instruction", ""), wishes)]
    overlaps = captions.warnings if captions is not None else ()
    return [
        *(asdict(each) for each in advise_variants(variants)),
        *(asdict(each) for each in advise_glyphs(captions, variants)),
        *found,
        *({"code": "captions", "pointer": "#/captions/text", "detail": each} for each in overlaps),
    ]


def submit_job(
    request: Mapping[str, Any],
    caller: Caller,
    *,
    jobs: JobStore,
    settings: Settings,
    clock: Clock,
    caller_policy: Policy,
    idempotency_key: str = "",
    origin: Origin = NOWHERE,
) -> Accepted:
    """Accept a job in one exchange with Redis; on disk before this returns.

    Raises:
        InvalidRequest, CaptionsRequired, UploadMissing, IdempotencyReused, QuotaExceeded,
        RateExceeded, CreditQuotaExceeded, StoreUnavailable
    """
    spec = build_spec(request, settings, caller_policy)
    try:
        return accept_spec(
            spec,
            caller,
            jobs=jobs,
            settings=settings,
            clock=clock,
            idempotency_key=idempotency_key,
            fingerprint=fingerprint(request),
            origin=origin,
        )
    except UploadGone as gone:
        errors = find_uploads(spec, gone.extra["upload_id"])
        raise UploadMissing(gone.detail, errors) from None


def accept_spec(
    spec: JobSpec,
    caller: Caller,
    *,
    jobs: JobStore,
    settings: Settings,
    clock: Clock,
    idempotency_key: str,
    fingerprint: str,
    retry_of: str = "",
    origin: Origin = NOWHERE,
) -> Accepted:
    """Accept a job whose request has been checked.

    Raises:
        IdempotencyReused, Gone, QuotaExceeded, RateExceeded,
        CreditQuotaExceeded, StoreUnavailable
    """
    new = prepare_job(
        spec,
        caller,
        settings=settings,
        clock=clock,
        idempotency_key=idempotency_key,
        fingerprint=fingerprint,
        retry_of=retry_of,
        origin=origin,
    )
    return jobs.create(new, now_ms=clock.now_ms())


def prepare_job(
    spec: JobSpec,
    caller: Caller,
    *,
    settings: Settings,
    clock: Clock,
    idempotency_key: str = "",
    fingerprint: str = "",
    retry_of: str = "",
    origin: Origin = NOWHERE,
) -> NewJob:
    """Everything that an accept writes."""
    now_ms = clock.now_ms()
    job_id = new_id("job", now_ms)
    event = event_body(
        EventType.JOB_CREATED, job_id, {"status": "queued", "name": spec.name}, now_ms=now_ms
    )
    return NewJob(
        id=job_id,
        tenant_id=caller.tenant_id,
        account_id=caller.account_id,
        spec=spec,
        rows=list_rows(job_id, spec, caller.account_id, settings),
        cuts=len(spec.clips) * len(spec.variants),
        event=event,
        quota=settings.tenant_open_jobs,
        ttl_ms=int(settings.job_ttl_s * 1000),
        warn_ms=int(settings.job_expiring_s * 1000),
        idempotency_ttl_ms=int(settings.idempotency_ttl_s * 1000),
        idempotency_key=idempotency_key,
        fingerprint=fingerprint,
        retry_of=retry_of,
        origin=write_origin(origin),
        use=_use(spec, caller, settings, now_ms),
        plan=plan_of(spec, job_id),
    )


def _use(spec: JobSpec, caller: Caller, settings: Settings, now_ms: int) -> KeyUse:
    limits = limits_of(caller.limits, settings)
    return use_of(caller.key_id, limits, price=estimate(spec, settings), now_ms=now_ms)


def fingerprint(request: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical request, by which a reused idempotency key is told."""
    canonical = json.dumps(request, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _label(variants: list[Mapping[str, Any]], errors: list[FieldError]) -> list[dict[str, Any]]:
    labelled: list[dict[str, Any]] = []
    for index, variant in enumerate(variants):
        label = variant.get("label") or LABELS[index]
        if any(label == other["label"] for other in labelled):
            errors.append(FieldError(f"#/variants/{index}/label", f"'{label}' is used twice"))
        labelled.append({**variant, "label": label})
    return labelled
