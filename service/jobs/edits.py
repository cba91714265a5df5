"""The paid edit of a cut: prepared, sent at most once, confirmed from the state, recovered.

Text is no proof of an edit and silence none of its absence (SEED: about 30 % of edits are silent):
the session's state decides, always.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import replace

from service.captions.cues import parse_captions
from service.captions.instruction import build_instruction
from service.captions.style import build_style
from service.errors import BackendError, CaptionAbError
from service.ids import new_id
from service.jobs.context import CutContext
from service.jobs.endings import cancel, fail, pause_for, told
from service.jobs.outcomes import Advance, Outcome, Pause, Wait
from service.model.cut import ClipDoc, CutDoc, Edit, EditIntent, Failure, Recovery
from service.model.job import Job
from service.model.lifecycle import CutState
from service.nemo.dialogue import StreamControl
from service.nemo.errors import BackendUnavailable, BreakKind, StreamBroken
from service.nemo.transcript import Transcript
from service.nemo.wire import State, fingerprint, read_file
from service.webhooks.events import EventType

_log = logging.getLogger(__name__)


class NotSent(CaptionAbError):
    """Too much of the lease was gone to start a paid call; nothing was sent."""

    code = "not_sent"
    retryable = True


def holds_file(state: State, name: str) -> bool:
    """Whether a session has a file of this name."""
    infos = [read_file(info) for info in state.video_infos if isinstance(info, Mapping)]
    return any(info.filename == name for info in infos)


def estimate(job: Job, edit_credits: int) -> int:
    """Credits a whole job is expected to cost: one edit for each cut."""
    return len(job.spec.clips) * len(job.spec.variants) * edit_credits


def message(job: Job, doc: CutDoc, clip: ClipDoc) -> str:
    """What the agent is asked. The same cut gives the same bytes."""
    spec = job.spec
    variant = next(each for each in spec.variants if each.label == doc.label)
    captions = spec.captions
    wish = " ".join(part for part in (spec.instruction, variant.instruction) if part)
    return build_instruction(
        build_style(variant.style),
        None if captions is None else parse_captions(captions.format or None, captions.text),
        instruction=wish,
        language=spec.language,
        clip_name=doc.uploaded_as,
        output=spec.output,
        duration_ms=int(clip.media.duration_s * 1000) if clip.media else None,
    )


def prepare(cut: CutContext, clip: ClipDoc) -> Outcome:
    """Reserve the job's credits and write the intent; nothing is sent yet."""
    services, job = cut.services, cut.job
    token = services.tokens.token_for(job.account_id, paid=True)
    state = services.nemo.state(token, cut.doc.session_id)
    balance = services.nemo.credits(token)
    amount = estimate(job, services.settings.edit_credits)
    refusal = _over_limit(cut, amount)
    if refusal is not None:
        return Pause(refusal, cut.doc, CutState.UPLOADED)
    now_ms = services.clock.now_ms()
    if not services.commands.reserve(
        cut.claim, amount=amount, available=balance.total, now_ms=now_ms
    ):
        return Pause(_too_few(cut, amount, balance.total), cut.doc, CutState.UPLOADED)
    intent = EditIntent(
        edit_id=new_id("edt", now_ms),
        fence=cut.claim.fence,
        message_sha256=hashlib.sha256(message(job, cut.doc, clip).encode()).hexdigest(),
        fingerprint=fingerprint(state),
        at_ms=now_ms,
        balance=balance.total,
    )
    return Advance(CutState.CAPTIONING, replace(cut.doc, intent=intent))


