"""The end of files: those of jobs and uploads that have ended, and those that nobody owns."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from service.clock import Clock
from service.errors import StoreUnavailable
from service.media.files import Files
from service.settings import Settings
from service.store.experiments import ExperimentStore
from service.store.jobs import JobStore
from service.store.retention import Retention
from service.webhooks.events import EventType, event_body, iso_time

_log = logging.getLogger(__name__)
_BATCH = 100
#: What was counted of experiments lies in the trash under this name.
_COUNTED = "experiments/"
_FOLDERS = ("jobs", "uploads", "parts")
#: Batches of jobs told of in one sweep, at most.
_BATCHES = 50


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did: jobs and uploads ended, names of files and folders deleted."""

    ended: int
    deleted: int


def uncounted_ms(settings: Settings) -> int:
    """How long an upload is kept after one of its jobs where an earlier release did not count."""
    return int((settings.job_ttl_s + settings.action_required_s) * 1000)


def warn_expiring(retention: Retention, jobs: JobStore, clock: Clock) -> int:
    """Tell the owners of jobs that go soon, each once; how many were told. Any number may run.

    Raises:
        StoreError: Redis does not take it; the next sweep goes on.
    """
    told = 0
    for _ in range(_BATCHES):
        now_ms = clock.now_ms()
        due = retention.read_expiring(_BATCH, now_ms=now_ms)
        for job_id in due:
            job = jobs.read(job_id)
            expires_ms = job.expires_ms if job else 0
            data = {"status": job.status if job else "", "expires_at": iso_time(expires_ms)}
            body = event_body(EventType.JOB_EXPIRING, job_id, data, now_ms=now_ms)
            told += retention.warn(job_id, expires_ms, body, now_ms=now_ms)
        if len(due) < _BATCH:
            break
    return told


def sweep(
    retention: Retention,
    files: Files,
    experiments: ExperimentStore,
    settings: Settings,
    clock: Clock,
) -> Swept:
    """End what has outlived its time, then empty the trash. May run in many processes at once.

    What was counted of experiments waits for a later sweep while its Redis is away.

    Raises:
        StoreError: Redis does not take it; what was begun goes on with the next sweep.
        FilesUnavailable: the same for the store of files.
    """
    remember_ms = int(settings.job_ttl_s * 1000)
    ended = deleted = 0
    waiting: set[str] = set()
    while True:
        retired = retention.retire(
            limit=_BATCH,
            remember_ms=remember_ms,
            uncounted_ms=uncounted_ms(settings),
            now_ms=clock.now_ms(),
        )
        ended += retired.ended
        names = [name for name in retention.read_trash(_BATCH) if name not in waiting]
        for name in names:
            if not name.startswith(_COUNTED):
                _delete(name, files)
            elif waiting or not _drop_counted(name, experiments, clock):
                waiting.add(name)  # behind all files, which do not wait for it
                retention.put_back(name, now_ms=clock.now_ms())
                continue
            retention.note_deleted(name)
            deleted += 1
        if retired.looked_at < _BATCH and not names:
            break
    if ended or deleted:
        _log.info("swept", extra={"ended": ended, "deleted": deleted})
    return Swept(ended, deleted)


def _drop_counted(name: str, experiments: ExperimentStore, clock: Clock) -> bool:
    """Whether what was counted is gone; it is not while its Redis is away, which may be another."""
    try:
        experiments.require_known()
        experiments.drop(name.removeprefix(_COUNTED), now_ms=clock.now_ms())
    except StoreUnavailable as away:
        _log.warning("counted_not_dropped", extra={"name_in_trash": name, "why": away.detail})
        return False
    return True


def sweep_orphans(retention: Retention, files: Files, settings: Settings, clock: Clock) -> int:
    """Delete files whose job or upload has been gone for long, and what broken writes left.

    A file may be older than its record, or outlive a Redis that is restored from a backup: so only
    what is older than any job's normal life counts. Returns how many names were deleted.

    Raises:
        StoreError, FilesUnavailable: the next sweep goes on.
    """
    if not retention.take_turn(int(settings.orphans_every_s * 1000)):
        return 0
    now_ms = clock.now_ms()
    dropped = files.drop_unfinished(now_ms - int(settings.part_ttl_s * 1000))
    before_ms = now_ms - int(settings.orphan_ttl_s * 1000)
    orphans = 0
    for folder in _FOLDERS:
        newest: dict[str, int] = {}
        for found in files.find_all(folder):
            owner = "/".join(found.key.split("/")[:2])
            newest[owner] = max(newest.get(owner, 0), found.modified_ms)
        old = sorted(name for name, at_ms in newest.items() if at_ms < before_ms)
        for start in range(0, len(old), _BATCH):
            batch = old[start : start + _BATCH]
            for name in retention.find_unowned(batch):
                _delete(name, files)
                orphans += 1
    if orphans or dropped:
        _log.info("orphans_deleted", extra={"orphans": orphans, "unfinished": dropped})
    return orphans + dropped


def _delete(name: str, files: Files) -> None:
    if name.startswith(("jobs/", "parts/")):
        files.delete_prefix(name)
    else:
        files.delete(name)
