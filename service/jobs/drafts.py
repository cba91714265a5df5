"""What a worker has measured of a job that it did not end: kept, so that the next need not again.

Measuring may take an hour, longer than a worker that must go has time.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from service.compare.report import VERSION
from service.errors import CaptionAbError
from service.media.files import Files
from service.model.lifecycle import CutState
from service.store.jobs import ClipRow, CutRow

_log = logging.getLogger(__name__)
_MAX_BYTES = 40_000_000


def name_videos(clips: Sequence[ClipRow], cuts: Sequence[CutRow]) -> str:
    """A word for all that a report is made of: the clips, and the videos of these revisions. Pure.

    Two reports of the same word say the same.
    """
    parts: list[Any] = [VERSION, sorted([clip.doc.index, clip.doc.file] for clip in clips)]
    parts += sorted(
        [cut.doc.clip, cut.doc.label, cut.doc.revision, cut.doc.result.file, cut.doc.result.sha256]
        for cut in cuts
        if cut.state is CutState.SUCCEEDED and cut.doc.result is not None
    )
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def keep_draft(job_id: str, videos: str, full: Mapping[str, Any], files: Files) -> None:
    """Keep a report that has no pictures yet; a failure of that stops nothing else."""
    text = json.dumps({"videos": videos, "report": full}, ensure_ascii=False)
    try:
        files.put(_key(job_id), [text.encode()], max_bytes=_MAX_BYTES)
    except CaptionAbError as error:
        _log.warning("draft_not_kept", extra={"job": job_id, "code": error.code})


def read_draft(job_id: str, videos: str, files: Files) -> dict[str, Any] | None:
    """The report that was made of these very videos, if there is one that can be read."""
    try:
        kept = json.loads(b"".join(files.open_range(_key(job_id))))
    except (CaptionAbError, ValueError):
        return None
    return kept["report"] if kept.get("videos") == videos else None


def drop_draft(job_id: str, files: Files) -> None:
    """Delete what is of no use any more; what stays goes with the job's other files."""
    try:
        files.delete(_key(job_id))
    except CaptionAbError as error:
        _log.info("draft_not_dropped", extra={"job": job_id, "code": error.code})


def _key(job_id: str) -> str:
    return f"jobs/{job_id}/comparison-draft.json"
