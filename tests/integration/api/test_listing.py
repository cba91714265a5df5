"""Lists of jobs: filters, and pages that stay whole while jobs come and go."""

from __future__ import annotations

import pytest
import redis

from tests.integration.api.conftest import JOB, Visitor
from tests.integration.api.test_jobs import set_status


def make(visitor: Visitor, **more) -> str:
    return visitor.post("/v1/jobs", json={**JOB, **more}).get_json()["id"]


def listed(visitor: Visitor, query: str) -> list[str]:
    """All jobs of a query, by following the Link header."""
    found, path = [], f"/v1/jobs?{query}"
    while path:
        reply = visitor.get(path)
        assert reply.status_code == 200, reply.get_json()
        found += [each["id"] for each in reply.get_json()["data"]]
        path = reply.headers.get("Link", "")[1:].partition(">")[0]
        path = path.removeprefix("https://ab.example.com")
    return found


def test_several_statuses_can_be_asked_for(ann: Visitor, redis_client: redis.Redis):
    made = [make(ann) for _ in range(4)]
    set_status(redis_client, made[1], "succeeded")
    set_status(redis_client, made[2], "failed")
    assert listed(ann, "status=succeeded&status=failed") == [made[2], made[1]]


def test_a_list_can_be_of_a_time(ann: Visitor, redis_client: redis.Redis):
    # Given three jobs, made a second apart
    made = [make(ann) for _ in range(3)]
    for second, job_id in enumerate(made):
        at_ms = 1_795_461_300_000 + second * 1000
        redis_client.hset(f"cab:job:{job_id}", "created", at_ms)
        redis_client.zadd(f"cab:tenant:{ann.tenant_id}:jobs", {job_id: at_ms})
    first, middle, last = (f"2026-11-23T19:15:0{second}Z" for second in range(3))
    # Then the window begins with its first moment and ends before its last one
    assert listed(ann, f"created_after={middle}") == [made[2], made[1]]
    assert listed(ann, f"created_before={middle}") == [made[0]]
    window = f"created_after={first}&created_before={last}"
    assert listed(ann, f"{window}&limit=1") == [made[1], made[0]]
    assert listed(ann, "created_before=2026-11-23T20:15:01%2B01:00") == [made[0]]


def test_names_are_found_by_how_they_begin(ann: Visitor):
    spring = make(ann, name="spring teaser")
    make(ann, name="Spring")
    make(ann, name="late spring")
    assert listed(ann, "name=spring") == [spring]


def test_metadata_must_fit_in_every_entry(ann: Visitor):
    both = make(ann, metadata={"campaign": "spring", "team": "a&b"})
    make(ann, metadata={"campaign": "spring"})
    assert listed(ann, "metadata.campaign=spring&metadata.team=a%26b&limit=1") == [both]
    assert len(listed(ann, "metadata.campaign=spring&limit=1")) == 2


def test_the_link_carries_the_filters(ann: Visitor):
    for n in range(3):
        make(ann, name=f"teaser {n}", metadata={"a b": "ü"})
    query = "limit=1&status=queued&status=running&name=teaser+&metadata.a+b=%C3%BC"
    link = ann.get(f"/v1/jobs?{query}").headers["Link"]
    assert link.startswith(f"<https://ab.example.com/v1/jobs?{query}&cursor=")
    assert len(listed(ann, query)) == 3


def test_a_page_without_a_hit_leads_on(ann: Visitor, monkeypatch: pytest.MonkeyPatch):
    # Given a hit behind more jobs than one page looks at
    wanted = make(ann, name="wanted")
    for _ in range(5):
        make(ann)
    monkeypatch.setattr("api.listing.MAX_READS", 1)
    monkeypatch.setattr("api.listing.FILTERED_BATCH", 2)
    # When the first page is read, then it is empty and names the next
    first = ann.get("/v1/jobs?name=wanted&limit=1").get_json()
    assert first["data"] == []
    assert first["next_cursor"]
    assert listed(ann, "name=wanted&limit=1") == [wanted]


def test_pages_stay_whole_while_jobs_come_and_go(ann: Visitor, redis_client: redis.Redis):
    # Given a first page of two
    made = [make(ann) for _ in range(6)][::-1]
    first = ann.get("/v1/jobs?limit=2").get_json()
    # When a job is added in front, and the last one of that page and one behind it vanish
    make(ann)
    for gone in (made[1], made[3]):
        redis_client.delete(f"cab:job:{gone}")
    # Then the rest comes once each
    rest = listed(ann, f"limit=2&cursor={first['next_cursor']}")
    assert rest == [made[2], made[4], made[5]]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("status=nothing", "query:/status/0"),
        ("created_after=yesterday", "query:/created_after"),
        ("created_after=2026-11-23", "query:/created_after"),
        ("created_before=2026-13-01T00:00:00Z", "query:/created_before"),
        ("name=", "query:/name"),
        ("metadata.=x", "query:/metadata"),
        ("metadata.a=1&metadata.a=2", "query:/metadata"),
        ("metadata=x", "query:/metadata"),
        ("cursor=x", "query:/cursor"),
        ("colour=red", "query:/colour"),
    ],
)
def test_a_filter_that_is_none_is_refused(ann: Visitor, query: str, pointer: str):
    reply = ann.get(f"/v1/jobs?{query}")
    assert reply.status_code == 422
    assert [each["pointer"] for each in reply.get_json()["errors"]] == [pointer]
