"""What was counted of an experiment goes with its job, whoever is away or dies when it does."""

from __future__ import annotations

import time

import pytest

from tests.chaos.crowd import Taste
from tests.chaos.facts import PREFIX
from tests.chaos.run import Run, open_run
from tests.chaos.stage import Script, Stage, apart
from tests.chaos.stores import COUNTING

pytestmark = [pytest.mark.chaos, pytest.mark.slow]
_KEEP_S = 8.0


def test_what_was_counted_goes_with_its_job_though_its_store_was_away(tmp_path, small_clip):
    # Given experiments with a verdict, whose jobs are kept for moments after it
    with open_run(tmp_path, small_clip, **apart(ttl_s=_KEEP_S, keep_s=_KEEP_S)) as run:
        stage = Stage(run, 1)
        for number in range(3):
            stage.begin(f"end-{number}", Script(Taste.CLEAR))
        wait_for(lambda: all(is_decided(run, each.job_id) for each in stage.crowds))
        assert {key.split(":")[2] for key in books(run)} == {each.job_id for each in stage.crowds}
        # When they go while the store of counts is away, and who sweeps is killed in between,
        run.fleet.hold(COUNTING)
        run.fleet.kill(COUNTING)
        wait_for(lambda: not any(is_there(run, each.job_id) for each in stage.crowds))
        run.fleet.kill("transfer")
        run.fleet.release(COUNTING)
        run.fleet.await_ready()
        # Then nothing is left of what was counted, nor is anything still to be deleted.
        wait_for(lambda: not books(run))
        with run.fleet.store(COUNTING) as counting, run.fleet.store() as main:
            assert set(counting.keys()) == {f"{PREFIX}clock", f"{PREFIX}counting-id"}
            wait_for(lambda: not main.zcard(f"{PREFIX}trash"))
    assert stage.trouble == []


def is_decided(run: Run, job_id: str) -> bool:
    with run.fleet.store() as store:
        return bool(store.hget(f"{PREFIX}job:{job_id}:plan", "closed"))


def is_there(run: Run, job_id: str) -> bool:
    with run.fleet.store() as store:
        return bool(store.exists(f"{PREFIX}job:{job_id}"))


def books(run: Run) -> list[str]:
    with run.fleet.store(COUNTING) as store:
        return list(store.scan_iter(f"{PREFIX}job:*"))


def wait_for(so, seconds: float = 60.0) -> None:
    until_s = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < until_s, "it did not come to this"
        time.sleep(0.05)
