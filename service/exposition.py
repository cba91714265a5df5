"""Metrics for Prometheus, on a port of their own; imported only where that port is set.

A process with one interpreter keeps its numbers in memory. One with several (the API's workers, the
children of `media`) keeps them in small mapped files of one folder, and whichever of them answers a
scrape adds them all up (docs/decisions/0009).
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import prometheus_client as prometheus
from prometheus_client import multiprocess, values

from service.errors import StartupError
from service.metric_files import KeptFolder, make_folder, sweep_folders
from service.metrics import CATALOGUE, LOOK_AGE, Kind, Metric
from service.settings import Settings

_FOLDER_NAME = "PROMETHEUS_MULTIPROC_DIR"
_SILENCE_S = 10
_WAITING_SCRAPES = 16
#: What a look at the due set has shown is told for so long; a ticker looks every second.
LOOK_HOLDS_S = 30.0
_OF_A_LOOK = {each.name for each in CATALOGUE if each.newest} - {LOOK_AGE.name}


class PrometheusRecorder:
    """The catalogue as metrics of one registry."""

    def __init__(self) -> None:
        self.registry = prometheus.CollectorRegistry()
        self._known = {each.name: _build(each, self.registry) for each in CATALOGUE}
        #: Finding a series by its labels costs more than counting in it.
        self._children: dict[tuple[str, ...], Any] = {}
        for each in CATALOGUE:
            for seed in each.seeds:
                self._known[each.name].labels(seed)

    def add(self, metric: Metric, amount: float, labels: Mapping[str, str]) -> None:
        self._child(metric, labels).inc(amount)

    def put(self, metric: Metric, value: float, labels: Mapping[str, str]) -> None:
        self._child(metric, labels).set(value)

    def observe(self, metric: Metric, value: float, labels: Mapping[str, str]) -> None:
        self._child(metric, labels).observe(value)

    def _child(self, metric: Metric, labels: Mapping[str, str]) -> Any:
        names = (metric.name, *[labels[name] for name in metric.labels])
        child = self._children.get(names)
        if child is None:
            known = self._known[metric.name]
            child = self._children[names] = known.labels(**labels) if metric.labels else known
        return child


@dataclass(slots=True)
class Outlet:
    """The port of one process and, where it has several interpreters, their common folder."""

    listener: socket.socket
    folder: KeptFolder | None = None
    owner: int = field(default_factory=os.getpid)
    monotonic_s: Callable[[], float] = time.monotonic

    def install(self, part: Callable[[], str | int] = os.getpid) -> PrometheusRecorder:
        """A recorder for this interpreter, to be made after the fork: locks are not shared.

        `part` tells the interpreters of a process apart. One that takes another's place goes on
        with its numbers, so that files do not pile up.
        """
        if self.folder is None:
            values.ValueClass = values.MutexValue
        else:
            os.environ[_FOLDER_NAME] = str(self.folder.path)  # noqa: TID251  the library's way in
            values.ValueClass = values.MultiProcessValue(part)  # type: ignore[no-untyped-call]
        return PrometheusRecorder()

    def serve(self, recorder: PrometheusRecorder) -> None:
        """Answer scrapes from a thread; under gevent a greenlet."""
        # A descriptor of its own: under gevent a socket belongs to the loop that made it.
        server = _Server(socket.socket(fileno=os.dup(self.listener.fileno())))
        server.set_app(prometheus.make_wsgi_app(self.registry(recorder)))
        threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()

    def registry(self, recorder: PrometheusRecorder) -> prometheus.CollectorRegistry:
        """What a scrape reads: this interpreter's numbers, or those of all its peers."""
        counted = recorder.registry
        if self.folder is not None:
            counted = prometheus.CollectorRegistry()
            multiprocess.MultiProcessCollector(counted, path=str(self.folder.path))  # type: ignore[no-untyped-call]
        registry = prometheus.CollectorRegistry()
        registry.register(_Aged(counted, self.monotonic_s))
        return registry

    def forget(self, pid: int) -> None:
        """An interpreter has ended: what it had under way is no longer."""
        if self.folder is not None:
            multiprocess.mark_process_dead(pid, path=str(self.folder.path))  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Let go of the port and, in the process that made them, of the files."""
        self.listener.close()
        if self.folder is not None and os.getpid() == self.owner:
            self.folder.close()


def open_outlet(settings: Settings, *, shared: bool) -> Outlet:
    """Take the port of `CAPTION_AB_METRICS_PORT`; `shared` for a process that will fork.

    Raises:
        StartupError: somebody else has the port, or the address is none of this machine's.
    """
    try:
        listener = socket.create_server(
            (settings.metrics_host, settings.metrics_port), backlog=_WAITING_SCRAPES
        )
    except OSError as error:
        raise StartupError(
            f"Metrics cannot be served at {settings.metrics_host}:{settings.metrics_port} "
            f"({error.strerror or type(error).__name__}).",
            hint="Each process needs a CAPTION_AB_METRICS_PORT of its own; 0 serves none.",
        ) from None
    sweep_folders(settings.metrics_folder)
    return Outlet(listener, make_folder(settings.metrics_folder) if shared else None)


class _Aged(prometheus.registry.Collector):
    """Numbers as they are, save those of a look at the due set: they have an age, and an end.

    A ticker that stands would otherwise repeat for ever what it saw last. Monotonic time is one for
    all interpreters of a machine, so that whoever answers can tell the age.
    """

    def __init__(
        self, counted: prometheus.CollectorRegistry, monotonic_s: Callable[[], float]
    ) -> None:
        self._counted = counted
        self._monotonic_s = monotonic_s

    def collect(self) -> Iterator[prometheus.Metric]:
        families = list(self._counted.collect())
        stamps = [s.value for f in families if f.name == LOOK_AGE.name for s in f.samples]
        age_s = self._monotonic_s() - max(stamps) if any(stamps) else None
        for family in families:
            if family.name == LOOK_AGE.name:
                aged = prometheus.Metric(family.name, family.documentation, family.type)
                if age_s is not None:
                    aged.add_sample(family.name, {}, age_s)
                yield aged
            elif family.name not in _OF_A_LOOK or (age_s is not None and age_s <= LOOK_HOLDS_S):
                yield family


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def __init__(self, listener: socket.socket) -> None:
        host, port = listener.getsockname()[:2]
        super().__init__((host, port), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.server_name, self.server_port = host, port
        self.setup_environ()


class _Handler(WSGIRequestHandler):
    timeout = _SILENCE_S

    def log_message(self, *_: Any) -> None:
        """Scrapes are not worth a line."""


def _build(metric: Metric, registry: prometheus.CollectorRegistry) -> Any:
    common: dict[str, Any] = {"labelnames": metric.labels, "registry": registry}
    match metric.kind:
        case Kind.COUNTER:
            return prometheus.Counter(metric.name, metric.doc, **common)
        case Kind.HISTOGRAM:
            return prometheus.Histogram(metric.name, metric.doc, buckets=metric.buckets, **common)
        case Kind.GAUGE:
            mode = "mostrecent" if metric.newest else "livesum"
            return prometheus.Gauge(metric.name, metric.doc, multiprocess_mode=mode, **common)  # type: ignore[arg-type]
