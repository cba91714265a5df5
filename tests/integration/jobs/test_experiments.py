"""The row of an experiment: it begins, is looked at, tells its verdict once, and holds its job."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from service.errors import Conflict, InvalidRequest, NotFound
from service.experiments.intake import look
from service.experiments.ledger import plan_digest, plan_text
from service.experiments.plan import Arm
from service.experiments.snapshot import read_snapshot
from service.experiments.standing import Status, read_standing
from service.experiments.verdict import decide
from service.jobs.advance import advance
from service.jobs.experiments import (
    attach_experiment,
    judge_experiment,
    read_experiment,
    snapshot_of,
    take_outcomes,
)
from service.jobs.retention import sweep
from service.model.rows import experiment_row
from service.store.due import read_due
from service.store.retention import Retention
from service.store.scripts import Refusal
from tests.integration.jobs.harness import TENANT
from tests.outcomes import a_batch, an_experiment

DAY_S = 86_400
PLAN = {
    "variants": [{"label": "A", "weight": 0.5}, {"label": "B", "weight": 0.5}],
    "primary": {"name": "clicks", "kind": "proportion"},
}


@pytest.fixture
def engine(make_engine):
    """An engine that looks at experiments every hour, so that a day is not many turns."""
    return make_engine(experiment_look_every_s=3600.0)


@pytest.fixture
def ended(engine, small_clip):
    """A job that has ended with videos of A and B."""
    return engine.run_job(engine.submit(small_clip))


def send_clear_winner(engine, job_id: str) -> None:
    items = [
        a_batch("b1", 5000, "A", metrics={"clicks": {"s": 250}}, per="viewer"),
        a_batch("b2", 5000, "B", metrics={"clicks": {"s": 500}}, per="viewer"),
    ]
    said = take_outcomes(job_id, TENANT, {"outcomes": items}, engine.services)
    assert [each.status for each in said] == ["accepted"] * 2


def status_of(engine, job_id: str) -> Status:
    """The status of an experiment, which its job must tell too."""
    status = read_experiment(engine.read(job_id), engine.services).status
    standing = read_standing(engine.read(job_id).experiment)
    assert standing is not None
    assert standing.status is status
    return status


def run_to_verdict(engine, job_id: str) -> None:
    engine.run(lambda: not engine.services.plans.is_open(job_id))


def told(engine, job_id: str) -> list[dict]:
    events = engine.services.jobs.events(job_id)
    return [event for event in events if event["type"].startswith("experiment.")]


def test_an_experiment_of_an_ended_job_is_decided_told_once_and_kept(engine, ended):
    # Given an ended job to which a plan is attached, and outcomes of a clear winner
    assert attach_experiment(ended, an_experiment(seed=ended.id), engine.services)
    assert status_of(engine, ended.id) is Status.RUNNING
    send_clear_winner(engine, ended.id)
    # When its row is looked at until it closes
    begun_ms = engine.clock.now_ms()
    run_to_verdict(engine, ended.id)
    # Then the verdict came with the first look after its minimum run time, and was told once
    assert status_of(engine, ended.id) is Status.DECIDED
    late_s = (engine.clock.now_ms() - begun_ms) / 1000 - DAY_S
    assert 0 <= late_s <= engine.settings.experiment_look_every_s
    (event,) = told(engine, ended.id)
    assert event["type"] == "experiment.decided"
    assert (event["data"]["state"], event["data"]["variant"]) == ("winner", "B")
    assert "B" in event["data"]["sentence"]["en"]
    # And asking for it gives the same bytes, as its snapshot does.
    experiment = read_experiment(ended, engine.services)
    text = judge_experiment(engine.read(ended.id), engine.services)
    assert text == experiment.verdict_text
    kept = read_snapshot(json.loads(snapshot_of(experiment, engine.clock.now_ms())))
    assert decide(kept).as_bytes().decode() == text
    assert len(told(engine, ended.id)) == 1
    keep_ms = engine.settings.experiment_keep_s * 1000
    assert engine.read(ended.id).expires_ms == engine.clock.now_ms() + keep_ms


def test_an_experiment_with_wrong_shares_is_told_to_be_invalid_once(engine, ended):
    # Given twice as many viewers of B as of A, where both were to have as many
    attach_experiment(ended, an_experiment(seed=ended.id), engine.services)
    items = [a_batch("b1", 1000, "A", per="viewer"), a_batch("b2", 2000, "B", per="viewer")]
    take_outcomes(ended.id, TENANT, {"outcomes": items}, engine.services)
    # When it is looked at, and asked for, again and again
    run_to_verdict(engine, ended.id)
    for _ in range(2):
        assert json.loads(judge_experiment(ended, engine.services))["state"] == "invalid_srm"
    # Then it was told to be invalid, and nothing else was told
    (event,) = told(engine, ended.id)
    assert (event["type"], event["data"]["state"]) == ("experiment.invalid", "invalid_srm")
    assert status_of(engine, ended.id) is Status.DECIDED


def test_asking_for_the_verdict_decides_it_as_a_look_does(engine, ended):
    attach_experiment(ended, an_experiment(seed=ended.id), engine.services)
    send_clear_winner(engine, ended.id)
    assert json.loads(judge_experiment(ended, engine.services))["state"] == "collecting"
    assert told(engine, ended.id) == []
    engine.clock.advance(DAY_S)
    assert json.loads(judge_experiment(ended, engine.services))["state"] == "winner"
    assert len(told(engine, ended.id)) == 1
    assert advance(experiment_row(ended.id), engine.services) is Refusal.ENDED


def test_an_experiment_asked_for_with_its_job_begins_when_the_videos_are_there(engine, small_clip):
    # Given a job that was sent with a plan
    job_id = engine.submit(small_clip, experiment=PLAN)
    assert status_of(engine, job_id) is Status.WAITING
    engine.run(lambda: "job.succeeded" in engine.event_types(job_id))
    ended_ms = engine.read(job_id).ended_ms
    # When it has ended, then its experiment begins within moments, hashed with the job's name.
    engine.run(lambda: status_of(engine, job_id) is Status.RUNNING)
    experiment = read_experiment(engine.read(job_id), engine.services)
    assert experiment.plan.seed == job_id
    assert 0 <= experiment.started_ms - ended_ms <= 1000
    # And the job is kept however long that takes.
    assert engine.read(job_id).expires_ms == 0


def test_an_experiment_begins_within_a_minute_though_nobody_wakes_it(engine, small_clip):
    # Given a plan whose row is looked at while its job ends, so that the look undoes the wake-up
    job_id = engine.submit(small_clip)
    attach_experiment(engine.read(job_id), an_experiment(seed=job_id), engine.services)
    row = experiment_row(job_id)
    assert advance(row, engine.services) is None
    # Then it is looked at again as soon as any other row that waits
    (due,) = read_due(engine.services.connection, [row]).values()
    assert due.ready_ms - engine.clock.now_ms() <= engine.settings.look_every_s * 1000


def test_an_experiment_waits_for_the_comparison_too(engine, small_clip):
    # Given a job that has its videos, and compares them
    job_id = engine.submit(small_clip, experiment=PLAN)
    engine.run(lambda: engine.read(job_id).status == "comparing")
    # When it is looked at, then it has not begun; it has once the job has ended.
    advance(experiment_row(job_id), engine.services)
    assert engine.read(job_id).status == "comparing"
    assert status_of(engine, job_id) is Status.WAITING
    engine.run(lambda: status_of(engine, job_id) is Status.RUNNING)


def test_nothing_is_judged_before_it_begins(engine, small_clip):
    job_id = engine.submit(small_clip)
    attach_experiment(engine.read(job_id), an_experiment(seed=job_id), engine.services)
    assert status_of(engine, job_id) is Status.WAITING
    with pytest.raises(Conflict, match="begun"):
        judge_experiment(engine.read(job_id), engine.services)
    with pytest.raises(Conflict, match="begun"):
        take_outcomes(job_id, TENANT, {"outcomes": [a_batch("b", 1)]}, engine.services)


def test_an_experiment_whose_job_ends_without_videos_is_dropped_and_told(engine, small_clip):
    job_id = engine.submit(small_clip, experiment=PLAN)
    engine.cancel(job_id)
    engine.run_job(job_id)
    (event,) = told(engine, job_id)
    assert (event["type"], event["data"]["reason"]) == ("experiment.invalid", "videos_missing")
    assert "A, B" in event["data"]["sentence"]["en"]
    assert status_of(engine, job_id) is Status.DROPPED


def test_an_experiment_that_was_dropped_does_not_begin_behind_its_owners_back(engine, small_clip):
    # Given an experiment that was told to be over, and videos that messages have made since
    job_id = engine.submit(small_clip, experiment=PLAN)
    engine.cancel(job_id)
    job = engine.run_job(job_id)
    for label in "AB":
        engine.client.hset(f"cab:row:cut:{job_id}.0.{label}.1", "state", "succeeded")
    # When the same plan is given again, then it is as before: nobody would look at it.
    plan = read_experiment(job, engine.services).plan
    assert not attach_experiment(engine.read(job_id), plan, engine.services)
    assert status_of(engine, job_id) is Status.DROPPED
    assert read_experiment(job, engine.services).started_ms == 0
    assert len(told(engine, job_id)) == 1


def test_a_plan_of_variants_that_are_not_there_is_refused(engine, ended):
    arms = (Arm("A", 0.5), Arm("C", 0.5))
    with pytest.raises(InvalidRequest) as caught:
        attach_experiment(ended, an_experiment(arms=arms), engine.services)
    assert caught.value.errors[0].pointer == "#/variants/1/label"
    with pytest.raises(NotFound):
        read_experiment(ended, engine.services)


def test_a_plan_that_another_release_wrote_is_looked_at_as_it_was_attached(engine, ended):
    # Given a running experiment whose plan was written without what a later release writes
    plan = an_experiment(seed=ended.id)
    text = plan_text(plan).replace(',"title_zh":""', "")
    assert text != plan_text(plan)
    now_ms = engine.clock.now_ms()
    engine.services.plans.attach(ended.id, TENANT, text, plan_digest(text), now_ms=now_ms)
    # When it is looked at again and again, then it begins, counts and is decided.
    engine.run(lambda: status_of(engine, ended.id) is Status.RUNNING)
    # Tokens of viewers name the plan by its digest, so both places must have the same.
    assert engine.services.experiments.read(ended.id).digest == plan_digest(text)
    send_clear_winner(engine, ended.id)
    run_to_verdict(engine, ended.id)
    assert status_of(engine, ended.id) is Status.DECIDED


def test_a_job_tells_of_an_experiment_that_another_release_began(engine, ended):
    # Given a running experiment of a release that noted nothing with its job
    attach_experiment(ended, an_experiment(seed=ended.id), engine.services)
    engine.client.hdel(f"cab:job:{ended.id}", "experiment")
    # When it is looked at, then the job tells how far it is.
    engine.run(lambda: bool(engine.read(ended.id).experiment))
    assert engine.read(ended.id).experiment == Status.RUNNING


def test_a_verdict_whose_telling_was_cut_off_is_told_by_the_next_look(engine, ended):
    # Given a verdict that was frozen by somebody who died before it was told
    attach_experiment(ended, an_experiment(seed=ended.id), engine.services)
    send_clear_winner(engine, ended.id)
    engine.clock.advance(DAY_S)
    looked = look(engine.services.experiments, ended.id, TENANT, now_ms=engine.clock.now_ms())
    assert looked.is_final
    assert told(engine, ended.id) == []
    # When its row is looked at, then it is told, with what was frozen.
    run_to_verdict(engine, ended.id)
    (event,) = told(engine, ended.id)
    assert event["data"]["snapshot_sha256"] == json.loads(looked.text)["snapshot_sha256"]


def test_a_book_that_was_never_opened_is_opened_by_the_next_look(engine, ended):
    # Given a plan that was attached by somebody who died before its book was opened
    text = plan_text(an_experiment(seed=ended.id))
    now_ms = engine.clock.now_ms()
    engine.services.plans.attach(ended.id, TENANT, text, plan_digest(text), now_ms=now_ms)
    assert status_of(engine, ended.id) is Status.WAITING
    # When its row is looked at, then it runs.
    engine.run(lambda: status_of(engine, ended.id) is Status.RUNNING)


class Deleting:
    """Where outcomes are counted, for somebody whose job is deleted just before they reach it."""

    def __init__(self, engine, job_id: str):
        self._engine, self._job_id = engine, job_id

    def attach(self, *args, **options) -> int:
        parts, keep = self._engine.services, {"remember_ms": 1000, "uncounted_ms": 1000}
        retention, now_ms = Retention(parts.connection), self._engine.clock.now_ms()
        retention.delete_job(self._job_id, TENANT, force=True, now_ms=now_ms, **keep)
        sweep(retention, parts.files, parts.experiments, parts.settings, self._engine.clock)
        return parts.experiments.attach(*args, **options)

    def __getattr__(self, name: str):
        return getattr(self._engine.services.experiments, name)


def test_no_book_outlives_a_job_that_is_deleted_while_it_is_looked_at(engine, ended):
    # Given a running experiment
    attach_experiment(ended, an_experiment(seed=ended.id), engine.services)
    racing = replace(engine.services, experiments=Deleting(engine, ended.id))
    # When its job is deleted, and swept, after a look has read the plan
    engine.clock.advance(engine.settings.experiment_look_every_s)
    advance(experiment_row(ended.id), racing)
    # Then nothing that was counted stays, and nothing of it is opened anew
    assert engine.services.jobs.read(ended.id) is None
    assert engine.client.keys(f"cab:job:{ended.id}:experiment*") == []


def test_no_book_is_opened_for_a_job_that_is_deleted_while_a_plan_is_attached(engine, ended):
    racing = replace(engine.services, experiments=Deleting(engine, ended.id))
    with pytest.raises(NotFound):
        attach_experiment(ended, an_experiment(seed=ended.id), racing)
    assert engine.client.keys(f"cab:job:{ended.id}:experiment*") == []
