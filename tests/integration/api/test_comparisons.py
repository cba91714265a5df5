"""The full report of a comparison: for its owner, once the job has ended, and as it was made."""

from __future__ import annotations

from dataclasses import replace

import pytest
import redis

from api.places import ReportPlaces
from service.jobs.comparison import keep_report
from tests.integration.api.conftest import JOB, Visitor

REPORT = {"object": "comparison", "version": 1, "status": "done", "clips": [], "words": "très bien"}


@pytest.fixture
def job_id(ann: Visitor) -> str:
    return ann.post("/v1/jobs", json=JOB).get_json()["id"]


def end(client: redis.Redis, job_id: str) -> None:
    client.hset(f"cab:job:{job_id}", "status", "succeeded")


def test_a_job_under_way_has_none(ann: Visitor, job_id):
    reply = ann.get(f"/v1/jobs/{job_id}/comparison")
    assert reply.status_code == 404
    assert "made when the job ends" in reply.get_json()["detail"]


def test_an_ended_job_without_one_says_why(ann: Visitor, job_id, redis_client):
    end(redis_client, job_id)
    reply = ann.get(f"/v1/jobs/{job_id}/comparison")
    assert reply.status_code == 404
    assert "earlier release" in reply.get_json()["hint"]


def test_it_is_answered_as_it_was_made(ann: Visitor, job_id, services, redis_client):
    # Given an ended job with its report among its files,
    end(redis_client, job_id)
    keep_report(job_id, REPORT, services.files)
    # When its owner reads it, then it is there whole,
    reply = ann.get(f"/v1/jobs/{job_id}/comparison")
    assert (reply.status_code, reply.get_json()) == (200, REPORT)
    # and a second time only that it is unchanged.
    again = ann.get(reply.request.path, headers={"If-None-Match": reply.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_it_is_nobody_elses(bob: Visitor, job_id, services, redis_client):
    end(redis_client, job_id)
    keep_report(job_id, REPORT, services.files)
    assert bob.get(f"/v1/jobs/{job_id}/comparison").status_code == 404


def test_it_is_one_file_to_keep_as_well(ann: Visitor, job_id, services, redis_client):
    # Given an ended job with its report and a picture of it,
    end(redis_client, job_id)
    picture = {"name": "contact_sheet", "variant": None, "type": "image/jpeg", "size": 5}
    files = [{**picture, "sha256": "0" * 64, "text": "both", "url": "https://x.example/"}]
    clip = {"clip": 0, "variants": ["A", "B"], "pictures": {"status": "done", "files": files}}
    services.files.put(f"jobs/{job_id}/comparison-0-contact_sheet.jpg", [b"12345"], max_bytes=9)
    keep_report(job_id, {**REPORT, "clips": [clip]}, services.files)
    # when its owner fetches the page of it,
    reply = ann.get(f"/v1/jobs/{job_id}/comparison/report.html")
    # then it is a page with the picture inside, and loads nothing.
    assert (reply.status_code, reply.mimetype) == (200, "text/html")
    page = reply.get_data(as_text=True)
    assert "data:image/jpeg;base64,MTIzNDU=" in page
    assert "<script" not in page
    assert 'rel="stylesheet"' not in page


def test_so_many_files_are_made_at_once_and_no_more(
    app, ann: Visitor, job_id, services, redis_client
):
    # Given a process that makes as many as it may,
    end(redis_client, job_id)
    keep_report(job_id, REPORT, services.files)
    places = ReportPlaces(most=1, wait_s=0.05)
    app.extensions["caption_ab"] = replace(app.extensions["caption_ab"], reports=places)
    address = f"/v1/jobs/{job_id}/comparison/report.html"
    with places.one():
        # when one more is asked for, then it is refused, and told when to ask again,
        reply = ann.get(address)
        assert (reply.status_code, reply.get_json()["code"]) == (503, "too_many_reports")
        assert int(reply.headers["Retry-After"]) > 0
    # and it is made when there is a place.
    assert [ann.get(address).status_code for _ in range(2)] == [200, 200]


def test_there_is_no_file_before_the_end(ann: Visitor, job_id):
    assert ann.get(f"/v1/jobs/{job_id}/comparison/report.html").status_code == 404
