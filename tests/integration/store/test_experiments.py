"""An experiment in the store: its plan, its end with the job, the verdict that is given once."""

from __future__ import annotations

import json
import threading
from itertools import pairwise

import pytest

from service.errors import Conflict, NotFound
from service.experiments import intake
from service.experiments.intake import read_experiment, take_outcomes
from service.experiments.ledger import plan_digest, plan_text, take_snapshot
from service.experiments.looks import MOST_POINTS
from service.experiments.plan import Plan
from service.experiments.snapshot import canonical, read_snapshot, write_snapshot
from service.experiments.states import State
from service.experiments.verdict import decide
from service.store.experiments import ExperimentStore
from tests.builders import TENANT, a_new_job, a_spec, an_event
from tests.integration.store.invariants import snapshot
from tests.integration.store.test_retention import ended_job
from tests.outcomes import a_batch, an_experiment, an_outcome, figures

DAY_S = 86_400
KEEP_S = 30 * DAY_S


def attach(store, experiments: ExperimentStore, job_id: str, **changes) -> bool:
    """Give a job a plan and begin to count."""
    plan = an_experiment(**changes)
    new = attach_plan(store, job_id, TENANT, plan)
    experiments.attach(job_id, TENANT, plan, begin=True, now_ms=store.now_ms)
    return new


def attach_plan(store, job_id: str, tenant_id: str, plan: Plan) -> bool:
    text = plan_text(plan)
    return store.plans.attach(job_id, tenant_id, text, plan_digest(text), now_ms=store.now_ms)


def send(store, experiments: ExperimentStore, job_id: str, *items) -> list[str]:
    found = take_outcomes(
        experiments, job_id, TENANT, {"outcomes": list(items)}, now_ms=store.now_ms
    )
    return [each.reason or each.status for each in found]


def look(store, experiments: ExperimentStore, job_id: str) -> dict:
    return json.loads(intake.look(experiments, job_id, TENANT, now_ms=store.now_ms).text)


def close(store, job_id: str, event: str = "") -> bool:
    body = event or an_event("experiment.decided", job_id=job_id)
    return store.plans.close(job_id, TENANT, State.WINNER, body, now_ms=store.now_ms)


def freeze(store, experiments: ExperimentStore, job_id: str, mark: str = "") -> str | None:
    return experiments.freeze(
        job_id, TENANT, least={}, point="{}", snapshot=f"s{mark}", verdict=f"v{mark}",
        now_ms=store.now_ms,
    )  # fmt: skip


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
        attach_plan(store, job.id, "ten_2", an_experiment())
    with pytest.raises(NotFound):
        send(store, experiments, job.id, an_outcome("e", "u"))
    attach(store, experiments, job.id)
    items = {"outcomes": [an_outcome("e", "u")]}
    before = snapshot(store.client)
    with pytest.raises(NotFound):
        take_outcomes(experiments, job.id, "ten_2", items, now_ms=store.now_ms)
    assert snapshot(store.client) == before


def test_a_verdict_is_frozen_once_with_its_snapshot(store, experiments):
    # Given an experiment with a clear winner
    job = ended_job(store, spec=a_spec(hooks=True))
    attach(store, experiments, job.id)
    send(store, experiments, job.id, *clear_winner())
    # When it is looked at before and after its minimum run time
    assert look(store, experiments, job.id)["state"] == "collecting"
    store.clock.advance(DAY_S)
    first = look(store, experiments, job.id)
    # Then the verdict is given
    assert (first["state"], first["variant"]) == ("winner", "B")
    # And later outcomes are counted and change it no more.
    send(store, experiments, job.id, a_batch("b3", 9000, "A", metrics={"clicks": {"s": 4000}}))
    store.clock.advance(DAY_S)
    assert look(store, experiments, job.id) == first
    book = read_experiment(experiments, job.id)
    assert take_snapshot(book, now_ms=store.now_ms).tallies[0].exposed == 14_000
    # What was frozen follows from its own snapshot, to the byte.
    kept = read_snapshot(json.loads(book.frozen_snapshot))
    assert decide(kept).as_bytes().decode() == book.verdict


def test_of_many_looks_at_once_one_freezes_and_one_is_told(store, experiments):
    job = ended_job(store)
    attach(store, experiments, job.id)
    kept, told = [], []

    def judge(n: int) -> None:
        kept.append(freeze(store, experiments, job.id, str(n)))
        told.append(close(store, job.id, an_event("experiment.decided", by=n)))

    threads = [threading.Thread(target=judge, args=(n,)) for n in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(told) == [False] * 15 + [True]
    assert len(set(kept)) == 1
    book = read_experiment(experiments, job.id)
    assert book.frozen_snapshot == book.verdict.replace("v", "s")
    assert store.event_types(job.id).count("experiment.decided") == 1


def test_points_of_looks_lie_evenly_and_the_last_one_stays(store, experiments):
    # Given an experiment that is looked at every minute for three days
    job = store.accept()
    attach(store, experiments, job.id)
    began_ms, looks = store.now_ms, 3 * 24 * 60
    for _ in range(looks):
        store.clock.advance(60)
        experiments.freeze(
            job.id, TENANT, least={}, point=a_point(store.now_ms), now_ms=store.now_ms
        )
    # Then no more points are kept than may be, from the first hour to the last, evenly
    times = [point.at_ms for point in experiments.read_points(job.id)]
    assert MOST_POINTS / 2 - 1 <= len(times) <= MOST_POINTS
    assert times[0] < began_ms + 3_600_000
    assert times[-1] > store.now_ms - 3_600_000
    gaps = [after - before for before, after in pairwise(times)]
    assert max(gaps) <= 3 * min(gaps)
    # And that of the verdict is always among them.
    store.clock.advance(1)
    experiments.freeze(
        job.id, TENANT, least={}, point=a_point(store.now_ms), verdict="v", now_ms=store.now_ms
    )
    assert experiments.read_points(job.id)[-1].at_ms == store.now_ms


def a_point(at_ms: int) -> str:
    return json.dumps({"at_ms": at_ms, "state": "collecting", "units": [1, 2], "pairs": []})


def test_the_least_of_all_looks_is_kept(store, experiments):
    job = store.accept()
    attach(store, experiments, job.id)
    for least in ({"srm": -2.5, "A:B": -1e-17}, {"srm": -3.0000000000000004}, {"srm": -0.125}):
        experiments.freeze(job.id, TENANT, least=least, point=a_point(0), now_ms=store.now_ms)
    taken = take_snapshot(read_experiment(experiments, job.id), now_ms=store.now_ms)
    assert taken.earlier == {"srm": -3.0000000000000004, "A:B": -1e-17}


def test_days_of_traffic_are_the_last_seven(store, experiments):
    job = store.accept()
    attach(store, experiments, job.id)
    send(store, experiments, job.id, a_batch("old", 700))
    store.clock.advance(8 * DAY_S)
    send(store, experiments, job.id, a_batch("new", 40), an_outcome("e", "u"))
    taken = take_snapshot(read_experiment(experiments, job.id), now_ms=store.now_ms)
    assert taken.recent.units == 41
    assert 6 * DAY_S <= taken.recent.seconds <= 7 * DAY_S


def test_figures_that_grow_are_traffic_of_what_they_grew_by(store, experiments):
    job = store.accept()
    attach(store, experiments, job.id)
    for revision, units in ((1, 100), (2, 150), (3, 150)):
        send(store, experiments, job.id, figures(revision, units))
    taken = take_snapshot(read_experiment(experiments, job.id), now_ms=store.now_ms)
    assert taken.recent.units == taken.units == 150


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
