"""The pictures of a job's comparison: made once it is measured, listed in its full report.

Nothing here fails a job.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from service.compare.pictures import keep_pictures, list_pictures, make_pictures
from service.compare.pictures_stills import Subject
from service.compare.report import finished
from service.errors import CaptionAbError
from service.jobs.comparing import Telling
from service.jobs.comparison import local_copies, read_picture_list, say_fault
from service.jobs.context import Services
from service.media.ffmpeg import find_ffmpeg
from service.media.files import Files
from service.media.limits import MediaLimits
from service.media.workspaces import open_workspace
from service.store.commands import LeaseLost
from service.store.jobs import ClipRow, CutRow

_log = logging.getLogger(__name__)
_OFF = "Pictures are switched off here."
_LATE = "There was no time left to make pictures."
_NONE = "None of its videos is there."
#: Less time than this is not worth starting for.
_LEAST_S = 1.0
_SUFFIXES = {"video/mp4": ".mp4", "image/jpeg": ".jpg", "image/png": ".png"}


class Studio:
    """Where the pictures of one job are made."""

    def __init__(self, job_id: str, services: Services, telling: Telling) -> None:
        self._job_id = job_id
        self._services = services
        self._telling = telling

    def picture(
        self, full: Mapping[str, Any], clips: Sequence[ClipRow], cuts: Sequence[CutRow]
    ) -> dict[str, Any]:
        """A full report with the pictures of each clip, all made within one deadline."""
        clock, settings = self._services.clock, self._services.settings
        off = min(settings.pictures_deadline_s, settings.compare_deadline_s) <= 0
        ends_s = clock.monotonic_s() + settings.pictures_deadline_s
        rows = {clip.doc.index: clip for clip in clips}
        entries = list(full["clips"])
        for at, entry in enumerate(entries):
            left_s = (ends_s - clock.monotonic_s()) / (len(entries) - at)
            there = {cut.doc.label: cut for cut in finished(cuts, entry["clip"])}
            why = _OFF if off else _LATE if left_s < _LEAST_S else "" if there else _NONE
            pictures = (
                list_pictures([], [why])
                if why
                else self._picture(entry, rows[entry["clip"]], there, left_s)
            )
            entries[at] = {**entry, "pictures": pictures}
        return {**full, "clips": entries}

    def _picture(
        self, entry: Mapping[str, Any], clip: ClipRow, cuts: Mapping[str, CutRow], left_s: float
    ) -> dict[str, Any]:
        """The pictures of one clip; what goes wrong is the reason why there are none."""
        try:
            with (
                local_copies(clip, cuts, self._services.files) as (source, paths),
                open_workspace() as folder,
            ):
                return self._make(Subject(source, paths, entry, folder), entry["clip"], left_s)
        except LeaseLost:
            raise
        except CaptionAbError as error:
            return list_pictures([], [say_fault(error)])
        except Exception as error:  # noqa: BLE001 - whatever it is, the videos are there and paid for
            _log.warning("not_pictured", extra={"row": clip.row, "why": type(error).__name__})
            return list_pictures([], [f"They could not be made ({type(error).__name__})."])

    def _make(self, subject: Subject, clip: int, left_s: float) -> dict[str, Any]:
        settings = self._services.settings
        limits = MediaLimits(
            settings.media_memory_bytes, settings.media_max_pixels, deadline_s=left_s
        )
        gallery = make_pictures(
            subject,
            ffmpeg=find_ffmpeg(settings.ffmpeg),
            limits=limits,
            clock=self._services.clock,
            tell=partial(self._telling.pictured, clip),
        )
        return keep_pictures(
            gallery,
            subject.folder,
            self._services.files,
            key=partial(_key, self._job_id, clip),
            address=partial(_address, settings.public_url, self._job_id, clip),
        )


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """A picture among a job's files; `sha256` is in hex."""

    file: str
    type: str
    size: int
    sha256: str


def find_picture(job_id: str, clip: int, name: str, files: Files) -> KeptPicture | None:
    """A picture that a job's report lists; none where it lists none of this name.

    Raises:
        FilesUnavailable: the store of files is away.
    """
    for each in read_picture_list(job_id, files):
        if (each["clip"], each.get("name")) == (clip, name):
            key = _key(job_id, clip, f"{name}{_SUFFIXES[each['type']]}")
            return KeptPicture(key, each["type"], each["size"], each["sha256"])
    return None


def _key(job_id: str, clip: int, file: str) -> str:
    return f"jobs/{job_id}/comparison-{clip}-{file}"


def _address(public_url: str, job_id: str, clip: int, name: str) -> str:
    return f"{public_url.rstrip('/')}/v1/jobs/{job_id}/comparison/pictures/{clip}/{name}"
