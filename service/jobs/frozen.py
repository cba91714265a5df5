"""A finished job as its files keep it: shown while Redis is away, and gone with them.

It is written just before the job ends, and again when a later revision has a video. It is sealed,
because it holds links that open the job's projects.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from service.errors import CaptionAbError, FileMissing, StoreError
from service.jobs.context import Services
from service.media.files import Files
from service.model.documents import read_document, write_document
from service.model.job import Job
from service.store.jobs import ClipRow, CutRow
from service.vault import Vault

_log = logging.getLogger(__name__)
_MAX_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Frozen:
    """A job with its clips and its cuts in all revisions."""

    job: Job
    clips: tuple[ClipRow, ...]
    cuts: tuple[CutRow, ...]


def freeze(job: Job, services: Services) -> None:
    """Keep an ended job beside its files; that this fails keeps nothing else from going on."""
    clips, cuts = services.jobs.read_units(job, revisions=True)
    sealed = services.vault.seal(write_document(Frozen(job, tuple(clips), tuple(cuts))))
    try:
        services.files.put(_key(job.id), [sealed.encode()], max_bytes=_MAX_BYTES)
    except CaptionAbError as error:
        _log.warning("job_not_frozen", extra={"job": job.id, "code": error.code})


def thaw(job_id: str, files: Files, vault: Vault) -> Frozen | None:
    """An ended job from its files; none where there is none or it cannot be read."""
    try:
        sealed = b"".join(files.open_range(_key(job_id)))
        return read_document(Frozen, vault.open(sealed.decode()))
    except FileMissing:
        return None
    except (StoreError, ValueError) as error:
        _log.warning("job_not_thawed", extra={"job": job_id, "why": str(error)})
        return None


def _key(job_id: str) -> str:
    return f"jobs/{job_id}/job.sealed"
