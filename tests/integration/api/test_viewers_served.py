"""Viewers at the production server: what a browser of another origin asks, in its order."""

from __future__ import annotations

import json

import redis
import requests

from tests.conftest import ValkeyServer
from tests.integration.api.conftest import JOB
from tests.integration.api.test_server import Running, running
from tests.integration.api.viewers import end_job

__all__ = ["running"]


def test_a_browser_of_another_origin_is_served(
    running: Running, durable_valkey_server: ValkeyServer
):
    # Given a job that has ended, an experiment on it and a key for pages of a shop
    sent = {"headers": running.headers, "timeout": 20}
    job = requests.post(f"{running.url}/v1/jobs", json=JOB, **sent).json()["id"]
    with redis.Redis.from_url(durable_valkey_server.url, decode_responses=True) as client:
        end_job(client, job)
    base, shop = f"{running.url}/v1/jobs/{job}", "https://shop.example.com"
    plan = {"primary": {"name": "clicks", "kind": "proportion"}}
    assert requests.put(f"{base}/experiment", json=plan, **sent).status_code == 201
    keys = requests.post(f"{base}/experiment/keys", json={"origins": [shop]}, **sent)
    key = {"key": keys.json()["key"]}
    # When a browser asks as it does: first whether it may, then for its variant, then a beacon
    asked = {"Origin": shop, "Access-Control-Request-Method": "POST"}
    first = requests.options(f"{base}/outcomes", headers=asked, timeout=20)
    origin = {"Origin": shop}
    told = requests.get(
        f"{base}/assignment", params={"unit_id": "🎬", **key}, headers=origin, timeout=20
    )
    item = {"event_id": "e", **{name: told.json()[name] for name in ("unit_id", "token")}}
    text = {**origin, "Content-Type": "text/plain;charset=UTF-8"}
    body = json.dumps({"outcomes": [item]}).encode()
    counted = requests.post(f"{base}/outcomes", params=key, data=body, headers=text, timeout=20)
    # Then all of it is answered, to that origin
    assert (first.status_code, told.status_code, counted.status_code) == (204, 200, 200)
    for reply in (first, told, counted):
        assert reply.headers["Access-Control-Allow-Origin"] == shop
    assert counted.json()["accepted"] == 1
