"""The comparison of a job's videos as its reader sees it. Pure.

What their containers tell, what their drafts hold, and what was measured of their pictures and
sound: together they say whether captions are the only difference.
"""

from __future__ import annotations

import functools
import operator
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service.compare.verdict import Judgement
from service.model.cut import MediaInfo
from service.model.lifecycle import CutState
from service.store.jobs import ClipRow, CutRow

#: Of each list of a clip so many are told: the report travels with the job's last event.
MOST_TOLD = 8


def compare(
    clips: list[ClipRow], cuts: list[CutRow], judged: Mapping[int, Judgement]
) -> dict[str, Any]:
    """A report: for each clip, what its variants' files have in common, and where they differ.

    `judged` has what was decided of each clip's pictures and sound, by its index.
    """
    confounded = [each for clip in clips for each in _find_confounders(clip.doc.index, cuts)]
    reports = [{**_compare_clip(clip, cuts), **_control(judged[clip.doc.index])} for clip in clips]
    reasons = [f"Clip {each['clip'] + 1}: {each['reason']}" for each in reports if each["reason"]]
    return {
        "status": "unavailable" if reasons else "done",
        "reason": " ".join(reasons) or None,
        "clips": reports,
        "controlled": _controlled([each["controlled"] for each in reports], confounded),
        "confounded": confounded,
    }


def finished(cuts: Sequence[CutRow], clip: int) -> Iterator[CutRow]:
    """The cuts of a clip that have a video."""
    for cut in cuts:
        if cut.doc.clip == clip and cut.state is CutState.SUCCEEDED and cut.doc.result is not None:
            yield cut


def _controlled(clips: Sequence[bool | None], confounded: Sequence[Any]) -> bool | None:
    if confounded or False in clips:
        return False
    return True if clips and all(clips) else None


def _control(judged: Judgement) -> dict[str, Any]:
    return {
        "status": "unavailable" if judged.reason else "done",
        "reason": judged.reason or None,
        "controlled": judged.controlled,
        "control": {
            "differences": [each.as_json() for each in judged.differences[:MOST_TOLD]],
            "shared": [each.as_json() for each in judged.shared[:MOST_TOLD]],
            "unsure": list(judged.unsure[:MOST_TOLD]),
            "notes": list(judged.notes),
        },
    }


def _find_confounders(clip: int, cuts: list[CutRow]) -> list[dict[str, Any]]:
    """What the drafts of a clip's variants hold besides text that is not in all of them."""
    control = {
        cut.doc.label: Counter(cut.doc.edit.control)
        for cut in cuts
        if cut.doc.clip == clip and cut.doc.edit is not None and cut.doc.edit.control
    }
    if len(control) < 2:
        return []
    common = functools.reduce(operator.and_, control.values())
    return [
        {"clip": clip, "label": label, "only": sorted((lines - common).elements())}
        for label, lines in control.items()
        if lines - common
    ]


def _compare_clip(clip: ClipRow, cuts: list[CutRow]) -> dict[str, Any]:
    done = {
        cut.doc.label: cut.doc.result.media
        for cut in finished(cuts, clip.doc.index)
        if cut.doc.result is not None and cut.doc.result.media is not None
    }
    differences = [
        f"{label}: {each}"
        for label, media in done.items()
        for each in _differences(clip.doc.media, media)
    ]
    sizes = {(media.width, media.height) for media in done.values()}
    if len(sizes) > 1:
        differences.append("the variants differ in size")
    return {
        "clip": clip.doc.index,
        "variants": sorted(done),
        "same_length_and_audio": not differences if len(done) > 1 else None,
        "differences": differences,
    }


def _differences(source: MediaInfo | None, media: MediaInfo) -> list[str]:
    if source is None:
        return []
    found = []
    frame_s = media.fps_den / media.fps_num if media.fps_num else 0.05
    if abs(source.duration_s - media.duration_s) > frame_s + 0.001:
        found.append(f"lasts {media.duration_s:.3f} s, its clip {source.duration_s:.3f} s")
    if bool(source.audio_codec) != bool(media.audio_codec):
        found.append("has sound where its clip has none, or the other way round")
    return found
