"""People who look at pages: a job with a video and a picture, links to it, browsers."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis
from flask import Flask
from flask.testing import FlaskClient

from service.jobs.context import Services
from service.logs import JsonLines
from service.model.cut import CutDoc, Failure, MediaInfo, ResultFile
from service.model.documents import write_document
from tests.integration.api.conftest import JOB, Visitor

SITE = "https://ab.example.com"
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
VIDEO = random.Random(7).randbytes(60_000)
PICTURE = random.Random(8).randbytes(900)
#: What a page loads, below `/jobs/<job>`.
READ = (
    "",
    "/state",
    "/report.json",
    "/report.html",
    "/video/A?clip=0&revision=1",
    "/pictures/0/poster_A",
    "/preferences",
)


@dataclass
class Browser:
    """A person's browser at the service's public address."""

    client: FlaskClient

    def get(self, path: str, **options: Any):
        headers = {**HTML, **options.pop("headers", {})}
        return self.client.get(path, base_url=SITE, headers=headers, **options)

    def post(self, path: str, form: dict[str, str] | None = None, **options: Any):
        headers = {**HTML, "Sec-Fetch-Site": "same-origin", **options.pop("headers", {})}
        return self.client.post(path, base_url=SITE, data=form or {}, headers=headers, **options)

    def sign_in(self, key: str, **options: Any):
        return self.post("/jobs/sign-in", {"key": key}, **options)

    def mark(self, job_id: str) -> str:
        """What the forms on the page of a job send along."""
        page = self.get(f"/jobs/{job_id}").text
        return page.partition('name="csrf" value="')[2].partition('"')[0]


def browser(app: Flask, visitor: Visitor | None = None) -> Browser:
    """A browser; one whose user has signed in with a tenant's key."""
    made = Browser(app.test_client())
    if visitor is not None:
        assert made.sign_in(visitor.key).status_code == 303
    return made


def write_cut(client: redis.Redis, job_id: str, label: str, state: str, doc: CutDoc) -> None:
    row = {"state": state, "doc": write_document(doc)}
    client.hset(f"cab:row:cut:{job_id}.0.{label}.1", mapping=row)


def a_compared_job(ann: Visitor, services: Services, client: redis.Redis) -> str:
    """A job whose A has a video and B has failed, with a comparison and a picture, as workers
    leave them; it has words that only its owner should see."""
    secret = {"clips": [{"url": "https://media.example.com/clip.mp4?token=of-the-owner"}]}
    body = {**JOB, **secret, "name": "Spring", "metadata": {"customer": "owners-only"}}
    job_id = ann.post("/v1/jobs", json=body).get_json()["id"]
    stored = services.files.put(f"jobs/{job_id}/A-1.mp4", [VIDEO], max_bytes=10**6)
    media = MediaInfo(2.0, 320, 180, 25, 1, "h264", "aac", "mp4")
    done = CutDoc(0, "A", result=ResultFile(stored.key, stored.size, stored.sha256, media))
    write_cut(client, job_id, "A", "succeeded", done)
    failure = Failure("render_failed", "of owners-only concern", "Ask the backend.")
    write_cut(client, job_id, "B", "failed", CutDoc(0, "B", failure=failure))
    services.files.put(f"jobs/{job_id}/comparison-0-poster_A.jpg", [PICTURE], max_bytes=10**6)
    put_report(services, job_id)
    client.hset(f"cab:job:{job_id}", "status", "partial")
    return job_id


def put_report(services: Services, job_id: str) -> None:
    poster = {
        "name": "poster_A", "variant": "A", "type": "image/jpeg", "size": len(PICTURE),
        "sha256": hashlib.sha256(PICTURE).hexdigest(), "width": 320, "height": 180, "text": "A",
        "url": f"{SITE}/v1/jobs/{job_id}/comparison/pictures/0/poster_A",
    }  # fmt: skip
    report = {
        "object": "comparison", "version": 1, "job": job_id, "status": "done", "reason": None,
        "verdict": {"kind": "legibility", "result": "better", "better": "A", "over": "B",
                    "text": "A's captions are easier to read than B's.", "caveats": []},
        "clips": [{"clip": 0, "variants": ["A", "B"],
                   "pictures": {"status": "done", "reason": None, "files": [poster]}}],
    }  # fmt: skip
    text = json.dumps(report).encode()
    services.files.put(f"jobs/{job_id}/comparison.json", [text], max_bytes=10**6)


def share(ann: Visitor, job_id: str, **wish: Any) -> dict[str, Any]:
    """A link to a job, as it is answered."""
    reply = ann.post(f"/v1/jobs/{job_id}/shares", json=wish)
    assert reply.status_code == 201, reply.text
    return reply.get_json()


def token_of(link: dict[str, Any]) -> str:
    return link["url"].partition("share=")[2]


def with_token(path: str, token: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}share={token}"


@contextmanager
def lines_of(level: int = logging.DEBUG) -> Iterator[list[str]]:
    """All that any logger writes in a block, as it goes to standard error."""
    lines: list[str] = []
    told = logging.StreamHandler(io.StringIO())
    told.setFormatter(JsonLines())
    told.emit = lambda record: lines.append(told.format(record))  # type: ignore[method-assign]
    root = logging.getLogger()
    before = root.level
    root.addHandler(told)
    root.setLevel(level)
    try:
        yield lines
    finally:
        root.removeHandler(told)
        root.setLevel(before)
