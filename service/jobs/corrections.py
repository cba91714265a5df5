"""Keeping the experiment clean: what the backend added besides captions is asked away, once.

Protocol 4.5: a backend may add music or titles by itself. One corrective message is sent where the
job's reservation covers it; otherwise the result says `confounded` and lists the difference.
"""

from __future__ import annotations

from service.jobs.context import CutContext
from service.model.lifecycle import ENDED_CUT, CutState
from service.nemo.drafts import additions, differences
from service.store.jobs import CutRow


def find_additions(cut: CutContext, siblings: list[CutRow]) -> list[str]:
    """What this cut's draft has, besides text, that its sibling has not.

    Where no sibling is captioned yet, what goes beyond one picture track and one of sound.
    """
    edit = cut.doc.edit
    if edit is None or not edit.control:
        return []
    others = [
        row.doc.edit.control
        for row in siblings
        if row.doc.clip == cut.doc.clip
        and row.doc.label != cut.doc.label
        and row.doc.edit is not None
        and row.doc.edit.control
    ]
    if others:
        return max((differences(edit.control, each)[0] for each in others), key=len)
    return [] if cut.job.spec.assets else additions(edit.control)


def may_correct(cut: CutContext, siblings: list[CutRow]) -> bool:
    """Whether what is set aside for the job covers one more message beyond its own edits."""
    # What was generated on the caller's wish is not asked away.
    if cut.doc.corrected or cut.doc.revision > 1 or cut.job.spec.allow_generation:
        return False
    job = cut.services.jobs.read(cut.job.id)
    each = cut.services.settings.edit_credits
    waiting = sum(
        row.doc.edit is None and row.state not in ENDED_CUT and row.state is not CutState.CAPTIONED
        for row in siblings
    )
    return job is not None and job.reserved - waiting * each >= each
