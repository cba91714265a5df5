"""Whoever dies while experiments run: all is counted once, and each verdict is given and told once.

`make chaos SEED=7 JOBS=500 SCALE=1` plays the long form; the short one runs with every test.
"""

from __future__ import annotations

import contextlib
import os
from queue import Queue
from random import Random

import pytest
import redis

from tests.chaos.adversary import Pace
from tests.chaos.calls import Call
from tests.chaos.crowd import Crowd, Taste
from tests.chaos.experiment_points import EXPERIMENT_POINTS
from tests.chaos.experiments import gather_experiments, look_at_running
from tests.chaos.judge import judge, judge_resumptions, judge_storm
from tests.chaos.points import Point
from tests.chaos.run import Run, open_run
from tests.chaos.saboteur import Saboteur
from tests.chaos.scale import Scale
from tests.chaos.stage import KEEP_S, Script, Stage, apart
from tests.chaos.stores import COUNTING, MAIN
from tests.chaos.umpire import judge_experiments
from tests.chaos.watch import Deed

SEED = int(os.environ.get("SEED") or 1)
#: One for some jobs of the storm of jobs: each lasts far longer.
EXPERIMENTS = max(15, int(os.environ.get("JOBS") or 200) // 10)
SCALE = Scale(float(os.environ.get("SCALE") or 1))
_LONG = [pytest.mark.chaos, pytest.mark.slow]
_MOST_S = float(os.environ.get("PATIENCE_S", "40"))
_POINTS = {point.name: point for point in EXPERIMENT_POINTS}
_AT_ONCE = {"edit_s": 0.1, "pending_s": 0.1, "processing_s": 0.1}


def test_experiments_outlive_who_counts_looks_and_keeps(tmp_path, small_clip):
    # Given experiments, and traps where the API counts and a worker tells what it has frozen
    with open_run(tmp_path, small_clip, scale=Scale(0.5), **apart()) as run:
        run.fleet.switch(**_AT_ONCE)
        fleet, stage = run.fleet, Stage(run, SEED)
        traps = {
            COUNTING: fleet.watch.arm(_POINTS["in the middle of a batch"].trap()),
            MAIN: fleet.watch.arm(_POINTS["between the freeze and the telling"].trap()),
        }
        stage.begin("clear", Script(Taste.CLEAR, asks=True))
        stage.begin("skewed", Script(Taste.SKEWED, late=True))
        # When both come there and die, and each time a store with them,
        seen: tuple[list[str], list[str]] = ([], [])
        for name, trap in traps.items():
            assert trap.sprung.wait(_MOST_S), f"nobody came to {trap.what}"
            look(run, stage, seen)
            fleet.kill(name)
        stage.wait(_MOST_S)
        # Then all that was answered is counted once, and each verdict was given and told once.
        assert_all_agree(run, stage, tmp_path, seen)


@pytest.mark.chaos
@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_experiments_in_a_long_storm(tmp_path, small_clip, capsys):
    # Given the whole system, an adversary, and experiments that begin all the while
    with open_run(tmp_path, small_clip, scale=SCALE, **apart()) as run:
        adversary, dice, stage = Saboteur(run, SEED, Pace(1, 4)), Random(SEED), Stage(run, SEED)
        seen: tuple[list[str], list[str]] = ([], [])
        adversary.begin()
        for number in range(EXPERIMENTS):
            stage.begin(f"experiment-{number}", a_script(dice, list(Taste)[number % len(Taste)]))
            adversary.wait(dice.uniform(1, 5))
            look(run, stage, seen)
        stage.wait(120 * SCALE.factor)
        adversary.end()
        # Then all that it did has left no trace in the books.
        assert adversary.trouble == []
        assert_all_agree(run, stage, tmp_path, seen)
        journal, resumed = run.fleet.journal, run.resumptions()
    with capsys.disabled():
        answered = sum(len(each.answered) for each in stage.crowds)
        retried = sum(each.retried for each in stage.crowds)
        figures = {"experiments": len(stage.crowds), "outcomes": answered, "retried": retried}
        figures = journal.report(resumed, SCALE.resume_bound_s, **figures)
        print(f"\nexperiments under seed {SEED}, scale {SCALE.factor:g}:\n{figures}")
    assert judge_storm(journal, {"kill media": 1, "kill api": 1, "kill counting": 1}) == []
    assert judge_resumptions(resumed, SCALE.resume_bound_s) == []


@pytest.fixture(scope="module")
def run(tmp_path_factory, small_clip):
    with open_run(tmp_path_factory.mktemp("points"), small_clip, **apart()) as run:
        yield run


@pytest.mark.chaos
@pytest.mark.slow
@pytest.mark.parametrize("point", EXPERIMENT_POINTS, ids=lambda point: point.slug)
def test_an_experiment_at_a_named_point(run: Run, point: Point, tmp_path):
    # Given an experiment, and a trap at one point of its life
    run.begin_anew()
    run.fleet.switch(**_AT_ONCE)
    before, stage = len(run.fleet.journal.resumed), Stage(run, SEED)
    trap = run.fleet.watch.arm(point.trap())
    # When it comes there and its process is killed or stopped,
    crowd = stage.begin(
        point.slug, Script(Taste.CLEAR, least_s=2, late=point.what == "attach_plan")
    )
    seen: tuple[list[str], list[str]] = ([], [])
    assert trap.sprung.wait(_MOST_S), "nobody came to this point"
    look(run, stage, seen)
    if point.deed is Deed.STOP:
        tell_before_it_goes_on(run, crowd)
    stage.wait(_MOST_S)
    # Then all books agree, and what the dead held was worked on again in time.
    assert_all_agree(run, stage, tmp_path, seen)
    if point.deed is Deed.KILL and point.expected.resumes:
        resumed = run.resumptions()[before:]
        assert judge_resumptions(resumed, run.fleet.plan.scale.resume_bound_s) == []


def tell_before_it_goes_on(run: Run, crowd: Crowd) -> None:
    """Let somebody else close the experiment, and wait until who was stopped has tried to."""
    closed: Queue[str] = Queue()

    def hear(who: str, call: Call) -> None:
        if call.name == "close_experiment":
            closed.put(who)

    run.fleet.watch.on_call = hear
    crowd.ask()
    assert [closed.get(timeout=_MOST_S) for _ in range(2)] == ["api", "media"]
    run.fleet.watch.on_call = None


def a_script(dice: Random, taste: Taste) -> Script:
    """An audience of a taste; it stays for some ten seconds, whatever it is told meanwhile."""
    least_s, late, asks = dice.randrange(0, 15), dice.random() < 0.5, dice.random() < 0.5
    most_s = dice.randrange(15, 30) if taste in {Taste.EVEN, Taste.ABSENT} else 600
    return Script(taste, least_s, most_s, dice.randrange(5, 15), dice.uniform(0.2, 1.5), late, asks)


def look(run: Run, stage: Stage, seen: tuple[list[str], list[str]]) -> None:
    """Add what is wrong with experiments that are under way, unless the store is away."""
    with contextlib.suppress(redis.RedisError), run.fleet.store() as store:
        found = look_at_running(store, [each.job_id for each in stage.crowds])
        for before, more in zip(seen, found, strict=True):
            before.extend(more)


def assert_all_agree(run: Run, stage: Stage, folder, running) -> None:
    assert stage.trouble == []
    run.fleet.await_ready()
    facts = run.gather(_MOST_S)
    findings = gather_experiments(run, stage.crowds, folder, keep_s=KEEP_S, running=running)
    assert judge_experiments(findings) == []
    assert judge(facts) == []
    assert run.fleet.journal.deaths == []
