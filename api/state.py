"""What every route reaches for: the parts of the process, and the caller of this request."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from flask import Response, current_app, g, request

from api.cursors import next_link
from api.listeners import Listeners
from api.places import DryRuns, ReportPlaces
from api.readiness import ReadinessProbe
from api.shelves import Shelves, open_shelves
from service.access import KeyCache
from service.audit import Act, record
from service.jobs.submit import Caller
from service.model.origin import Origin
from service.throttle import Throttle
from service.tracing import current_traceparent

if TYPE_CHECKING:
    from service.jobs.context import Services

_EXTENSION = "caption_ab"


@dataclass(frozen=True, slots=True)
class ApiState:
    """The parts of one API process."""

    services: Services
    keys: KeyCache
    listeners: Listeners
    throttle: Throttle
    dry_runs: DryRuns
    sign_ins: Throttle
    viewers: Throttle
    shelves: Shelves
    readiness: ReadinessProbe
    reports: ReportPlaces = field(default_factory=ReportPlaces)


def attach_state(extensions: dict[str, Any], services: Services) -> None:
    """Give an app its parts."""
    keys = KeyCache(services.accounts.api_keys, services.settings, services.clock)
    listeners = Listeners(services.connection, services.settings, services.clock)
    throttle = Throttle(services.connection, services.settings, services.clock)
    settings = services.settings
    dry_runs = DryRuns(settings.rehearsals, settings.rehearsals_per_key)
    sign_ins = Throttle(
        services.connection, settings, services.clock, limit=settings.sign_ins_per_minute
    )
    viewers = Throttle(
        services.connection, settings, services.clock, limit=settings.viewer_requests_per_minute
    )
    readiness = ReadinessProbe(services)
    extensions[_EXTENSION] = ApiState(
        services,
        keys,
        listeners,
        throttle,
        dry_runs,
        sign_ins,
        viewers,
        open_shelves(services),
        readiness,
    )


def state() -> ApiState:
    """The parts of this app."""
    return cast("ApiState", current_app.extensions[_EXTENSION])


def services() -> Services:
    """The product's parts in this app."""
    return state().services


def caller() -> Caller:
    """Whose request this is; routes below `/v1` always have one."""
    return cast("Caller", g.caller)


def note_act(act: Act, object_id: str, *, tenant_id: str = "") -> None:
    """Put what the caller has just done into the audit log; without a tenant it is the caller's."""
    parts, who = services(), caller()
    record(
        parts.connection,
        act,
        actor=who.key_id,
        tenant_id=tenant_id or who.tenant_id,
        object_id=object_id,
        now_ms=parts.clock.now_ms(),
    )


def origin() -> Origin:
    """The request being served, as work that it starts remembers it."""
    return Origin(str(g.get("request_id", "")), current_traceparent())


def public_url() -> str:
    """The base address of links, without a slash at its end."""
    return str(current_app.config["PUBLIC_URL"])


def answer_json(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer; written here because a schema would copy what is checked already."""
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    return Response(data, status, headers=dict(headers or {}), content_type="application/json")


def answer_page(data: Sequence[Any], cursor: str | None) -> Response:
    """One page of a list; its Link header leads to the next, under the same filters."""
    headers = {}
    if cursor:
        address = public_url() + request.path.rstrip("/")
        headers["Link"] = next_link(address, request.args.items(multi=True), cursor)
    return answer_json({"data": data, "next_cursor": cursor}, 200, headers)
