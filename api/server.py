"""The production server: gunicorn with gevent workers, each with parts of its own.

The parent waits for Redis and checks its policy before it forks, so that a process that must not
run says so in one line and ends with 2. A client that is silent for a minute in the middle of a
request is let go.
"""

from __future__ import annotations

import argparse
import gc
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gevent
from gunicorn.app.base import BaseApplication
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.ggevent import GeventWorker

from api.app import create_app
from api.bodies import PIECE_BYTES
from api.logs import JsonLogger
from api.offload import run_in_thread
from api.state import services, state
from api.unread import HEADER_BYTES, HEADER_FIELDS, LINE_BYTES, SILENCE_S, refuse
from service import metrics
from service.errors import CaptionAbError, StartupError
from service.logs import log_json
from service.settings import Settings, load_settings
from service.store.policy import check_counting, check_policy, wait_for_store
from service.store.scripts import CREATE_JOB, script_text
from service.tracing import start_tracing, stop_tracing
from service.wiring import build_services

if TYPE_CHECKING:
    from flask import Flask

    from service.exposition import Outlet
    from service.jobs.context import Services

CONNECTIONS = 32
GRACE_S = 30
log = logging.getLogger("caption_ab.api")


class Worker(GeventWorker):  # type: ignore[misc]
    """A gevent worker that reads in pieces of one size and bounds a client's silence."""

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        client.settimeout(SILENCE_S)
        # The parent's parent: gunicorn's own `handle` would lift the limit again.
        super(GeventWorker, self).handle(listener, client, addr)

    def handle_exit(self, sig: int, frame: Any) -> None:
        # Streams would hold the end up for as long as anything may.
        gevent.spawn(self._end_streams)
        super().handle_exit(sig, frame)

    def _end_streams(self) -> None:
        with self.wsgi.app_context():
            state().listeners.stop()

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:  # noqa: ARG002
        app = self.wsgi
        with app.app_context():
            refuse(client, exc, app.config["PUBLIC_URL"], services().clock)


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn, configured here and by nothing else."""

    def __init__(
        self, settings: Settings, options: argparse.Namespace, outlet: Outlet | None
    ) -> None:
        self._settings = settings
        self._given = options
        self._outlet = outlet
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": self._given.bind,
            "workers": self._given.workers,
            "worker_class": "api.server.Worker",
            "worker_connections": 1000,
            "graceful_timeout": GRACE_S,
            "keepalive": 5,
            "timeout": 60,
            "limit_request_line": LINE_BYTES,
            "limit_request_fields": HEADER_FIELDS,
            "limit_request_field_size": HEADER_BYTES,
            "loglevel": "warning",
            "logger_class": JsonLogger,
            "proc_name": "caption-ab-api",
            "control_socket_disable": True,
            "post_worker_init": _say_ready,
            "worker_exit": lambda _server, _worker: stop_tracing(),
            "child_exit": self._forget,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def _forget(self, _arbiter: Any, worker: Any) -> None:
        if self._outlet is not None:
            self._outlet.forget(worker.pid)

    def load(self) -> Flask:
        SocketUnreader.max_body_chunk = PIECE_BYTES
        parts = build_services(
            self._settings, name="api", connections=CONNECTIONS, offload=run_in_thread
        )
        start_tracing(self._settings, "api")
        if self._outlet is not None:
            recorder = self._outlet.install()
            metrics.install(recorder)
            self._outlet.serve(recorder)
        warm(parts)
        gevent.spawn(keep_anchored, parts)
        app = create_app(parts)
        settle()
        return app


def warm(parts: Services) -> None:
    """Anchor the clock and load the accept's script: the first request costs one exchange too."""
    parts.clock.now_ms()
    text = script_text(CREATE_JOB.name)
    parts.connection.read(lambda client: client.script_load(text))


def settle() -> None:
    """Let the collector pass over what lives as long as this process: 100,000 objects.

    It looked through them so often while a body of 300,000 empty lists was read, that this took ten
    times as long.
    """
    gc.collect()
    gc.freeze()


def keep_anchored(parts: Services) -> None:
    """Measure the clock against Redis again and again, as long as the process lives."""
    anchor = getattr(parts.clock, "anchor", None)
    while anchor is not None:
        parts.clock.sleep(parts.settings.clock_anchor_every_s)
        try:
            anchor()
        except CaptionAbError as error:
            log.warning("clock_not_anchored", extra={"code": error.code})


def check_start(settings: Settings) -> None:
    """Whether this process may run at all; leaves no connection open.

    Raises:
        StartupError: the policy of Redis or a secret is not as it must be.
        StoreUnavailable: Redis did not answer for `store_wait_s`.
    """
    parts = build_services(settings, name="api-check", connections=1)
    try:
        wait_for_store(parts.connection, parts.clock, settings)
        check_policy(parts.connection, settings)
        check_counting(parts.experiments.connection, parts.connection, settings)
        parts.files.store_id()
    finally:
        parts.connection.client.close()


def take_metrics_port(settings: Settings, bind: str) -> Outlet | None:
    """The port of metrics, taken before the fork: every worker answers there for all of them.

    Raises:
        StartupError: it is the API's own, or cannot be had.
    """
    if not settings.metrics_port:
        return None
    if bind.rpartition(":")[2] == str(settings.metrics_port):
        raise StartupError(
            f"CAPTION_AB_METRICS_PORT is {settings.metrics_port}, the port of the API itself.",
            hint="Metrics are not for callers: give them a port of their own.",
        )
    from service.exposition import open_outlet

    return open_outlet(settings, shared=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM; 2 when this process must not run as it is configured."""
    options = _parse(arguments)
    log_json(options.loglevel)
    try:
        settings = load_settings()
        if options.public_url:
            settings = replace(settings, public_url=options.public_url)
        check_start(settings)
        outlet = take_metrics_port(settings, options.bind)
    except CaptionAbError as error:
        hint = f" {error.hint_text}" if isinstance(error, StartupError) else ""
        sys.stderr.write(f"caption-ab api: {error.detail}{hint}\n")
        return 2
    sys.argv = sys.argv[:1]  # gunicorn reads the command line too
    try:
        Server(settings, options, outlet).run()
    finally:
        if outlet is not None:
            outlet.close()
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m api", description="Serve the REST API.")
    parser.add_argument("--bind", default="127.0.0.1:8080", help="address and port")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--public-url", default="", help="base address of links")
    parser.add_argument("--loglevel", default="info", choices=("debug", "info", "warning"))
    return parser.parse_args(arguments)


def _say_ready(worker: Any) -> None:
    """Tell whoever started us where we listen; the port may have been 0."""
    if worker.age > 1:  # a later worker, or one that replaces a dead one
        return
    host, port = worker.sockets[0].getsockname()[:2]
    sys.stdout.write(f"api ready http://{host}:{port}\n")
    sys.stdout.flush()
