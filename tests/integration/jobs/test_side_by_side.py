"""Edits side by side: what each costs, or that it is unknown, and the limit that holds for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from service.jobs.advance import advance
from service.model.lifecycle import CutState
from tests.integration.jobs.harness import Harness
from tests.integration.jobs.test_messages import revisions, say


class Interleaved:
    """A backend client that does something once its first message was answered, and paid for."""

    def __init__(self, nemo: Any, then: Callable[[], None]) -> None:
        self._nemo, self._then = nemo, then

    def converse(self, *args: Any, **kwargs: Any) -> Any:
        answer = self._nemo.converse(*args, **kwargs)
        then, self._then = self._then, lambda: None
        then()
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._nemo, name)


def caption_one_within_the_other(engine: Harness, job: str, first: str, second: str) -> None:
    """Run the newest cut of `second` between the answer to `first` and its booking."""
    rows = {label: revisions(engine, job, label)[-1].row for label in (first, second)}
    inner, outer = engine.worker("inner"), engine.worker("outer")

    def run_second() -> None:
        for _ in range(10):
            advance(rows[second], inner)

    double: Any = Interleaved(outer.nemo, run_second)
    worker = replace(outer, nemo=double)
    engine.run(lambda: _is_due(engine, rows[first]))
    for _ in range(10):
        advance(rows[first], worker)
    engine.run_job(job)


def _is_due(engine: Harness, row: str) -> bool:
    return dict(engine.due()).get(row, 1 << 60) <= engine.clock.now_ms()


def costs(engine: Harness, job: str) -> dict[str, tuple[str, int | None]]:
    cuts = {label: revisions(engine, job, label)[-1] for label in "AB"}
    assert all(cut.state is CutState.SUCCEEDED for cut in cuts.values())
    return {label: (cut.doc.edit.charged, cut.doc.edit.credits) for label, cut in cuts.items()}


@pytest.fixture
def job(engine, small_clip, sandbox) -> str:
    """A finished job that may generate, on a backend that charges for each message."""
    sandbox.world.board.set({"charge": "message"})
    job = engine.submit(small_clip, allow_generation=True)
    engine.run_job(job)
    return job


@pytest.mark.rule("P-094")
def test_plain_edits_side_by_side_cost_what_plain_edits_cost(engine, job):
    # Given two edits of a job that may generate, neither of which does,
    say(engine, job, "make the text color #ff0000", "A")
    say(engine, job, "make the text color #00ff00", "B")
    # When both are paid for before either is booked,
    caption_one_within_the_other(engine, job, "A", "B")
    # Then neither takes the other's charge.
    assert costs(engine, job) == {"A": ("yes", 50), "B": ("yes", 50)}
    assert engine.read(job).charged == 200


@pytest.mark.rule("P-094")
def test_an_edit_that_generated_beside_another_says_that_it_cannot_tell(engine, job, sandbox):
    # Given one that generates, at 100 credits, and one that does not,
    say(engine, job, "generate a video of a cat", "A")
    say(engine, job, "make the text color #00ff00", "B")
    # When the one that generates is booked while the other's charge has gone too,
    caption_one_within_the_other(engine, job, "B", "A")
    # Then it is unknown what it cost, and the other has its own charge only.
    assert costs(engine, job) == {"A": ("unknown", None), "B": ("yes", 50)}
    assert sum(charge["credits"] for charge in sandbox.books["charges"]) == 250


@pytest.mark.rule("P-094")
def test_an_edit_that_generated_alone_is_booked_exactly(engine, job):
    say(engine, job, "generate a video of a cat", "A")
    engine.run_job(job)
    cut = revisions(engine, job)[-1]
    assert (cut.doc.edit.charged, cut.doc.edit.credits) == ("yes", 100)
    assert engine.read(job).charged == 200


@pytest.mark.rule("P-091")
def test_two_edits_at_once_do_not_overspend_the_job_s_limit(engine, small_clip, sandbox):
    # Given a job with room for one more edit, and two that were accepted,
    sandbox.world.board.set({"charge": "message"})
    job = engine.submit(small_clip, max_credits=150)
    engine.run_job(job)
    say(engine, job, "make the text color #ff0000", "A")
    say(engine, job, "make the text color #00ff00", "B")
    # When the second comes to its message while the first is paid for and not yet booked,
    caption_one_within_the_other(engine, job, "A", "B")
    # Then it ends by saying why, and nothing beyond the limit was spent.
    first, second = (revisions(engine, job, label)[-1] for label in "AB")
    assert first.state is CutState.SUCCEEDED
    assert second.doc.failure.code == "max_credits"
    assert "200 credits" in second.doc.failure.detail
    assert engine.read(job).charged == 150
    assert sum(charge["credits"] for charge in sandbox.books["charges"]) == 150
