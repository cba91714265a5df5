"""Where outcomes are counted may be another Redis, be away, or come back empty."""

from __future__ import annotations

from dataclasses import replace

import pytest
import redis

from service.errors import ClockRefused, Conflict, StoreUnavailable
from service.experiments.standing import Standing, read_standing
from service.experiments.states import State
from service.jobs.advance import advance
from service.jobs.experiments import (
    Status,
    attach_experiment,
    judge_experiment,
    read_experiment,
    snapshot_of,
    take_outcomes,
)
from service.jobs.retention import sweep
from service.model.rows import experiment_row
from service.store.connection import Connection
from service.store.experiments import ExperimentStore
from service.store.pool import connect
from service.store.retention import Retention
from tests.integration.jobs.harness import TENANT
from tests.integration.jobs.test_experiments import (
    DAY_S,
    ended,
    engine,
    run_to_verdict,
    send_clear_winner,
    status_of,
    told,
)
from tests.outcomes import an_experiment, an_outcome

__all__ = ["ended", "engine"]


class Away(ExperimentStore):
    """Where outcomes are counted, while it is away; `asked` is how often it was waited for."""

    asked = 0

    def read(self, *_, **__):
        self.asked += 1
        raise StoreUnavailable("Redis: TimeoutError.")

    attach = read


class AnotherTime(ExperimentStore):
    """The same while it takes no time of ours."""

    def read(self, *_, **__):
        raise ClockRefused


def test_an_experiment_whose_counts_are_lost_says_so_and_does_not_begin_anew(engine, ended):
    # Given a running experiment that was looked at, and a Redis of counts that comes back empty
    attach_experiment(ended, an_experiment(seed=ended.id), engine.services)
    send_clear_winner(engine, ended.id)
    engine.run(lambda: len(engine.services.experiments.read_points(ended.id)) > 0)
    engine.services.experiments.drop(ended.id, now_ms=engine.clock.now_ms())
    # When it is looked at again, then it is over, and says why.
    run_to_verdict(engine, ended.id)
    (event,) = told(engine, ended.id)
    assert (event["type"], event["data"]["reason"]) == ("experiment.invalid", "counts_lost")
    assert status_of(engine, ended.id) is Status.LOST


def test_a_verdict_whose_counts_are_lost_later_did_begin(engine, ended):
    attach_experiment(ended, an_experiment(seed=ended.id), engine.services)
    send_clear_winner(engine, ended.id)
    run_to_verdict(engine, ended.id)
    engine.services.experiments.drop(ended.id, now_ms=engine.clock.now_ms())
    assert_lost_after_its_verdict(engine, ended.id)
    # Whoever asks for the verdict or sends more is told so, and not to wait for a beginning.
    late = {"outcomes": [an_outcome("e", "u")]}
    for ask in (
        lambda: judge_experiment(ended, engine.services),
        lambda: take_outcomes(ended.id, TENANT, late, engine.services),
    ):
        with pytest.raises(Conflict, match="has been lost") as caught:
            ask()
        assert caught.value.extra["experiment_status"] == "lost"


def assert_lost_after_its_verdict(engine, job_id: str) -> None:
    """The counts are gone; the job goes on telling what its experiment has come to."""
    job = engine.read(job_id)
    assert read_experiment(job, engine.services).status is Status.LOST
    assert read_standing(job.experiment) == Standing(Status.DECIDED, State.WINNER)


def test_where_outcomes_are_counted_may_be_away_for_days(engine, ended):
    # Given a running experiment whose Redis does not answer for three days
    attach_experiment(ended, an_experiment(seed=ended.id), engine.services)
    send_clear_winner(engine, ended.id)
    away = Away(engine.services.connection, engine.settings)
    blind = replace(engine.services, experiments=away)
    until_ms = engine.clock.now_ms() + 3 * DAY_S * 1000
    engine.run(lambda: engine.clock.now_ms() >= until_ms, blind)
    # When it answers again, then the next look gives the verdict.
    engine.run(lambda: bool(told(engine, ended.id)))
    assert engine.clock.now_ms() <= until_ms + 2 * engine.settings.experiment_look_every_s * 1000


def test_looks_wait_for_it_once_a_minute_not_each(engine, ended):
    # Given more looks than one, at counts that do not answer
    attach_experiment(ended, an_experiment(seed=ended.id), engine.services)
    row = experiment_row(ended.id)
    away = Away(engine.services.connection, engine.settings)
    blind = replace(engine.services, experiments=away)
    # When they come within a minute, then one has waited for the answer
    for _ in range(3):
        wake(engine, row)
        advance(row, blind)
    assert away.asked == 1
    # And when the minute is over, the next one does.
    engine.clock.advance(60)
    wake(engine, row)
    advance(row, blind)
    assert away.asked == 2


