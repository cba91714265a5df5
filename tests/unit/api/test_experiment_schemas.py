"""What the document says of experiments is what `service` reads and writes."""

from __future__ import annotations

from functools import partial
from typing import Any

import marshmallow as ma
import pytest
from marshmallow import fields
from marshmallow.validate import Length, OneOf, Range

from api.experiment_schemas import (
    AssumptionRequest,
    MetricReply,
    MetricRequest,
    PlanReply,
    PlanRequest,
    SizingReply,
)
from api.outcome_schemas import OutcomeRequest, OutcomesRequest, SumsRequest
from api.verdict_schemas import ExperimentVerdictReply, SnapshotReply
from service.errors import InvalidRequest
from service.experiments.aggregates import Aggregate, read_aggregate
from service.experiments.beacons import read_beacon
from service.experiments.outcomes import Fault, Outcome, read_outcome
from service.experiments.plan import write_plan
from service.experiments.proposal import read_proposal
from service.experiments.sizing import Assumption, size_plan, write_sizing
from service.experiments.snapshot import write_snapshot
from service.experiments.verdict import decide
from tests.outcomes import START_MS, a_batch, an_experiment, an_outcome, figures
from tests.unit.experiments.scenes import TABLE
from tests.unit.experiments.snapshots import a_plan, a_snapshot

RATE = {"name": "clicks", "kind": "proportion"}
WATCH = {"name": "watch", "kind": "mean"}


def faults_of(document: dict[str, Any]) -> set[str]:
    try:
        read_proposal(document, "AB", seed="job_1")
    except InvalidRequest as refused:
        return {each.pointer for each in refused.errors}
    return set()


def bounded(schema: type[ma.Schema]) -> list[tuple[str, Range]]:
    """The fields of a schema that have a least and a largest value."""
    found = []
    for name, field in schema().fields.items():
        found += [(name, each) for each in field.validators if isinstance(each, Range)]
    return found


def in_plan(name: str, value: Any) -> tuple[dict[str, Any], str]:
    """A plan with a value in that place, and the place's pointer."""
    free = {"min_runtime_s": 0, "max_runtime_s": 365 * 86_400, "min_units": 2}
    return {"primary": RATE, **free, name: value}, f"#/{name}"


def in_metric(name: str, value: Any) -> tuple[dict[str, Any], str]:
    return {"primary": {**WATCH, name: value}}, f"#/primary/{name}"


def in_assumption(name: str, value: Any) -> tuple[dict[str, Any], str]:
    assume = {"value": 1.0, "deviation": 1.0, name: value}
    # so large an effect that hardly anybody is needed, and no value is out of the metric's reach
    return {"primary": WATCH, "mde": 10, "assume": assume}, f"#/assume/{name}"


PLACES = [
    *((in_plan, *each) for each in bounded(PlanRequest)),
    *((in_metric, *each) for each in bounded(MetricRequest)),
    *((in_assumption, *each) for each in bounded(AssumptionRequest)),
]


@pytest.mark.parametrize(("place", "name", "bounds"), PLACES)
def test_bounds_in_the_document_are_those_that_hold(place, name, bounds):
    for good in (bounds.min, bounds.max):
        document, pointer = place(name, good)
        assert pointer not in faults_of(document)
    step = 1 if isinstance(bounds.min, int) and isinstance(bounds.max, int) else 1e-9
    for bad in (bounds.min - step, bounds.max + max(step, bounds.max * 1e-9)):
        document, pointer = place(name, bad)
        assert pointer in faults_of(document), bad


def test_most_bounds_are_in_the_document():
    assert len(PLACES) >= 15


def test_lists_and_words_in_the_document_are_those_that_hold():
    for name, field in PlanRequest().fields.items():
        for each in field.validators:
            if isinstance(each, OneOf):
                for word in each.choices:
                    assert f"#/{name}" not in faults_of({"primary": RATE, name: word})
                assert f"#/{name}" in faults_of({"primary": RATE, name: "else"})
            if isinstance(each, Length) and isinstance(field, fields.List):
                rows = [{"label": "A", "weight": 0.1}] * (each.max + 1)
                metrics = [{"name": f"m{n}", "kind": "mean"} for n in range(each.max + 1)]
                many = rows if name == "variants" else metrics
                assert f"#/{name}" in faults_of({"primary": RATE, name: many})
                if name != "variants":
                    assert not faults_of({"primary": RATE, name: metrics[:-1]})


def test_a_plan_is_told_in_the_words_in_which_it_is_sent():
    written = write_plan(an_experiment())
    assert set(PlanReply().fields) == set(written)
    assert set(PlanRequest().fields) == set(written) | {"assume"}
    assert set(MetricReply().fields) == set(MetricRequest().fields) == set(written["primary"])
    assert PlanReply().validate(written) == {}


def test_a_sizing_has_the_form_that_is_described():
    plan, assumed = a_plan(), Assumption(0.05, units_per_day=1000)
    told = write_sizing(plan, assumed, size_plan(plan, assumed))
    assert SizingReply().validate(told) == {}
    assert set(told["assume"]) == set(AssumptionRequest().fields)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_verdicts_and_snapshots_have_the_form_that_is_described(row):
    snapshot = row[1]
    assert ExperimentVerdictReply().validate(decide(snapshot).document) == {}
    assert SnapshotReply().validate(write_snapshot(snapshot)) == {}


def test_a_part_that_is_not_described_would_be_seen():
    verdict = dict(decide(a_snapshot((10_000, 500), (10_000, 640))).document)
    assert ExperimentVerdictReply().validate({**verdict, "new": 1}) == {"new": ["Unknown field."]}
    assert ExperimentVerdictReply().validate({**verdict, "alpha": None}) != {}


BOOK = {"plan": an_experiment(), "started_ms": START_MS, "now_ms": START_MS}
SINGLE = an_outcome("e", "u", metric="per_view")
BATCH = a_batch("b", 5, metrics={})
FIGURES = figures(1, 5)


def is_known(name: str) -> bool:
    """Whether some kind of item may have a field of this name."""
    value = {"units": 5, "metrics": {}}.get(name, "x")
    of_viewer = partial(read_beacon, read_token=lambda *_: 0)
    for read, item in (
        *((read_outcome, SINGLE), (read_aggregate, BATCH), (read_aggregate, FIGURES)),
        (of_viewer, {**SINGLE, "token": "x"}),
    ):
        said = read({**item, name: value}, "#", **BOOK)
        if not isinstance(said, Fault) or "no such field" not in said.detail:
            return True
    return False


@pytest.mark.parametrize("name", OutcomeRequest().fields)
def test_every_part_of_an_outcome_that_is_described_is_read(name):
    assert is_known(name)


def test_a_part_that_is_not_described_is_refused():
    assert not is_known("note")


@pytest.mark.parametrize("name", SumsRequest().fields)
def test_every_sum_that_is_described_is_one_of_some_metric(name):
    details = []
    for metric in ("clicks", "watch", "per_view"):
        item = a_batch("b", 5, metrics={metric: {name: "x"}})
        said = read_aggregate(item, "#", **BOOK)
        assert isinstance(said, Fault)
        details.append(said.detail)
    assert not all("no such field" in each for each in details)


def test_the_example_of_outcomes_is_one():
    example = OutcomesRequest().fields["outcomes"].metadata["example"]
    read = [
        (read_aggregate if "units" in each else read_outcome)(each, "#", **BOOK) for each in example
    ]
    assert [type(each) for each in read] == [Outcome, Outcome, Outcome, Aggregate]