def send(cut: CutContext, clip: ClipDoc) -> Outcome:
    """Send, if this is the claim that wrote the intent; otherwise look only."""
    intent = cut.doc.intent
    if intent is None or intent.fence != cut.claim.fence:
        return _lost(cut, "The worker that sent the edit is gone.")
    control = StreamControl()
    cut.lease.on_cancel = control.shutdown
    cut.lease.reading = intent.edit_id
    if cut.lease.cancel_asked:  # seen before anybody listened
        control.shutdown()
    try:
        token = cut.services.tokens.token_for(cut.job.account_id, paid=True)
    except CaptionAbError as error:
        _log.info("edit_not_sent", extra={"row": cut.claim.row, "code": error.code})
        delay_s = cut.services.settings.step_retry_s
        return Wait(delay_s, replace(cut.doc, intent=None), CutState.UPLOADED)
    try:
        transcript = _converse(cut, clip, intent, token=token, control=control)
    except NotSent:
        return Advance(CutState.UPLOADED, replace(cut.doc, intent=None))
    except StreamBroken as broken:
        if cut.lease.cancel_asked and broken.kind is BreakKind.STOPPED:
            return _canceled(cut)
        _keep_evidence(cut, intent, "broken", broken.transcript)
        return _lost(cut, broken.detail)
    except BackendError as refused:
        return _refused(cut, refused)
    finally:
        cut.lease.on_cancel = None
        cut.lease.reading = ""
    _keep_evidence(cut, intent, "done", transcript)
    return _confirm(cut, intent, transcript) or _lost(cut, "The stream ended without a change.")


def recover(cut: CutContext) -> Outcome:
    """Look at the state at 30, 90, 150, 210 and 270 s after the loss; then give up honestly."""
    intent, recovery, services = cut.doc.intent, cut.doc.recovery, cut.services
    if intent is None or recovery is None:
        return fail(cut.doc, Failure("internal", "Nothing to recover.", stage="recovering"))
    evidence = services.commands.read_evidence(intent.edit_id)
    now_ms = services.clock.now_ms()
    if _is_being_read(evidence, intent, cut):
        return Wait(services.settings.extend_every_s, cut.doc, CutState.RECOVERING)
    elapsed_s = (now_ms - recovery.since_ms) / 1000
    schedule = services.settings.recovery_looks_s
    due_s = schedule[min(recovery.looks, len(schedule) - 1)]
    if elapsed_s < due_s and "done" not in evidence:
        return Wait(due_s - elapsed_s, cut.doc, CutState.RECOVERING)
    found = _confirm(cut, intent, Transcript())
    if found is not None:
        return found
    looks = recovery.looks + 1
    if looks >= len(schedule):
        return _unconfirmed(cut, intent)
    doc = replace(cut.doc, recovery=replace(recovery, looks=looks))
    return Wait(max(0.1, schedule[looks] - elapsed_s), doc, CutState.RECOVERING)


def _converse(
    cut: CutContext, clip: ClipDoc, intent: EditIntent, *, token: str, control: StreamControl
) -> Transcript:
    services = cut.services
    text = message(cut.job, cut.doc, clip)
    if hashlib.sha256(text.encode()).hexdigest() != intent.message_sha256:
        raise NotSent("The message is not the one that was written down.")

    def check_lease() -> None:
        if not cut.lease.may_send(services.clock.monotonic_s(), services.settings.lease_s):
            raise NotSent

    return services.nemo.converse(
        token,
        cut.doc.session_id,
        text,
        edit_id=intent.edit_id,
        on_event=lambda _event: None,
        stop=control,
        before_send=check_lease,
    )


def _confirm(cut: CutContext, intent: EditIntent, transcript: Transcript) -> Outcome | None:
    """The cut is captioned when the state has changed; none when it has not."""
    services = cut.services
    token = services.tokens.token_for(cut.job.account_id)
    state = services.nemo.state(token, cut.doc.session_id)
    after = fingerprint(state)
    if after == intent.fingerprint or not state.exportable:
        return None
    charge = _charge(cut, intent)
    edit = Edit(
        text=transcript.text,
        tools=transcript.tools,
        fingerprint=after,
        silent=not transcript.text,
        charged="unknown" if charge is None else ("yes" if charge else "no"),
        credits=charge,
    )
    doc = replace(cut.doc, edit=edit, recovery=None)
    return Advance(CutState.CAPTIONED, doc, (told(EventType.CUT_CAPTIONED, doc),))


