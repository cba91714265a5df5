"""Outcomes of browsers: what is read of them, and what is refused before anything is counted."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import InvalidRequest
from service.experiments.beacons import MOST_BEACONS, check_beacons, read_beacon, refuse_override
from service.experiments.outcomes import Fault, Outcome, Rejection, read_outcome
from service.unit_tokens import Stage, read_unit_token, write_unit_token
from tests.outcomes import START_MS, an_experiment, an_outcome

NOW_MS = START_MS + 3_600_000
AT = "#/outcomes/3"
STAGE = Stage("job_1", "d" * 64, ("A", "B"))
PLAN = an_experiment(overrides={"tester": "B"})
TOKENS = {label: write_unit_token("pepper", STAGE, "viewer", at) for at, label in enumerate("AB")}


def read(item: Any) -> Outcome | Fault:
    known = partial(read_unit_token, "pepper", STAGE)
    return read_beacon(item, AT, PLAN, known, started_ms=START_MS, now_ms=NOW_MS)


def a_beacon(event: str = "e1", variant: str = "B", **more: Any) -> dict[str, Any]:
    return an_outcome(event, "viewer", variant, token=TOKENS[variant], **more)


def why(item: Any) -> tuple[Rejection, str]:
    fault = read(item)
    assert isinstance(fault, Fault)
    return fault.reason, fault.pointer.removeprefix(AT)


def test_a_browsers_outcome_counts_for_the_variant_of_its_token():
    told = read(a_beacon(metric="watch", seconds=2.5))
    assert isinstance(told, Outcome)
    assert (told.arm, told.x) == (1, 250)
    item = a_beacon(metric="watch", seconds=2.5)
    del item["variant"]
    assert read(item) == told


def test_its_unit_is_the_same_as_a_services_and_its_event_is_not():
    # Given the same event from a browser and from a service
    theirs, item = read(a_beacon()), an_outcome("e1", "viewer", "B")
    ours = read_outcome(item, AT, PLAN, started_ms=START_MS, now_ms=NOW_MS)
    assert isinstance(theirs, Outcome)
    assert isinstance(ours, Outcome)
    # Then neither takes the other's id, and both are of one viewer
    assert theirs.unit == ours.unit
    assert theirs.id != ours.id


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=9),
       st.text(st.characters(codec="utf-8"), min_size=1, max_size=9))  # fmt: skip
def test_nobody_takes_the_event_of_another_viewer(one: str, other: str):
    ids = set()
    for unit, event in ((one, other), (other, one), (one + other, other), (one, one + other)):
        token = write_unit_token("pepper", STAGE, unit, 0)
        found = read({"event_id": event, "unit_id": unit, "token": token})
        assert isinstance(found, Outcome)
        ids.add(found.id)
    assert len(ids) == len({(one, other), (other, one), (one + other, other), (one, one + other)})


@pytest.mark.parametrize(
    ("change", "reason", "at"),
    [
        ({"token": None}, "token_missing", "/token"),
        ({"token": ""}, "token_missing", "/token"),
        ({"token": TOKENS["A"]}, "token_wrong", "/token"),
        ({"token": TOKENS["B"][:-1] + "x"}, "token_wrong", "/token"),
        ({"token": 7}, "token_wrong", "/token"),
        ({"token": ["x"]}, "token_wrong", "/token"),
        ({"variant": "A"}, "token_wrong", "/token"),
        ({"variant": "C"}, "token_wrong", "/token"),
        ({"variant": None}, "token_wrong", "/token"),
        ({"unit_id": "viewer2"}, "token_wrong", "/token"),
        ({"unit_id": "tester"}, "override_unit", "/unit_id"),
        ({"unit_id": ""}, "invalid", "/unit_id"),
        ({"unit_id": 7}, "invalid", "/unit_id"),
        ({"unit_id": "x" * 201}, "invalid", "/unit_id"),
        ({"unit_id": "\ud83c"}, "invalid", "/unit_id"),
        ({"correction": True}, "not_for_viewers", "/correction"),
        ({"correction": 1}, "not_for_viewers", "/correction"),
        ({"units": 5}, "not_for_viewers", "/units"),
        ({"batch_id": "b"}, "not_for_viewers", "/batch_id"),
        ({"source": "s", "revision": 0}, "not_for_viewers", "/source"),
        ({"source": "s", "unit_id": None}, "not_for_viewers", "/source"),
        ({"metrics": {}}, "not_for_viewers", "/metrics"),
        ({"metric": "watch", "value": -1}, "negative_value", "/value"),
        ({"metric": "nothing"}, "unknown_metric", "/metric"),
        ({"event_id": 7}, "invalid", "/event_id"),
        ({"more": 1}, "invalid", "/more"),
        ({"occurred_at": "2100-01-01T00:00:00Z"}, "in_future", "/occurred_at"),
    ],
)
def test_what_is_refused_of_a_browser(change: dict[str, Any], reason: str, at: str):
    assert why({**a_beacon(), **change}) == (reason, at)


def test_an_outcome_may_say_that_it_is_no_correction():
    assert isinstance(read(a_beacon(correction=False)), Outcome)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_anything_else_is_a_fault(item: Any):
    assert isinstance(read(item), Fault)


def test_a_message_is_of_one_viewer_and_short():
    check_beacons([a_beacon(str(n)) for n in range(MOST_BEACONS)])
    check_beacons([a_beacon(), "nothing", {"unit_id": 7}])
    for wrong in (
        [a_beacon(str(n)) for n in range(MOST_BEACONS + 1)],
        [a_beacon(), {**a_beacon(), "unit_id": "another"}],
    ):
        with pytest.raises(InvalidRequest):
            check_beacons(wrong)


def test_a_services_outcome_of_a_tester_is_refused_too():
    fault = refuse_override(an_outcome("e", "tester"), AT, PLAN)
    assert fault is not None
    assert (fault.reason, fault.pointer) == (Rejection.OVERRIDE_UNIT, f"{AT}/unit_id")
    assert refuse_override(an_outcome("e", "viewer"), AT, PLAN) is None
    assert refuse_override("nothing", AT, PLAN) is None
