"""A bounded load of POSTs from one process, over kept-alive connections."""

from __future__ import annotations

import http.client
import json
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Load:
    """What a run measured: requests a second and latencies in milliseconds, sorted."""

    per_s: float
    latencies_ms: list[float]

    def quantile(self, share: float) -> float:
        last = len(self.latencies_ms) - 1
        return self.latencies_ms[min(last, int(len(self.latencies_ms) * share))]


def post_jobs(url: str, key: str, body: dict, *, clients: int, seconds: float) -> Load:
    """POST the same job from several clients for a while; every answer must be 202."""
    content = json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    place = urlsplit(url)
    latencies: list[float] = []
    failures: list[str] = []
    until = time.monotonic() + seconds

    def run() -> None:
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
        while time.monotonic() < until:
            started = time.monotonic()
            connection.request("POST", "/v1/jobs", content, headers)
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 202:
                failures.append(f"{answer.status} {said[:200]!r}")
                return
            latencies.append((time.monotonic() - started) * 1000)

    threads = [threading.Thread(target=run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise SystemExit(f"not accepted: {failures[0]}")
    return Load(len(latencies) / seconds, sorted(latencies))
