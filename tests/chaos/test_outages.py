"""What is not the death of a process: a store that pauses, cut connections, a full disk."""

from __future__ import annotations

import json
import resource
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.chaos.judge import judge, unknowns
from tests.chaos.run import open_run

_LONG = [pytest.mark.chaos, pytest.mark.slow]
_JOBS = 4
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
_STREAM_S = 9.0


@pytest.fixture(scope="module")
def run(tmp_path_factory, small_clip):
    with open_run(tmp_path_factory.mktemp("outages"), small_clip) as run:
        yield run


@pytest.fixture
def streaming(run):
    """A run with eight streams of some seconds under way."""
    run.begin_anew()
    run.fleet.switch(edit_s=_STREAM_S)
    run.customer.send_many(_JOBS, name=f"stream-{time.monotonic_ns()}")
    wait_for(lambda: run.fleet.books()["streams"] == _JOBS * 2)
    return run


@pytest.mark.chaos
@pytest.mark.slow
def test_a_store_that_pauses_longer_than_a_lease_cuts_no_stream(streaming):
    # Given running streams; when the store does not answer for longer than a lease and its grace
    scale = streaming.fleet.plan.scale
    streaming.fleet.stop_for("valkey", (scale.lease_s + scale.grace_s) * 1.5)
    # Then no stream was cut, nothing is in doubt and nothing was sent twice
    assert_all_applied(streaming)


@pytest.mark.chaos
@pytest.mark.slow
def test_a_store_that_is_killed_cuts_no_stream(streaming):
    # Given running streams; when the store is killed and starts again
    streaming.fleet.kill("valkey")
    # Then no stream was cut, nothing is in doubt and nothing was sent twice
    assert_all_applied(streaming)


@pytest.mark.chaos
@pytest.mark.slow
def test_cut_connections_to_the_store_cut_no_stream(streaming):
    # Given running streams; when all connections to the store are cut, several times
    for _ in range(3):
        with streaming.fleet.store() as store:
            store.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        time.sleep(1)
    # Then no stream was cut, nothing is in doubt and nothing was sent twice
    assert_all_applied(streaming)


@pytest.mark.chaos
@pytest.mark.slow
def test_a_full_disk_delays_jobs_and_loses_none(run):
    # Given a store of files in which no file can be written
    run.begin_anew()
    pid = run.fleet.pid("transfer")
    limits = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1000, limits[1]))
    # When jobs come to their download, and there is room again later
    run.customer.send_many(2, name="full")
    wait_for(lambda: states(run)["rendered"] == 4)
    time.sleep(2)
    assert states(run)["rendered"] == 4
    resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
    # Then all of them succeed, and nothing was sent or rendered twice
    assert_all_applied(run, jobs=2)


@pytest.mark.chaos
@pytest.mark.slow
def test_receivers_that_hang_hold_up_nobody_and_are_told_in_the_end(run):
    # Given receivers that mostly hang; when jobs run meanwhile
    run.begin_anew()
    run.inbox.hanging = 0.7
    run.customer.send_many(2, name="hang")
    jobs = run.customer.await_ends(30)
    assert {each["status"] for each in jobs.values()} == {"succeeded"}
    run.inbox.hanging = 0.0
    # Then every event is told in the end, byte for byte the same
    assert_all_applied(run, jobs=2)
    assert run.inbox.hung > 0


@pytest.mark.faketime
@pytest.mark.skipif(FAKETIME is None, reason="libfaketime is not installed")
@pytest.mark.parametrize(
    "jobs", [pytest.param(2, id="short"), pytest.param(6, id="long", marks=_LONG)]
)
def test_a_clock_that_jumps_by_an_hour_changes_nothing(tmp_path, small_clip, jobs):
    # Given two processes whose wall clocks can be moved, and jobs under way in them
    shift = tmp_path / "shift"
    shift.write_text("+0")
    own = {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(shift),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    with open_run(tmp_path, small_clip, own_env={"flow-1": own, "hooks": own}) as run:
        run.fleet.switch(edit_s=3.0)
        run.customer.send_many(jobs - 1)
        wait_for(lambda: run.fleet.books()["streams"] >= jobs)
        # When the clocks jump ahead by an hour, and later back,
        shift.write_text("+1h")
        time.sleep(2)
        run.customer.send_many(1, name="later")
        time.sleep(2)
        wait_for(lambda: len(hours_seen(run, "hooks")) >= 2)
        shift.write_text("-1h")
        # Then all jobs succeed as if nothing had happened;
        assert_all_applied(run, jobs=jobs)
        # and the logs show that the processes did see other times.
        assert len(hours_seen(run, "hooks")) >= 3


def hours_seen(run, name) -> set[str]:
    """The hours of a process's log, by its own clock; its last line may not be whole yet."""
    lines = run.fleet.children[name].printed().split("\n")[:-1]
    return {json.loads(line)["at"][:13] for line in lines if line[:1] == "{"}


def assert_all_applied(run, jobs=_JOBS) -> None:
    facts = run.gather(60)
    assert judge(facts) == []
    assert unknowns(facts) == 0
    assert Counter(each["outcome"] for each in facts.books["runs"]) == {"applied": jobs * 2}
    assert len(facts.books["renders"]) == jobs * 2


def states(run) -> Counter[str]:
    jobs = [run.customer.look(each) for each in run.customer.accepted.values()]
    return Counter(c["status"] for job in jobs for each in job["variants"] for c in each["cuts"])


def wait_for(so, seconds=40.0) -> None:
    until_s = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < until_s, "it did not come to this"
        time.sleep(0.05)
