"""Do many listeners hold up the accepting of jobs?

    python -m benchmarks.listeners [--listeners 200] [--seconds 15] [--per-s 20] [--rounds 3]

Starts Valkey (`appendfsync always`) and the real API server, measures `POST /v1/jobs` while nothing
else happens, then with a stream of events open for each of so many jobs, of which some move each
second, and prints p50, p99 and their ratios. Goal: p99 with listeners at most 1.5 times the quiet
one. The listeners are a process of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import redis

from benchmarks.uploads import JOB, Target, _started, measure, percentile, show

GOAL = 1.5
_READY = "listening"


def main() -> int:
    options = _parse()
    if options.role:
        return listen(Target(options.port, options.key), options)
    os.environ["CAPTION_AB_LISTENERS_PER_KEY"] = str(options.listeners)
    with tempfile.TemporaryDirectory(prefix="cab-") as name, _started(Path(name)) as target:
        jobs = [accept(target) for _ in range(options.listeners)]
        measure(target, seconds=2)
        ratios = [_round(target, Path(name), jobs, options) for _ in range(options.rounds)]
    p50, p99 = (statistics.median(each) for each in zip(*ratios, strict=True))
    print(f"p50 with / without {options.listeners} listeners = {p50:.2f}")
    print(f"p99 with / without {options.listeners} listeners = {p99:.2f} (goal: at most {GOAL})")
    return 0 if p99 <= GOAL else 1


def _round(
    target: Target, folder: Path, jobs: list[str], options: argparse.Namespace
) -> tuple[float, float]:
    quiet = measure(target, seconds=options.seconds)
    show("quiet", quiet)
    with _listeners(target, folder, jobs, options):
        busy = measure(target, seconds=options.seconds)
    show("busy", busy)
    return (
        statistics.median(busy) / statistics.median(quiet),
        percentile(busy, 0.99) / percentile(quiet, 0.99),
    )


def accept(target: Target) -> str:
    """One more job; its id."""
    connection = HTTPConnection("127.0.0.1", target.port, timeout=30)
    headers = {**target.headers(), "Content-Type": "application/json"}
    connection.request("POST", "/v1/jobs", json.dumps(JOB), headers)
    job_id = str(json.loads(connection.getresponse().read())["id"])
    connection.close()
    return job_id


@contextmanager
def _listeners(
    target: Target, folder: Path, jobs: list[str], options: argparse.Namespace
) -> Iterator[None]:
    """So many streams in a process of their own, and events on their jobs."""
    command = [sys.executable, "-m", "benchmarks.listeners", "--role", "listen"]
    command += ["--port", str(target.port), "--key", target.key, "--jobs", *jobs]
    ears = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert ears.stdout is not None
    line = ears.stdout.readline()
    assert line.strip() == _READY, line
    done = threading.Event()
    store = redis.Redis(unix_socket_path=str(folder / "valkey.sock"), decode_responses=True)
    told = [0]
    voice = threading.Thread(target=_happen, args=(store, jobs, options.per_s, done, told))
    voice.start()
    try:
        yield
    finally:
        done.set()
        voice.join()
        time.sleep(1)
        heard, _ = ears.communicate("\n", timeout=30)
        print(f"  events: {told[0]} happened, {heard.strip()} were heard", flush=True)
        assert int(heard) == told[0], "events were lost: the figures are of no use"


def _happen(
    store: redis.Redis, jobs: list[str], per_s: float, done: threading.Event, told: list[int]
) -> None:
    while not done.wait(1 / per_s):
        job_id = jobs[told[0] % len(jobs)]
        sequence = int(store.hincrby(f"cab:job:{job_id}", "sequence", 1))
        body = {"sequence": sequence, "type": "job.progress", "data": {"job_id": job_id}}
        store.rpush(f"cab:job:{job_id}:events", json.dumps(body))
        told[0] += 1


def listen(target: Target, options: argparse.Namespace) -> int:
    """Open all streams, read until a line comes in, and say how many new events were heard."""
    selector = selectors.DefaultSelector()
    buffers: dict[socket.socket, bytes] = {}
    for job_id in options.jobs:
        client = socket.create_connection(("127.0.0.1", target.port), timeout=30)
        head = f"GET /v1/jobs/{job_id}/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n"
        client.sendall(f"{head}Authorization: Bearer {target.key}\r\n\r\n".encode())
        buffers[client] = b""
        while b"id: " not in buffers[client]:
            piece = client.recv(65536)
            assert piece, buffers[client]
            buffers[client] += piece
        client.setblocking(False)
        selector.register(client, selectors.EVENT_READ)
    time.sleep(2)
    before = _count(selector, buffers)
    selector.register(sys.stdin, selectors.EVENT_READ)
    print(_READY, flush=True)
    while True:
        ready = [key.fileobj for key, _ in selector.select()]
        for each in ready:
            if isinstance(each, socket.socket):
                buffers[each] += each.recv(65536)
        if sys.stdin in ready:
            selector.unregister(sys.stdin)
            print(_count(selector, buffers) - before)
            return 0


def _count(selector: selectors.BaseSelector, buffers: dict[socket.socket, bytes]) -> int:
    """All events on all streams so far."""
    while ready := selector.select(timeout=0.2):
        for key, _ in ready:
            assert isinstance(key.fileobj, socket.socket)
            buffers[key.fileobj] += key.fileobj.recv(65536)
    return sum(each.count(b"\nid: ") for each in buffers.values())


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listeners", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=15, help="of measuring, each time")
    parser.add_argument("--per-s", type=float, default=20, help="events a second in all")
    parser.add_argument("--rounds", type=int, default=3)
    for name in ("--role", "--key"):
        parser.add_argument(name, default="", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--jobs", nargs="*", default=(), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