def _charge(cut: CutContext, intent: EditIntent) -> int | None:
    """Credits that went while the edit ran, at most one edit's; booked once.

    Other edits of the account may run beside this one, so the difference is a bound, not a receipt.
    """
    services = cut.services
    expected = services.settings.edit_credits
    try:
        token = services.tokens.token_for(cut.job.account_id)
        balance = services.nemo.credits(token)
    except BackendError:
        return None
    charge = max(0, min((intent.balance or 0) - balance.total, expected))
    if charge == 0 and balance.frozen:  # a run still under way may yet be charged
        return None
    services.commands.settle(
        cut.claim,
        edit_id=intent.edit_id,
        charge=charge,
        release=expected,
        now_ms=services.clock.now_ms(),
    )
    return charge


def _lost(cut: CutContext, why: str) -> Outcome:
    recovery = Recovery(since_ms=cut.services.clock.now_ms(), reason=why)
    return Advance(CutState.RECOVERING, replace(cut.doc, recovery=recovery))


def _canceled(cut: CutContext) -> Outcome:
    intent = cut.doc.intent
    charge = _charge(cut, intent) if intent else None
    said = "unknown" if charge is None else ("yes" if charge else "no")
    return cancel(replace(cut.doc, edit=Edit(charged=said, credits=charge)))


def _refused(cut: CutContext, error: BackendError) -> Outcome:
    """The message did not arrive: pause for a person, try again later, or fail."""
    doc = replace(cut.doc, intent=None)
    failure = pause_for(error, cut)
    if failure is not None:
        return Pause(failure, doc, CutState.UPLOADED)
    if isinstance(error, BackendUnavailable):
        return Wait(cut.services.settings.step_retry_s, doc, CutState.UPLOADED)
    info = error.info
    return fail(doc, Failure(info.code, info.detail, info.hint, info.retryable, "captioning"))


def _unconfirmed(cut: CutContext, intent: EditIntent) -> Outcome:
    charge = _charge(cut, intent)
    said = "unknown" if charge is None else ("yes" if charge else "no")
    failure = Failure(
        "edit_unconfirmed",
        "The edit was sent once, and no change was seen in its session within five minutes.",
        hint="`retry` sends it again and may cost credits again.",
        stage="recovering",
        extra={"charged": said, "reason": cut.doc.recovery.reason if cut.doc.recovery else ""},
    )
    return fail(cut.doc, failure)


def _is_being_read(evidence: Mapping[str, str], intent: EditIntent, cut: CutContext) -> bool:
    """Whether a process that lost this row still reads its stream, by its own recent word."""
    services = cut.services
    if evidence.keys() & {"done", "broken"}:
        return False
    now_ms, word = services.clock.now_ms(), int(evidence.get("reading", "0"))
    fresh = now_ms - word < services.settings.reading_fresh_s * 1000
    return fresh and now_ms - intent.at_ms < services.settings.stream_total_s * 1000


def _keep_evidence(
    cut: CutContext, intent: EditIntent, kind: str, transcript: Transcript | None
) -> None:
    seen = transcript or Transcript()
    body = json.dumps(
        {"text": seen.text[:2000], "tools": seen.tools[:20], "events": seen.events},
        ensure_ascii=False,
    )
    now_ms = cut.services.clock.now_ms()
    cut.services.commands.evidence(cut.claim.row, intent.edit_id, kind, body, now_ms=now_ms)


def _over_limit(cut: CutContext, amount: int) -> Failure | None:
    most = cut.job.spec.max_credits
    if most is None or amount <= most:
        return None
    detail = f"The job is expected to cost {amount} credits; `max_credits` is {most}."
    hint = "Nothing was spent. Cancel it and send it with a higher `max_credits` or fewer variants."
    return Failure("max_credits", detail, hint, stage="uploaded")


def _too_few(cut: CutContext, amount: int, total: int) -> Failure:
    link = cut.services.nemo.register_link(
        cut.doc.bind_id or cut.services.tokens.bind_id(cut.job.account_id)
    )
    detail = f"The job needs about {amount} credits; the account has {total}, some set aside."
    hint = f"Nothing was spent. Register the account ({link}) or top it up, then resume the job."
    return Failure("no_credits", detail, hint, stage="uploaded")
