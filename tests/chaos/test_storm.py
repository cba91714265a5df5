"""A stream of jobs under a seeded adversary: nothing accepted is lost, nothing is paid twice.

`make chaos SEED=7 JOBS=500 SCALE=1` plays the long form; the short one runs with every test.
"""

from __future__ import annotations

import os
from random import Random

import pytest

from tests.chaos.adversary import CUTS, Adversary, Pace
from tests.chaos.judge import judge, judge_resumptions, judge_storm, unknowns
from tests.chaos.run import open_run
from tests.chaos.scale import Scale

SEED = int(os.environ.get("SEED") or 1)
JOBS = int(os.environ.get("JOBS") or 200)
SCALE = Scale(float(os.environ.get("SCALE") or 1))
_SHORT_JOBS = 50
#: What every storm provokes, because the adversary begins with it.
_LEAST = {"kill": 1, "recovery": 1, CUTS: 1}


@pytest.mark.timeout(420)
def test_a_short_storm(tmp_path, small_clip, capsys):
    play(tmp_path, small_clip, capsys, jobs=_SHORT_JOBS, pace=Pace(2, 5), least=_LEAST)


@pytest.mark.chaos
@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_long_storm(tmp_path, small_clip, capsys):
    least = {**_LEAST, "kill": max(1, JOBS // 40), "recovery": max(1, JOBS // 40)}
    play(tmp_path, small_clip, capsys, jobs=JOBS, pace=Pace(2, 6), least=least)


def play(folder, clip, capsys, *, jobs, pace, least):
    # Given the whole system and an adversary; when jobs are sent all the while,
    with open_run(folder, clip, scale=SCALE) as run:
        adversary, dice = Adversary(run, SEED, pace), Random(SEED)
        adversary.begin()
        for number in range(jobs):
            run.customer.send(f"storm-{number}", labels="AB")
            adversary.wait(dice.uniform(0.3, 1.7))
        adversary.end()
        facts = run.gather(240 * SCALE.factor)
    journal, resumed = run.fleet.journal, run.resumptions()
    with capsys.disabled():
        figures = {"accepted": len(facts.accepted), "unknowns": unknowns(facts)}
        figures = journal.report(resumed, SCALE.resume_bound_s, **figures)
        print(f"\nstorm of seed {SEED}, scale {SCALE.factor:g}:\n{figures}")
    # Then all books agree, nobody died but those who were killed,
    assert judge(facts) == []
    assert journal.deaths == []
    assert adversary.trouble == []
    assert len(facts.accepted) == jobs
    # the storm was one, and what the dead held was worked on again in time.
    assert judge_storm(journal, least) == []
    assert judge_resumptions(resumed, SCALE.resume_bound_s) == []
