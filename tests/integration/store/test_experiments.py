"""An experiment in the store: its plan, its end with the job, the verdict that is given once."""

from __future__ import annotations

import json
import threading

import pytest

from service.errors import Conflict, NotFound
from service.experiments.intake import judge, read_experiment, take_outcomes
from service.experiments.ledger import take_snapshot
from service.experiments.snapshot import canonical, read_snapshot, write_snapshot
from service.experiments.states import State
from service.experiments.verdict import Verdict, decide
from service.store.experiments import ExperimentStore
from tests.builders import TENANT, a_new_job, a_spec, an_event, endpoint_fields
from tests.integration.store.invariants import assert_nothing_stays, snapshot
from tests.integration.store.test_delete_job import delete
from tests.integration.store.test_retention import TTL_S, ended_job, retire
from tests.outcomes import a_batch, an_experiment, an_outcome

DAY_S = 86_400


@pytest.fixture
def experiments(store) -> ExperimentStore:
    return ExperimentStore(store.connection, store.settings)


def attach(store, experiments: ExperimentStore, job_id: str, **changes) -> bool:
    return experiments.attach(job_id, TENANT, an_experiment(**changes), now_ms=store.now_ms)


def send(store, experiments: ExperimentStore, job_id: str, *items) -> list[str]:
    found = take_outcomes(
        experiments, job_id, TENANT, {"outcomes": list(items)}, now_ms=store.now_ms
    )
    return [each.reason or each.status for each in found]


def look(store, experiments: ExperimentStore, job_id: str) -> dict:
    def tell(verdict: Verdict) -> str:
        return an_event("experiment.decided", job_id=job_id, state=verdict.state.value)

    return json.loads(judge(experiments, job_id, TENANT, tell=tell, now_ms=store.now_ms))


def clear_winner() -> list[dict]:
    return [
        a_batch("b1", 5000, "A", metrics={"clicks": {"s": 250}}, per="viewer"),
        a_batch("b2", 5000, "B", metrics={"clicks": {"s": 500}}, per="viewer"),
    ]


def test_the_same_plan_again_changes_nothing(store, experiments):
    job = store.accept()
    assert attach(store, experiments, job.id)
    before = snapshot(store.client)
    assert not attach(store, experiments, job.id)
    assert snapshot(store.client) == before
    assert read_experiment(experiments, job.id).plan == an_experiment()


@pytest.mark.parametrize("counted", [False, True])
def test_another_plan_is_refused_with_data_or_without(store, experiments, counted):
    job = store.accept()
    attach(store, experiments, job.id, planned_units=1000)
    if counted:
        send(store, experiments, job.id, an_outcome("e", "u"))
    before = snapshot(store.client)
    with pytest.raises(Conflict):
        attach(store, experiments, job.id, planned_units=2000)
    assert snapshot(store.client) == before
    # And the units for which it is tuned are the first ones.
    assert read_experiment(experiments, job.id).plan.pair_units(0, 1) == 1000


def test_another_tenants_job_has_no_experiment_to_give_or_to_fill(store, experiments):
    job = store.accept()
    with pytest.raises(NotFound):
        experiments.attach(job.id, "ten_2", an_experiment(), now_ms=store.now_ms)
    with pytest.raises(NotFound):
        send(store, experiments, job.id, an_outcome("e", "u"))
    attach(store, experiments, job.id)
    items = {"outcomes": [an_outcome("e", "u")]}
    before = snapshot(store.client)
    with pytest.raises(NotFound):
        take_outcomes(experiments, job.id, "ten_2", items, now_ms=store.now_ms)
    assert snapshot(store.client) == before


def test_all_of_it_goes_with_its_job(store, experiments):
    # Given an ended job with an experiment of every kind of record
    job = ended_job(store)
    attach(store, experiments, job.id)
    source = {"source": "s", "revision": 1, "variant": "A", "units": 3, "metrics": {}}
    said = send(store, experiments, job.id, an_outcome("e", "u"), a_batch("b", 2), source)
    assert said == ["accepted"] * 3
    assert store.client.hget(f"cab:tenant:{TENANT}", "records") == "4"
    assert len(store.client.keys(f"cab:job:{job.id}:experiment*")) == 4
    assert_nothing_stays(store.client)
    # When its time is over, then nothing of it is left, and its tenant has its room again.
    store.clock.advance(TTL_S)
    retire(store)
    assert store.client.keys(f"cab:job:{job.id}*") == []
    assert store.client.hget(f"cab:tenant:{TENANT}", "records") is None


def test_all_of_it_goes_when_its_job_is_deleted(store, experiments):
    job = store.comparing_job()
    attach(store, experiments, job.id)
    send(store, experiments, job.id, an_outcome("e", "u"))
    store.finish(job.id)
    assert delete(store, job.id)
    assert store.client.keys(f"cab:job:{job.id}*") == []
    assert store.client.hget(f"cab:tenant:{TENANT}", "records") is None


def test_a_verdict_is_frozen_once_with_its_snapshot_and_event(store, experiments):
    # Given an experiment with a clear winner
    job = ended_job(store, spec=a_spec(hooks=True))
    attach(store, experiments, job.id)
    send(store, experiments, job.id, *clear_winner())
    # When it is looked at before and after its minimum run time
    assert look(store, experiments, job.id)["state"] == "collecting"
    assert "experiment.decided" not in store.event_types(job.id)
    store.clock.advance(DAY_S)
    first = look(store, experiments, job.id)
    # Then the verdict is given, and told once
    assert (first["state"], first["variant"]) == ("winner", "B")
    assert store.event_types(job.id).count("experiment.decided") == 1
    # And later outcomes are counted and change it no more.
    send(store, experiments, job.id, a_batch("b3", 9000, "A", metrics={"clicks": {"s": 4000}}))
    store.clock.advance(DAY_S)
    assert look(store, experiments, job.id) == first
    assert store.event_types(job.id).count("experiment.decided") == 1
    book = read_experiment(experiments, job.id)
    assert take_snapshot(book, now_ms=store.now_ms).tallies[0].exposed == 14_000
    # What was frozen follows from its own snapshot, to the byte.
    kept = read_snapshot(json.loads(book.frozen_snapshot))
    assert decide(kept).as_bytes().decode() == book.verdict


