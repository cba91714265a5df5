"""Looks at every process, the store and the folders of a run again and again, and keeps it all."""

from __future__ import annotations

import csv
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import requests

from tests.chaos.fleet import Fleet
from tests.soak.flat import Measure, Sample
from tests.soak.trees import measure_tree

EVERY_S = 5.0
Series = tuple[str, Measure]


@dataclass
class Diary:
    """Samples by who and what; `metrics` are the ports on which processes tell of themselves."""

    fleet: Fleet
    metrics: dict[str, int]
    jobs: Callable[[], int]
    series: dict[Series, list[Sample]] = field(default_factory=lambda: defaultdict(list))
    faults: list[str] = field(default_factory=list)
    _ending: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Diary:
        self._thread = threading.Thread(target=self._write, name="diary", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        if self._thread is not None:
            self._thread.join(60)

    def keep(self, path: Path) -> None:
        """Write every sample to a CSV file."""
        with path.open("w", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(("at_s", "jobs", "who", "what", "size"))
            for (who, what), samples in self.series.items():
                writer.writerows((f"{s.at_s:.1f}", s.jobs, who, what, s.size) for s in samples)

    def _write(self) -> None:
        began_s = time.monotonic()
        with requests.Session() as session:
            while not self._ending.wait(EVERY_S):
                try:
                    self._look(time.monotonic() - began_s)
                    self._scrape(session)
                except Exception as error:  # noqa: BLE001 - a diary that ends would call all flat
                    self.faults.append(f"diary: {type(error).__name__}: {error}")

    def _look(self, at_s: float) -> None:
        jobs = self.jobs()
        for who, what, size in [*self._processes(), *self._store(), *self._folders()]:
            self.series[who, what].append(Sample(at_s, jobs, size))

    def _processes(self) -> Iterator[tuple[str, Measure, float]]:
        for name in self.fleet.children:
            take = measure_tree(self.fleet.pid(name))
            yield name, Measure.OWN, take.own
            yield name, Measure.SHARED, take.shared
            yield name, Measure.RESIDENT, take.resident
            yield name, Measure.DESCRIPTORS, take.descriptors
            yield name, Measure.THREADS, take.threads

    def _store(self) -> Iterator[tuple[str, Measure, float]]:
        with self.fleet.store() as store:
            yield "the store", Measure.STORE, store.info("memory")["used_memory"] / 2**20
            yield "the store", Measure.KEYS, store.dbsize()

    def _folders(self) -> Iterator[tuple[str, Measure, float]]:
        for name in ("files", "metrics"):
            folder = self.fleet.plan.folder / name
            # Folders may go while they are looked into, which `walk` takes for empty.
            count = sum(len(files) for _, _, files in os.walk(folder))
            yield f"folder {name}", Measure.FILES, count

    def _scrape(self, session: requests.Session) -> None:
        """Ask for the metrics, as Prometheus would."""
        for name, port in self.metrics.items():
            try:
                reply = session.get(f"http://127.0.0.1:{port}/metrics", timeout=10)
                reply.raise_for_status()
            except requests.RequestException as error:
                self.faults.append(f"metrics of {name}: {error}")
