"""The machine that counts outcomes loses power: only what its Valkey had synced is there again.

Under `appendfsync always` each outcome that was answered as counted is in the sums, once; the same
run under `everysec` loses some, which shows that this test can.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.chaos.aof import STRACE, AofLog, why_unwatched
from tests.chaos.crowd import Crowd, Taste
from tests.chaos.experiments import gather_experiments
from tests.chaos.run import Run, open_run
from tests.chaos.stage import KEEP_S, Script, Stage, apart
from tests.chaos.stores import COUNTING
from tests.chaos.umpire import judge_experiments

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.slow,
    pytest.mark.strace,
    pytest.mark.skipif(bool(why_unwatched()), reason=why_unwatched()),
]
#: So many are answered before the crash, and the audience stays for long after it.
_OUTCOMES, _SCRIPT = 3000, Script(Taste.CLEAR, least_s=15, batches=40, pause_s=0.0)


def test_what_was_answered_survives_the_loss_of_all_that_was_not_synced(tmp_path, small_clip):
    with crashing(tmp_path, small_clip, "always") as (run, log):
        # Given outcomes that are sent all the while, also while the log is rewritten
        stage = Stage(run, 1)
        crowd = stage.begin("crash", _SCRIPT)
        wait_for(lambda: len(crowd.answered) > _OUTCOMES / 2)
        with run.fleet.store(COUNTING) as store:
            store.bgrewriteaof()
        wait_for(lambda: len(crowd.answered) > _OUTCOMES)
        # When Valkey is killed and starts from what was on the disk,
        lose_power(run, log)
        # Then the sums are those of the outcomes that were answered, then and later.
        assert audit(run, stage, tmp_path) == []
        assert log.syncs > _OUTCOMES / 1000


def test_the_same_crash_under_everysec_loses_outcomes(tmp_path, small_clip):
    with crashing(tmp_path, small_clip, "everysec") as (run, log):
        # Given a server that syncs each second; when the power goes between two syncs
        stage = Stage(run, 1)
        crowd = stage.begin("crash", _SCRIPT)
        wait_for_unsynced(log, crowd)
        assert lose_power(run, log) > 0
        # Then outcomes are gone that were answered
        assert any("its sums are not those" in each for each in audit(run, stage, tmp_path))


@contextmanager
def crashing(folder, clip, fsync) -> Iterator[tuple[Run, AofLog]]:
    """A run whose counts are watched by strace, and the log of it."""
    calls, prefix = folder / "calls", (*STRACE, "-o", str(folder / "calls"))
    watched = {"valkey_prefix": prefix, "prefixed": COUNTING, "fsync": fsync}
    with open_run(folder, clip, **apart(), **watched) as run:
        yield run, AofLog(calls, (folder / COUNTING / "appendonlydir").resolve())


def lose_power(run, log) -> int:
    """Kill the store of counts, take away what was not synced, and let it come back; how much."""
    run.fleet.hold(COUNTING)
    run.fleet.kill(COUNTING)
    wait_for(lambda: not run.fleet.children[COUNTING].running)
    lost_bytes = log.lose_power()
    run.fleet.release(COUNTING)
    run.fleet.await_ready(COUNTING)
    return lost_bytes


def audit(run, stage, folder) -> list[str]:
    """What is wrong when the audience has gone and all is at rest."""
    stage.wait(120)
    assert stage.trouble == []
    run.gather(60)
    return judge_experiments(gather_experiments(run, stage.crowds, folder, keep_s=KEEP_S))


def wait_for_unsynced(log: AofLog, crowd: Crowd) -> None:
    """Until outcomes have been answered since the last sync began."""
    while True:
        wait_for(lambda: crowd.answered)
        log.read_on()
        syncs, count = log.syncs, len(crowd.answered)
        wait_for(lambda before=count: len(crowd.answered) > before + 300)
        log.read_on()
        if log.syncs == syncs:
            return


def wait_for(so, seconds: float = 60.0) -> None:
    until_s = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < until_s, "it did not come to this"
        time.sleep(0.01)
