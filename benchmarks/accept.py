"""What does a durable accept cost against the usual way?

    python -m benchmarks.accept [--seconds 8] [--clients 16] [--rounds 3]

Runs our API and `naive_accept.py` (validate, HSET, EXPIRE, delay()) in turns, each on one gunicorn
gevent worker over one Valkey with `appendfsync always`, and prints the median ratio. Goal: 2.2.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from benchmarks.load import Load, post_jobs
from benchmarks.uploads import JOB, ROOT, _free_port, _started

GOAL = 2.2


def main() -> int:
    options = _parse()
    with (
        tempfile.TemporaryDirectory(prefix="cab-") as name,
        _started(Path(name)) as target,
        _naive(f"unix://{name}/valkey.sock") as naive_url,
    ):
        ratios = [
            _round(f"http://127.0.0.1:{target.port}", target.key, naive_url, options)
            for _ in range(options.rounds)
        ]
    median = statistics.median(ratios)
    print(f"accepts per second, ours / naive: {median:.2f} (goal: at least {GOAL})")
    return 0 if median >= GOAL else 1


def _round(ours: str, key: str, naive: str, options: argparse.Namespace) -> float:
    def load(url: str) -> Load:
        return post_jobs(url, key, JOB, clients=options.clients, seconds=options.seconds)

    one, other = load(ours), load(naive)
    for name, each in (("ours", one), ("naive", other)):
        p50, p99 = each.quantile(0.5), each.quantile(0.99)
        print(f"{name:>6}: {each.per_s:7.0f}/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms", flush=True)
    return one.per_s / other.per_s


@contextmanager
def _naive(redis_url: str) -> Iterator[str]:
    port = _free_port()
    command = [sys.executable, "-m", "gunicorn", "-k", "gevent", "-w", "1"]
    command += ["-b", f"127.0.0.1:{port}", "--log-level", "error", "benchmarks.naive_accept:app"]
    env = {**os.environ, "BENCH_REDIS_URL": redis_url}
    server = subprocess.Popen(command, env=env, cwd=ROOT)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            try:
                urlopen(url).close()
            except OSError as error:
                if getattr(error, "code", None) == 404:
                    break
                time.sleep(0.1)
        yield url
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
