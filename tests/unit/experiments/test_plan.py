"""The plan of an experiment, read and refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from service.errors import InvalidRequest
from service.experiments.metrics import Kind
from service.experiments.plan import Better, Method, Metric, Split, Unit, read_plan, write_plan
from tests.unit.experiments.snapshots import a_plan

LEAST: dict[str, Any] = {
    "seed": "job_1",
    "variants": [{"label": "A", "weight": 0.5}, {"label": "B", "weight": 0.5}],
    "primary": {"name": "clicks", "kind": "proportion"},
}
METRIC = {"name": "watch", "kind": "mean"}


def test_what_is_left_out_has_its_default():
    plan = read_plan(LEAST)
    assert (plan.split, plan.method, plan.alpha) == (Split.RANDOMIZED, Method.SEQUENTIAL, 0.05)
    assert (plan.min_runtime_s, plan.max_runtime_s) == (86_400, 14 * 86_400)
    assert plan.pair_units(0, 1) == 5000
    assert plan.primary.unit is Unit.NUMBER


def test_a_plan_reads_as_it_was_written():
    metric = Metric(
        "watch", Kind.RATIO, "watch time", "观看时长", Better.LOWER, 3000, 0.02, Unit.SECONDS
    )
    plan = a_plan(
        0.25,
        0.75,
        secondary=(metric,),
        guardrails=(Metric("skips", Kind.PROPORTION),),
        planned_units=9000,
        overrides={"我/~": "B"},
    )
    assert read_plan(json.loads(json.dumps(write_plan(plan)))) == plan


def test_planned_units_are_shared_by_a_pair():
    assert a_plan(0.2, 0.3, 0.5, planned_units=10_000).pair_units(0, 1) == pytest.approx(5000)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"variants": LEAST["variants"][:1]}, "#/variants"),
        ({"variants": [*LEAST["variants"], "C"]}, "#/variants/2"),
        (
            {"variants": [{"label": "A", "weight": 0.5}, {"label": "A", "weight": 0.5}]},
            "#/variants",
        ),
        ({"variants": [{"label": "A", "weight": 1}, {"label": "B", "weight": 0}]}, "#/variants"),
        ({"variants": [{"label": "A", "weight": 1}, {"label": "B", "weight": 9e-7}]}, "#/variants"),
        (
            {"variants": [{"label": "A", "weight": 0.5}, {"label": "B", "weight": 0.4}]},
            "#/variants",
        ),
        ({"variants": [{"label": "", "weight": 0.5}, LEAST["variants"][1]]}, "#/variants/0/label"),
        (
            {"variants": [{"label": "A", "weight": "x"}, LEAST["variants"][1]]},
            "#/variants/0/weight",
        ),
        ({"seed": 7}, "#/seed"),
        ({"seed": "\ud800"}, "#/seed"),
        ({"primary": None}, "#/primary"),
        ({"primary": {"name": "x", "kind": "median"}}, "#/primary/kind"),
        ({"primary": {"name": "x", "kind": "mean", "most": 0}}, "#/primary/most"),
        ({"primary": {"name": "x", "kind": "mean", "mots": 3}}, "#/primary/mots"),
        ({"primary": METRIC | {"unit": "minutes"}}, "#/primary/unit"),
        ({"primary": LEAST["primary"] | {"unit": "seconds"}}, "#/primary/unit"),
        (
            {"guardrails": [{"name": "x", "kind": "proportion", "unit": "seconds"}]},
            "#/guardrails/0/unit",
        ),
        ({"primary": {"name": "x", "kind": "median", "unit": "seconds"}}, "#/primary/kind"),
        ({"secondary": [METRIC, METRIC]}, "#/primary"),
        ({"secondary": METRIC}, "#/secondary"),
        ({"guardrails": [METRIC | {"harm_margin": -1}]}, "#/guardrails/0/harm_margin"),
        ({"allocation": "by hand"}, "#/allocation"),
        ({"alpha": 0}, "#/alpha"),
        ({"alpha": float("nan")}, "#/alpha"),
        ({"alpha": True}, "#/alpha"),
        ({"rope": 0.9}, "#/rope"),
        ({"mde": 0}, "#/mde"),
        ({"coverage": 1.1}, "#/coverage"),
        ({"planned_units": 10}, "#/planned_units"),
        ({"max_units": 1e6}, "#/max_units"),
        ({"method": "fixed"}, "#/planned_units"),
        ({"min_runtime_s": 20 * 86_400}, "#/min_runtime_s"),
        ({"overrides": {"me": "C"}}, "#/overrides"),
        ({"overrides": {"me": 1}}, "#/overrides"),
        ({"overrides": {"": "A"}}, "#/overrides"),
        ({"a/b~": 1}, "#/a~1b~0"),
    ],
)
def test_each_fault_is_named_by_its_pointer(change, pointer):
    with pytest.raises(InvalidRequest) as caught:
        read_plan(LEAST | change)
    assert [each.pointer for each in caught.value.errors] == [pointer]
    assert all(each.detail.endswith(".") for each in caught.value.errors)


def test_all_faults_are_told_at_once():
    with pytest.raises(InvalidRequest) as caught:
        read_plan({"variants": [], "primary": {}, "alpha": 2})
    pointers = {each.pointer for each in caught.value.errors}
    assert pointers == {"#/seed", "#/variants", "#/primary/name", "#/primary/kind", "#/alpha"}


@pytest.mark.parametrize("document", [None, [], "plan", 3])
def test_what_is_no_object_is_no_plan(document):
    with pytest.raises(InvalidRequest):
        read_plan(document)


@pytest.mark.parametrize(
    ("kind", "called", "called_zh"),
    [
        (Kind.PROPORTION, "rate of “clicks”", "“clicks”的比率"),
        (Kind.MEAN, "average of “clicks”", "“clicks”的平均值"),
        (Kind.RATIO, "average of “clicks”", "“clicks”的平均值"),
    ],
)
def test_a_metric_without_a_title_is_called_by_what_is_compared_of_it(kind, called, called_zh):
    bare = Metric("clicks", kind)
    assert (bare.called, bare.called_zh) == (called, called_zh)
    assert replace(bare, title="click rate").called_zh == "click rate"
