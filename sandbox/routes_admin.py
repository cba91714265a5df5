"""Routes under /_sandbox/ for tests and operators; the real backend has none of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.faults import BadRule
from sandbox.replies import plain
from sandbox.reports import read_all, read_books, read_client, read_clock, read_edit, read_render
from sandbox.scenario import BadScenario, apply_scenario, read_rules, read_scenario
from sandbox.switches import UnknownSwitch
from sandbox.world import World

#: What POST /_sandbox/reset can put back, and what it does when it is not told.
RESETS = ("world", "books", "rules", "switches")
USUAL_RESETS = ("books", "rules", "switches")


def make_blueprint(world: World) -> Blueprint:
    """Builds the routes over one world."""
    routes = Blueprint("admin", __name__, url_prefix="/_sandbox")
    _add_books(routes, world)
    _add_switches(routes, world)
    _add_rules(routes, world)
    _add_events(routes, world)

    @routes.errorhandler(UnknownSwitch)
    @routes.errorhandler(BadRule)
    @routes.errorhandler(BadScenario)
    def bad(error: ValueError) -> Response:
        return plain(400, {"error": str(error)})

    return routes


def _add_books(routes: Blueprint, world: World) -> None:
    @routes.get("/books")
    def books() -> Response:
        return jsonify(read_books(world))

    @routes.get("/books/edits/<edit_id>")
    def edit(edit_id: str) -> Response:
        return jsonify(read_edit(world, edit_id))

    @routes.get("/books/renders/<render_id>")
    def render(render_id: str) -> Response:
        found = read_render(world, render_id)
        return jsonify(found) if found else plain(404, {"error": "render not found"})

    @routes.get("/books/clients/<client_id>")
    def client(client_id: str) -> Response:
        return jsonify(read_client(world, client_id))

    @routes.get("/snapshot")
    def snapshot() -> Response:
        return jsonify(read_all(world))

    @routes.get("/renders/<render_id>/ass")
    def render_ass(render_id: str) -> Response:
        found = world.renders.find(render_id)
        if found is None:
            return plain(404, {"error": "render not found"})
        return Response(found.ass, content_type="text/plain; charset=utf-8")


def _add_switches(routes: Blueprint, world: World) -> None:
    @routes.get("/switches")
    def switches() -> Response:
        return jsonify(world.board.as_dict())

    @routes.post("/switches")
    def set_switches() -> Response:
        changes = _body()
        session_id = changes.pop("session_id", None)
        account = str(changes.pop("account", ""))
        return jsonify(asdict(world.board.set(changes, session_id, account=account)))

    @routes.post("/scenario")
    def scenario() -> Response:
        scenario = read_scenario(request.get_json(silent=True))
        _reset(world, USUAL_RESETS)
        apply_scenario(world, scenario)
        return jsonify({"switches": world.board.as_dict(), "rules": world.faults.rows()})

    @routes.post("/reset")
    def reset() -> Response:
        what = _body().get("what", list(USUAL_RESETS))
        if not isinstance(what, list) or not set(what) <= set(RESETS):
            return plain(400, {"error": f"what takes a list of {', '.join(RESETS)}"})
        _reset(world, tuple(what))
        return jsonify({"reset": what})


def _add_rules(routes: Blueprint, world: World) -> None:
    @routes.get("/rules")
    def rules() -> Response:
        return jsonify({"rules": world.faults.rows()})

    @routes.post("/rules")
    def add_rules() -> Response:
        body = request.get_json(silent=True)
        rows = body if isinstance(body, list) else [body]
        return jsonify({"ids": world.faults.add(read_rules(rows))})

    @routes.delete("/rules")
    def drop_rules() -> Response:
        return jsonify({"dropped": world.faults.drop()})

    @routes.delete("/rules/<int:rule_id>")
    def drop_rule(rule_id: int) -> Response:
        return jsonify({"dropped": world.faults.drop(rule_id)})


def _add_events(routes: Blueprint, world: World) -> None:
    @routes.get("/clock")
    def clock() -> Response:
        return jsonify(read_clock(world))

    @routes.post("/clock")
    def move_clock() -> Response:
        return _move(world, _body())

    @routes.post("/accounts/<name>/expire")
    def expire(name: str) -> Response:
        expired = world.accounts.expire(name)
        return jsonify({"expired": expired}) if expired else _no("account with a token")

    @routes.post("/accounts/<name>/credits")
    def set_credits(name: str) -> Response:
        available = _body().get("available")
        if not isinstance(available, int) or isinstance(available, bool) or available < 0:
            return plain(400, {"error": "available takes credits, 0 or more"})
        known = world.accounts.set_available(name, available)
        return jsonify({"available": available}) if known else _no("account")

    @routes.post("/sessions/<session_id>/lose")
    def lose(session_id: str) -> Response:
        lost = world.sessions.lose(session_id)
        return jsonify({"lost": session_id}) if lost else _no("session")


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    return dict(body) if isinstance(body, dict) else {}


def _no(what: str) -> Response:
    return plain(404, {"error": f"there is no such {what}"})


def _reset(world: World, what: tuple[str, ...]) -> None:
    acts: dict[str, Callable[[], object]] = {
        "world": world.clear,
        "books": world.books.reset,
        "rules": world.faults.drop,
        "switches": world.board.reset,
    }
    for name in RESETS:
        if name in what:
            acts[name]()


def _move(world: World, body: dict[str, Any]) -> Response:
    names = sorted({"advance_s", "now_s"} & set(body))
    value = body[names[0]] if len(names) == 1 else None
    if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
        return plain(400, {"error": "advance_s or now_s takes seconds, 0 or more"})
    if names == ["advance_s"]:
        world.clock.advance(float(value))
    else:
        world.clock.set_now(float(value))
    world.agenda.do_due()
    return jsonify(read_clock(world))
