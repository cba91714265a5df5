"""The HTTP server: one thread a connection, chunked event streams, clean stop."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from sandbox import (
    outages,
    routes_account,
    routes_admin,
    routes_render,
    routes_run,
    routes_upload,
)
from sandbox.config import SandboxConfig
from sandbox.log import log_request, log_route
from sandbox.replies import Refusal, is_attributed, plain
from sandbox.reports import read_books
from sandbox.scenario import Scenario, apply_scenario
from sandbox.world import World, build_world

_LOG = logging.getLogger("sandbox")
_STOP_POLL_S = 0.05


class _Handler(WSGIRequestHandler):
    # HTTP/1.1 makes werkzeug send one chunk per event
    protocol_version = "HTTP/1.1"
    # an event is written in pieces: Nagle would hold the last one back for 40 ms
    disable_nagle_algorithm = True

    def make_environ(self) -> Any:
        """Lets a route say that its answer ends with the connection, without chunks."""
        return {**super().make_environ(), "sandbox.close_delimited": self._delimit_by_close}

    def send_response_only(self, code: int, message: str | None = None) -> None:
        """Says HTTP/1.1 always: werkzeug sends no chunks for a lower `protocol_version`."""
        version, self.protocol_version = self.protocol_version, "HTTP/1.1"
        super().send_response_only(code, message)
        self.protocol_version = version

    def _delimit_by_close(self) -> None:
        self.protocol_version = "HTTP/1.0"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Keeps request lines out of stderr; problems go to the log."""
        if type == "error":
            _LOG.warning(message.strip(), *args)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Says nothing: the books list requests."""


class _Server(ThreadedWSGIServer):
    request_queue_size = 1024
    daemon_threads = True


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox that serves in a thread of this process; `url` has no trailing slash."""

    url: str
    world: World
    _server: ThreadedWSGIServer
    _thread: threading.Thread

    @property
    def books(self) -> dict[str, Any]:
        """A fresh copy of the books, as GET /_sandbox/books returns them."""
        return read_books(self.world)

    def stop(self) -> None:
        """Ends streams, renders and the server; safe to call twice."""
        self.world.stopping.set()
        self.world.links.cut_all()
        self.world.agenda.clear()
        self._server.shutdown()
        self._thread.join(timeout=10)
        self.world.renders.close()


def build_app(world: World) -> Flask:
    """Builds the Flask application over one world."""
    app = Flask("sandbox", static_folder=None)
    app.debug = False  # whatever FLASK_DEBUG says: it writes other JSON
    app.json.sort_keys = False  # type: ignore[attr-defined]
    for module in (routes_account, routes_run, routes_upload, routes_render, routes_admin):
        app.register_blueprint(module.make_blueprint(world))

    @app.before_request
    def count() -> None:
        world.agenda.do_due()
        route = log_route(request)
        if route:
            world.books.saw_request(route, attributed=is_attributed(request))

    # runs after what the outages do, since handlers after a request run last first
    @app.after_request
    def list_request(response: Response) -> Response:
        log_request(world, request, response)
        return response

    outages.install(app, world)

    @app.errorhandler(Refusal)
    def refused(refusal: Refusal) -> Response:
        return refusal.response

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        return plain(error.code or 500, {"detail": error.name})

    return app


def start_sandbox(config: SandboxConfig, scenario: Scenario | None = None) -> RunningSandbox:
    """Starts a sandbox in a thread; port 0 takes a free one."""
    world = build_world(config)
    if scenario is not None:
        apply_scenario(world, scenario)
    server = _Server(config.host, config.port, build_app(world), _Handler)
    thread = threading.Thread(
        target=server.serve_forever,
        kwargs={"poll_interval": _STOP_POLL_S},
        name="sandbox",
        daemon=True,
    )
    thread.start()
    return RunningSandbox(f"http://{config.host}:{server.port}", world, server, thread)
