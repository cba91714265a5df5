"""Files that jobs will use: streamed to the store, checked from their first bytes."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from api.bodies import open_incoming
from api.links import ON_UPLOAD, links
from api.openapi import Routes
from api.replies import UploadReply
from api.schemas import NoQuery, UploadQuery
from api.state import answer_json, caller, note_act, public_url, services
from service.access import read_own_upload, remove_own_upload
from service.audit import Act
from service.errors import NotFound
from service.ids import is_id, new_id
from service.media.formats import check_upload
from service.store.accounts import Upload
from service.webhooks.events import iso_time

routes = Routes("uploads", __name__, url_prefix="/v1/uploads", description="Files for jobs")
_BODY = {
    "requestBody": {
        "required": True,
        "description": "The file itself, or a form with the file as its only file part.",
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
        },
    }
}


@routes.route("", methods=["POST"])
@routes.doc(**_BODY, **links(201, "upload_id", ON_UPLOAD))
@routes.arguments(UploadQuery, location="query")
@routes.response(201, UploadReply)
@routes.alt_response(413, "REQUEST_ENTITY_TOO_LARGE")
def create_upload(query: dict[str, Any]) -> Response:
    """Upload a file: the raw body with `?filename=`, or a form.

    mp4, mov, avi, webm, mkv; jpg, png, gif, webp; mp3, wav, m4a, aac. The content decides what it
    is; a file of another kind is refused before the rest of it is read.
    """
    parts, now_ms = services(), services().clock.now_ms()
    most = parts.settings.upload_max_bytes
    incoming = open_incoming(request, query.get("filename", ""), most)
    kind = check_upload(incoming.head, incoming.filename).kind
    upload_id = new_id("upl", now_ms)
    stored = parts.files.put(f"uploads/{upload_id}", incoming.chunks, max_bytes=most)
    upload = Upload(
        id=upload_id,
        tenant_id=caller().tenant_id,
        file=stored.key,
        filename=incoming.filename,
        size=stored.size,
        sha256=stored.sha256,
        kind=kind,
        created_ms=now_ms,
    )
    ttl_ms = int(parts.settings.upload_ttl_s * 1000)
    try:
        parts.accounts.create_upload(upload, ttl_ms=ttl_ms, key_id=caller().key_id)
    except BaseException:
        parts.files.delete(stored.key)
        raise
    headers = {"Location": f"{public_url()}/v1/uploads/{upload_id}"}
    return answer_json(upload_data(upload, parts.clock.now_ms() + ttl_ms), 201, headers)


@routes.route("/<upload_id>")
@routes.arguments(NoQuery, location="query")
@routes.response(200, UploadReply)
def read_upload(_query: dict[str, Any], upload_id: str) -> Response:
    """One upload; `expires_at` is null once a job uses it."""
    own = read_own_upload(services().connection, _checked(upload_id), caller())
    now_ms = services().clock.now_ms()
    return answer_json(
        upload_data(own.upload, None if own.left_ms is None else now_ms + own.left_ms)
    )


@routes.route("/<upload_id>", methods=["DELETE"])
@routes.arguments(NoQuery, location="query")
@routes.response(204)
def delete_upload(_query: dict[str, Any], upload_id: str) -> Response:
    """Remove an upload that no job uses (409 otherwise)."""
    file = remove_own_upload(services().connection, _checked(upload_id), caller())
    services().files.delete(file)
    note_act(Act.UPLOAD_DELETED, upload_id)
    return Response(status=204)


def upload_data(upload: Upload, expires_ms: int | None) -> dict[str, Any]:
    """The upload resource."""
    return {
        "id": upload.id,
        "object": "upload",
        "size": upload.size,
        "sha256": upload.sha256,
        "kind": upload.kind,
        "filename": upload.filename,
        "created_at": iso_time(upload.created_ms),
        "expires_at": iso_time(expires_ms) if expires_ms else None,
    }


def _checked(upload_id: str) -> str:
    if not is_id(upload_id, "upl"):
        raise NotFound("There is no such upload.")
    return upload_id
