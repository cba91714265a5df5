"""Metrics for Prometheus, on a port of their own; imported only where that port is set.

A process with one interpreter keeps its numbers in memory. One with several (the API's workers, the
children of `media`) keeps them in small mapped files of one folder, and whichever of them answers a
scrape adds them all up (docs/decisions/0009).
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import prometheus_client as prometheus
from prometheus_client import multiprocess, values

from service.errors import StartupError
from service.metrics import CATALOGUE, Kind, Metric
from service.settings import Settings

_FOLDER_NAME = "PROMETHEUS_MULTIPROC_DIR"
_SILENCE_S = 10
_MEMORY = Path("/dev/shm")  # noqa: S108  memory of this machine, made for sharing
_WAITING_SCRAPES = 16


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
    folder: Path | None = None
    owner: int = field(default_factory=os.getpid)

    def install(self, part: Callable[[], str | int] = os.getpid) -> PrometheusRecorder:
        """A recorder for this interpreter, to be made after the fork: locks are not shared.

        `part` tells the interpreters of a process apart. One that takes another's place goes on
        with its numbers, so that files do not pile up.
        """
        if self.folder is None:
            values.ValueClass = values.MutexValue
        else:
            os.environ[_FOLDER_NAME] = str(self.folder)  # noqa: TID251  the library's way in
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
        if self.folder is None:
            return recorder.registry
        registry = prometheus.CollectorRegistry()
        multiprocess.MultiProcessCollector(registry, path=str(self.folder))  # type: ignore[no-untyped-call]
        return registry

    def forget(self, pid: int) -> None:
        """An interpreter has ended: what it had under way is no longer."""
        if self.folder is not None:
            multiprocess.mark_process_dead(pid, path=str(self.folder))  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Let go of the port and, in the process that made them, of the files."""
        self.listener.close()
        if self.folder is not None and os.getpid() == self.owner:
            shutil.rmtree(self.folder, ignore_errors=True)


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
    return Outlet(listener, _make_folder(settings.metrics_folder) if shared else None)


def _make_folder(parent: str) -> Path:
    """A folder for mapped files, away from where videos are copied to.

    They are sparse: on a full disk the next count ends its process by SIGBUS.
    """
    memory = str(_MEMORY) if os.access(_MEMORY, os.W_OK) else None
    return Path(tempfile.mkdtemp(prefix="caption-ab-metrics-", dir=parent or memory))


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
