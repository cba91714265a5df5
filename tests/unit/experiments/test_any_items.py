"""Whatever comes as an outcome or a plan is read, or refused with its place."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import FieldError, InvalidRequest
from service.experiments.aggregates import Aggregate, read_aggregate
from service.experiments.ledger import write_items
from service.experiments.outcomes import Fault, Outcome, Rejection, read_outcome
from service.experiments.plan import write_plan
from service.experiments.proposal import Proposal, read_proposal
from service.experiments.snapshot import canonical
from tests.outcomes import START_MS, a_batch, an_experiment, an_outcome, figures

BOOK = {"plan": an_experiment(), "started_ms": START_MS, "now_ms": START_MS + 1000}
SUMS = {
    "clicks": {"s": 3},
    "watch": {"sum": 9, "stddev": 1.5},
    "spent": {"sum": 9, "sum_squares": 50},
    "per_view": {"sx": 5, "sxx": 9, "sy": 5, "syy": 9, "sxy": 5},
}
ITEMS = [
    an_outcome("e", "u", metric="per_view", value=5, count=1, occurred_at="2027-01-15T08:00:00Z"),
    an_outcome("e", "u", metric="watch", seconds=5.5, correction=False),
    a_batch("b", 10, metrics=SUMS, per="viewer"),
    figures(3, 10, metrics=SUMS, correction=True),
]
PLAN = {
    **write_plan(an_experiment()),
    "assume": {"value": 0.05, "deviation": None, "units_per_day": 1000},
}
ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, -1, 2**53, 2**63, -(2**63), 10**40])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([1e308, -1e308, 5e-324])
    | st.text(max_size=5)
    | st.sampled_from(["A", "clicks", "9999-12-31T23:59:59+23:59", "0001-01-01T00:00:00+23:59"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of all values within a JSON value."""
    below: list[Any] = []
    if isinstance(value, dict):
        below = list(value.items())
    if isinstance(value, list):
        below = list(enumerate(value))
    return [path, *(found for name, each in below for found in paths_of(each, (*path, name)))]


@st.composite
def spoiled(draw: st.DrawFn, documents: list[Any]) -> Any:
    """A good document in which some values are others, are missing, or are new."""
    document = json.loads(json.dumps(draw(st.sampled_from(documents))))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(paths_of(document)))
        if not path:
            if draw(st.integers(0, 9)) == 0:
                return draw(ANY)
            continue
        place = document
        for step in path[:-1]:
            place = place[step]
        if draw(st.booleans()) or isinstance(place, list):
            place[path[-1]] = draw(ANY)
        else:
            del place[path[-1]]
    return document


@settings(max_examples=500)
@given(spoiled(ITEMS), st.booleans())
def test_any_item_is_read_or_refused_with_its_place(item, bulk):
    said = (read_aggregate if bulk else read_outcome)(item, "#/outcomes/0", **BOOK)
    if isinstance(said, Fault):
        assert said.reason in set(Rejection)
        assert said.pointer.startswith("#/outcomes/0")
        assert said.detail
    else:
        # what was read can be written for the store
        assert isinstance(said, Outcome | Aggregate)
        assert json.loads(write_items([said]))


def propose(document: Any) -> tuple[Proposal | None, Sequence[FieldError]]:
    try:
        return read_proposal(document, "AB", seed="job_1"), ()
    except InvalidRequest as refused:
        return None, refused.errors


@settings(max_examples=300)
@given(spoiled([PLAN]))
def test_any_plan_is_read_or_refused_with_its_place(document):
    found, faults = propose(document)
    assert all(each.pointer.startswith("#") and each.detail for each in faults)
    if found is None:
        assert faults
        return
    # what was read is the same plan when it is sent again
    again = read_proposal(write_plan(found.plan), "AB", seed="job_1")
    assert canonical(write_plan(again.plan)) == canonical(write_plan(found.plan))
