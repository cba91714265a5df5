"""The machine loses power while jobs are accepted: only what Valkey had synced is there again.

Under `appendfsync always` no job that was answered with 202 is lost and no edit is sent again; the
same run under `everysec` loses jobs, which shows that this test can.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest

from tests.chaos.aof import STRACE, AofLog, why_unwatched
from tests.chaos.judge import judge
from tests.chaos.run import Run, open_run

pytestmark = [
    pytest.mark.strace,
    pytest.mark.skipif(bool(why_unwatched()), reason=why_unwatched()),
]
POSTS = int(os.environ.get("POSTS") or 150)
_SHORT_POSTS = 12
_LONG = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.mark.parametrize(
    ("posts", "rewrites"),
    [
        pytest.param(_SHORT_POSTS, 1, id="short"),
        pytest.param(POSTS, 2, id="long", marks=_LONG),
    ],
)
def test_what_was_accepted_survives_the_loss_of_all_that_was_not_synced(
    tmp_path, small_clip, capsys, posts, rewrites
):
    with crashing(tmp_path, small_clip, "always") as (run, log):
        # Given jobs that are accepted and worked on, also while the log is rewritten
        accepted, sender = send_until_the_crash(run, log, posts, rewrites=rewrites)
        # When Valkey and the API are killed, and start from what was on the disk,
        lost_bytes = log.lose_power()
        come_back(run, sender)
        # Then every job answered with 202 is there, and comes to its end; all books agree.
        assert lost_jobs(run, accepted) == []
        facts = run.gather(60 + posts)
        assert judge(facts) == []
        unknown = [each for each in facts.jobs.values() if each["status"] != "succeeded"]
        with capsys.disabled():
            print(f"\n{len(accepted)} accepted before, {log.syncs} syncs of the log, "
                  f"{lost_bytes} bytes cut off, {len(facts.books['edits'])} edits sent, "
                  f"{len(unknown)} jobs in doubt")  # fmt: skip


@pytest.mark.chaos
@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_same_crash_under_everysec_loses_jobs(tmp_path, small_clip):
    with crashing(tmp_path, small_clip, "everysec") as (run, log):
        # Given a server that syncs each second; when the power goes between two syncs
        accepted, sender = send_until_the_crash(run, log, POSTS, unsynced=True)
        assert log.lose_power() > 0
        come_back(run, sender)
        # Then jobs are gone that were answered with 202
        assert lost_jobs(run, accepted) != []


@contextmanager
def crashing(folder, clip, fsync) -> Iterator[tuple[Run, AofLog]]:
    """A run whose Valkey is watched by strace, and the log of it."""
    calls = folder / "calls"
    with open_run(folder, clip, valkey_prefix=(*STRACE, "-o", str(calls)), fsync=fsync) as run:
        yield run, AofLog(calls, (folder / "valkey" / "appendonlydir").resolve())


def send_until_the_crash(
    run, log, posts, *, rewrites=0, unsynced=False
) -> tuple[list[str], Thread]:
    """Send jobs from a thread, kill Valkey and the API in the middle; who was accepted so far."""
    ended = Event()

    def send():
        for number in range(posts * 10):
            if ended.is_set():
                return
            run.customer.send(f"crash-{number}", labels="A")

    sender = Thread(target=send, daemon=True)
    sender.start()
    for number in range(rewrites):
        wait_for(lambda part=number + 1: len(run.customer.accepted) > posts * part / 3)
        with run.fleet.store() as store:
            store.bgrewriteaof()
    wait_for(lambda: len(run.customer.accepted) >= posts)
    if unsynced:
        wait_for_unsynced(run, log)
    fleet = run.fleet
    for name in ("valkey", "api"):
        fleet.hold(name)
        fleet.kill(name)
    accepted = list(run.customer.accepted.values())
    ended.set()
    wait_for(lambda: not fleet.children["valkey"].running)
    return accepted, sender


def wait_for_unsynced(run, log) -> None:
    """Until jobs have been accepted since the last sync began."""
    while True:
        log.read_on()
        syncs, count = log.syncs, len(run.customer.accepted)
        wait_for(lambda before=count: len(run.customer.accepted) >= before + 3)
        log.read_on()
        if log.syncs == syncs:
            return


def come_back(run, sender) -> None:
    for name in ("valkey", "api"):
        run.fleet.release(name)
    run.fleet.await_ready("valkey", "api")
    sender.join(60)


def lost_jobs(run, accepted) -> list[str]:
    with run.fleet.store() as store:
        return [each for each in accepted if not store.exists(f"cab:job:{each}")]


def wait_for(so, seconds=300.0) -> None:
    until_s = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < until_s, "it did not come to this"
        time.sleep(0.01)
