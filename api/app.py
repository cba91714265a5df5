"""The Flask app of one process. Routes are in the modules named here, one noun each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask

from api import (
    account,
    admin,
    assignments,
    catalog,
    deliveries,
    embeds,
    experiments,
    health,
    history,
    job_list,
    jobs,
    messages,
    pictures,
    public_keys,
    reports,
    retention,
    shares,
    showings,
    sign_in,
    story,
    tus,
    uploads,
    usage,
    videos,
    visits,
)
from api.conventions import register_conventions
from api.events import document_events
from api.gate import register_gate
from api.openapi import ProblemApi, SchemaPlugin
from api.pages import page_routes
from api.problems import register_problems
from api.state import attach_state
from api.watch import register_watch

if TYPE_CHECKING:
    from service.jobs.context import Services

VERSION = "1"
_DESCRIPTION = (
    "A/B-test captions on video. Send `Authorization: Bearer cab_...` with every call below `/v1`. "
    "Errors are RFC 9457 problems; their codes are listed at /docs/errors."
)


def create_app(services: Services) -> Flask:
    """Build the app over the parts of a process; opens no connection."""
    app = Flask("api", static_folder=None)
    app.config.update(_config(services))
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = False
    attach_state(app.extensions, services)
    register_watch(app)
    register_gate(app)
    register_conventions(app)
    register_problems(app)
    spec = {"info": {"description": _DESCRIPTION}, "marshmallow_plugin": SchemaPlugin()}
    api = ProblemApi(app, spec_kwargs=spec)
    api.spec.components.security_scheme("key", {"type": "http", "scheme": "bearer"})
    api.spec.options["security"] = [{"key": []}]
    api.spec.options["servers"] = [{"url": app.config["PUBLIC_URL"]}]
    rooms = (uploads, tus, jobs, messages, videos, reports, pictures, story, account, deliveries)
    more = (
        catalog,
        experiments,
        history,
        retention,
        shares,
        admin,
        usage,
        assignments,
        public_keys,
    )
    for room in (*rooms, *more):
        api.register_blueprint(room.routes)
    document_events(api.spec)
    app.register_blueprint(health.routes)
    app.register_blueprint(page_routes(api))
    for place in (sign_in, job_list, visits, showings, embeds):
        app.register_blueprint(place.routes)
    return app


def _config(services: Services) -> dict[str, Any]:
    return {
        "API_TITLE": "Caption AB",
        "API_VERSION": VERSION,
        "OPENAPI_VERSION": "3.1.0",
        "OPENAPI_URL_PREFIX": "/",
        "OPENAPI_JSON_PATH": "openapi.json",
        "MAX_CONTENT_LENGTH": services.settings.request_max_bytes,
        "PUBLIC_URL": services.settings.public_url.rstrip("/"),
    }
