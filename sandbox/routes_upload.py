"""The upload route: multipart files or addresses to fetch (protocol 3)."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request

from sandbox.media import UnsupportedMedia
from sandbox.replies import account_of, base_url, ok, plain, refuse, require_scope, session_of
from sandbox.sessions import Asset, Session
from sandbox.stages import plan_stage
from sandbox.uploads import (
    FetchFailed,
    Received,
    TooLarge,
    check,
    discard,
    drain,
    receive_form,
    receive_url,
)
from sandbox.world import World

_DRAIN_BYTES = 2_000_000_000


def make_blueprint(world: World) -> Blueprint:
    """Builds the route over one world."""
    routes = Blueprint("upload", __name__)

    @routes.post("/api/upload-video/nemo_agent/me/<session_id>")
    def upload(session_id: str) -> Response:
        try:
            account = account_of(world, request)
            require_scope(world, account, "upload")
            session = session_of(world, account, session_id)
            return _accept(world, session)
        finally:
            drain(request, _DRAIN_BYTES)

    return routes


def _accept(world: World, session: Session) -> Response:
    try:
        received = _receive(world, session)
    except TooLarge as error:
        row = {"session_id": session.session_id, "code": 4002}
        world.books.saw_upload(row, accepted=False)
        raise refuse(world, 4002, str(error), session_id=session.session_id) from None
    except FetchFailed as error:
        return plain(400, {"code": 400, "message": str(error), "data": None})
    except OSError:
        return plain(400, {"code": 400, "message": "the body could not be read", "data": None})
    if not received:
        missing = {"type": "missing", "loc": ["body", "files"], "msg": "Field required"}
        return plain(422, {"detail": [missing]})
    assets = _check_all(world, session, received)
    for asset in assets:
        world.sessions.add_asset(session, asset)
        row = {"session_id": session.session_id, "filename": asset.filename, "size": asset.size}
        world.books.saw_upload({**row, "sha256": asset.sha256}, accepted=True)
    plan_stage(world, session, after="upload")
    files = [asset.as_video_info(base_url(request)) for asset in assets]
    return ok(world, {"files": files, "session_state_applied": True})


def _receive(world: World, session: Session) -> list[Received]:
    limit_bytes = world.config.max_upload_bytes
    pace = _pace(world, session)
    if request.mimetype == "application/json":
        body = request.get_json(silent=True)
        urls = body.get("urls") if isinstance(body, dict) else None
        return [receive_url(str(url), world.uploads, limit_bytes, pace) for url in urls or ()]
    return receive_form(request, world.uploads, limit_bytes, pace)


def _pace(world: World, session: Session) -> Callable[[int], None]:
    bytes_per_s = world.board.of(session.session_id).upload_kb_s * 1024

    def wait(count: int) -> None:
        if bytes_per_s > 0:
            world.clock.sleep(count / bytes_per_s, world.stopping)

    return wait


def _check_all(world: World, session: Session, received: list[Received]) -> list[Asset]:
    try:
        return [check(item) for item in received]
    except UnsupportedMedia as error:
        discard(item.spool for item in received)
        row = {"session_id": session.session_id, "code": 4001, "reason": str(error)}
        world.books.saw_upload(row, accepted=False)
        raise refuse(world, 4001, str(error), session_id=session.session_id) from None
