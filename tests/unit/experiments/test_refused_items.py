"""What is said of outcomes and figures that are refused: where, and what to do instead."""

from __future__ import annotations

from typing import Any

import pytest

from service.errors import InvalidRequest
from service.experiments.aggregates import read_aggregate
from service.experiments.outcomes import Fault, read_items
from tests.outcomes import START_MS, an_experiment, figures

AT = "#/outcomes/3"


@pytest.mark.parametrize(
    ("document", "pointer", "hint"),
    [
        (None, "#/outcomes", 'Send {"outcomes": [...]}.'),
        ([], "#/outcomes", 'Send {"outcomes": [...]}.'),
        ({}, "#/outcomes", 'Send {"outcomes": [...]}.'),
        ({"outcomes": []}, "#/outcomes", 'Send {"outcomes": [...]}.'),
        ({"outcomes": [{}] * 1001}, "#/outcomes", "several requests"),
        ({"outcomes": [1], "x": 1}, "#/x", "Correct the fields"),
    ],
)
def test_what_is_no_batch_is_refused_whole_and_says_what_to_do(document, pointer, hint):
    with pytest.raises(InvalidRequest) as refused:
        read_items(document)
    assert [each.pointer for each in refused.value.errors] == [pointer]
    assert hint in refused.value.hint_text


def test_a_batch_that_is_too_long_is_told_how_long_it_is():
    with pytest.raises(InvalidRequest, match="None of them was counted") as refused:
        read_items({"outcomes": [{}] * 1001})
    assert refused.value.errors[0].detail == "It has 1001 outcomes; 1000 is the most."


@pytest.mark.parametrize(
    ("metrics", "place", "detail"),
    [
        ({"clicks": {"sum": 3}}, "clicks/s", "Figures of a proportion need `s`."),
        ({"watch": {"s": 3}}, "watch/sum", "Figures of a mean need `sum`."),
        (
            {"per_view": {"sx": 3, "sy": 2}},
            "per_view/sxx",
            "Figures of a ratio need `sx`, `sxx`, `sy`, `syy`, `sxy`.",
        ),
    ],
)
def test_a_sum_that_is_missing_is_named_and_contradicts_nothing(metrics, place, detail):
    assert read_bulk(figures(1, 10, metrics=metrics)) == Fault(
        "invalid", f"{AT}/metrics/{place}", detail
    )


def test_figures_say_by_what_they_are_counted_once():
    item = figures(1, 10)
    without = {name: each for name, each in item.items() if name != "revision"}
    assert read_bulk(without) == Fault(
        "invalid", f"{AT}/revision", "A `source` needs it: a whole number that grows."
    )
    del without["source"]
    assert read_bulk(without) == Fault(
        "invalid", f"{AT}/batch_id", "Figures need it, or a `source` with a `revision`."
    )


def read_bulk(item: Any) -> Any:
    return read_aggregate(item, AT, an_experiment(), started_ms=START_MS, now_ms=START_MS)
