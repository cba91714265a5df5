"""Whether there is something that a later revision can change."""

from __future__ import annotations

from collections.abc import Sequence

from service.jobs.context import CutContext
from service.model.cut import CutDoc, Failure
from service.model.job import revision_rows
from service.model.lifecycle import ENDED_CUT
from service.nemo.wire import Session
from service.store.jobs import CutRow


def may_change(cuts: Sequence[CutRow]) -> bool:
    """Whether one of a cut's revisions has been edited, or may still be."""
    return any(cut.state not in ENDED_CUT or _is_edited(cut.doc) for cut in cuts)


def holds_earlier_edit(cut: CutContext, session: Session | None) -> bool:
    """Whether the session holds what an earlier revision of this cut was edited to."""
    if session is None:
        return False
    rows = revision_rows(cut.job, cut.doc.clip, cut.doc.label)
    earlier = cut.services.jobs.read_cuts([row for row in rows if row != cut.claim.row])
    return any(
        _is_edited(each.doc) and each.doc.session_id == session.session_id
        for each in earlier
        if each.doc.revision < cut.doc.revision
    )


def nothing_to_change(doc: CutDoc) -> Failure:
    """Why a later revision ends before anything is spent."""
    hint = "`retry` makes a new job of the same request."
    if doc.lost_session:
        detail = "The backend has lost the session that held the earlier revisions."
        return Failure("session_lost", detail, hint, stage="queued")
    detail = "No earlier revision of this cut was edited, so there is nothing to change."
    return Failure("nothing_to_change", detail, hint, stage="queued")


def _is_edited(doc: CutDoc) -> bool:
    return doc.edit is not None and bool(doc.edit.fingerprint)