def test_counts_that_refuse_the_time_do_not_make_looks_be_given_up(engine, ended):
    # Given counts that refuse it for more looks than a row may break off
    attach_experiment(ended, an_experiment(seed=ended.id), engine.services)
    row = experiment_row(ended.id)
    refusing = AnotherTime(engine.services.connection, engine.settings)
    for _ in range(engine.settings.crash_limit + 2):
        engine.clock.advance(engine.settings.experiment_look_every_s)
        advance(row, replace(engine.services, experiments=refusing))
    # Then none of them counts as one that ended its worker.
    assert engine.client.hget(f"cab:row:{row}", "crashes") == "0"


def wake(engine, row: str) -> None:
    """Let a row be due now."""
    engine.client.hset(f"cab:row:{row}", "ready", engine.clock.now_ms())


def test_outcomes_may_be_counted_in_a_redis_of_their_own(make_engine, small_clip, redis_url):
    # Given an operator who counts elsewhere, and an experiment that was decided
    engine = make_engine(
        experiments_redis_url=redis_url.replace("db=0", "db=1"), experiment_look_every_s=3600.0
    )
    job = engine.run_job(engine.submit(small_clip))
    attach_experiment(job, an_experiment(seed=job.id), engine.services)
    send_clear_winner(engine, job.id)
    assert engine.client.keys(f"cab:job:{job.id}:experiment*") == []
    run_to_verdict(engine, job.id)
    assert told(engine, job.id)[0]["data"]["variant"] == "B"
    # When the job's time is over, then what was counted there goes too.
    engine.run(lambda: engine.read(job.id).expires_ms > 0)
    engine.clock.advance(engine.settings.experiment_keep_s)
    parts = engine.services
    sweep(Retention(parts.connection), parts.files, parts.experiments, parts.settings, engine.clock)
    assert parts.jobs.read(job.id) is None
    assert parts.experiments.read(job.id) is None
    with redis.Redis.from_url(engine.settings.experiments_redis_url) as elsewhere:
        assert set(elsewhere.scan_iter()) == {b"cab:clock", b"cab:counting-id"}


@pytest.fixture
def apart(make_engine, small_clip, redis_url):
    """A job with a running experiment that was looked at, counted in a Redis of its own."""
    engine = make_engine(
        experiments_redis_url=redis_url.replace("db=0", "db=1"), experiment_look_every_s=3600.0
    )
    job = engine.run_job(engine.submit(small_clip))
    attach_experiment(job, an_experiment(seed=job.id), engine.services)
    send_clear_winner(engine, job.id)
    engine.run(lambda: len(engine.services.experiments.read_points(job.id)) > 0)
    with redis.Redis.from_url(engine.settings.experiments_redis_url) as elsewhere:
        yield engine, job, elsewhere


def test_a_redis_that_comes_back_empty_ends_nothing_until_its_operator_says_so(apart):
    # Given a Redis of counts that has lost everything
    engine, job, elsewhere = apart
    elsewhere.flushdb()
    # When looks come for a day, then none of them ends the experiment
    until_ms = engine.clock.now_ms() + DAY_S * 1000
    engine.run(lambda: engine.clock.now_ms() >= until_ms)
    assert told(engine, job.id) == []
    # and whoever asks, or sends something, is told to come again.
    late = {"outcomes": [an_outcome("e", "u")]}
    for ask in (
        lambda: judge_experiment(job, engine.services),
        lambda: take_outcomes(job.id, TENANT, late, engine.services),
        lambda: attach_experiment(job, an_experiment(seed=job.id), engine.services),
    ):
        with pytest.raises(StoreUnavailable, match="is empty now"):
            ask()
    # When the operator says that nothing comes back, then it is over, and says why.
    engine.client.delete("cab:counting-id")
    engine.run(lambda: bool(told(engine, job.id)))
    assert told(engine, job.id)[0]["data"]["reason"] == "counts_lost"