def test_of_many_looks_at_once_one_freezes(store, experiments):
    job = store.accept()
    attach(store, experiments, job.id)
    won = []

    def freeze(n: int) -> None:
        event = an_event("experiment.decided", by=n)
        won.append(
            experiments.freeze(
                job.id, TENANT, least={}, snapshot=f"s{n}", verdict=f"v{n}", event=event,
                now_ms=store.now_ms,
            )
        )  # fmt: skip

    threads = [threading.Thread(target=freeze, args=(n,)) for n in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(first for first, _ in won) == [False] * 15 + [True]
    assert len({verdict for _, verdict in won}) == 1
    book = read_experiment(experiments, job.id)
    assert book.frozen_snapshot == book.verdict.replace("v", "s")
    assert store.event_types(job.id).count("experiment.decided") == 1


def test_the_least_of_all_looks_is_kept(store, experiments):
    job = store.accept()
    attach(store, experiments, job.id)
    for least in ({"srm": -2.5, "A:B": -1e-17}, {"srm": -3.0000000000000004}, {"srm": -0.125}):
        experiments.freeze(job.id, TENANT, least=least, now_ms=store.now_ms)
    taken = take_snapshot(read_experiment(experiments, job.id), now_ms=store.now_ms)
    assert taken.earlier == {"srm": -3.0000000000000004, "A:B": -1e-17}


def test_an_ended_job_waits_for_news_of_its_verdict(store, experiments):
    # Given an ended job whose keys have an end, and an endpoint that listens
    job = ended_job(store)
    attach(store, experiments, job.id)
    store.endpoints.create(TENANT, "whe_1", endpoint_fields(), now_ms=store.now_ms)
    key = f"cab:job:{job.id}:experiment"
    assert store.client.pttl(key) > 0
    # When a verdict is frozen, then all stays until that was told, and goes in its turn.
    experiments.freeze(
        job.id, TENANT, least={}, snapshot="s", verdict="v",
        event=an_event("experiment.decided"), now_ms=store.now_ms,
    )  # fmt: skip
    assert (store.client.pttl(key), store.client.pttl(f"cab:job:{job.id}")) == (-1, -1)
    (event,) = [row for row in store.client.zrange("cab:due", 0, -1) if row.startswith("event:")]
    store.deliveries.fan_out(store.claim(event), [], now_ms=store.now_ms)
    assert store.client.pttl(key) > 0


def test_news_of_a_verdict_on_an_ended_job_begins_its_time_anew(store, experiments):
    # Given a job without webhooks that has ended, a day before its time is over
    job = ended_job(store)
    attach(store, experiments, job.id)
    store.clock.advance(TTL_S - DAY_S)
    experiments.freeze(
        job.id, TENANT, least={}, snapshot="s", verdict="v",
        event=an_event("experiment.decided"), now_ms=store.now_ms,
    )  # fmt: skip
    # When that time has come, then it is still there, and goes in its turn.
    store.clock.advance(2 * DAY_S)
    retire(store)
    assert read_experiment(experiments, job.id).verdict == "v"
    assert_nothing_stays(store.client)
    store.clock.advance(TTL_S)
    retire(store)
    assert experiments.read(job.id) is None


def test_days_of_traffic_are_the_last_seven(store, experiments):
    job = store.accept()
    attach(store, experiments, job.id)
    send(store, experiments, job.id, a_batch("old", 700))
    store.clock.advance(8 * DAY_S)
    send(store, experiments, job.id, a_batch("new", 40), an_outcome("e", "u"))
    taken = take_snapshot(read_experiment(experiments, job.id), now_ms=store.now_ms)
    assert taken.recent.units == 41
    assert 6 * DAY_S <= taken.recent.seconds <= 7 * DAY_S


def test_corrections_that_contradict_each_other_give_no_verdict_but_a_snapshot(store, experiments):
    # Given a clear winner, of which more units are taken back than those that did nothing
    job = store.accept()
    attach(store, experiments, job.id)
    less = a_batch("b3", -4900, "B", metrics={"clicks": {"s": 0}}, correction=True)
    assert send(store, experiments, job.id, *clear_winner(), less) == ["accepted"] * 3
    # When it is looked at after its minimum run time
    store.clock.advance(DAY_S)
    taken = take_snapshot(read_experiment(experiments, job.id), now_ms=store.now_ms)
    # Then the snapshot can be kept and read, and it names no winner by that metric.
    assert read_snapshot(json.loads(canonical(write_snapshot(taken)))) == taken
    assert decide(taken).state not in {State.WINNER, State.LEADING}


def test_too_many_units_in_two_variants_spoil_it(store, experiments):
    job = store.accept(a_new_job())
    attach(store, experiments, job.id)
    send(store, experiments, job.id, *(an_outcome(f"a{n}", f"u{n}") for n in range(100)))
    said = send(store, experiments, job.id, *(an_outcome(f"b{n}", f"u{n}", "B") for n in range(10)))
    assert said == ["unit_in_two_variants"] * 10
    assert look(store, experiments, job.id)["state"] == State.INVALID_DATA
