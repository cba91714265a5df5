"""Snapshots: frozen, and read again to the byte."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import InvalidRequest
from service.experiments.metrics import Kind, Mean, Proportion, Ratio
from service.experiments.plan import Metric
from service.experiments.snapshot import (
    canonical,
    fingerprint,
    read_snapshot,
    write_snapshot,
)
from service.experiments.verdict import decide
from tests.unit.experiments.snapshots import a_plan, a_snapshot, of_sums

MORE = (Metric("watch", Kind.MEAN, most=3000), Metric("pace", Kind.RATIO))


def full_snapshot(n: int = 1000, s: int = 50):
    plan = a_plan(secondary=MORE)
    sums = {
        "clicks": Proportion(n, s),
        "watch": Mean(n, 5, 25, bounded=True),
        "pace": Ratio(n, 1, 2, 3, 4, 5),
    }
    changes = {"multiple": 3, "earlier": {"srm": -0.25, "A:B": -1 / 3}, "watermark": "17-0"}
    return of_sums([sums, sums], plan, **changes)


@settings(deadline=None)
@given(st.integers(0, 10**18), st.floats(-1e6, 0))
def test_a_snapshot_reads_as_it_was_written(n, least):
    snapshot = a_snapshot((n, n // 3), (n, n // 7), earlier={"A:B": least})
    text = canonical(write_snapshot(snapshot))
    again = read_snapshot(json.loads(text))
    assert again == snapshot
    assert canonical(write_snapshot(again)) == text


def test_what_a_young_test_of_a_trillion_units_has_seen_is_read_again():
    # Given rates that differ so surely that the logarithm of p has thirteen digits,
    young = a_snapshot((10**12, 10**11), (10**12, 9 * 10**11), days=0.1)
    earlier = decide(young).earlier
    assert earlier["A:B"] < -1e12
    # Then the snapshot of the next look can be judged from its text all the same.
    later = a_snapshot((10**12, 10**11), (10**12, 9 * 10**11), earlier=earlier)
    again = read_snapshot(json.loads(canonical(write_snapshot(later))))
    assert decide(again).as_bytes() == decide(later).as_bytes()


def test_all_kinds_of_sums_are_in_it():
    snapshot = full_snapshot()
    assert read_snapshot(json.loads(canonical(write_snapshot(snapshot)))) == snapshot


def test_numbers_that_are_equal_are_written_alike():
    # Given a plan whose numbers came as whole ones,
    whole, same = (a_snapshot((10, 1), (10, 1), plan=a_plan(coverage=one)) for one in (1, 1.0))
    # Then its snapshot has no other fingerprint.
    assert fingerprint(whole) == fingerprint(same)


@pytest.mark.parametrize(
    ("path", "value", "pointer"),
    [
        (("format",), "v0", "#/format"),
        (("taken_at_ms",), "now", "#/taken_at_ms"),
        (("tallies",), [], "#/tallies"),
        (("tallies", 0, "exposed"), -1, "#/tallies/0/exposed"),
        (("tallies", 1, "sums", "clicks", "s"), 1001, "#/tallies/1/sums/clicks/s"),
        (("tallies", 1, "sums", "clicks", "n"), 0.5, "#/tallies/1/sums/clicks/n"),
        (("tallies", 0, "sums", "watch", "s2"), 2**80, "#/tallies/0/sums/watch/s2"),
        (("tallies", 0, "sums", "watch", "bounded"), 1, "#/tallies/0/sums/watch/bounded"),
        (("tallies", 0, "sums", "likes"), {}, "#/tallies/0/sums/likes"),
        (("plan", "alpha"), 3, "#/plan/alpha"),
        (("recent", "seconds"), float("inf"), "#/recent/seconds"),
        (("earlier", "A:B"), 0.5, "#/earlier/A:B"),
        (("overflowed",), "no", "#/overflowed"),
        (("more",), 1, "#/more"),
    ],
)
def test_each_fault_is_named_by_its_pointer(path, value, pointer):
    document = json.loads(canonical(write_snapshot(full_snapshot())))
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(InvalidRequest) as caught:
        read_snapshot(document)
    assert pointer in [each.pointer for each in caught.value.errors]
