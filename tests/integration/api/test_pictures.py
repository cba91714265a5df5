"""The pictures of a comparison: whole, in ranges, to be saved, and nobody else's."""

from __future__ import annotations

import hashlib

import pytest
import redis

from service.jobs.comparison import keep_report
from tests.integration.api.conftest import JOB, Visitor

VIDEO, STILL = b"a video that is no video" * 40, b"a still"


@pytest.fixture
def job_id(ann: Visitor) -> str:
    return ann.post("/v1/jobs", json=JOB).get_json()["id"]


@pytest.fixture
def pictured(ann: Visitor, job_id: str, services, redis_client: redis.Redis) -> str:
    """The address of an ended job's pictures: a video of two clips, and a still."""
    redis_client.hset(f"cab:job:{job_id}", "status", "succeeded")
    listed = [
        keep(services.files, job_id, "side_by_side", ".mp4", "video/mp4", VIDEO),
        keep(services.files, job_id, "contact_sheet", ".jpg", "image/jpeg", STILL),
    ]
    pictures = {"status": "done", "reason": None, "files": listed}
    report = {"object": "comparison", "clips": [{"clip": 0, "pictures": pictures}, {"clip": 1}]}
    keep_report(job_id, report, services.files)
    return f"/v1/jobs/{job_id}/comparison/pictures"


def keep(files, job_id, name, suffix, kind, data):
    files.put(f"jobs/{job_id}/comparison-0-{name}{suffix}", [data], max_bytes=10_000)
    sha256 = hashlib.sha256(data).hexdigest()
    return {"name": name, "type": kind, "size": len(data), "sha256": sha256}


def test_a_picture_is_sent_with_its_type_and_sum(ann: Visitor, pictured):
    reply = ann.get(f"{pictured}/0/contact_sheet")
    assert (reply.status_code, reply.data) == (200, STILL)
    assert reply.headers["Content-Type"] == "image/jpeg"
    assert reply.headers["ETag"] == f'"{hashlib.sha256(STILL).hexdigest()}"'
    again = ann.get(f"{pictured}/0/contact_sheet", headers={"If-None-Match": reply.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_player_gets_the_range_that_it_asks_for(ann: Visitor, pictured):
    reply = ann.get(f"{pictured}/0/side_by_side", headers={"Range": "bytes=10-19"})
    assert (reply.status_code, reply.data) == (206, VIDEO[10:20])
    assert reply.headers["Content-Range"] == f"bytes 10-19/{len(VIDEO)}"
    assert reply.headers["Content-Type"] == "video/mp4"
    beyond = ann.get(f"{pictured}/0/side_by_side", headers={"Range": "bytes=5000-"})
    assert beyond.status_code == 416


def test_a_range_is_answered_without_the_report(ann: Visitor, pictured, job_id, services):
    """Given a report of 14 MB, then no request of a player reads it: a short list has pictures."""
    services.files.put(f"jobs/{job_id}/comparison.json", [b"not read"], max_bytes=10)
    reply = ann.get(f"{pictured}/0/side_by_side", headers={"Range": "bytes=10-19"})
    assert (reply.status_code, reply.data) == (206, VIDEO[10:20])
    assert ann.get(f"{pictured}/0/poster_A").status_code == 404


def test_a_picture_of_a_report_that_was_kept_without_a_list_is_there(
    ann: Visitor, pictured, job_id, services
):
    services.files.delete(f"jobs/{job_id}/comparison-pictures.json")
    assert ann.get(f"{pictured}/0/contact_sheet").data == STILL
    assert ann.get(f"{pictured}/0/poster_A").status_code == 404


def test_a_browser_saves_it_under_a_name(ann: Visitor, pictured, job_id):
    reply = ann.get(f"{pictured}/0/side_by_side?download=true")
    assert reply.headers["Content-Disposition"] == (
        f'attachment; filename="{job_id}-side_by_side.mp4"'
    )


@pytest.mark.parametrize(
    "name", ["0/poster_A", "1/contact_sheet", "7/contact_sheet", "0/..%2fcomparison.json"]
)
def test_what_the_comparison_does_not_list_is_not_there(ann: Visitor, pictured, name):
    assert ann.get(f"{pictured}/{name}").status_code == 404


def test_a_job_under_way_has_none_and_says_when(ann: Visitor, job_id):
    reply = ann.get(f"/v1/jobs/{job_id}/comparison/pictures/0/contact_sheet")
    assert reply.status_code == 404
    assert "made when the job ends" in reply.get_json()["detail"]


def test_an_ended_job_without_a_comparison_has_none(ann: Visitor, job_id, redis_client):
    redis_client.hset(f"cab:job:{job_id}", "status", "succeeded")
    reply = ann.get(f"/v1/jobs/{job_id}/comparison/pictures/0/contact_sheet")
    assert reply.status_code == 404
    assert "no such picture" in reply.get_json()["detail"]


def test_a_picture_whose_file_is_gone_is_404(ann: Visitor, pictured, services, job_id):
    services.files.delete(f"jobs/{job_id}/comparison-0-contact_sheet.jpg")
    assert ann.get(f"{pictured}/0/contact_sheet").status_code == 404


def test_they_are_nobody_elses(bob: Visitor, pictured):
    assert bob.get(f"{pictured}/0/contact_sheet").status_code == 404
