"""The render of a cut: submitted under an id of our own, polled, fetched (protocol 7).

The id is on disk before it is sent, so a lost reply is settled by asking for the id, and never by
a second render.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace

from service.errors import BackendError, CaptionAbError
from service.ids import new_render_id
from service.jobs.context import CutContext
from service.jobs.corrections import find_additions, may_correct
from service.jobs.edits import NotSent
from service.jobs.endings import fail, told
from service.jobs.outcomes import Advance, Outcome, Wait
from service.jobs.remedies import remedy
from service.model.cut import Failure, RenderIntent, ResultFile
from service.model.lifecycle import CutState
from service.nemo.drafts import control_lines
from service.nemo.errors import (
    BackendConfused,
    DuplicateRender,
    PlanBlocked,
    RenderUnknown,
    ResultGone,
    SessionLost,
)
from service.nemo.fingerprints import Compared, compare, fingerprint
from service.nemo.render import RenderState, RenderStatus
from service.nemo.wire import State
from service.store.observed import observe, read_observed
from service.webhooks.events import EventType

#: V19: after a failed render one more, under a new id; renders are free.
_ATTEMPTS = 2
_RENDER = "render"
#: How often a draft may change after it was confirmed.
_SETTLES = 3


def prepare(cut: CutContext) -> Outcome:
    """Choose the render's id and write it down, unless the draft must be put right first.

    A cut that was resumed goes on with the render it has: another would leave that one behind.
    """
    if cut.doc.render is not None:
        return Advance(CutState.RENDERING, cut.doc)
    siblings = cut.services.jobs.read_units(cut.job)[1]
    added = find_additions(cut, siblings)
    if added and may_correct(cut, siblings):
        doc = replace(cut.doc, corrected=True, wish=", ".join(added), intent=None)
        return Advance(CutState.UPLOADED, doc)
    intent = RenderIntent(new_render_id(), cut.claim.fence, cut.services.clock.now_ms())
    doc = replace(cut.doc, render=intent)
    return Advance(CutState.RENDERING, doc, (told(EventType.CUT_RENDERING, doc),))


def submit_or_poll(cut: CutContext) -> Outcome:
    """One look at the render; it is submitted first if nobody has done so."""
    intent = cut.doc.render
    if intent is None:
        return Advance(CutState.CAPTIONED, cut.doc)
    if intent.submitted:
        status = _find(cut, intent)
        if status is None:
            return _again_or_fail(cut, intent, "render_lost", "the backend no longer knows it")
        return _judge(cut, intent, status)
    known = None if intent.fence == cut.claim.fence else _find(cut, intent)
    if known is not None:
        return _judge(cut, replace(intent, submitted=True), known)
    try:
        return _submit(cut, intent)
    except NotSent:
        return Wait(0.0, cut.doc, CutState.RENDERING)
    except PlanBlocked as error:
        unsubmitted = replace(cut, doc=replace(cut.doc, render=None))
        return remedy(error, unsubmitted, state=CutState.RENDERING)


def _submit(cut: CutContext, intent: RenderIntent) -> Outcome:
    services, edit = cut.services, cut.doc.edit
    token = services.tokens.token_for(cut.job.account_id)
    state = services.nemo.state(token, cut.doc.session_id)
    kept = Compared.UNKNOWN if edit is None else compare(state, edit.fingerprint)
    if edit is None or kept is not Compared.SAME:
        return _settle_again(cut, state, kept)

    def check_lease() -> None:
        if not cut.lease.may_send(services.clock.monotonic_s(), services.settings.lease_s):
            raise NotSent

    output = cut.job.spec.output
    with suppress(DuplicateRender):  # accepted before; its reply was lost
        services.nemo.submit_render(
            token,
            render_id=intent.render_id,
            session_id=cut.doc.session_id,
            draft=state.draft or {},
            output={
                "format": output.format,
                "quality": output.quality,
                "resolution": output.resolution,
            },
            edit_id=cut.doc.intent.edit_id if cut.doc.intent else "",
            before_send=check_lease,
        )
    sent = replace(intent, submitted=True)
    return Wait(first_poll_s(cut), replace(cut.doc, render=sent), CutState.RENDERING)


def first_poll_s(cut: CutContext) -> float:
    """When to look first: when renders are usually done, never before the usual pause."""
    services, pause_s = cut.services, cut.services.settings.poll_every_s
    usual_ms = read_observed(services.connection, _RENDER)
    return pause_s if usual_ms is None else min(max(usual_ms / 1000, pause_s), 3 * pause_s)


def _settle_again(cut: CutContext, state: State, kept: Compared) -> Outcome:
    """The draft has changed since it was confirmed: the backend may still add to it (V19).

    Where another release confirmed it that is not known: it must stand, and is not to blame.
    """
    edit, settles = cut.doc.edit, cut.doc.settles + (kept is Compared.CHANGED)
    if edit is None or settles > _SETTLES:
        failure = Failure(
            "draft_changed",
            "The session's draft keeps changing after the edit was confirmed.",
            hint="Something else edits the session. `retry` makes a new job.",
            stage="rendering",
        )
        return fail(cut.doc, failure)
    seen = replace(edit, fingerprint=fingerprint(state), control=control_lines(state.draft))
    render = cut.doc.render
    if render is not None and render.attempt == 1:
        render = None  # nothing was submitted; the draft may be put right first
    doc = replace(cut.doc, edit=seen, render=render, settles=settles)
    return Wait(cut.services.settings.settle_s, doc, CutState.CAPTIONED)


def _find(cut: CutContext, intent: RenderIntent) -> RenderStatus | None:
    try:
        return _poll(cut, intent)
    except RenderUnknown:
        return None


def _poll(cut: CutContext, intent: RenderIntent) -> RenderStatus:
    token = cut.services.tokens.token_for(cut.job.account_id)
    return cut.services.nemo.poll_render(token, intent.render_id)


def _judge(cut: CutContext, intent: RenderIntent, status: RenderStatus) -> Outcome:
    seen = replace(intent, polls=intent.polls + 1, progress=status.progress, url=status.url)
    doc = replace(cut.doc, render=seen)
    if status.status is RenderState.COMPLETED:
        return _completed(cut, replace(seen, done=True), again=intent.done)
    if status.status is RenderState.FAILED:
        return _again_or_fail(cut, seen, "render_failed", status.error)
    if seen.polls >= cut.services.settings.poll_limit:
        return Advance(CutState.RENDERED, doc)  # V19: the fallback may have it all the same
    return Wait(cut.services.settings.poll_every_s, doc, CutState.RENDERING)


def _completed(cut: CutContext, intent: RenderIntent, *, again: bool) -> Outcome:
    """Fetch it; without an address, look once more before the API's own download is tried."""
    doc = replace(cut.doc, render=intent)
    if not intent.url and not again:
        return Wait(cut.services.settings.poll_every_s, doc, CutState.RENDERING)
    took_ms = cut.services.clock.now_ms() - intent.at_ms
    observe(cut.services.connection, _RENDER, took_ms)
    return Advance(CutState.RENDERED, doc)


