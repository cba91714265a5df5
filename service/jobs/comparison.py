"""The comparison of a job when its last cut has ended: what is measured, and where it is kept.

Nothing here fails a job.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from service.captions.cues import parse_captions
from service.captions.model import Cue
from service.captions.style import Style, build_style
from service.captions.words import time_cues
from service.compare.cards import Asked
from service.compare.clips import measure_clip
from service.compare.report import finished
from service.compare.sheet import ClipMeasured
from service.compare.verdict import Judgement
from service.errors import CaptionAbError, FileMissing, InvalidRequest
from service.jobs.context import Services
from service.media.files import Files, FilesUnavailable
from service.media.limits import MediaLimits
from service.model.job import JobSpec, VariantSpec
from service.store.jobs import ClipRow, CutRow

_log = logging.getLogger(__name__)
_MAX_BYTES = 40_000_000
#: Seconds of video that the deadline of the settings is meant for: two minutes in two variants.
_MEANT_FOR_S = 360.0
_MOST_TIMES = 6.0
_OFF = "Comparing is switched off here."
_FEW = "Fewer than two of its videos are there."
_AWAY = "The store of files is full or away."


def measure_job(
    spec: JobSpec,
    clips: Sequence[ClipRow],
    cuts: Sequence[CutRow],
    services: Services,
    tell: Callable[[int, int], None] = lambda _done, _total: None,
) -> Mapping[int, ClipMeasured]:
    """Measure each clip, by its index, all within one deadline; each gets a share of what is left.

    What goes wrong is the reason why a clip's comparison is unavailable. `tell` is told how many of
    the clips are measured.
    """
    settings = services.settings
    if settings.compare_deadline_s <= 0:
        off = Judgement(None, _OFF)
        return {clip.doc.index: ClipMeasured(clip.doc.index, off) for clip in clips}
    asked = {each.label: _asked(each, _cues(spec)) for each in spec.variants}
    ends_s = services.clock.monotonic_s() + scale_deadline(
        settings.compare_deadline_s, _video_s(clips, cuts)
    )
    measured = {}
    for done, clip in enumerate(clips):
        tell(done, len(clips))
        left_s = ends_s - services.clock.monotonic_s()
        limits = MediaLimits(
            settings.media_memory_bytes,
            settings.media_max_pixels,
            deadline_s=left_s / (len(clips) - done),
        )
        measured[clip.doc.index] = _measure(clip, cuts, asked, limits, services)
    tell(len(clips), len(clips))
    return measured


def scale_deadline(setting_s: float, video_s: float) -> float:
    """How long measuring may take: as set for so much video as it is meant for, longer for more.

    `video_s` is what clips and their variants last together. A minute of 1080p takes about 50 CPU
    seconds, and a core may be shared. Never above six times the setting.
    """
    return setting_s * min(_MOST_TIMES, max(1.0, video_s / _MEANT_FOR_S))


def _video_s(clips: Sequence[ClipRow], cuts: Sequence[CutRow]) -> float:
    found = [clip.doc.media for clip in clips]
    found += [
        cut.doc.result.media
        for clip in clips
        for cut in finished(cuts, clip.doc.index)
        if cut.doc.result is not None
    ]
    return sum(media.duration_s for media in found if media is not None)


def _measure(
    clip: ClipRow,
    cuts: Sequence[CutRow],
    asked: Mapping[str, Asked],
    limits: MediaLimits,
    services: Services,
) -> ClipMeasured:
    index = clip.doc.index
    there = {cut.doc.label: cut for cut in finished(cuts, index)}
    known = {label: _timed(asked[label], clip) for label in there if label in asked}
    try:
        if len(known) < 2:
            return ClipMeasured(index, Judgement(None, _FEW), known)
        with local_copies(clip, there, services.files) as (source, paths):
            measured = measure_clip(
                index, source, paths, known, limits=limits, clock=services.clock
            )
        return replace(measured, revisions={label: there[label].doc.revision for label in known})
    except CaptionAbError as error:
        return ClipMeasured(index, Judgement(None, say_fault(error)), known)
    except Exception as error:  # noqa: BLE001 - whatever it is, the videos are there and paid for
        _log.warning("not_compared", extra={"row": clip.row, "why": type(error).__name__})
        why = f"It could not be compared ({type(error).__name__})."
        return ClipMeasured(index, Judgement(None, why), known)


def say_fault(error: CaptionAbError) -> str:
    """Why files could not be looked at, for every reader: names of our files are in no answer."""
    if isinstance(error, FileMissing):
        return "One of its videos is not there any more."
    return _AWAY if isinstance(error, FilesUnavailable) else error.info.detail


@contextlib.contextmanager
def local_copies(
    clip: ClipRow, cuts: Mapping[str, CutRow], files: Files
) -> Iterator[tuple[Path, dict[str, Path]]]:
    """Paths of a clip and of its variants' videos.

    Raises:
        FileMissing, FilesUnavailable: one of them is not there.
    """
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(files.local_copy(clip.doc.file))
        paths = {
            label: stack.enter_context(files.local_copy(cut.doc.result.file))
            for label, cut in cuts.items()
            if cut.doc.result is not None
        }
        yield source, paths


def _cues(spec: JobSpec) -> tuple[Cue, ...]:
    """The captions with their times; nothing where the backend found them, or they have none."""
    if spec.captions is None:
        return ()
    try:
        return parse_captions(spec.captions.format or None, spec.captions.text).cues
    except InvalidRequest:
        return ()


def _asked(variant: VariantSpec, cues: tuple[Cue, ...]) -> Asked:
    try:
        style = build_style(variant.style)
    except InvalidRequest:  # of a release that knew other styles
        style = Style()
    # A wish in words may ask for any colour, and words that light up have several.
    is_open = bool(variant.instruction) or style.animation == "karaoke"
    return Asked(style, cues, "" if is_open else style.color)


def _timed(asked: Asked, clip: ClipRow) -> Asked:
    """With the words timed as the backend was told."""
    return replace(asked, cues=time_cues(asked.cues, clip.doc.words))


def keep_report(job_id: str, full: Mapping[str, Any], files: Files) -> None:
    """Keep a full report among the job's files; a failure of that stops nothing else.

    Its pictures are listed in a small file beside it: players ask for a video in many ranges, and
    a report may be 14 MB.
    """
    try:
        for key, told in ((_key(job_id), full), (_list_key(job_id), _list_pictures(full))):
            text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
            files.put(key, [text.encode()], max_bytes=_MAX_BYTES)
    except CaptionAbError as error:
        _log.warning("comparison_not_kept", extra={"job": job_id, "code": error.code})


def read_picture_list(job_id: str, files: Files) -> list[dict[str, Any]]:
    """The pictures of a job's report, each with its `clip`.

    Raises:
        FilesUnavailable: the store of files is away.
    """
    try:
        listed: list[dict[str, Any]] = json.loads(b"".join(files.open_range(_list_key(job_id))))
    except FileMissing:
        text = read_report(job_id, files)
        return _list_pictures(json.loads(text)) if text else []
    return listed


def _list_pictures(full: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"clip": entry.get("clip"), **each}
        for entry in full.get("clips") or ()
        for each in (entry.get("pictures") or {}).get("files") or ()
    ]


def read_report(job_id: str, files: Files) -> bytes | None:
    """The full report as JSON; none where there is none.

    Raises:
        FilesUnavailable: the store of files is away.
    """
    try:
        return b"".join(files.open_range(_key(job_id)))
    except FileMissing:
        return None


def _key(job_id: str) -> str:
    return f"jobs/{job_id}/comparison.json"


def _list_key(job_id: str) -> str:
    return f"jobs/{job_id}/comparison-pictures.json"
