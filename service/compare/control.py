"""The comparison of a job's files: each clip with its finished videos, within one deadline.

It never fails a job. What goes wrong, a file that is gone among it, becomes the reason why a clip's
comparison is unavailable.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from service.clock import Clock
from service.compare.apart import measure_apart
from service.compare.facts import ClipFacts
from service.compare.report import finished
from service.compare.verdict import Judgement, judge
from service.errors import CaptionAbError
from service.media.files import Files
from service.media.limits import MediaLimits
from service.store.jobs import ClipRow, CutRow

_log = logging.getLogger(__name__)

Cues = Sequence[tuple[float, float]]
#: Less time than this is not worth starting for.
_LEAST_S = 1.0


def control_clips(
    clips: Sequence[ClipRow],
    cuts: Sequence[CutRow],
    cues: Cues,
    *,
    files: Files,
    limits: MediaLimits,
    clock: Clock,
) -> Mapping[int, Judgement]:
    """A judgement of each clip, by its index. `limits.deadline_s` bounds all of them together."""
    ends_s = clock.monotonic_s() + limits.deadline_s
    judged = {}
    for clip in clips:
        left_s = ends_s - clock.monotonic_s()
        bounds = replace(limits, deadline_s=left_s)
        judged[clip.doc.index] = _judge_clip(clip, cuts, cues, files, bounds)
    return judged


def _judge_clip(
    clip: ClipRow, cuts: Sequence[CutRow], cues: Cues, files: Files, limits: MediaLimits
) -> Judgement:
    try:
        return judge(_measure_clip(clip, cuts, cues, files, limits))
    except CaptionAbError as error:
        return Judgement(None, error.info.detail)
    except Exception as error:  # noqa: BLE001 - whatever it is, the videos are there and paid for
        _log.warning("not_compared", extra={"row": clip.row, "why": type(error).__name__})
        return Judgement(None, f"It could not be compared ({type(error).__name__}).")


def _measure_clip(
    clip: ClipRow, cuts: Sequence[CutRow], cues: Cues, files: Files, limits: MediaLimits
) -> ClipFacts:
    if limits.deadline_s < _LEAST_S:
        return ClipFacts(fault="There was no time left to compare it.")
    keys = {
        cut.doc.label: cut.doc.result.file
        for cut in finished(cuts, clip.doc.index)
        if cut.doc.result is not None
    }
    if len(keys) < 2:
        return ClipFacts(fault="Fewer than two of its videos are there.")
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(files.local_copy(clip.doc.file))
        paths: dict[str, Path] = {
            label: stack.enter_context(files.local_copy(key)) for label, key in keys.items()
        }
        return measure_apart(source, paths, cues, limits)
