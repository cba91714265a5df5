"""The comparison of a job's videos, as far as their containers tell. Pure.

Duration, size and audio of each variant against its clip: what must be equal for captions to be the
only difference. Pixels are compared by a later release; until then `controlled` stays unknown.
"""

from __future__ import annotations

import functools
import operator
from collections import Counter
from typing import Any

from service.model.cut import MediaInfo
from service.model.lifecycle import CutState
from service.store.jobs import ClipRow, CutRow


def compare(clips: list[ClipRow], cuts: list[CutRow]) -> dict[str, Any]:
    """A report: for each clip, what its variants' files have in common, and where they differ."""
    confounded = [each for clip in clips for each in _find_confounders(clip.doc.index, cuts)]
    return {
        "clips": [_compare_clip(clip, cuts) for clip in clips],
        "controlled": False if confounded else None,
        "confounded": confounded,
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
        for cut in cuts
        if cut.doc.clip == clip.doc.index
        and cut.state is CutState.SUCCEEDED
        and cut.doc.result is not None
        and cut.doc.result.media is not None
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