def give_up(cut: CutContext) -> None:
    """Ask the backend to drop a render that nobody waits for any more; best effort (V44)."""
    intent = cut.doc.render
    if intent is None:
        return
    with suppress(CaptionAbError):
        token = cut.services.tokens.token_for(cut.job.account_id)
        cut.services.nemo.cancel_render(token, intent.render_id)


def _again_or_fail(cut: CutContext, intent: RenderIntent, code: str, why: str) -> Outcome:
    if code == "render_timeout":
        give_up(cut)
    if intent.attempt < _ATTEMPTS:
        following = RenderIntent(
            new_render_id(),
            cut.claim.fence,
            cut.services.clock.now_ms(),
            attempt=intent.attempt + 1,
        )
        # The new id must be on disk before it is sent, hence a commit in between.
        return Wait(0.0, replace(cut.doc, render=following), CutState.RENDERING)
    detail = f"The backend could not render the video: {why}."
    hint = "`retry` makes a new job of the same request, which is paid for anew."
    if cut.doc.revision > 1:
        hint = "A further message makes a further revision, which is rendered too; it is paid for."
    doc = replace(cut.doc, render=intent)
    return fail(doc, Failure(code, detail, hint, retryable=True, stage="rendering"))


def fetch(cut: CutContext) -> Outcome:
    """Fetch the finished video and store it; its own address first, then the API's fallback."""
    services, intent = cut.services, cut.doc.render
    if intent is None:
        return Advance(CutState.CAPTIONED, cut.doc)
    key = f"jobs/{cut.job.id}/{cut.doc.label}-{cut.doc.clip + 1}-{cut.doc.revision}.mp4"
    most = services.settings.result_max_bytes
    try:
        with ExitStack() as stack:
            stored = services.files.put(key, _open(cut, intent, stack, most), max_bytes=most)
    except (BackendConfused, RenderUnknown, ResultGone, SessionLost):
        if intent.done:
            raise
        why = f"not done after {intent.polls} polls"
        return _again_or_fail(cut, intent, "render_timeout", why)
    result = ResultFile(key, stored.size, stored.sha256)
    return Advance(CutState.STORED, replace(cut.doc, result=result))


def _open(cut: CutContext, intent: RenderIntent, stack: ExitStack, most: int) -> Iterator[bytes]:
    services = cut.services
    if intent.url:
        with suppress(BackendError):  # V19: the API's own download is the way out
            return stack.enter_context(services.nemo.download(intent.url, max_bytes=most))
    token = services.tokens.token_for(cut.job.account_id)
    return stack.enter_context(
        services.nemo.download_fallback(token, intent.render_id, max_bytes=most)
    )
