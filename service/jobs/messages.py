"""What a person says to a variant: routed to a look, or to one more paid edit (SEED, appendix A).

Looks are answered at once and cost nothing. Anything else becomes the next revision: a cut of its
own that waits its turn in the variant's session.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from service.errors import Conflict, FieldError, InvalidRequest, NotFound
from service.jobs.again import check_account
from service.jobs.charges import edit_price
from service.jobs.context import Services
from service.jobs.revisions import may_change
from service.jobs.submit import Caller
from service.jobs.view import video_url
from service.jobs.wishes import HINT, find_fault
from service.model.job import Job, revision_rows
from service.model.lifecycle import CutState
from service.model.limits import limits_of, use_of
from service.model.origin import NOWHERE, Origin, write_origin
from service.nemo.intents import Intent, read_request
from service.nemo.timeline import summarise_timeline
from service.store.jobs import CutRow
from service.store.revisions import AddedCut, NewCut, add_cut, find_added
from service.webhooks.events import EventType, event_body


@dataclass(frozen=True, slots=True)
class Message:
    """Words about one cut, the request that brought them, and whose it is."""

    label: str
    clip: int
    text: str
    origin: Origin = NOWHERE
    caller: Caller | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a message led to: `data` for the caller, and the cut it added, if it is an edit."""

    intent: Intent
    data: Mapping[str, Any]
    added: AddedCut | None = None


def take_message(job: Job, message: Message, services: Services, *, key: str) -> Answer:
    """Answer a message, or make a revision of it: on disk before this returns.

    Raises:
        NotFound: the job has no such variant or clip.
        InvalidRequest: files are not sent by message, and what is not about the video is not
            sent at all.
        Conflict: there is no video to export, nothing to change, or no credits left by its limit.
        AccountChanged, IdempotencyReused, Gone, QuotaExceeded: an edit cannot be made.
        BackendError, TokenPending: the backend did not answer.
    """
    cuts = own_cuts(job, message.label, message.clip, services)
    request = read_request(message.text)
    intent = request.intent
    match intent:
        case Intent.STATE:
            return Answer(intent, read_timeline(job, cuts, services))
        case Intent.CREDITS:
            balance = services.tokens.balance(job.account_id)
            parts = ("available", "frozen", "total")
            return Answer(intent, {"credits": {name: getattr(balance, name) for name in parts}})
        case Intent.EXPORT:
            return Answer(intent, {"video": _video(job, cuts, services)})
        case Intent.UPLOAD:
            raise InvalidRequest(
                "Files are not sent by message.",
                [FieldError("#/text", "asks for an upload")],
                hint="Send files to POST /v1/uploads and name them in a new job.",
            )
        case _:
            return _add(job, replace(message, text=request.words), cuts, services, key=key)


def _check(job: Job, wish: str, services: Services) -> None:
    """Refuse what would be paid for in vain, or could only wait for ever."""
    fault = find_fault(wish, allow_generation=job.spec.allow_generation)
    if fault:
        raise InvalidRequest(
            "The message was not sent, and nothing was spent.",
            [FieldError("#/text", fault)],
            hint=HINT,
        )
    most, spent = job.spec.max_credits, job.charged + job.reserved
    price = edit_price(job.spec, services.settings)
    if most is not None and spent + price > most:
        raise Conflict(
            f"The job has come to {spent} credits of {most}; a revision costs about {price} more.",
            hint="Send a new job with a higher `max_credits`.",
            max_credits=most,
        )


def own_cuts(job: Job, label: str, clip: int, services: Services) -> list[CutRow]:
    """All revisions of one cut, the first one first.

    Raises:
        NotFound: the job has no such variant or clip.
    """
    known = any(variant.label == label for variant in job.spec.variants)
    if not known or not 0 <= clip < len(job.spec.clips):
        raise NotFound(f"The job has no variant {label[:8]} of clip {clip}.")
    return services.jobs.read_cuts(revision_rows(job, clip, label))


def read_timeline(job: Job, cuts: list[CutRow], services: Services) -> dict[str, Any]:
    """What is on the timeline of a variant's session now, as one line; nothing is spent.

    Raises:
        BackendError, TokenPending: the backend did not answer.
    """
    latest = cuts[-1] if cuts else None
    body: dict[str, Any] = {
        "status": latest.state.value if latest else "queued",
        "revision": latest.doc.revision if latest else 1,
        "timeline": None,
    }
    opened = [cut.doc.session_id for cut in cuts if cut.doc.session_id]
    if opened:
        token = services.tokens.token_for(job.account_id)
        state = services.nemo.state(token, opened[-1])
        body["timeline"] = summarise_timeline(state.draft)
    return body


def _video(job: Job, cuts: list[CutRow], services: Services) -> dict[str, Any]:
    done = [cut.doc for cut in cuts if cut.state is CutState.SUCCEEDED and cut.doc.result]
    if not done:
        raise Conflict("There is no video of this variant yet.", hint="Ask again when it is done.")
    url = f"{services.settings.public_url.rstrip('/')}/v1/jobs/{job.id}"
    return {"url": video_url(url, done[-1]), "revision": done[-1].revision}


def _add(job: Job, message: Message, cuts: list[CutRow], services: Services, *, key: str) -> Answer:
    fingerprint = _fingerprint(job, message)
    # What was accepted once is so again, whatever has happened to the job since.
    added = find_added(services.connection, job.tenant_id, key, fingerprint)
    if added is None:
        _check(job, message.text, services)
        check_account(job, services)
        if not may_change(cuts):
            raise Conflict(
                "No revision of this cut was edited, so there is nothing to change.",
                hint="`retry` makes a new job of the same request.",
            )
        new = _new_cut(job, message, services, key=key, fingerprint=fingerprint)
        added = add_cut(services.connection, new, now_ms=services.clock.now_ms())
    data = {"label": message.label, "clip": message.clip, "revision": added.revision}
    return Answer(Intent.CHAT, data, added)


def _new_cut(
    job: Job, message: Message, services: Services, *, key: str, fingerprint: str
) -> NewCut:
    now_ms, settings = services.clock.now_ms(), services.settings
    named = {"label": message.label, "clip": message.clip, "revision": 0}
    return NewCut(
        tenant_id=job.tenant_id,
        job_id=job.id,
        clip=message.clip,
        label=message.label,
        wish=message.text,
        event=event_body(EventType.CUT_CREATED, job.id, {"cut": named}, now_ms=now_ms),
        idempotency_key=key,
        fingerprint=fingerprint,
        idempotency_ttl_ms=int(settings.idempotency_ttl_s * 1000),
        limit_ms=int(job.spec.deadline_s * 1000),
        look_ms=int(settings.look_every_s * 1000),
        origin=write_origin(message.origin),
        use=use_of(
            message.caller.key_id,
            limits_of(message.caller.limits, settings),
            price=edit_price(job.spec, settings),
            now_ms=now_ms,
        )
        if message.caller
        else None,
    )


def _fingerprint(job: Job, message: Message) -> str:
    said = json.dumps(["message", job.id, message.label, message.clip, message.text])
    return hashlib.sha256(said.encode()).hexdigest()
