"""Routes for export: submit, poll, cancel, download, and the result files (protocol 7)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Blueprint, Response, request, send_file

from sandbox.accounts import Account
from sandbox.render import BadRender, DuplicateRender
from sandbox.render_job import Order, Render
from sandbox.replies import (
    Refusal,
    account_of,
    base_url,
    is_attributed,
    ok,
    plain,
    require_scope,
    session_of,
)
from sandbox.sessions import Session
from sandbox.world import World

#: Other words for the same; the documents promise none of them.
_SYNONYMS = {"completed": "success", "failed": "error", "processing": "rendering"}
_BLOCKED = "Free plan export blocked. Register or upgrade your plan to unlock export."


def make_blueprint(world: World) -> Blueprint:
    """Builds the routes over one world."""
    routes = Blueprint("render", __name__)

    @routes.post("/api/render/proxy/lambda")
    def submit() -> Response:
        account = account_of(world, request)
        body = request.get_json(silent=True)
        return _submit(world, account, body if isinstance(body, dict) else {})

    @routes.get("/api/render/proxy/lambda/<render_id>")
    def poll(render_id: str) -> Response:
        render = _find(world, render_id)
        render.polls += 1
        return _shaped(world, render)

    @routes.post("/api/render/proxy/lambda/<render_id>/cancel")
    def cancel(render_id: str) -> Response:
        render = _find(world, render_id)
        world.renders.cancel(render)
        return _shaped(world, render)

    @routes.get("/api/render/proxy/<render_id>/download")
    def download(render_id: str) -> Response:
        return _fall_back(world, _find(world, render_id))

    @routes.get("/cdn/<key>/<name>")
    def result(key: str, name: str) -> Response:
        return _result(world, key, name)

    return routes


def _submit(world: World, account: Account, body: dict[str, Any]) -> Response:
    require_scope(world, account, "render")
    session = session_of(world, account, body.get("sessionId", body.get("session_id")))
    if not is_attributed(request):
        return plain(402, {"code": 402, "message": "attribution headers are missing", "data": None})
    switches = world.board.of(session.session_id)
    if switches.plan_blocks_export:
        return plain(402, {"code": 402, "message": _BLOCKED, "data": None})
    render_id, draft, output = str(body.get("id") or ""), body.get("draft"), body.get("output")
    if not render_id or not isinstance(draft, dict):
        return _bad("id and draft are required")
    try:
        output = output if isinstance(output, dict) else {}
        order = Order(render_id, draft, output, request.headers.get("X-Request-Id", ""))
        render = world.renders.submit(session, order, switches)
        return _shaped(world, render)
    except BadRender as error:
        return _bad(str(error))
    except DuplicateRender:
        return _duplicate(session, render_id, real=switches.real_http_status)


def _bad(error: str) -> Response:
    return plain(400, {"success": False, "code": 400, "error": error})


def _duplicate(session: Session, render_id: str, *, real: bool) -> Response:
    error = f"duplicate render id: {render_id} already exists"
    body = {"success": False, "code": 409, "error": error, "message": error}
    return plain(409 if real else 200, {**body, "sessionId": session.session_id})


def _result(world: World, key: str, name: str) -> Response:
    if "Authorization" in request.headers:
        world.books.saw_auth_on_cdn(request.path)
        return plain(400, {"code": 400, "message": "only one auth mechanism allowed"})
    render = world.renders.by_cdn_key(key)
    path = _finished(render) if render else None
    if render and path:
        if key == render.cdn_key and world.board.of(render.session_id).result_dead:
            return plain(404, {"detail": "Not Found"})
        render.fetched += 1
        return _file(path, name)
    asset = world.sessions.asset(name)
    if asset is not None and asset.cdn_key == key:
        return _file(asset.path, asset.filename)
    return plain(404, {"detail": "Not Found"})


def _find(world: World, render_id: str) -> Render:
    account = account_of(world, request)
    render = world.renders.find(render_id, account.user_id)
    if render is None or render.is_lost():
        raise Refusal(_unknown(render_id))
    return render


def _fall_back(world: World, render: Render) -> Response:
    path, form = _finished(render), world.board.of(render.session_id).fallback
    if path is None or form == "none":
        return _unknown(render.render_id)
    url = f"{base_url(request)}/cdn/{render.spare_key}/{render.render_id}.mp4"
    if form == "json":
        return plain(200, {"output": {"url": url}})
    if form == "redirect":
        return Response(status=302, headers={"Location": url})
    render.fetched += 1
    return _file(path, f"{render.render_id}.mp4")


def _finished(render: Render) -> Path | None:
    return render.path if render.status() == "completed" else None


def _unknown(render_id: str) -> Response:
    return plain(404, {"success": False, "code": 404, "error": f"render not found: {render_id}"})


def _shaped(world: World, render: Render) -> Response:
    switches, status = world.board.of(render.session_id), render.status()
    done = status == "completed"
    url = f"{base_url(request)}/cdn/{render.cdn_key}/{render.render_id}.mp4"
    shown = url if done and not switches.completed_without_url else None
    body: dict[str, Any] = {"status": _worded(status, switches.status_words)}
    progress = _measured(render.progress(), switches.progress_form)
    if progress is not None:
        body["progress"] = progress
    if status == "failed":
        body["error"] = render.error
    if switches.render_shape == "s1":
        body["taskId"] = render.render_id
        if shown:
            body["output"] = {"url": shown, "duration": render.duration_s, "size": render.size}
        return plain(200, body)
    body = {"id": render.render_id, **body, "createdAt": render.created_ms}
    if done:
        body["completedAt"] = render.completed_ms
    if shown:
        body["outputUrl"] = shown
    if switches.render_shape == "envelope":
        return ok(world, body)
    return plain(200, {"success": True, "data": body})


def _worded(status: str, words: str) -> str:
    if words == "synonym":
        return _SYNONYMS.get(status, status)
    return status.upper() if words == "upper" else status


def _measured(percent: int, form: str) -> float | None:
    if form == "none":
        return None
    return percent / 100 if form == "share" else percent


def _file(path: Path, name: str) -> Response:
    return send_file(path.resolve(), mimetype="video/mp4" if name.endswith(".mp4") else None,
                     download_name=name, conditional=True)  # fmt: skip
