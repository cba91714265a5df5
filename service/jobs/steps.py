"""The story of a cut, from `queued` to its video: read it top to bottom.

A step makes one move against the backend and says what comes next. It may be repeated at any time,
save where an intent says otherwise. What `flow` steps import must not read files or compute long.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from service.captions.cues import parse_captions
from service.captions.fit import CODE, HINT, Misfit, find_misfit
from service.errors import CaptionAbError
from service.jobs import edits, renders, revisions, uploads
from service.jobs.context import CutContext
from service.jobs.endings import expire, fail, told
from service.jobs.outcomes import Advance, End, Outcome, Wait
from service.model.cut import CutDoc, Failure
from service.model.documents import read_document, write_document
from service.model.lifecycle import ClipState, CutState
from service.model.rows import clip_row
from service.nemo.errors import BackendUnavailable
from service.nemo.wire import Session
from service.store.jobs import ClipRow
from service.webhooks.events import EventType

_log = logging.getLogger(__name__)


def open_session(cut: CutContext) -> Outcome:
    """Open the variant's session, or go on in the one that its earlier cuts have used."""
    clip = source_clip(cut)
    if clip.state is not ClipState.READY:
        return fail(cut.doc, _clip_failure(clip))
    misfit = _find_misfit(cut, clip)
    if misfit is not None and misfit.all_late:
        return fail(cut.doc, _late_captions(misfit))
    known = cut.services.jobs.read_session(cut.job.id, cut.doc.label)
    session = read_document(Session, known) if known else None
    if session is not None and session.session_id == cut.doc.lost_session:
        session = None
    if cut.doc.revision > 1 and not revisions.holds_earlier_edit(cut, session):
        return fail(cut.doc, revisions.nothing_to_change(cut.doc))
    doc = cut.doc if misfit is None else _warned(cut.doc, misfit.detail)
    if session is None:
        token = cut.services.tokens.token_for(cut.job.account_id)
        try:
            session = cut.services.nemo.create_session(token, language=cut.job.spec.language)
        except BackendUnavailable as error:
            return _create_again(cut, doc, error)
        doc = replace(doc, claim_url=_claim_link(cut, token, session))
    doc = replace(doc, session_id=session.session_id, bind_id=session.user_id)
    return Advance(CutState.SESSION_OPEN, doc, session=(doc.label, write_document(session)))


def upload_clip(cut: CutContext) -> Outcome:
    """Send assets and clip into the session, unless they are there already."""
    clip, services = source_clip(cut).doc, cut.services
    token = services.tokens.token_for(cut.job.account_id)
    state = services.nemo.state(token, cut.doc.session_id)
    assets = uploads.send_assets(cut, token, state)
    name, warning = uploads.send_clip(cut, clip, token, state)
    doc = replace(_warned(cut.doc, warning), uploaded_as=name, assets=assets)
    # V19: an upload counts when the state shows it; the next try asks before it sends again.
    shown = services.nemo.state(token, cut.doc.session_id)
    if not uploads.has_arrived(name, before=state, after=shown):
        return Wait(services.settings.step_retry_s, doc, CutState.SESSION_OPEN)
    return Advance(CutState.UPLOADED, doc)


def prepare_edit(cut: CutContext) -> Outcome:
    """Reserve the credits and put the intent on disk; the next step sends, and only there."""
    return edits.prepare(cut, source_clip(cut).doc)


def send_edit(cut: CutContext) -> Outcome:
    """Send the paid message under the very claim that wrote its intent; otherwise only look."""
    return edits.send(cut, source_clip(cut).doc)


def recover_edit(cut: CutContext) -> Outcome:
    """A stream was lost: look at the state on a schedule, never send again (V19)."""
    return edits.recover(cut)


def prepare_render(cut: CutContext) -> Outcome:
    """Put the id of a render on disk; the next step submits it."""
    return renders.prepare(cut)


def render(cut: CutContext) -> Outcome:
    """Submit the render, or look how far it is; every 30 seconds (SEED)."""
    return renders.submit_or_poll(cut)


def fetch_video(cut: CutContext) -> Outcome:
    """Fetch the result at once, without our token, and keep it with its hash."""
    return renders.fetch(cut)


def check_video(cut: CutContext) -> Outcome:
    """Look into the stored video: it must be one, or the cut has not succeeded."""
    result = cut.doc.result
    if result is None:
        return fail(cut.doc, Failure("internal", "A stored cut has no file.", stage="stored"))
    with cut.services.files.local_copy(result.file) as path:
        media = cut.services.probe(path)
    doc = replace(cut.doc, result=replace(result, media=media))
    return End(CutState.SUCCEEDED, doc, (told(EventType.CUT_SUCCEEDED, doc),))


def wait_for_person(cut: CutContext) -> Outcome:
    """Go on where the cut stopped, if somebody has said so; otherwise the time is up."""
    if cut.claim.resumed:
        doc = replace(cut.doc, failure=None, resume_state="")
        return Advance(CutState(cut.doc.resume_state or CutState.QUEUED), doc)
    failure = cut.doc.failure or Failure("expired", "Nobody acted in time.")
    return expire(cut.doc, failure)


STEPS: dict[CutState, Callable[[CutContext], Outcome]] = {
    CutState.QUEUED: open_session,
    CutState.SESSION_OPEN: upload_clip,
    CutState.UPLOADED: prepare_edit,
    CutState.CAPTIONING: send_edit,
    CutState.RECOVERING: recover_edit,
    CutState.CAPTIONED: prepare_render,
    CutState.RENDERING: render,
    CutState.RENDERED: fetch_video,
    CutState.STORED: check_video,
    CutState.ACTION_REQUIRED: wait_for_person,
}


def source_clip(cut: CutContext) -> ClipRow:
    """The clip that a cut is made from."""
    return cut.services.jobs.read_clip(clip_row(cut.job.id, cut.doc.clip))


def _find_misfit(cut: CutContext, clip: ClipRow) -> Misfit | None:
    """What the backend would be paid for without showing it; a revision changes what is there."""
    media, asked = clip.doc.media, cut.job.spec.captions
    if cut.doc.revision > 1 or media is None or asked is None:
        return None
    captions = parse_captions(asked.format or None, asked.text)
    return find_misfit(captions, cut.doc.clip, media.duration_s)


def _late_captions(misfit: Misfit) -> Failure:
    return Failure(CODE, misfit.detail, HINT, stage="queued", extra=misfit.place)


def _create_again(cut: CutContext, doc: CutDoc, error: BackendUnavailable) -> Outcome:
    """Try again later; a session whose reply was lost stays behind unused, and the job says so."""
    note = "The backend may hold a session of this variant that nobody uses: its reply was lost."
    doc = _warned(doc, note if error.sent else "")
    delay_s = error.retry_in_s or cut.services.settings.step_retry_s
    return Wait(delay_s, doc, CutState.QUEUED)


def _warned(doc: CutDoc, warning: str) -> CutDoc:
    if not warning or warning in doc.warnings:
        return doc
    return replace(doc, warnings=(*doc.warnings, warning))


def _claim_link(cut: CutContext, token: str, session: Session) -> str:
    """Where the project opens in a browser; that there is no such link harms nothing."""
    try:
        return cut.services.nemo.claim_link(token, session)
    except CaptionAbError as error:
        _log.info("no_claim_link", extra={"row": cut.claim.row, "code": error.code})
        return ""


def _clip_failure(clip: ClipRow) -> Failure:
    return clip.doc.failure or Failure("clip_failed", "The clip is not ready.", stage="queued")
