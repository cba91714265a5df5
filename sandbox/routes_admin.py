"""Routes under /_sandbox/ for tests and operators; the real backend has none of them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.replies import plain
from sandbox.switches import UnknownSwitch
from sandbox.world import World


def make_blueprint(world: World) -> Blueprint:
    """Builds the routes over one world."""
    routes = Blueprint("admin", __name__, url_prefix="/_sandbox")

    @routes.get("/books")
    def books() -> Response:
        return jsonify(read_books(world))

    @routes.get("/switches")
    def switches() -> Response:
        return jsonify(world.board.as_dict())

    @routes.post("/switches")
    def set_switches() -> Response:
        changes = _body()
        session_id = changes.pop("session_id", None)
        try:
            return jsonify(asdict(world.board.set(changes, session_id)))
        except UnknownSwitch as error:
            return plain(400, {"error": str(error)})

    @routes.post("/clock")
    def clock() -> Response:
        return _advance(world, _body().get("advance_s"))

    @routes.get("/renders/<render_id>/ass")
    def render_ass(render_id: str) -> Response:
        render = world.renders.find(render_id)
        if render is None:
            return plain(404, {"error": "render not found"})
        return Response(render.ass, content_type="text/plain; charset=utf-8")

    return routes


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    return dict(body) if isinstance(body, dict) else {}


def _advance(world: World, seconds: object) -> Response:
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds < 0:
        return plain(400, {"error": "advance_s takes seconds, 0 or more"})
    return jsonify({"now_s": world.clock.advance(float(seconds))})


def read_books(world: World) -> dict[str, object]:
    """Returns the books with the renders, as plain JSON values."""
    pages = world.books.as_dict()
    pages["renders"] = world.renders.rows()
    pages["duplicate_render_ids"] = list(world.renders.duplicates)
    pages["sessions"] = world.sessions.ids()
    return pages
