"""Who sends jobs: keeps its own list of what was accepted, whatever happens to the API."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from cli.client import Client, Problem

ENDED = frozenset({"succeeded", "partial", "failed", "canceled", "expired"})
SRT = "1\n00:00:00,200 --> 00:00:00,900\nHello there\n\n2\n00:00:01,000 --> 00:00:01,800\nBye\n"
#: All there are, so that no sequence has a gap; progress comes to those alone who name it.
EVENTS = ["job.*", "job.progress", "clip.*", "cut.*", "experiment.*"]
_PAUSE_S = 0.2
_PATIENCE_S = 120.0
Answer = TypeVar("Answer")


@dataclass
class Customer:
    """Sends jobs one after another and follows them; a lost answer is asked for again.

    `accepted` holds the id of every job that was answered with 202, by its Idempotency-Key.
    """

    client: Client
    webhook: str
    clip_sha256: str = ""
    upload_id: str = ""
    accepted: dict[str, str] = field(default_factory=dict)
    retried: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def upload(self, clip: Path) -> None:
        """Upload the clip that all jobs use."""
        self.clip_sha256 = hashlib.sha256(clip.read_bytes()).hexdigest()
        self.upload_id = self.client.upload(clip, lambda _: None)["id"]

    def send(self, key: str, labels: str = "AB", plan: Mapping[str, Any] | None = None) -> str:
        """Send one job until it is accepted, perhaps with the plan of an experiment; its id."""
        presets = ("outline", "boxed", "classic", "karaoke")
        request = {
            "name": key,
            "clips": [{"upload_id": self.upload_id}],
            "variants": [
                {"label": label, "style": {"preset": presets[index % 2]}}
                for index, label in enumerate(labels)
            ],
            "captions": {"format": "srt", "text": SRT},
            "webhook": {"url": self.webhook, "events": EVENTS},
            **({} if plan is None else {"experiment": plan}),
        }
        job = self._insist(lambda: self.client.submit(request, key))
        with self._lock:
            self.accepted[key] = job["id"]
        return str(job["id"])

    def send_many(self, count: int, *, pause_s: float = 0.0, name: str = "job") -> None:
        """Send a stream of jobs."""
        for number in range(count):
            self.send(f"{name}-{number}")
            time.sleep(pause_s)

    def await_ends(self, seconds: float) -> dict[str, dict[str, Any]]:
        """Wait until all accepted jobs have ended; their resources by id, ended or not."""
        until_s = time.monotonic() + seconds
        found: dict[str, dict[str, Any]] = {}
        while True:
            for job_id in list(self.accepted.values()):
                if found.get(job_id, {}).get("status") not in ENDED:
                    found[job_id] = self.look(job_id)
            left = [each for each in self.accepted.values() if found[each]["status"] not in ENDED]
            if not left or time.monotonic() > until_s:
                return found
            time.sleep(_PAUSE_S)

    def look(self, job_id: str) -> dict[str, Any]:
        """A job; an empty status while the API does not know it."""
        try:
            return self._insist(lambda: self.client.job(job_id))
        except Problem as problem:
            return {"id": job_id, "status": "", "problem": str(problem)}

    def read_videos(self, jobs: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
        """By its address, the SHA-256 of every video that the jobs name, or why there is none."""
        urls = [
            cut["video"]["url"]
            for job in jobs.values()
            for variant in job.get("variants", ())
            for cut in variant["cuts"]
            if "video" in cut
        ]
        with ThreadPoolExecutor(4) as pool:
            return dict(zip(urls, pool.map(self._hash, urls), strict=True))

    def _hash(self, url: str) -> str:
        digest = hashlib.sha256()
        try:
            with self.client._send("GET", url, stream=True) as reply:
                for piece in reply.iter_content(65536):
                    digest.update(piece)
        except Problem as problem:
            return str(problem)
        return digest.hexdigest()

    def _insist(self, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        def again() -> None:
            self.retried += 1

        return insist(ask, again)


def insist(ask: Callable[[], Answer], again: Callable[[], None] = lambda: None) -> Answer:
    """Ask again while the API is away: every request of these tests may be repeated.

    Raises:
        Problem: it refuses, or is away for longer than two minutes.
    """
    until_s = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return ask()
        except Problem as problem:
            passing = problem.status in {0, 429, 500, 502, 503}
            if not passing or time.monotonic() > until_s:
                raise
            again()
        time.sleep(_PAUSE_S)
