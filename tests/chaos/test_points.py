"""A process dies or stops at a named point, and the books say at the end what they must."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import pytest

from tests.chaos.facts import Facts
from tests.chaos.judge import judge, judge_resumptions
from tests.chaos.points import POINTS, Point
from tests.chaos.run import Run, open_run
from tests.chaos.watch import Deed

pytestmark = [pytest.mark.chaos, pytest.mark.slow]
#: Time for one job, its recovery included.
_MOST_S = float(os.environ.get("PATIENCE_S", "40"))


@pytest.fixture(scope="module")
def run(tmp_path_factory, small_clip):
    with open_run(tmp_path_factory.mktemp("points"), small_clip) as run:
        yield run


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.slug)
def test_at_a_named_point(run: Run, point: Point):
    # Given the whole system, and a trap at one point
    run.begin_anew()
    run.fleet.switch(**point.switches)
    before = len(run.fleet.journal.resumed)
    trap = run.fleet.watch.arm(point.trap())
    # When a job comes there and its process is killed or stopped,
    job_id = run.customer.send(point.slug, labels="A")
    assert trap.sprung.wait(_MOST_S), "nobody came to this point"
    facts = run.gather(_MOST_S)
    # Then all books agree, and say what is written down for this point,
    assert judge(facts) == []
    assert seen(run, facts, job_id, again=point.expected.again) == wanted(point)
    # and what the dead held was worked on again in time.
    if point.deed is Deed.KILL and point.expected.resumes:
        resumed = run.resumptions()[before:]
        assert judge_resumptions(resumed, run.fleet.plan.scale.resume_bound_s) == []


def wanted(point: Point) -> dict[str, object]:
    expected = point.expected
    return {
        "jobs": 1,
        "status": expected.cut,
        "cut": (expected.cut, expected.code, expected.charged),
        "sends": expected.sends,
        "renders": expected.renders,
        "submitted twice": [],
        "uploads": expected.uploads,
        **({"told again": True} if expected.again else {}),
    }


def seen(run: Run, facts: Facts, job_id: str, *, again: bool) -> dict[str, object]:
    """What all books say of the one job."""
    job, books = facts.jobs[job_id], facts.books
    bodies = [each.body for each in facts.received]
    return {
        "jobs": run.count_jobs(),
        "status": job["status"],
        "cut": _cut(job["variants"][0]["cuts"][0]),
        "sends": len(books["runs"]),
        "renders": len(books["renders"]),
        "submitted twice": books["duplicate_render_ids"],
        "uploads": len(books["uploads"]),
        **({"told again": len(bodies) != len(set(bodies))} if again else {}),
    }


def _cut(cut: Mapping[str, Any]) -> tuple[str, str, str]:
    error = cut.get("error", {})
    charged = error.get("charged") or cut.get("edit", {}).get("charged", "")
    return cut["status"], error.get("code", ""), charged
