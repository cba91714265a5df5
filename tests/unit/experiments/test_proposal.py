"""Plans as callers send them: what is left out, and what is refused, in the words of the API."""

from __future__ import annotations

from copy import deepcopy

import pytest

from service.errors import InvalidRequest
from service.experiments.plan import Arm, Kind, read_plan, write_plan
from service.experiments.proposal import keep_plan, read_proposal
from service.experiments.sizing import size_plan

CLICKS = {"name": "clicks", "kind": "proportion"}
WATCH = {"name": "watch", "kind": "mean", "most": 3000}
SPENT = {"name": "spent", "kind": "ratio"}
LEAST = {"primary": CLICKS}


def faults_of(document, labels="AB", pointer="#") -> dict[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        read_proposal(document, labels, seed="job_1", pointer=pointer)
    return {each.pointer: each.detail for each in caught.value.errors}


def test_all_variants_of_the_job_take_part_equally():
    plan = read_proposal(LEAST, "ABC", seed="job_1").plan
    assert plan.arms == tuple(Arm(each, 1 / 3) for each in "ABC")
    assert (plan.seed, plan.primary.kind) == ("job_1", Kind.PROPORTION)


def test_some_of_them_may_and_their_order_and_weights_are_the_callers():
    rows = [{"label": "C"}, {"label": "A"}]
    assert read_proposal({**LEAST, "variants": rows}, "ABC", seed="s").plan.labels == ("C", "A")
    weighed = [{"label": "B", "weight": 0.9}, {"label": "A", "weight": 0.1}]
    plan = read_proposal({**LEAST, "variants": weighed}, "AB", seed="s").plan
    assert plan.arms == (Arm("B", 0.9), Arm("A", 0.1))


def test_planned_units_come_from_what_is_assumed():
    assume = {"value": 0.05, "units_per_day": 1000}
    found = read_proposal({**LEAST, "assume": assume}, "AB", seed="s")
    assert found.plan.planned_units == found.sizing.any_look.units == 119_608
    # and those that are given stay, as does the plan without an assumption
    given = read_proposal({**LEAST, "assume": assume, "planned_units": 500}, "AB", seed="s")
    assert given.plan.planned_units == 500
    assert given.sizing.any_look == found.sizing.any_look
    bare = read_proposal(LEAST, "AB", seed="s")
    assert (bare.plan.planned_units, bare.sizing) == (None, None)


def test_a_test_for_one_look_is_read_at_the_units_that_it_needs():
    document = {**LEAST, "method": "fixed", "assume": {"value": 0.05}}
    found = read_proposal(document, "AB", seed="s")
    assert found.plan.planned_units == found.sizing.one_look.units == 62_462
    assert found.sizing.shortfall is None
    assert list(faults_of({**LEAST, "method": "fixed"})) == ["#/planned_units"]


def test_a_deviation_that_is_left_out_is_the_most_that_there_can_be():
    assume = {"value": 1000}
    found = read_proposal({"primary": WATCH, "assume": assume}, "AB", seed="s")
    assert found.assumed.deviation == pytest.approx((1000 * 2000) ** 0.5)
    assert found.sizing == size_plan(found.plan, found.assumed)


def test_nothing_that_was_sent_is_changed():
    document = {**LEAST, "variants": [{"label": "A"}, {"label": "B"}], "assume": {"value": 0.5}}
    before = deepcopy(document)
    read_proposal(document, "AB", seed="s")
    assert document == before


def test_a_kept_plan_has_the_seed_of_its_job_unless_one_was_chosen():
    kept = keep_plan(read_proposal(LEAST, "AB", seed="unknown"))
    assert "seed" not in kept
    assert read_plan({"seed": "job_2", **kept}) == read_proposal(LEAST, "AB", seed="job_2").plan
    chosen = keep_plan(read_proposal({**LEAST, "seed": "spring"}, "AB", seed="unknown"))
    assert write_plan(read_plan(chosen)) == chosen
    assert chosen["seed"] == "spring"


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({}, "#/primary/name"),
        ([], "#"),
        ("a plan", "#"),
        ({**LEAST, "variants": []}, "#/variants"),
        ({**LEAST, "variants": "A"}, "#/variants"),
        ({**LEAST, "variants": [{"label": "A"}]}, "#/variants"),
        ({**LEAST, "variants": [{"label": "A"}, {"label": "D"}]}, "#/variants/1/label"),
        ({**LEAST, "variants": [{"label": "A", "weight": 1}, {"label": "B"}]},
         "#/variants/1/weight"),
        ({**LEAST, "weights": [1, 2]}, "#/weights"),
        ({**LEAST, "seed": ""}, "#/seed"),
        ({**LEAST, "allocation": "split"}, "#/allocation"),
        ({**LEAST, "assume": 7}, "#/assume"),
        ({**LEAST, "assume": None}, "#/assume"),
        ({**LEAST, "variants": None}, "#/variants"),
        ({**LEAST, "assume": {}}, "#/assume/value"),
        ({**LEAST, "assume": {"value": 0}}, "#/assume/value"),
        ({**LEAST, "assume": {"value": 1}}, "#/assume/value"),
        ({**LEAST, "assume": {"value": 0.95}}, "#/assume/value"),
        ({**LEAST, "assume": {"value": 0.5, "deviation": 0.5}}, "#/assume/deviation"),
        ({**LEAST, "assume": {"value": 0.5, "units_per_day": -1}}, "#/assume/units_per_day"),
        ({**LEAST, "assume": {"value": 0.5, "rate": 1}}, "#/assume/rate"),
        ({**LEAST, "mde": 0.001, "assume": {"value": 1e-6}}, "#/assume"),
        ({"primary": SPENT, "assume": {"value": 5}}, "#/assume/deviation"),
        ({"primary": {**WATCH, "kind": "ratio"}, "assume": {"value": 5}}, "#/assume/deviation"),
        ({"primary": WATCH, "assume": {"value": 3000}}, "#/assume/value"),
        ({"primary": WATCH, "assume": {"value": 1000, "deviation": 1500}}, "#/assume/deviation"),
        ({"primary": {**WATCH, "better": "lower"}, "mde": 2, "assume": {"value": 10}},
         "#/assume/value"),
    ],
)  # fmt: skip
def test_each_fault_is_named_by_its_pointer(document, pointer):
    assert pointer in faults_of(document)


