"""Rows whose step keeps ending its worker: given up after `crash_limit` tries, whatever they hold.

A claim counts until a commit follows it. So a worker's death counts, and so does a step that raises
what nobody expected; a stream that was cut does not, because looking for it commits.
"""

from __future__ import annotations

from service.jobs import clips, endings
from service.jobs.outcomes import End
from service.model.cut import ClipDoc, CutDoc, Failure
from service.model.documents import read_document
from service.model.lifecycle import RowKind
from service.model.rows import row_id, row_kind
from service.store.commands import Claim


def give_up(claim: Claim) -> End:
    """The end of a clip or a cut that is poisoned, even where its document cannot be read."""
    failure = Failure(
        "crashed",
        f"The step '{claim.state}' ended its worker {claim.crashes - 1} times.",
        hint="Report this with the job's id; `retry` makes a new job of the same request.",
        stage=claim.state,
    )
    _, clip, *rest = row_id(claim.row).split(".")
    if row_kind(claim.row) is RowKind.CLIP:
        return clips.fail(_clip_doc(claim.doc, int(clip)), failure)
    label, revision = rest
    return endings.fail(_cut_doc(claim.doc, int(clip), label, int(revision)), failure)


def _clip_doc(text: str, clip: int) -> ClipDoc:
    try:
        return read_document(ClipDoc, text)
    except ValueError:
        return ClipDoc(clip)


def _cut_doc(text: str, clip: int, label: str, revision: int) -> CutDoc:
    try:
        return read_document(CutDoc, text)
    except ValueError:
        return CutDoc(clip, label, revision, charged="unknown")
