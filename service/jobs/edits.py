"""The paid edit of a cut: prepared, sent at most once, confirmed from the state, recovered.

Text is no proof of an edit and silence none of its absence (SEED: about 30 % of edits are silent):
the session's state decides, always.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace

from service.captions.assets import describe_assets
from service.captions.cues import parse_captions
from service.captions.instruction import build_change, build_correction, build_instruction
from service.captions.style import build_style
from service.captions.words import add_words
from service.errors import BackendError, CaptionAbError, StoreError
from service.ids import new_id
from service.jobs.charges import book_charge, reserve, say_charged
from service.jobs.context import CutContext
from service.jobs.endings import cancel, fail, paid, survive, told
from service.jobs.evidence import (
    is_being_read,
    is_changed,
    keep_evidence,
    kept_transcript,
    unconfirmed,
    words_of,
)
from service.jobs.outcomes import Advance, Outcome, Pause, Wait
from service.jobs.progress import Progress
from service.jobs.remedies import remedy
from service.model.cut import ClipDoc, CutDoc, Edit, EditIntent, Failure, Recovery
from service.model.job import Job
from service.model.lifecycle import CutState
from service.nemo.dialogue import StreamControl
from service.nemo.drafts import control_lines, holds_other_clip
from service.nemo.errors import BreakKind, SessionLost, StreamBroken, TokenRejected
from service.nemo.fingerprints import fingerprint
from service.nemo.reply import present_reply
from service.nemo.transcript import Transcript
from service.nemo.wire import State
from service.webhooks.events import EventType

_log = logging.getLogger(__name__)


class NotSent(CaptionAbError):
    """Too much of the lease was gone to start a paid call; nothing was sent."""

    code = "not_sent"
    retryable = True


def message(job: Job, doc: CutDoc, clip: ClipDoc) -> str:
    """What the agent is asked. The same cut gives the same bytes."""
    spec = job.spec
    if doc.corrected:
        return build_correction(doc.wish, clip_name=doc.uploaded_as, language=spec.language)
    if doc.wish:
        return build_change(
            doc.wish,
            clip_name=doc.uploaded_as,
            language=spec.language,
            allow_generation=spec.allow_generation,
        )
    variant = next(each for each in spec.variants if each.label == doc.label)
    captions = spec.captions
    wishes = (spec.instruction, variant.instruction, spec.clips[doc.clip].instruction)
    return build_instruction(
        build_style(variant.style),
        None
        if captions is None
        else add_words(parse_captions(captions.format or None, captions.text), clip.words),
        instruction=" ".join(wish for wish in wishes if wish),
        language=spec.language,
        clip_name=doc.uploaded_as,
        output=spec.output,
        duration_ms=int(clip.media.duration_s * 1000) if clip.media else None,
        assets=describe_assets(spec.assets, doc.assets),
        allow_generation=spec.allow_generation,
    )


def prepare(cut: CutContext, clip: ClipDoc) -> Outcome:
    """Reserve the job's credits and write the intent; nothing is sent yet."""
    services, job = cut.services, cut.job
    token = services.tokens.token_for(job.account_id, paid=True)
    state = services.nemo.state(token, cut.doc.session_id)
    mark = services.commands.read_mark(job.account_id)
    balance = services.nemo.credits(token)
    refusal = reserve(cut, balance.total, mark)
    if refusal is not None and refusal.code == "max_credits" and cut.doc.revision > 1:
        return fail(cut.doc, refusal)  # nobody can raise it, and later revisions wait
    if refusal is not None:
        return Pause(refusal, cut.doc, CutState.UPLOADED)
    cut.lease.state_before = state
    now_ms = services.clock.now_ms()
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
    try:
        token = cut.services.tokens.token_for(cut.job.account_id, paid=True)
    except CaptionAbError as error:
        return _refused(cut, error)
    control = StreamControl()
    cut.lease.on_cancel = control.shutdown
    cut.lease.reading = intent.edit_id
    if cut.lease.cancel_asked:  # seen before anybody listened
        control.shutdown()
    try:
        return _read_answer(cut, clip, intent, token=token, control=control)
    finally:
        cut.lease.on_cancel = None
        cut.lease.reading = ""


def _read_answer(
    cut: CutContext, clip: ClipDoc, intent: EditIntent, *, token: str, control: StreamControl
) -> Outcome:
    try:
        transcript = _converse(cut, clip, intent, token=token, control=control)
    except NotSent:
        return Advance(CutState.UPLOADED, replace(cut.doc, intent=None))
    except StreamBroken as broken:
        if cut.lease.cancel_asked and broken.kind is BreakKind.STOPPED:
            return _canceled(cut)
        keep_evidence(cut, intent, "broken", broken.transcript)
        return _lost(cut, broken.detail)
    except BackendError as refused:
        return _refused(cut, refused)
    keep_evidence(cut, intent, "done", transcript)
    try:
        state = _look(cut, intent)
    except StoreError:
        raise
    except CaptionAbError as error:  # the edit was paid for: it is looked for, never sent again
        return _lost(cut, f"The state could not be read after the stream: {error.detail}")
    if state is None:
        return _lost(cut, "The stream ended without a change.")
    return _accept(cut, intent, state, transcript)


