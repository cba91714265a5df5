"""Looks at experiments that have piled up are taken in rounds, the longest overdue first."""

from __future__ import annotations

import pytest

from service.jobs.rounds import take_round
from service.model.lifecycle import Queue
from service.model.rows import experiment_row

LOOKS = [experiment_row(f"job_{each}") for each in ("z", "b", "a")]


@pytest.fixture
def engine(make_engine):
    """An engine whose looks found no worker, the last name first, and a job's end among them."""
    engine = make_engine()
    rows = {LOOKS[0]: 1, "finish:job_q": 2, LOOKS[1]: 3, LOOKS[2]: 4}
    engine.client.zadd(engine.services.connection.keys.overdue(Queue.MEDIA), rows)
    return engine


def test_a_round_takes_looks_by_how_long_they_have_waited_and_nothing_else(engine):
    assert list(take_round(experiment_row("job_rung"), engine.services)) == LOOKS


def test_another_row_is_taken_alone(engine):
    assert list(take_round("finish:job_q", engine.services)) == []


def test_a_round_leaves_the_place_to_jobs_after_a_second(engine):
    taken = take_round(experiment_row("job_rung"), engine.services)
    assert next(taken) == LOOKS[0]
    engine.clock.advance(1)
    assert list(taken) == []
