"""An experiment whose looks end their worker, one after another."""

from __future__ import annotations

from service.jobs.advance import advance
from service.jobs.experiments import Status, attach_experiment
from service.model.rows import experiment_row
from service.store.commands import Claim
from service.store.due import read_due
from tests.integration.jobs.test_experiments import run_to_verdict, send_clear_winner, status_of
from tests.outcomes import an_experiment


def test_it_is_left_alone_for_an_hour_and_then_looked_at_as_ever(make_engine, small_clip):
    # Given an experiment that was claimed by worker after worker, of whom none came back,
    engine = make_engine(experiment_look_every_s=3600.0)
    job = engine.run_job(engine.submit(small_clip))
    attach_experiment(job, an_experiment(seed=job.id), engine.services)
    settings, row = engine.settings, experiment_row(job.id)
    for _ in range(settings.crash_limit):
        now = {"now_ms": engine.clock.now_ms(), "now_s": engine.clock.monotonic_s()}
        assert isinstance(engine.services.commands.claim(row, owner="w", **now), Claim)
        engine.clock.advance(settings.lease_s + settings.lease_grace_s + 1)
    # When another one claims it, then it is not looked at, and left alone.
    send_clear_winner(engine, job.id)
    advance(row, engine.services)
    (due,) = read_due(engine.services.connection, [row]).values()
    assert due.ready_ms == engine.clock.now_ms() + 3_600_000
    # After that it is looked at as ever.
    run_to_verdict(engine, job.id)
    assert status_of(engine, job.id) is Status.DECIDED
