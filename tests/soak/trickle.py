"""A steady trickle of jobs, and of callers who look, wait, change their mind and hang up."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from cli.client import Client, Problem
from tests.chaos.customer import ENDED, EVENTS, SRT
from tests.receiver import Received, Receiver, Reply

_LOOK_S = 0.5
_PATIENCE_S = 90.0
_FOLLOWERS = 40
#: At the start so many jobs come at once, and so many callers look for so long: pools of
#: connections and threads, which never shrink, take the size that they would take some day.
_BURST_JOBS, _BURST_CALLERS, _BURST_S = 16, 32, 10.0
#: Of so many jobs one is canceled, one gets a message, one caller hangs up.
_CANCELED, _CHANGED, _LEFT = 7, 5, 4


class Inbox(Receiver):
    """Counts what comes by type, and keeps none of it."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, request: Received) -> Reply:
        with self._lock:
            self.counts[request.event["type"]] += 1
        return Reply()

    def ends_told(self) -> int:
        """Events that told the end of a job."""
        with self._lock:
            return sum(self.counts[f"job.{status}"] for status in ENDED)


class ClipServer:
    """Serves one clip by http, under any name."""

    def __init__(self, clip: Path) -> None:
        body = clip.read_bytes()

        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "video/mp4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with suppress(ConnectionError):  # a job that is canceled fetches no further
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}.mp4"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Trickle:
    """Sends a job every so often and follows each; `faults` says what was not as it must be."""

    url: str
    key: str = field(repr=False)
    inbox: Inbox
    clips: ClipServer
    clip: Path
    every_s: float = 2.5
    sent: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    _ending: threading.Event = field(default_factory=threading.Event)

    def run(self, seconds: float) -> None:
        """Send jobs for so long, then wait until all have ended."""
        looker = threading.Thread(target=self._look_around, name="looker", daemon=True)
        looker.start()
        self._burst_in()
        began_s = time.monotonic()
        with ThreadPoolExecutor(_FOLLOWERS) as pool:
            for _ in range(_BURST_JOBS):
                self._send(pool)
            due = 0
            while time.monotonic() - began_s < seconds:
                self._send(pool)
                due += 1
                pause_s = began_s + due * self.every_s - time.monotonic()
                self._ending.wait(max(0.0, pause_s))
        self._ending.set()
        looker.join(30)

    def _send(self, pool: ThreadPoolExecutor) -> None:
        pool.submit(self._guarded, f"job {self.sent}", self._live, self.sent)
        self.sent += 1

    def _burst_in(self) -> None:
        """Many callers at once."""
        until_s = time.monotonic() + _BURST_S

        def look() -> None:
            with requests.Session() as session:
                client = Client(self.url, self.key, session)
                while time.monotonic() < until_s:
                    client._call("GET", "/v1/jobs?limit=20")

        with ThreadPoolExecutor(_BURST_CALLERS) as pool:
            for _ in range(_BURST_CALLERS):
                pool.submit(self._guarded, "a caller of the burst", look)

    def _guarded(self, what: str, do: Callable[..., None], *args: object) -> None:
        try:
            do(*args)
        except Exception as error:  # noqa: BLE001 - whatever it is, the run has failed
            self.faults.append(f"{what}: {type(error).__name__}: {error}")

    def _live(self, number: int) -> None:
        """The life of one job as its caller sees it; each on connections of its own."""
        with requests.Session() as session:
            client = Client(self.url, self.key, session)
            job = client.submit(self._request(client, number), f"soak-{number}")
            job_id = str(job["id"])
            if number % _LEFT == 3:
                self._hang_up(job_id)
            if number % _CANCELED == 6:
                self._cancel(client, job_id)
            ended = self._follow(client, job_id, number)
            self.outcomes[ended["status"]] += 1
            fine = {"succeeded", "canceled"} if number % _CANCELED == 6 else {"succeeded"}
            if ended["status"] not in fine:
                self.faults.append(f"{job_id} is {ended['status']}")
            if ended["status"] == "succeeded":
                self._enjoy(client, ended, number)

    def _request(self, client: Client, number: int) -> dict[str, Any]:
        """A job; every other clip is uploaded for it, the rest come by URL."""
        source = {"url": self.clips.url(f"clip-{number}")}
        if number % 2:
            source = {"upload_id": client.upload(self.clip, lambda _: None)["id"]}
        return {
            "name": f"soak {number}",
            "clips": [source],
            "variants": [
                {"label": "A", "style": {"preset": "outline"}},
                {"label": "B", "style": {"preset": "boxed"}},
            ],
            "captions": {"format": "srt", "text": SRT},
            "webhook": {"url": self.inbox.url, "events": EVENTS},
        }

    def _follow(self, client: Client, job_id: str, number: int) -> dict[str, Any]:
        """Wait for the end of a job: by long polls, by ETags, or by its events."""
        until_s, etag, after = time.monotonic() + _PATIENCE_S, "", 0
        while time.monotonic() < until_s:
            if number % 3 == 0:
                with client._send("GET", f"/v1/jobs/{job_id}", headers={"Prefer": "wait=20"}):
                    pass
            elif number % 3 == 1:
                headers = {"If-None-Match": etag} if etag else {}
                with client._send("GET", f"/v1/jobs/{job_id}", headers=headers) as reply:
                    etag = reply.headers.get("ETag", etag)
                time.sleep(_LOOK_S)
            else:
                events = client._call("GET", f"/v1/jobs/{job_id}/events?after={after}")
                after = events["last_sequence"]
                time.sleep(_LOOK_S)
            job = client.job(job_id)
            if job["status"] in ENDED:
                return job
        return job

    def _enjoy(self, client: Client, job: dict[str, Any], number: int) -> None:
        """What callers do with a finished job."""
        job_id = job["id"]
        for path in ("/story", "/events", "/variants/A/timeline"):
            client._call("GET", f"/v1/jobs/{job_id}{path}")
        for variant in job["variants"]:
            with client._send("GET", variant["cuts"][0]["video"]["url"], stream=True) as reply:
                for _ in reply.iter_content(65536):
                    if number % _LEFT == 1:
                        break  # hangs up in the middle
        if number % _CHANGED == 4:
            self._change(client, job_id, number)

    def _change(self, client: Client, job_id: str, number: int) -> None:
        path = f"/v1/jobs/{job_id}/variants/A/messages"
        headers = {"Idempotency-Key": f"wish-{number}"}
        client._call("POST", path, json={"text": "make the captions yellow"}, headers=headers)
        until_s = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until_s:
            cut = client.job(job_id)["variants"][0]["cuts"][-1]
            if cut["revision"] == 2 and cut["status"] in ENDED:
                self.outcomes[f"revision {cut['status']}"] += 1
                return
            time.sleep(_LOOK_S)
        self.faults.append(f"the revision of {job_id} has not ended")

    def _cancel(self, client: Client, job_id: str) -> None:
        time.sleep(1.0)
        try:
            client._call("POST", f"/v1/jobs/{job_id}/cancel")
        except Problem as problem:
            if problem.status != 409:
                raise

    def _hang_up(self, job_id: str) -> None:
        """A caller who asks to wait, and leaves."""
        place = urlsplit(self.url)
        with socket.create_connection((place.hostname, place.port), timeout=10) as link:
            head = f"GET /v1/jobs/{job_id} HTTP/1.1\r\nHost: soak\r\nPrefer: wait=20\r\n"
            link.sendall(f"{head}Authorization: Bearer {self.key}\r\n\r\n".encode())
            time.sleep(0.2)

    def _look_around(self) -> None:
        """Somebody who lists, reads what never changes, and asks for what is not there."""
        with requests.Session() as session:
            client = Client(self.url, self.key, session)
            while not self._ending.wait(2.0):
                self._guarded("looking around", self._look_once, client)

    def _look_once(self, client: Client) -> None:
        for path in ("/v1/jobs?limit=20", "/v1/credits", "/v1/limits", "/v1/styles", "/readyz"):
            client._call("GET", path)
        with client._send("GET", "/docs"), client._send("GET", "/openapi.json"):
            pass
        for path, status in (("/v1/jobs/job_none", 404), ("/v1/jobs?limit=none", 422)):
            self._expect(client, status, "GET", path)
        self._expect(client, 422, "POST", "/v1/jobs", json={"clips": []})
        self._expect(client, 422, "POST", "/v1/uploads?filename=a.mp4", data=b"no video")
        self._expect(Client(self.url, "cab_live_none", client.session), 401, "GET", "/v1/jobs")
        upload = client.upload(self.clip, lambda _: None)
        with client._send("DELETE", f"/v1/uploads/{upload['id']}"):
            pass

    def _expect(self, client: Client, status: int, method: str, path: str, **more: Any) -> None:
        try:
            client._call(method, path, **more)
        except Problem as problem:
            if problem.status == status:
                return
            self.faults.append(f"{method} {path} answered {problem.status}, not {status}")
        else:
            self.faults.append(f"{method} {path} was taken")
