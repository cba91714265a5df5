"""Real worker processes on a real Valkey that writes to disk at once."""

from __future__ import annotations

import http.server
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redis
from cryptography.fernet import Fernet

from cli.children import Child, says
from cli.interrupt import Interrupt
from cli.valkey import plan_valkey
from service.clock import AnchoredClock
from service.model.job import CaptionsSpec, ClipSpec, JobSpec, VariantSpec
from service.model.rows import clip_row
from service.settings import Settings
from service.store.connection import Connection
from service.store.jobs import JobStore
from service.store.pool import connect
from tests.builders import SRT, a_new_job

SECRET_KEY = Fernet.generate_key().decode()


@pytest.fixture(scope="module")
def broker_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Valkey on a TCP port, as Celery's broker needs it."""
    folder = tmp_path_factory.mktemp("broker")
    valkey = plan_valkey(folder / "valkey", os.environ, folder / "logs")
    valkey.child.start()
    valkey.child.wait_ready(Interrupt())
    yield valkey.url
    valkey.child.stop()


@dataclass
class Site:
    """One store, its jobs, and the workers a test starts on it."""

    url: str
    folder: Path
    env: dict[str, str]
    workers: list[Child] = field(default_factory=list)

    def __post_init__(self) -> None:
        settings = Settings(redis_url=self.url)
        self.client: redis.Redis = connect(settings, connections=4, name="test")
        self.clock = AnchoredClock(lambda: self.connection.server_ms(), 10)  # noqa: PLW0108  made below
        self.connection = Connection(self.client, settings, self.clock)
        self.jobs = JobStore(self.connection)

    def worker(self, queue: str, **env: str) -> Child:
        """Start a worker and wait until it consumes."""
        child = self.plan_worker(queue, **env)
        child.start()
        child.wait_ready(Interrupt())
        return child

    def start_workers(self, *queues: str, **env: str) -> list[Child]:
        """Start a worker of each queue, side by side, and wait until all of them consume."""
        children = [self.plan_worker(queue, **env) for queue in queues]
        for child in children:
            child.start()
        for child in children:
            child.wait_ready(Interrupt())
        return children

    def plan_worker(self, queue: str, **env: str) -> Child:
        child = Child(
            f"worker {queue}",
            [sys.executable, "-m", "workers", queue],
            {**os.environ, **self.env, **env},
            self.folder / f"{queue}-{len(self.workers)}.log",
            is_ready=says(f"worker {queue} ready"),
            stop_s=15,
        )
        self.workers.append(child)
        return child

    def accept(self, clip_url: str) -> str:
        """Accept a job of one clip; the name of the clip's row."""
        spec = JobSpec(
            clips=(ClipSpec(url=clip_url),),
            variants=(VariantSpec("A"),),
            captions=CaptionsSpec(SRT, "srt"),
        )
        new = a_new_job(spec)
        self.jobs.create(new, now_ms=self.clock.now_ms())
        return clip_row(new.id, 0)

    def field(self, row: str, name: str) -> str:
        return str(self.client.hget(f"cab:row:{row}", name))

    def wait_state(self, row: str, *states: str, seconds: float = 15) -> str:
        """Wait until a row is in one of these states."""
        wait_for(lambda: self.field(row, "state") in states, seconds, lambda: self.told(row))
        return self.field(row, "state")

    def told(self, row: str) -> str:
        logs = "\n".join(child.printed()[-2000:] for child in self.workers)
        return f"{row} is {self.field(row, 'state')}\n{logs}"


@pytest.fixture
def site(broker_url: str, tmp_path: Path) -> Iterator[Site]:
    """An empty store; workers started on it end with the test."""
    env = {
        "CAPTION_AB_REDIS_URL": broker_url,
        "CAPTION_AB_FILES": str(tmp_path / "files"),
        "CAPTION_AB_SECRET_KEYS": SECRET_KEY,
        "CAPTION_AB_MEDIA_PROCESSES": "1",
        "CAPTION_AB_TRANSFER_THREADS": "2",
        "CAPTION_AB_DRAIN_S": "20",
        "CAPTION_AB_HANDBACK_S": "2",
        "CAPTION_AB_CLOCK_SETTLE_S": "0.1",
    }
    site = Site(broker_url, tmp_path, env)
    site.client.flushall()
    yield site
    for child in site.workers:
        child.ask_to_stop()
    for child in site.workers:
        child.stop()
    site.client.close()


@dataclass
class ClipHost:
    """Serves one clip; a slow one sends half of it, then waits for `go_on`."""

    clip: bytes
    go_on: threading.Event = field(default_factory=threading.Event)
    half_sent: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}.mp4"


@pytest.fixture
def clip_host(small_clip: Path) -> Iterator[ClipHost]:
    host = ClipHost(small_clip.read_bytes())

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "video/mp4")
            self.send_header("Content-Length", str(len(host.clip)))
            self.end_headers()
            half = len(host.clip) // 2
            self.wfile.write(host.clip[:half])
            self.wfile.flush()
            if "slow" in self.path:
                host.half_sent.set()
                host.go_on.wait(30)
            self.wfile.write(host.clip[half:])

        def log_message(self, *_: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A worker that was killed hangs up."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    host.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield host
    host.go_on.set()
    server.shutdown()
    server.server_close()
    thread.join()


def wait_for(true: Callable[[], bool], seconds: float, told: Callable[[], str] = str) -> None:
    """Wait until something holds; fail with what `told` says."""
    limit_s = time.monotonic() + seconds
    while not true():
        if time.monotonic() > limit_s:
            pytest.fail(f"not within {seconds} s: {told()}", pytrace=False)
        time.sleep(0.02)
