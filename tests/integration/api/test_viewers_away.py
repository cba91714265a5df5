"""Viewers while Redis is away: what a process has seen is still shown."""

from __future__ import annotations

from tests.integration.api.audience import SHOP, VIDEOS, an_audience
from tests.integration.api.looks import SITE
from tests.integration.api.outage import is_unavailable
from tests.integration.api.outage_fixtures import client, redis_url, server

__all__ = ["client", "redis_url", "server"]


def test_viewers_go_on_watching_while_the_store_is_away(ann, services, server, client):
    # Given an experiment that this process has shown, and one that it has not
    audience, unseen = (an_audience(ann, services, client) for _ in range(2))
    told = audience.assign("viewer-1")
    server.kill()
    # Then viewers of the one go on, also those who have just come
    assert audience.assign("viewer-1")["token"] == told["token"]
    lead = audience.ask("/play", query_string={"unit_id": "viewer-2"})
    place = lead.headers["Location"].removeprefix(SITE)
    assert audience.owner.client.get(place).data in VIDEOS.values()
    # And the other says that it cannot tell
    reply = unseen.ask("/assignment", query_string={"unit_id": "viewer-1"}, origin=SHOP)
    assert is_unavailable(reply)
