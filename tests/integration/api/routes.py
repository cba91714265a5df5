"""Every keyed route, from the map of the app itself: a new one cannot be forgotten."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from flask import Flask

from api.gate import OPEN

#: A body that each route takes which needs one; a route with a body that is not here fails a test.
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/v1/jobs"): {
        "clips": [{"url": "https://media.example.com/clip.mp4"}],
        "captions": {"format": "srt", "text": "1\n00:00:00,500 --> 00:00:02,500\nHello\n"},
    },
    ("POST", "/v1/jobs/{job_id}/variants/{label}/messages"): {"text": "make it yellow"},
    ("PUT", "/v1/account/nemo-token"): {"token": "nmv_usr_deadbeefdeadbeef"},
    ("PUT", "/v1/retention"): {"job_ttl_s": 86_400},
    ("POST", "/v1/admin/tenants"): {"name": "one more"},
    ("POST", "/v1/admin/keys"): {"name": "ci"},
    ("POST", "/v1/jobs/{job_id}/shares"): {},
    ("PUT", "/v1/jobs/{job_id}/experiment"): {"primary": {"name": "clicks", "kind": "proportion"}},
    ("POST", "/v1/jobs/{job_id}/experiment"): {"primary": {"name": "clicks", "kind": "proportion"}},
    ("POST", "/v1/jobs/{job_id}/outcomes"): {
        "outcomes": [{"event_id": "e", "unit_id": "u", "variant": "A"}]
    },
    ("POST", "/v1/jobs/{job_id}/experiment/keys"): {"origins": ["https://shop.example.com"]},
    ("POST", "/v1/jobs/{job_id}/assignments"): {"unit_ids": ["viewer-1"]},
    ("POST", "/v1/webhook-endpoints"): {"url": "https://hooks.example.com/in"},
    ("PATCH", "/v1/webhook-endpoints/{endpoint_id}"): {"description": "changed"},
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/replay"): {"since": "2026-11-25T00:00:00Z"},
}
#: What must stand in an address after its path.
QUERIES: dict[str, dict[str, str]] = {
    "/v1/jobs/{job_id}/assignment": {"unit_id": "viewer-1"},
    "/v1/jobs/{job_id}/play": {"unit_id": "viewer-1"},
}
#: What stands for a parameter that names nothing of a tenant's.
PLAIN = {"label": "A", "number": "1", "clip": "0", "name": "contact_sheet"}


@dataclass(frozen=True)
class Route:
    """One method of one address, as the OpenAPI document writes it."""

    method: str
    path: str

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"\{(\w+)\}", self.path)

    def address(self, ids: dict[str, str]) -> str:
        """The address with ids, or plain values, in place of its parameters."""
        return self.path.format(**{name: ids.get(name) or PLAIN[name] for name in self.parameters})

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def keyed_routes(app: Flask) -> list[Route]:
    """All methods of all addresses below /v1, but those that are open by name."""
    routes = []
    for rule in app.url_map.iter_rules():
        if rule.rule == "/v1" or rule.rule.startswith("/v1/"):
            path = re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"{\1}", rule.rule)
            methods = {each for each in rule.methods or () if (each, path) not in OPEN}
            routes += [Route(each, path) for each in methods]
    return sorted(routes, key=str)


def options_of(route: Route) -> dict[str, Any]:
    """What a valid request to a route sends."""
    headers = {"Idempotency-Key": "a-key", "Tus-Resumable": "1.0.0", "Upload-Offset": "0"}
    if route.method == "PATCH" and route.path.startswith("/v1/uploads"):
        piece = {"Content-Type": "application/offset+octet-stream"}
        return {"headers": {**headers, **piece}, "data": b"x"}
    if (route.method, route.path) == ("POST", "/v1/uploads/tus/{upload_id}"):
        headers["X-HTTP-Method-Override"] = "DELETE"
    body = BODIES.get((route.method, route.path))
    query = QUERIES.get(route.path, {})
    return {
        "headers": headers,
        **({} if body is None else {"json": body}),
        **({"query_string": query} if query else {}),
    }
