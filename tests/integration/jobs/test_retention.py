"""Files go with their jobs and uploads, and what nobody owns goes after a long while."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from service.errors import StoreUnavailable
from service.jobs.retention import sweep, sweep_orphans
from service.media.files import FilesUnavailable, LocalFiles
from service.store.retention import Retention
from tests.integration.store.invariants import assert_nothing_stays
from tests.integration.store.test_experiments import attach, close
from tests.integration.store.test_retention import TTL_S, ended_job, upload


@pytest.fixture
def files(tmp_path: Path) -> LocalFiles:
    return LocalFiles(tmp_path / "files")


@pytest.fixture
def names(tmp_path: Path):
    """The names of all files there are."""

    def look() -> list[str]:
        found = (tmp_path / "files").rglob("*")
        return sorted(p.relative_to(tmp_path / "files").as_posix() for p in found if p.is_file())

    return look


@pytest.fixture
def swept(store, files):
    def run():
        return sweep(
            Retention(store.connection), files, store.experiments, store.settings, store.clock
        )

    return run


def keep(files: LocalFiles, *keys: str) -> None:
    for key in keys:
        files.put(key, [b"x"], max_bytes=10)


def test_the_files_of_a_job_go_when_its_time_is_over(store, files, names, swept):
    # Given a finished job with a clip and a video, and another that has a day more
    first = ended_job(store)
    store.clock.advance(86_400)
    second = ended_job(store)
    keep(files, f"jobs/{first.id}/clip-1", f"jobs/{first.id}/A-1-1.mp4")
    keep(files, f"jobs/{second.id}/A-1-1.mp4")
    assert swept().deleted == 0
    # When the time of the first is over, then its files are gone and the other's are there
    store.clock.advance(TTL_S - 86_400)
    assert swept().ended == 1
    assert names() == [f"jobs/{second.id}/A-1-1.mp4"]
    assert swept().deleted == 0
    assert_nothing_stays(store.client)


def test_an_expired_upload_goes_with_its_file(store, files, names, swept):
    upload(store, "upl_old", ttl_ms=1000)
    upload(store, "upl_new", ttl_ms=9000)
    keep(files, "uploads/upl_old", "uploads/upl_new")
    store.clock.advance(2)
    swept()
    assert names() == ["uploads/upl_new"]


def test_files_that_could_not_be_deleted_are_deleted_later(store, files, names, swept, monkeypatch):
    # Given a store of files that is away when the job's time is over
    job = ended_job(store)
    keep(files, f"jobs/{job.id}/A-1-1.mp4")
    store.clock.advance(TTL_S)

    def away(*_):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("service.media.folders.remove_tree", away)
        with pytest.raises(FilesUnavailable):
            swept()
    assert names() == [f"jobs/{job.id}/A-1-1.mp4"]
    # When it is there again, then they go
    assert swept().deleted == 1
    assert names() == []


def test_what_was_counted_goes_though_redis_has_let_go_of_its_job(store, files, swept):
    # Given an ended job whose time passed while nobody swept, so that Redis has ended its keys
    job = ended_job(store)
    attach(store, store.experiments, job.id)
    close(store, job.id)
    for key in store.client.scan_iter(f"cab:job:{job.id}*"):
        if ":experiment" not in key:
            store.client.delete(key)
    store.client.delete(f"cab:row:experiment:{job.id}")
    # When somebody sweeps, then what was counted of it goes, too.
    store.clock.advance(store.settings.experiment_keep_s)
    swept()
    assert store.client.keys(f"cab:job:{job.id}*") == []


class Away:
    """Where outcomes are counted, while it is away; it counts who asks."""

    def __init__(self) -> None:
        self.asked = 0

    def require_known(self) -> None:
        self.asked += 1
        raise StoreUnavailable("Redis: ConnectionError.")


def test_files_go_also_while_what_was_counted_cannot_be_dropped(store, files, names, swept):
    # Given more ended jobs with experiments than a batch has, and one file of the last of them
    jobs = [ended_job(store) for _ in range(130)]
    for job in jobs:
        attach(store, store.experiments, job.id)
        close(store, job.id)
    keep(files, f"jobs/{jobs[-1].id}/A-1-1.mp4")
    store.clock.advance(store.settings.experiment_keep_s)
    # When their time is over, and the Redis that counts is away
    away = Away()
    retention = Retention(store.connection)
    sweep(retention, files, away, store.settings, store.clock)
    # Then the files go, and it is asked once a sweep
    assert (names(), away.asked) == ([], 1)
    assert len(retention.read_trash(1000)) == 130
    # And when it is there again, what was counted goes too.
    assert swept().deleted == 130
    assert retention.read_trash(1000) == []
    assert_nothing_stays(store.client)


def test_more_than_one_batch_goes_in_one_sweep(store, files, names, swept):
    for n in range(230):
        upload(store, f"upl_{n}", ttl_ms=1000)
        keep(files, f"uploads/upl_{n}")
    store.clock.advance(2)
    assert swept().deleted == 230
    assert names() == []


class TestOrphans:
    @pytest.fixture
    def swept(self, store, files):
        def run() -> int:
            parts = (Retention(store.connection), files, store.settings, store.clock)
            return sweep_orphans(*parts)

        return run

    @pytest.fixture
    def aged(self, store, tmp_path):
        """Makes a file look as old as this, by the store's clock."""

        def age(name: str, seconds: float) -> None:
            at_s = store.now_ms / 1000 - seconds
            os.utime(tmp_path / "files" / name, (at_s, at_s))

        return age

    def test_old_files_of_nobody_go_and_those_of_somebody_stay(
        self, store, files, names, swept, aged
    ):
        # Given old files: of a job, of an upload, and of a job and an upload that are not there
        job = store.accept()
        upload(store, "upl_1")
        own = [f"jobs/{job.id}/clip-1", "uploads/upl_1"]
        orphans = ["jobs/job_none/A-1-1.mp4", "uploads/upl_none"]
        keep(files, *own, *orphans)
        for name in (*own, *orphans):
            aged(name, 1_300_000)
        # When orphans are looked for, then only those go
        assert swept() == 2
        assert names() == own

    def test_a_young_file_without_an_owner_stays(self, files, names, swept, aged):
        # Its record may be about to be written, or its Redis about to be restored.
        keep(files, "uploads/upl_none", "jobs/job_none/a", "jobs/job_none/b")
        aged("uploads/upl_none", 1_290_000)
        aged("jobs/job_none/a", 1_300_000)
        aged("jobs/job_none/b", 10)
        assert swept() == 0
        assert len(names()) == 3

    def test_what_a_broken_write_left_goes_after_a_day(self, files, names, swept, aged, tmp_path):
        keep(files, "jobs/job_1/a")
        for name, age_s in (("old", 90_000), ("new", 3600)):
            (tmp_path / "files/jobs/job_1" / f".{name}.part").write_bytes(b"half")
            aged(f"jobs/job_1/.{name}.part", age_s)
        aged("jobs/job_1/a", 3600)
        assert swept() == 1
        assert names() == ["jobs/job_1/.new.part", "jobs/job_1/a"]

    def test_one_process_looks_at_a_time(self, files, names, swept, aged):
        swept()
        keep(files, "uploads/upl_none")
        aged("uploads/upl_none", 1_300_000)
        assert swept() == 0
        assert names() == ["uploads/upl_none"]
