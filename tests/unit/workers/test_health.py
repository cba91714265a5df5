"""When a probe calls a worker dead, and when it must not."""

from __future__ import annotations

import json
import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.clock import FakeClock
from service.errors import StoreUnavailable
from workers.health import STALE_S, judge, main
from workers.heartbeat import Beat, Heartbeat, Sight, beat_again, read_beat

NOW = 10_000.0
#: Between two beats.
BEAT_EVERY_S = 5.0


def beat(**changes) -> Beat:
    return Beat(**{"looped_s": NOW - 3, "ticked_s": NOW - 3, **changes})


def verdict(found: Beat, *, redis: bool = True) -> str:
    return judge(found, NOW, lambda: redis)


def test_a_worker_that_ticks_is_well():
    assert verdict(beat()) == ""


def test_a_loop_that_stands_is_dead():
    """Given a stream or a call that blocks the loop, then the ticker's silence tells."""
    assert "its loop has stood" in verdict(beat(looped_s=NOW - STALE_S - 1))


def test_a_consumer_that_takes_nothing_is_dead():
    """Given a process that answers everything but takes no work that waits, then it is dead."""
    assert "taken none" in verdict(beat(idle_since_s=NOW - STALE_S - 1))
    assert verdict(beat(idle_since_s=NOW - STALE_S + 1)) == ""


def test_redis_that_is_away_for_all_kills_no_worker():
    """Given Redis away and streams open, when probed, then nothing is restarted."""
    away = beat(ticked_s=NOW - 600, trouble="store_unavailable")
    assert verdict(away, redis=False) == ""
    assert "has not reached Redis for 600 s" in verdict(away, redis=True)


def test_a_clock_that_was_refused_is_for_a_person():
    assert verdict(beat(ticked_s=NOW - 600, trouble="clock_refused")) == ""


def test_a_fault_of_its_own_is_a_reason():
    assert "(KeyError)" in verdict(beat(ticked_s=NOW - 600, trouble="KeyError"))


def test_a_drain_is_left_alone_until_its_limit():
    """Given a worker whose streams end, when it ticks no more, then it is well until the limit."""
    draining = beat(looped_s=NOW - 900, ticked_s=NOW - 900, drains_until_s=NOW + 40)
    assert verdict(draining) == ""
    assert "drain" in verdict(beat(drains_until_s=NOW - STALE_S - 1))


@pytest.fixture
def clock():
    return FakeClock(0)


class Surroundings:
    """What the heartbeat sees when it looks."""

    def __init__(self):
        self.sight = Sight(0, 5, 0)
        self.error = None

    def look(self):
        if self.error:
            raise self.error
        return self.sight


@pytest.fixture
def around():
    return Surroundings()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "beat"


@pytest.fixture
def heart(path, around, clock):
    return Heartbeat(
        str(path), every_s=BEAT_EVERY_S, look=around.look, monotonic_s=clock.monotonic_s
    )


def rounds(heart, clock, count, trouble=""):
    for _ in range(count):
        clock.advance(BEAT_EVERY_S)
        heart.round(trouble)


def told(path) -> Beat:
    return read_beat(path.read_text())


def test_work_that_waits_untaken_is_told_since_when(heart, path, around, clock):
    """Given messages and free places, when two looks in a row see none taken, then it tells."""
    around.sight = Sight(waiting=4, free=5, taken=10)
    rounds(heart, clock, 1)
    assert told(path).idle_since_s == 0
    rounds(heart, clock, 1)
    since_s = told(path).idle_since_s
    assert since_s == clock.monotonic_s()
    rounds(heart, clock, 3)
    assert told(path).idle_since_s == since_s
    around.sight = Sight(waiting=4, free=5, taken=11)
    rounds(heart, clock, 1)
    assert told(path).idle_since_s == 0


@given(st.lists(st.builds(Sight, *[st.integers(0, 2)] * 3), min_size=1, max_size=12))
def test_only_waiting_work_with_places_free_ever_counts_as_idle(sights):
    """Given any sights, then idle is what two in a row show: work, places, and none taken."""
    found, before = beat(), None
    for now_s, seen in enumerate(sights, start=1):
        found = beat_again(found, now_s, trouble="", before=before, seen=seen)
        pair = (before, seen) if before else ()
        idle = pair and all(each.waiting and each.free for each in pair)
        assert bool(found.idle_since_s) == bool(idle and before.taken == seen.taken)
        before = seen


def test_without_redis_it_still_tells_that_it_goes_round(heart, path, around, clock):
    rounds(heart, clock, 1)
    reached_s = clock.monotonic_s()
    around.error = StoreUnavailable()
    rounds(heart, clock, 2)
    rounds(heart, clock, 1, trouble="clock_refused")
    found = told(path)
    assert (found.looped_s, found.ticked_s) == (clock.monotonic_s(), reached_s)
    assert found.trouble == "clock_refused"


def test_it_looks_only_every_few_seconds(heart, path, around, clock):
    before = path.read_text()
    clock.advance(BEAT_EVERY_S - 1)
    heart.round("")
    assert path.read_text() == before


def test_a_drain_is_told(heart, path, clock):
    heart.drain(940)
    assert told(path).drains_until_s == clock.monotonic_s() + 940


def test_without_a_path_nothing_is_written(around, clock, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    heart = Heartbeat("", every_s=BEAT_EVERY_S, look=around.look, monotonic_s=clock.monotonic_s)
    rounds(heart, clock, 2)
    heart.drain(5)
    assert list(tmp_path.iterdir()) == []


def test_the_command_tells_a_missing_and_a_broken_beat(path, monkeypatch, capsys):
    monkeypatch.setenv("CAPTION_AB_BEAT_FILE", str(path))
    assert main() == 1
    for text in ("", "[]", json.dumps({"unknown": 1})):
        path.write_text(text)
        assert main() == 1
    assert "no heartbeat" in capsys.readouterr().err


def test_a_worker_without_a_heartbeat_is_starting_for_a_while(path, monkeypatch, capsys):
    # Given a worker that has not written its first heartbeat, in a folder made for it just now
    monkeypatch.setenv("CAPTION_AB_BEAT_FILE", str(path))
    # When health is asked with time to start, then it is well, and without it is not
    assert main(["--starting-s", "120"]) == 0
    assert main([]) == 1
    # When that time has passed, then it is dead
    long_ago_s = time.time() - 121
    os.utime(path.parent, (long_ago_s, long_ago_s))
    assert main(["--starting-s", "120"]) == 1
    assert "no heartbeat" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_no_start(path, monkeypatch):
    monkeypatch.setenv("CAPTION_AB_BEAT_FILE", str(path / "nowhere" / "beat"))
    assert main(["--starting-s", "120"]) == 1
