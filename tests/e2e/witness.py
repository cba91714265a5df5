"""What a test sees of a running system from outside: scrapes, log lines, spans, deliveries."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from cli.children import free_port
from tests.e2e.conftest import Program

SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")


class Collector:
    """A webhook receiver and an OTLP collector on one port of this machine."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.take(self.path, body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def take(self, path: str, body: bytes) -> None:
        if path == "/hook":
            self.events.append(json.loads(body))
            return
        for part in ExportTraceServiceRequest.FromString(body).resource_spans:
            names = {each.key: each.value.string_value for each in part.resource.attributes}
            for scope in part.scope_spans:
                self.spans += [(names["service.name"], span) for span in scope.spans]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def scrape(port: int) -> dict[str, dict[str, float]]:
    """Samples by name, then by labels."""
    found: dict[str, dict[str, float]] = {}
    for line in requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text.splitlines():
        if line and not line.startswith("#"):
            name, labels, value = SAMPLE.match(line).groups()
            found.setdefault(name, {})[labels or ""] = float(value)
    return found


def free_ports(count: int) -> int:
    """The first of some ports in a row that nobody listens on."""
    while True:
        first = free_port()
        try:
            for number in range(count):
                socket.create_server(("127.0.0.1", first + number)).close()
        except OSError:
            continue
        return first


@dataclass
class Seen:
    """A finished job and everything that was said about it."""

    job: dict[str, Any]
    data: Path
    up: Program
    collector: Collector
    metrics: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    printed: dict[str, str] = field(default_factory=dict)
    #: A share link of the job.
    link: str = ""

    def lines(self, log: str) -> list[dict[str, Any]]:
        """The lines of one process's log that are JSON."""
        text = (self.data / "logs" / log).read_text()
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def total(self, name: str) -> dict[str, float]:
        """A metric over all processes, by labels."""
        summed: Counter[str] = Counter()
        for part in self.metrics.values():
            summed.update(part.get(name, {}))
        return dict(summed)


def attributes(span: Any) -> dict[str, str]:
    return {each.key: each.value.string_value for each in span.attributes}
