"""A stream of jobs under a seeded adversary: nothing accepted is lost, nothing is paid twice.

`make chaos SEED=7 JOBS=500 SCALE=1` plays the long form; the short one runs with every test.
"""

from __future__ import annotations

import os
from random import Random

import pytest

from tests.chaos.adversary import Adversary, Pace
from tests.chaos.judge import judge, unknowns
from tests.chaos.run import open_run
from tests.chaos.scale import Scale

SEED = int(os.environ.get("SEED") or 1)
JOBS = int(os.environ.get("JOBS") or 200)
SCALE = Scale(float(os.environ.get("SCALE") or 1))
_SHORT_JOBS = 50


@pytest.mark.timeout(420)
def test_a_short_storm(tmp_path, small_clip, capsys):
    play(tmp_path, small_clip, capsys, seed=SEED, jobs=_SHORT_JOBS, pace=Pace(2, 5))


@pytest.mark.chaos
@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_long_storm(tmp_path, small_clip, capsys):
    play(tmp_path, small_clip, capsys, seed=SEED, jobs=JOBS, pace=Pace(2, 6))


def play(folder, clip, capsys, *, seed, jobs, pace):
    # Given the whole system and an adversary; when jobs are sent all the while,
    with open_run(folder, clip, scale=SCALE) as run:
        adversary, dice = Adversary(run, seed, pace), Random(seed)
        adversary.begin()
        for number in range(jobs):
            run.customer.send(f"storm-{number}", labels="AB")
            adversary.wait(dice.uniform(0.3, 1.7))
        adversary.end()
        facts = run.gather(240 * SCALE.factor)
    journal = run.fleet.journal
    with capsys.disabled():
        figures = {"accepted": len(facts.accepted), "unknowns": unknowns(facts)}
        print(f"\nstorm of seed {seed}, scale {SCALE.factor:g}:\n{journal.report(**figures)}")
    # Then all books agree, and nobody died but those who were killed.
    assert judge(facts) == []
    assert journal.deaths == []
    assert adversary.trouble == []
    assert len(facts.accepted) == jobs
    assert journal.total("kill") > 0