def test_a_wrong_address_for_a_day_harms_no_experiment(apart, redis_url):
    # Given processes that count in another Redis than before
    engine, job, _ = apart
    url = redis_url.replace("db=0", "db=2")
    client = connect(engine.settings, connections=2, name="test", url=url)
    wrong = Connection(client, engine.settings, engine.clock)
    main = engine.services.connection
    astray = replace(engine.services, experiments=ExperimentStore(wrong, engine.settings, main))
    until_ms = engine.clock.now_ms() + DAY_S * 1000
    engine.run(lambda: engine.clock.now_ms() >= until_ms, astray)
    # Then nothing is counted there, and the experiment goes on.
    with pytest.raises(StoreUnavailable):
        take_outcomes(job.id, TENANT, {"outcomes": [an_outcome("e", "u")]}, astray)
    assert client.keys("cab:job:*") == []
    # When the address is right again, then the verdict is given.
    run_to_verdict(engine, job.id)
    assert told(engine, job.id)[0]["data"]["variant"] == "B"
    client.close()


def test_a_process_that_is_told_no_address_for_a_day_harms_no_experiment(apart):
    # Given processes without the setting, which would count in the main Redis
    engine, job, _ = apart
    main = engine.services.connection
    astray = replace(engine.services, experiments=ExperimentStore(main, engine.settings, main))
    until_ms = engine.clock.now_ms() + DAY_S * 1000
    engine.run(lambda: engine.clock.now_ms() >= until_ms, astray)
    # Then nothing is counted there, and the experiment goes on.
    with pytest.raises(StoreUnavailable, match="not the one that has counted"):
        take_outcomes(job.id, TENANT, {"outcomes": [an_outcome("e", "u")]}, astray)
    assert engine.client.keys(f"cab:job:{job.id}:experiment*") == []
    assert told(engine, job.id) == []
    # When they are told, then the verdict is given.
    run_to_verdict(engine, job.id)
    assert told(engine, job.id)[0]["data"]["variant"] == "B"


def test_an_address_that_is_set_while_the_main_one_counts_harms_no_experiment(
    engine, ended, redis_url
):
    # Given an experiment that the main Redis counts, and then processes that are told of another
    attach_experiment(ended, an_experiment(seed=ended.id), engine.services)
    send_clear_winner(engine, ended.id)
    url = redis_url.replace("db=0", "db=1")
    with connect(engine.settings, connections=2, name="test", url=url) as client:
        other = Connection(client, engine.settings, engine.clock)
        store = ExperimentStore(other, engine.settings, engine.services.connection)
        until_ms = engine.clock.now_ms() + DAY_S * 1000
        engine.run(
            lambda: engine.clock.now_ms() >= until_ms, replace(engine.services, experiments=store)
        )
    # Then it is not ended; when they are told of none again, then the verdict is given.
    assert told(engine, ended.id) == []
    run_to_verdict(engine, ended.id)
    assert told(engine, ended.id)[0]["data"]["variant"] == "B"


def test_what_was_counted_is_not_taken_for_dropped_where_it_never_was(apart):
    # Given a job that goes while its counts cannot be reached under a wrong address
    engine, job, elsewhere = apart
    parts, retention = engine.services, Retention(engine.services.connection)
    own = elsewhere.get("cab:counting-id")
    elsewhere.set("cab:counting-id", "of another")
    now_ms = engine.clock.now_ms()
    times = {"remember_ms": DAY_S * 1000, "uncounted_ms": DAY_S * 1000, "now_ms": now_ms}
    retention.delete_job(job.id, TENANT, force=True, **times)
    sweep(retention, parts.files, parts.experiments, parts.settings, engine.clock)
    assert elsewhere.exists(f"cab:job:{job.id}:experiment")
    # When it is the right one again, then a later sweep forgets them.
    elsewhere.set("cab:counting-id", own)
    engine.clock.advance(3600)
    sweep(retention, parts.files, parts.experiments, parts.settings, engine.clock)
    assert not elsewhere.exists(f"cab:job:{job.id}:experiment")


def test_counts_of_before_a_verdict_give_no_other_one(engine, ended):
    # Given a verdict that was told, and a Redis of counts that comes back as it was before it
    attach_experiment(ended, an_experiment(seed=ended.id), engine.services)
    send_clear_winner(engine, ended.id)
    book = engine.client.keys(f"cab:job:{ended.id}:experiment*")
    copy = {key: engine.client.dump(key) for key in book}
    run_to_verdict(engine, ended.id)
    for key, value in copy.items():
        engine.client.restore(key, 0, value, replace=True)
    # When somebody asks for it, then no second one is made
    with pytest.raises(Conflict, match="has been lost"):
        judge_experiment(ended, engine.services)
    assert_lost_after_its_verdict(engine, ended.id)
    with pytest.raises(Conflict, match="has been lost"):
        snapshot_of(read_experiment(ended, engine.services), engine.clock.now_ms())
    assert len(told(engine, ended.id)) == 1