def recover(cut: CutContext) -> Outcome:
    """Look at the state at 30, 90, 150, 210 and 270 s after the loss; then give up honestly."""
    intent, recovery, services = cut.doc.intent, cut.doc.recovery, cut.services
    if intent is None or recovery is None:
        return fail(cut.doc, Failure("internal", "Nothing to recover.", stage="recovering"))
    evidence = services.commands.read_evidence(intent.edit_id)
    now_ms = services.clock.now_ms()
    if is_being_read(evidence, intent, cut):
        return Wait(services.settings.extend_every_s, cut.doc, CutState.RECOVERING)
    elapsed_s = (now_ms - recovery.since_ms) / 1000
    schedule = services.settings.recovery_looks_s
    due_s = schedule[min(recovery.looks, len(schedule) - 1)]
    if elapsed_s < due_s and "done" not in evidence and not recovery.seen:
        return Wait(due_s - elapsed_s, cut.doc, CutState.RECOVERING)
    try:
        state = _look(cut, intent)
    except (StoreError, TokenRejected, SessionLost):
        raise  # a person, or a new session, must help
    except CaptionAbError as error:
        _log.info("look_failed", extra={"row": cut.claim.row, "code": error.code})
        state = None
    if state is not None:
        return _settle(cut, intent, state, evidence.get("done", ""))
    looks = recovery.looks + 1
    if looks >= len(schedule):
        return _unconfirmed(cut, intent)
    doc = replace(cut.doc, recovery=replace(recovery, looks=looks))
    # After an outage the schedule is long past; looks keep their distance all the same.
    return Wait(max(schedule[0], schedule[looks] - elapsed_s), doc, CutState.RECOVERING)


def _settle(cut: CutContext, intent: EditIntent, state: State, done: str) -> Outcome:
    """A change seen after a loss counts once it has stood for `settle_s`, or the run has ended.

    V19: the backend may add to an edit by itself, so the state can change twice.
    """
    services, recovery = cut.services, cut.doc.recovery
    assert recovery is not None  # noqa: S101  only a recovering cut comes here
    seen, now_ms = fingerprint(state), services.clock.now_ms()
    settle_ms = int(services.settings.settle_s * 1000)
    if done or (recovery.seen == seen and now_ms - recovery.seen_ms >= settle_ms):
        return _accept(cut, intent, state, kept_transcript(done) if done else None)
    if recovery.seen != seen:
        recovery = replace(recovery, seen=seen, seen_ms=now_ms)
    wait_s = (recovery.seen_ms + settle_ms - now_ms) / 1000
    return Wait(max(0.1, wait_s), replace(cut.doc, recovery=recovery), CutState.RECOVERING)


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
        on_event=Progress(cut).hear,
        stop=control,
        before_send=check_lease,
    )


def _look(cut: CutContext, intent: EditIntent) -> State | None:
    """The session's state if it is known to have changed since the intent, and can be exported."""
    token = cut.services.tokens.token_for(cut.job.account_id)
    state = cut.services.nemo.state(token, cut.doc.session_id)
    return state if state.exportable and is_changed(state, intent, cut) else None


def _accept(cut: CutContext, intent: EditIntent, state: State, heard: Transcript | None) -> Outcome:
    """The edit is there: book it, and go on to the render. `heard`: what is known of its answer."""
    tools = None if heard is None else heard.tools
    charge, balance = book_charge(cut, intent, confirmed=True, tools=tools)
    earlier = cut.doc.edit.credits if cut.doc.edit else 0
    transcript = heard or Transcript()
    reply = present_reply(transcript.text, transcript.tools, cut.lease.state_before, state)
    edit = Edit(
        text=reply.text,
        summary=reply.summary,
        actions=tuple(each.value for each in reply.actions),
        tools=transcript.tools,
        fingerprint=fingerprint(state),
        silent=not transcript.text,
        charged="yes" if paid(cut.doc) == "yes" else say_charged(charge),
        credits=None if charge is None or earlier is None else charge + earlier,
        balance=balance,
        control=control_lines(state.draft),
    )
    doc = replace(survive(cut.doc), edit=edit)
    siblings = cut.services.jobs.read_units(cut.job)[1]
    names = [row.doc.uploaded_as for row in siblings if row.doc.uploaded_as]
    other = holds_other_clip(state.draft, doc.uploaded_as, names)
    if other:
        return fail(doc, _mixed(other))
    return Advance(CutState.CAPTIONED, doc, (told(EventType.CUT_CAPTIONED, doc),))


def _mixed(other: str) -> Failure:
    return Failure(
        "timeline_mixed",
        f"The backend put another clip ({other}) into this clip's timeline.",
        hint="Send each clip as a job of its own.",
        stage="captioning",
    )


def _lost(cut: CutContext, why: str) -> Outcome:
    recovery = Recovery(since_ms=cut.services.clock.now_ms(), reason=why)
    return Advance(CutState.RECOVERING, replace(cut.doc, recovery=recovery))


def _canceled(cut: CutContext) -> Outcome:
    intent = cut.doc.intent
    charge, balance = book_charge(cut, intent, confirmed=False) if intent else (None, None)
    edit = Edit(charged=say_charged(charge), credits=charge, balance=balance)
    doc = replace(cut.doc, charged=paid(replace(cut.doc, intent=None)), edit=edit)
    return cancel(doc)


def _refused(cut: CutContext, error: CaptionAbError) -> Outcome:
    """The message did not arrive: nothing was spent, and what helps depends on the refusal."""
    unsent = replace(cut, doc=replace(cut.doc, intent=None))
    return remedy(error, unsent, state=CutState.UPLOADED)


def _unconfirmed(cut: CutContext, intent: EditIntent) -> Outcome:
    charge, _ = book_charge(cut, intent, confirmed=False)
    if cut.doc.corrected and cut.doc.edit is not None:
        # Only the correction is in doubt: the captions are there, and the result says confounded.
        return Advance(CutState.CAPTIONED, survive(cut.doc))
    evidence = cut.services.commands.read_evidence(intent.edit_id)
    return fail(cut.doc, unconfirmed(cut.doc, say_charged(charge), words_of(evidence)))
