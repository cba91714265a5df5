"""Bodies of far more than there is to tell: what they cost is bounded before it is looked at."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, request
from marshmallow import Schema, ValidationError, fields
from marshmallow.validate import Length

# all schemas of requests: the subclasses of one
import api.app  # noqa: F401
from api.assignment_schemas import AssignmentQuery
from api.fields import MOST_NAMES, ListField, PlainSchema, StrictSchema
from api.openapi import Parser
from api.problems import NAMED_ERRORS
from api.schemas import JobRequest, match_any_event
from service.errors import InvalidRequest
from service.experiments.aggregates import read_aggregate
from service.experiments.outcomes import Fault, Rejection
from service.experiments.plan import read_plan
from tests.outcomes import START_MS, a_batch, an_experiment


class Untouchable(fields.Field[Any]):
    """Fails where it is read."""

    def _deserialize(self, *_: Any, **__: Any) -> Any:
        raise AssertionError


@pytest.mark.parametrize("count", [0, 4, 400_000])
def test_a_list_is_refused_by_its_length_before_what_is_in_it(count: int):
    listed = ListField(Untouchable(), validate=Length(1, 3))
    with pytest.raises(ValidationError, match="Length must be between 1 and 3"):
        listed.deserialize([{}] * count)


def strict_schemas(kind: type[Schema] = StrictSchema) -> Iterator[type[Schema]]:
    """All schemas of requests that marshmallow reads."""
    for each in kind.__subclasses__():
        if each.__module__.startswith("api.") and not issubclass(each, PlainSchema):
            yield each
            yield from strict_schemas(each)


def test_every_list_of_a_request_is_bounded():
    found = [
        (kind.__name__, name, field)
        for kind in strict_schemas()
        for name, field in kind._declared_fields.items()
        if isinstance(field, fields.List)
    ]
    assert {"variants", "clips", "unit_ids", "origins", "events"} <= {name for _, name, _ in found}
    for schema, name, field in found:
        bounds = [each.max for each in field.validators if isinstance(each, Length)]
        assert isinstance(field, ListField), f"{schema}.{name}"
        assert any(bounds), f"{schema}.{name}"


@pytest.mark.parametrize("schema", [JobRequest(), AssignmentQuery()])
def test_an_object_of_very_many_names_is_told_that_alone(schema: Schema):
    with pytest.raises(ValidationError) as refused:
        schema.load({f"name-{n}": 0 for n in range(MOST_NAMES + 1)})
    assert refused.value.messages == {"_schema": [f"Must have at most {MOST_NAMES} fields."]}


def test_no_schema_has_so_many_fields():
    assert all(len(each._declared_fields) < MOST_NAMES for each in strict_schemas())


def test_half_characters_below_long_names_take_little_memory():
    # Given 3,000 lone surrogates, each below names of 27,000 characters: 55 kB in all
    depth = 300
    body = '{"' + '":{"'.join(["k" * 90] * depth) + '":[' + r'"\ud800",' * 2999 + r'"\ud800"]'
    body += "}" * depth
    with Flask("test").test_request_context(data=body, content_type="application/json"):
        request.get_data()
        tracemalloc.start()
        try:
            # When it is read
            with pytest.raises(InvalidRequest) as refused:
                Parser().load_json(request, Schema())
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    # Then as many are named as a problem tells, and no more were written down
    assert len(refused.value.errors) == NAMED_ERRORS
    assert peak < 10_000_000


def test_of_very_many_unknown_fields_of_a_plan_some_are_named():
    with pytest.raises(InvalidRequest) as refused:
        read_plan({f"name-{n}": 0 for n in range(5000)})
    assert NAMED_ERRORS <= len(refused.value.errors) < 200


@pytest.mark.parametrize("pattern", ["[" * 3000, "*a" * 3000, "job." + "a" * 3000, "j[o]b.*"])
def test_a_pattern_of_events_is_looked_at_before_it_is_made_into_another(pattern: str):
    called: list[str] = []
    sys.setprofile(lambda frame, _what, _arg: called.append(frame.f_code.co_name))
    try:
        with pytest.raises(ValidationError, match="a pattern like job"):
            match_any_event(pattern)
    finally:
        sys.setprofile(None)
    assert "fnmatchcase" not in called


class Watched(str):
    """A name that counts how often it was compared with another."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other: object) -> bool:
        Watched.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_of_very_many_unknown_metrics_one_is_looked_for():
    plan, metrics = an_experiment(), {Watched(f"name-{n}"): 0 for n in range(5000)}
    Watched.compared = 0
    read = read_aggregate(
        a_batch("1", 10, metrics=metrics), "#/0", plan, started_ms=START_MS, now_ms=START_MS
    )
    assert isinstance(read, Fault)
    assert read.reason is Rejection.UNKNOWN_METRIC
    assert Watched.compared < 50


def test_what_lives_as_long_as_a_process_is_not_looked_through_for_each_body():
    # Given a process that has loaded all it answers with, when it settles,
    code = (
        "import gc, api.app\n"
        "from api.server import settle\n"
        "settle()\n"
        "print(gc.get_freeze_count(), len(gc.get_objects()))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    frozen, left = map(int, said.stdout.split())
    # then nearly all of it is what the collector passes over.
    assert frozen > 100 * left
