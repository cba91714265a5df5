"""Where viewers are sent for their video, for how long, and that it never changes meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest
import redis
from flask import Flask

from api.app import create_app
from service.jobs.context import Services
from service.video_links import Showing, write_showing
from tests.integration.api.audience import VIDEOS, Audience, an_audience, put_video
from tests.integration.api.conftest import Visitor
from tests.integration.api.looks import SITE


@pytest.fixture
def audience(ann: Visitor, services: Services, redis_client: redis.Redis) -> Audience:
    return an_audience(ann, services, redis_client)


def test_playing_leads_to_the_viewers_video(app: Flask, audience: Audience):
    for label in "AB":
        (unit_id,) = audience.units_in(label)
        # Given the address that an assignment has, which needs no header
        address = audience.assign(unit_id)["video"]
        browser = app.test_client()
        lead = browser.get(address.removeprefix(SITE))
        # Then it leads, for as long as a cache may keep it and longer, to this variant's bytes
        assert (lead.status_code, lead.headers["Cache-Control"]) == (302, "public, max-age=450")
        assert lead.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        place = lead.headers["Location"].removeprefix(SITE)
        video = browser.get(place)
        assert (video.status_code, video.data) == (200, VIDEOS[label])
        assert video.headers["Content-Type"] == "video/mp4"
        assert video.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        kept_s = int(video.headers["Cache-Control"].removeprefix("public, max-age="))
        assert 899 <= kept_s <= 1352
        # And ranges of them
        part = browser.get(place, headers={"Range": "bytes=100-199"})
        assert (part.status_code, part.data) == (206, VIDEOS[label][100:200])
        assert browser.head(place).headers["Content-Length"] == str(len(VIDEOS[label]))
        tag = {"If-None-Match": video.headers["ETag"]}
        assert browser.get(place, headers=tag).status_code == 304
        assert browser.get(place, headers={"Range": "bytes=999999-"}).status_code == 416


def test_all_viewers_of_a_variant_share_an_address_for_a_while(audience: Audience):
    units = audience.units_in("A", 5)
    leads = {
        audience.ask("/play", query_string={"unit_id": each}).headers["Location"] for each in units
    }
    assert len(leads) <= 2  # where the end of a step lies between two of them


def test_a_service_is_led_to_the_video_too(audience: Audience):
    (unit_id,) = audience.units_in("B")
    reply = audience.owner.get(f"{audience.base}/play", query_string={"unit_id": unit_id})
    assert (reply.status_code, reply.headers["Cache-Control"]) == (302, "private, max-age=450")
    place = reply.headers["Location"].removeprefix(SITE)
    assert audience.owner.client.get(place).data == VIDEOS["B"]


def test_an_address_ends_and_cannot_be_bent(app: Flask, audience: Audience, services: Services):
    (unit_id,) = audience.units_in("A")
    place = audience.ask("/play", query_string={"unit_id": unit_id}).headers["Location"]
    place = place.removeprefix(SITE)
    browser = app.test_client()
    # One that was signed for a revision that viewers do not see
    other = Showing(audience.job_id, "A", 0, 2, services.clock.now_ms() // 1000 + 60)
    unseen = write_showing(services.settings.signing_secret, other)
    head, _, token = place.rpartition("/")
    bent = [
        f"{head[:-1]}B/{token}",
        f"{head}/{token[:-1]}{'A' if token[-1] != 'A' else 'B'}",
        f"{head}/1{token}",
        place.replace(audience.job_id, "job_00000000000000000000000000"),
        f"{head}/x",
        f"{head}/{unseen}",
    ]
    for each in bent:
        reply = browser.get(each)
        assert (reply.status_code, reply.get_json()["code"]) == (404, "not_found")
    # When its time is over
    late = replace(services, settings=replace(services.settings, play_link_s=-5.0))
    ended = (
        create_app(late)
        .test_client()
        .get(f"{audience.base}/play", query_string={"unit_id": unit_id, "key": audience.key["key"]})
    )
    assert browser.get(place).status_code == 200
    assert browser.get(ended.headers["Location"].removeprefix(SITE)).status_code == 404


def test_a_later_revision_is_not_shown(
    app: Flask, ann: Visitor, services: Services, redis_client: redis.Redis
):
    # Given two revisions of A when the experiment begins
    before = {2: b"before"}
    audience = an_audience(ann, services, redis_client, revisions=before)
    (unit_id,) = audience.units_in("A")
    query = {"unit_id": unit_id, "key": audience.key["key"]}
    # When a third is done, which was asked for before the begin, and a fourth, asked for since
    for number, sent_ms in ((3, 1), (4, services.clock.now_ms() + 1)):
        content = f"since {number}".encode()
        put_video(
            services, redis_client, audience.job_id, "A", number,
            content=content, rendered_ms=sent_ms,
        )  # fmt: skip
        # Then viewers go on to see the same
        fresh = create_app(services).test_client()
        lead = fresh.get(f"{audience.base}/play", query_string=query)
        assert fresh.get(lead.headers["Location"].removeprefix(SITE)).data == b"before"


def test_a_clip_that_is_not_there_is_not_played(audience: Audience):
    (unit_id,) = audience.units_in("A")
    query = {"unit_id": unit_id, "clip": "1"}
    assert audience.ask("/play", query_string=query).status_code == 404


def test_no_log_holds_the_address_of_a_video(audience: Audience, caplog):
    (unit_id,) = audience.units_in("A")
    lead = audience.ask("/play", query_string={"unit_id": unit_id}).headers["Location"]
    token = lead.rpartition("/")[2]
    with caplog.at_level("INFO"):
        assert audience.owner.client.get(lead.removeprefix(SITE)).status_code == 200
        assert audience.owner.client.get(f"{lead.removeprefix(SITE)}x").status_code == 404
    paths = [each.__dict__["path"] for each in caplog.records if "path" in each.__dict__]
    assert paths == [f"/play/{audience.job_id}/A/..."] * 2
    assert token not in caplog.text