def test_a_rate_in_percent_is_told_how_it_is_written():
    found = faults_of({**LEAST, "assume": {"value": 5}})
    assert found["#/assume/value"] == "It must be below 1. A rate of 5 % is 0.05."


def test_faults_of_a_plan_within_a_request_lie_below_it():
    document = {**LEAST, "variants": [{"label": "A"}, {"label": "Z"}], "assume": {"value": "x"}}
    found = faults_of(document, pointer="#/experiment")
    assert set(found) == {"#/experiment/variants/1/label", "#/experiment/assume/value"}
    assert "A, B" in found["#/experiment/variants/1/label"]


def test_a_job_with_one_variant_is_told_so():
    assert "one variant" in faults_of(LEAST, "A")["#/variants"]


def test_who_has_not_chosen_an_end_is_told_when_a_test_ends():
    # Given more viewers than come within the usual time
    asked = {**LEAST, "assume": {"value": 0.05, "units_per_day": 1000}}
    told = read_proposal(asked, "AB", seed="s").sizing
    assert told.shortfall == "max_runtime"
    assert "; a test ends after 14 days unless you plan longer, so let it run" in told.sentence.en
    assert "若不另行设定，测试会在 14 天后结束" in told.sentence.zh
    # and who has chosen one, that the plan does
    chosen = read_proposal({**asked, "max_runtime_s": 14 * 86_400}, "AB", seed="s").sizing
    assert "; the plan ends it after 14 days already" in chosen.sentence.en
