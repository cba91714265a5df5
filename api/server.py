"""The production server: gunicorn with gevent workers, each with parts of its own.

The parent checks Redis' policy before it forks, so that a process that must not run says so in one
line and ends with 2. A client that is silent for a minute in the middle of a request is let go.
"""

from __future__ import annotations

import argparse
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
from api.offload import run_in_thread
from service.errors import CaptionAbError, StartupError
from service.settings import Settings, load_settings
from service.store.policy import check_policy
from service.store.scripts import CREATE_JOB, script_text
from service.wiring import build_services

if TYPE_CHECKING:
    from flask import Flask

    from service.jobs.context import Services

CONNECTIONS = 32
SILENCE_S = 60
GRACE_S = 30
log = logging.getLogger("caption_ab.api")


class Worker(GeventWorker):  # type: ignore[misc]
    """A gevent worker that reads in pieces of one size and bounds a client's silence."""

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        client.settimeout(SILENCE_S)
        # The parent's parent: gunicorn's own `handle` would lift the limit again.
        super(GeventWorker, self).handle(listener, client, addr)


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn, configured here and by nothing else."""

    def __init__(self, settings: Settings, bind: str, workers: int) -> None:
        self._settings = settings
        self._bind = bind
        self._workers = workers
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": self._bind,
            "workers": self._workers,
            "worker_class": "api.server.Worker",
            "worker_connections": 1000,
            "graceful_timeout": GRACE_S,
            "keepalive": 5,
            "timeout": 60,
            "loglevel": "warning",
            "proc_name": "caption-ab-api",
            "control_socket_disable": True,
            "post_worker_init": _say_ready,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        SocketUnreader.max_body_chunk = PIECE_BYTES
        services = build_services(
            self._settings, name="api", connections=CONNECTIONS, offload=run_in_thread
        )
        warm(services)
        gevent.spawn(keep_anchored, services)
        return create_app(services)


def warm(services: Services) -> None:
    """Anchor the clock and load the accept's script: the first request costs one exchange too."""
    services.clock.now_ms()
    text = script_text(CREATE_JOB.name)
    services.connection.read(lambda client: client.script_load(text))


def keep_anchored(services: Services) -> None:
    """Measure the clock against Redis again and again, as long as the process lives."""
    anchor = getattr(services.clock, "anchor", None)
    while anchor is not None:
        services.clock.sleep(services.settings.clock_anchor_every_s)
        try:
            anchor()
        except CaptionAbError as error:
            log.warning("clock_not_anchored", extra={"code": error.code})


def check_start(settings: Settings) -> None:
    """Whether this process may run at all; leaves no connection open.

    Raises:
        StartupError: the policy of Redis or a secret is not as it must be.
        StoreUnavailable: Redis does not answer.
    """
    services = build_services(settings, name="api-check", connections=1)
    try:
        check_policy(services.connection, settings)
        services.files.store_id()
    finally:
        services.connection.client.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM; 2 when this process must not run as it is configured."""
    options = _parse(arguments)
    try:
        settings = load_settings()
        if options.public_url:
            settings = replace(settings, public_url=options.public_url)
        check_start(settings)
    except CaptionAbError as error:
        hint = f" {error.hint_text}" if isinstance(error, StartupError) else ""
        sys.stderr.write(f"caption-ab api: {error.detail}{hint}\n")
        return 2
    sys.argv = sys.argv[:1]  # gunicorn reads the command line too
    Server(settings, options.bind, options.workers).run()
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m api", description="Serve the REST API.")
    parser.add_argument("--bind", default="127.0.0.1:8080", help="address and port")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--public-url", default="", help="base address of links")
    return parser.parse_args(arguments)


def _say_ready(worker: Any) -> None:
    """Tell whoever started us where we listen; the port may have been 0."""
    if worker.age > 1:  # a later worker, or one that replaces a dead one
        return
    host, port = worker.sockets[0].getsockname()[:2]
    sys.stdout.write(f"api ready http://{host}:{port}\n")
    sys.stdout.flush()
