"""An experiment that has begun, with a real folder's videos, and viewers of it with their keys."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import Any

import redis
from flask.testing import FlaskClient

from service.experiments.assign import Allocation, assign
from service.experiments.ledger import Book
from service.experiments.plan import Plan, read_plan
from service.jobs.context import Services
from service.jobs.experiments import attach_experiment
from service.model.cut import CutDoc, MediaInfo, RenderIntent, ResultFile
from service.model.documents import write_document
from tests.integration.api.conftest import JOB, Visitor

SHOP = "https://shop.example.com"
VIDEOS = {label: random.Random(label).randbytes(50_000 + 7 * at) for at, label in enumerate("ABC")}
WATCH = {"name": "watch", "kind": "ratio", "most": 3000}
CLICKS = {"name": "clicks", "kind": "proportion"}


def a_plan(**changes: Any) -> Plan:
    variants = [{"label": "A", "weight": 0.5}, {"label": "B", "weight": 0.5}]
    usual = {"seed": "spring", "variants": variants, "primary": WATCH, "secondary": [CLICKS]}
    return read_plan({**usual, **changes})


def put_video(
    services: Services, client: redis.Redis, job_id: str, label: str, revision: int = 1,
    *, content: bytes | None = None, rendered_ms: int = 1,
) -> None:  # fmt: skip
    """A variant with a video, as workers leave it."""
    pieces = [VIDEOS[label] if content is None else content]
    name = f"jobs/{job_id}/{label}-1-{revision}.mp4"
    stored = services.files.put(name, pieces, max_bytes=10**9)
    media = MediaInfo(2.0, 320, 180, 25, 1, "h264", "aac", "mp4")
    result = ResultFile(stored.key, stored.size, stored.sha256, media)
    intent = RenderIntent("render_1", 1, rendered_ms)
    doc = CutDoc(0, label, revision, render=intent, result=result)
    row = {"state": "succeeded", "doc": write_document(doc)}
    client.hset(f"cab:row:cut:{job_id}.0.{label}.{revision}", mapping=row)
    if revision > 1:
        client.hset(f"cab:job:{job_id}", f"revision:0.{label}", str(revision))


def an_experiment_of(services: Services, job_id: str, **plan: Any) -> Plan:
    """Attach a plan to a job."""
    job = services.jobs.read(job_id)
    assert job is not None
    made = a_plan(**plan)
    attach_experiment(job, made, services)
    return made


@dataclass
class Audience:
    """A running experiment and the ways to it."""

    owner: Visitor
    services: Services
    job_id: str
    plan: Plan
    key: dict[str, Any] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return f"/v1/jobs/{self.job_id}"

    def new_key(self, *origins: str, **wish: Any) -> dict[str, Any]:
        """A publishable key for pages of some origins."""
        body = {"origins": origins or [SHOP], **wish}
        reply = self.owner.post(f"{self.base}/experiment/keys", json=body)
        assert reply.status_code == 201, reply.text
        return reply.get_json()

    def ask(self, path: str, *, key: str = "", origin: str = SHOP, **options: Any):
        """What a browser on a page asks with a publishable key."""
        headers = {"Authorization": f"Bearer {key or self.key['key']}", "Origin": origin}
        headers = {name: value for name, value in headers.items() if value}
        headers |= options.pop("headers", {})
        client: FlaskClient = self.owner.client
        return client.open(self.base + path, headers=headers, **options)

    def assign(self, unit_id: str, **options: Any) -> dict[str, Any]:
        """A viewer's assignment, as their browser gets it."""
        reply = self.ask("/assignment", query_string={"unit_id": unit_id}, **options)
        assert reply.status_code == 200, reply.text
        return reply.get_json()

    def place_of(self, unit_id: str) -> int | None:
        """The place of a viewer's variant, as the pure function says."""
        weights = tuple(each.weight for each in self.plan.arms)
        return assign(Allocation(self.plan.seed, weights, self.plan.coverage), unit_id)

    def units_in(self, label: str | None, count: int = 1) -> list[str]:
        """Viewers whom the pure function puts into a variant."""
        wanted = None if label is None else self.plan.labels.index(label)
        names = (f"unit-{n}" for n in range(10_000))
        return list(islice((each for each in names if self.place_of(each) == wanted), count))

    def book(self) -> Book:
        book = self.services.experiments.read(self.job_id)
        assert book is not None
        return book


def an_audience(
    owner: Visitor,
    services: Services,
    client: redis.Redis,
    *,
    key: bool = True,
    films: Mapping[str, bytes] = VIDEOS,
    revisions: Mapping[int, bytes] = MappingProxyType({}),
    **plan: Any,
) -> Audience:
    """A job of two or three variants with videos, whose experiment has begun, and a key to it."""
    labels = [each["label"] for each in plan.get("variants", [{"label": "A"}, {"label": "B"}])]
    job_id = owner.post("/v1/jobs", json={**JOB, "variants": [{} for _ in labels]}).get_json()["id"]
    for label in labels:
        put_video(services, client, job_id, label, content=films[label])
    for number, content in revisions.items():
        put_video(services, client, job_id, "A", number, content=content)
    client.hset(f"cab:job:{job_id}", "status", "succeeded")
    made = Audience(owner, services, job_id, an_experiment_of(services, job_id, **plan))
    made.key = made.new_key() if key else {}
    return made
