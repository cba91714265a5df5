"""The videos of an experiment: which variants have one, and which of them viewers see. Pure.

Viewers see, for as long as it lasts, what there was when it began. That is written down with its
begin: a revision that a message has asked for before may be done only afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from service.model.cut import ResultFile
from service.model.lifecycle import CutState
from service.store.jobs import CutRow


@dataclass(frozen=True, slots=True)
class ShownVideo:
    """A video that viewers see, and which revision of its variant it is."""

    revision: int
    file: ResultFile


def missing_labels(labels: Sequence[str], cuts: Sequence[CutRow]) -> list[str]:
    """Variants without a video where no clip has all of them; none: it may run.

    Of several clips that which lacks least is told.
    """
    there = {(cut.doc.clip, cut.doc.label) for cut in cuts if cut.state is CutState.SUCCEEDED}
    clips = sorted({cut.doc.clip for cut in cuts}) or [0]
    lacks = [[label for label in labels if (clip, label) not in there] for clip in clips]
    return min(lacks, key=len)


def write_shown(cuts: Iterable[CutRow]) -> str:
    """The latest revision that is done, of each variant and clip, as the book keeps it."""
    latest: dict[str, dict[str, int]] = {}
    for cut in cuts:
        if cut.state is CutState.SUCCEEDED and cut.doc.result is not None:
            of_label, clip = latest.setdefault(cut.doc.label, {}), str(cut.doc.clip)
            of_label[clip] = max(cut.doc.revision, of_label.get(clip, 0))
    return json.dumps(latest, sort_keys=True, separators=(",", ":"))


def pick_shown(
    cuts: Iterable[CutRow], shown: Mapping[str, Mapping[str, int]]
) -> dict[tuple[str, int], ShownVideo]:
    """The videos that viewers see, by label and clip; `shown` is what `write_shown` wrote."""
    return {
        (cut.doc.label, cut.doc.clip): ShownVideo(cut.doc.revision, cut.doc.result)
        for cut in cuts
        if cut.doc.result is not None
        and shown.get(cut.doc.label, {}).get(str(cut.doc.clip)) == cut.doc.revision
    }
