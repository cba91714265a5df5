"""How far an experiment is, from what is noted with its job."""

from __future__ import annotations

import pytest

from service.experiments.standing import DROPPED, Standing, Status, read_standing
from service.experiments.states import State
from service.jobs.experiment_rows import LOST


@pytest.mark.parametrize(
    ("note", "status"),
    [("waiting", Status.WAITING), ("running", Status.RUNNING), (DROPPED, Status.DROPPED),
     (LOST, Status.LOST), ("of a later release", Status.LOST)],
)  # fmt: skip
def test_an_experiment_without_a_verdict_has_a_status_alone(note: str, status: Status):
    assert read_standing(note) == Standing(status)


@pytest.mark.parametrize("state", [each for each in State if each.is_final])
def test_a_decided_one_has_the_state_of_its_verdict(state: State):
    assert read_standing(state.value) == Standing(Status.DECIDED, state)


def test_a_job_without_a_note_has_none():
    assert read_standing("") is None
