"""Videos of a bucket through the API: streamed, or answered with a link into the bucket."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import requests
from cryptography.fernet import Fernet

from api.app import create_app
from service.access import create_tenant_with_key
from service.model.cut import CutDoc, MediaInfo, ResultFile
from service.wiring import build_services
from tests.integration.api.audience import VIDEOS, an_audience
from tests.integration.api.conftest import JOB, MP4, Visitor
from tests.integration.api.test_videos import write_cut

pytestmark = pytest.mark.s3
VIDEO = random.Random(7).randbytes(600_000)


@pytest.fixture
def visit(bucket_settings, redis_client, redis_url):
    """Open a tenant's way to an API whose files are in the bucket, with changed settings."""
    opened = []

    def open_api(**changes) -> tuple[Visitor, str]:
        settings = replace(
            bucket_settings,
            redis_url=redis_url,
            secret_keys=(Fernet.generate_key().decode(),),
            key_pepper="a pepper",
            redis_policy="stated",
            **changes,
        )
        parts = build_services(settings, name="test", connections=8)
        opened.append(parts)
        made = create_tenant_with_key(
            parts.accounts,
            parts.vault,
            name="ann",
            account_id="acc_anonymous",
            pepper=settings.key_pepper,
            now_ms=parts.clock.now_ms(),
        )
        ann = Visitor(create_app(parts).test_client(), made.api_key, made.tenant_id)
        job_id = ann.post("/v1/jobs", json=JOB).get_json()["id"]
        stored = parts.files.put(f"jobs/{job_id}/A-1.mp4", [VIDEO], max_bytes=10**6)
        media = MediaInfo(2.0, 320, 180, 25, 1, "h264", "aac", "mp4")
        doc = CutDoc(0, "A", result=ResultFile(stored.key, stored.size, stored.sha256, media))
        write_cut(redis_client, job_id, "A", "succeeded", doc)
        return ann, f"/v1/jobs/{job_id}/variants/A/video"

    yield open_api
    for parts in opened:
        parts.connection.client.connection_pool.disconnect()


def test_without_links_the_api_streams_from_the_bucket(visit):
    ann, path = visit(s3_link_s=0.0)
    assert ann.get(path).data == VIDEO
    part = ann.get(path, headers={"Range": "bytes=300000-"})
    assert (part.status_code, part.data) == (206, VIDEO[300_000:])
    assert ann.get("/readyz").get_json()["checks"]["files"] == "writable"


def test_with_links_the_api_answers_where_the_video_is(visit):
    """Given links of a minute, when a video is asked for, then its link gives it, saved by name."""
    ann, path = visit(s3_link_s=60.0)
    reply = ann.get(path + "?download=true")
    assert reply.status_code == 302
    assert reply.headers["Cache-Control"] == "no-store"
    found = requests.get(reply.headers["Location"], timeout=10)
    assert (found.status_code, found.content) == (200, VIDEO)
    assert found.headers["Content-Disposition"].startswith("attachment; filename=")
    head = ann.open(path, "HEAD")
    assert (head.status_code, head.headers["Content-Length"]) == (200, "600000")
    etag = head.headers["ETag"]
    assert ann.get(path, headers={"If-None-Match": etag}).status_code == 304


def test_with_links_viewers_are_sent_to_the_bucket(visit, redis_client):
    # Given an experiment whose videos are in the bucket
    ann, _ = visit(s3_link_s=60.0)
    parts = ann.client.application.extensions["caption_ab"].services
    audience = an_audience(ann, parts, redis_client)
    (unit_id,) = audience.units_in("B")
    # When a viewer plays, then a link gives the video, and caches keep it for half of its life
    lead = audience.ask("/play", query_string={"unit_id": unit_id})
    assert (lead.status_code, lead.headers["Cache-Control"]) == (302, "public, max-age=30")
    found = requests.get(lead.headers["Location"], timeout=10)
    assert found.content == VIDEOS["B"]
    assert found.headers["Content-Type"] == "video/mp4"
    # And the page that is framed lets its player load it from there
    page = ann.client.get(f"/embed/{audience.job_id}?key={audience.key['key']}")
    bucket = "/".join(lead.headers["Location"].split("/")[:3])
    policy = page.headers["Content-Security-Policy"]
    assert bucket in policy.partition("media-src ")[2].partition(";")[0].split()


def test_an_upload_lands_in_the_bucket_and_leaves_it(visit):
    ann, _ = visit()
    body = ann.upload().get_json()
    assert body["size"] == len(MP4)
    assert ann.delete(f"/v1/uploads/{body['id']}").status_code == 204
