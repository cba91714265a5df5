"""Uploads that can be interrupted: tus 1.0, for the clients that exist (decision 0011).

An upload is created, filled by PATCH at the offset that HEAD tells, and is with its last byte an
upload like any other, under the same id.
"""

from __future__ import annotations

from typing import Any

from flask import Response, request
from werkzeug.http import http_date

from api.bodies import PIECE_BYTES, clean_filename, read_body
from api.headers import read_upload_metadata
from api.openapi import Routes
from api.problems import TusVersionRefused, UnsupportedMediaType
from api.schemas import NoQuery, TusCreateHeaders, TusPatchHeaders
from api.state import caller, note_act, public_url, services
from service.access import OwnUpload, read_own_upload, remove_own_upload
from service.arrivals import Arrivals
from service.audit import Act
from service.errors import FieldError, FileTooLarge, InvalidRequest, NotFound
from service.ids import is_id
from service.store.arrivals import Arrival, WrongOffset, missing

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,expiration"
BODY_TYPE = "application/offset+octet-stream"
ADDRESS = "/v1/uploads/tus"
_UNKNOWN = ("Upload-Concat", "Upload-Defer-Length", "Upload-Checksum")
_VERSION_HEADER = {
    "in": "header",
    "name": "Tus-Resumable",
    "required": True,
    "schema": {"type": "string", "enum": [VERSION]},
}
_BODY = {"content": {BODY_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
_OFFSET = {"Upload-Offset": {"schema": {"type": "integer"}, "description": "Bytes received."}}
_EXPIRES = {"Upload-Expires": {"schema": {"type": "string"}, "description": "When it is dropped."}}
_LOCATION = {"Location": {"schema": {"type": "string", "format": "uri"}}}

routes = Routes("tus", __name__, url_prefix=ADDRESS, description="Uploads that can be interrupted")


@routes.before_request
def check_version() -> None:
    """Speak one version only; asking which needs none."""
    if request.method != "OPTIONS" and request.headers.get("Tus-Resumable") != VERSION:
        raise TusVersionRefused(f"This is tus {VERSION}: send `Tus-Resumable: {VERSION}`.")
    for name in _UNKNOWN:
        if name in request.headers:
            text = "is not supported here"
            raise InvalidRequest(f"{name} {text}.", [FieldError(f"headers:/{name}", text)])


@routes.after_request
def name_version(response: Response) -> Response:
    """Every answer says the version; a refusal for another names it again as the spec has it."""
    response.headers["Tus-Resumable"] = VERSION
    if response.status_code == 412:
        response.headers["Tus-Version"] = VERSION
    return response


@routes.route("", methods=["OPTIONS"])
@routes.doc(security=[])
@routes.arguments(NoQuery, location="query")
@routes.response(204)
def tell_options(_query: dict[str, Any]) -> Response:
    """What is spoken here, for clients that ask first; needs no key and no version."""
    headers = {
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(services().settings.upload_max_bytes),
    }
    return Response(status=204, headers=headers)


@routes.route("", methods=["POST"])
@routes.doc(parameters=[_VERSION_HEADER], requestBody=_BODY)
@routes.arguments(NoQuery, location="query")
@routes.arguments(TusCreateHeaders, location="headers")
@routes.response(201, headers={**_LOCATION, **_OFFSET, **_EXPIRES})
@routes.alt_response(413, "REQUEST_ENTITY_TOO_LARGE")
def begin_upload(_query: dict[str, Any], headers: dict[str, Any]) -> Response:
    """Begin an upload of `Upload-Length` bytes; the body may bring the first of them.

    `Upload-Metadata: filename <base64>` names the file.
    """
    length = headers["upload_length"]
    metadata = read_upload_metadata(request.headers.get("Upload-Metadata", ""))
    has_body = _has_body()
    if has_body:
        _check_body(length)
    name = clean_filename(metadata.get("filename") or metadata.get("name") or "")
    arrival = _arrivals().begin(caller().tenant_id, name, length, caller().key_id)
    if has_body:
        arrival = _arrivals().receive(arrival, 0, read_body(request))
    location = {"Location": f"{public_url()}{ADDRESS}/{arrival.id}"}
    return Response(status=201, headers={**location, **_progress(arrival)})


@routes.route("/<upload_id>", methods=["HEAD"])
@routes.doc(parameters=[_VERSION_HEADER])
@routes.arguments(NoQuery, location="query")
@routes.response(200, headers={**_OFFSET, **_EXPIRES})
@routes.alt_response(423, "LOCKED")
def read_offset(_query: dict[str, Any], upload_id: str) -> Response:
    """How far an upload has come."""
    try:
        arrival = _read(upload_id)
    except NotFound:
        return _answer_finished(upload_id)
    if arrival.is_whole:  # perhaps a process died before it had joined the parts
        arrival = _arrivals().join(arrival)
    return _answer_head(_progress(arrival), arrival.length)


@routes.route("/<upload_id>", methods=["PATCH"])
@routes.doc(parameters=[_VERSION_HEADER], requestBody={"required": True, **_BODY})
@routes.arguments(NoQuery, location="query")
@routes.arguments(TusPatchHeaders, location="headers")
@routes.response(204, headers={**_OFFSET, **_EXPIRES})
@routes.alt_response(409, "CONFLICT")
@routes.alt_response(413, "REQUEST_ENTITY_TOO_LARGE")
@routes.alt_response(423, "LOCKED")
def append_bytes(_query: dict[str, Any], headers: dict[str, Any], upload_id: str) -> Response:
    """Send bytes from `Upload-Offset` on: 409 if that is not what HEAD tells.

    Of two requests at once the later goes on, and the earlier ends with 423. What came of a request
    that breaks off is kept.
    """
    offset = headers["upload_offset"]
    if request.mimetype != BODY_TYPE:
        raise UnsupportedMediaType(
            f"The body is {request.mimetype or 'of no type'}.",
            hint=f"Send `Content-Type: {BODY_TYPE}`.",
        )
    try:
        arrival = _read(upload_id)
    except NotFound:
        size = _read_finished(upload_id).upload.size
        raise WrongOffset(f"The upload has all of its {size} bytes.") from None
    _check_body(max(0, arrival.length - offset))
    arrival = _arrivals().receive(arrival, offset, read_body(request))
    return Response(status=204, headers=_progress(arrival))


@routes.route("/<upload_id>", methods=["DELETE"])
@routes.doc(parameters=[_VERSION_HEADER])
@routes.arguments(NoQuery, location="query")
@routes.response(204)
@routes.alt_response(409, "CONFLICT")
def end_upload(_query: dict[str, Any], upload_id: str) -> Response:
    """Remove an upload, finished or not, unless a job uses it (409)."""
    try:
        _arrivals().drop(_read(upload_id).id)
    except NotFound:
        file = remove_own_upload(services().connection, _checked(upload_id), caller())
        services().files.delete(file)
    note_act(Act.UPLOAD_DELETED, upload_id)
    return Response(status=204)


@routes.route("/<upload_id>", methods=["POST"])
@routes.doc(
    parameters=[
        _VERSION_HEADER,
        {
            "in": "header",
            "name": "X-HTTP-Method-Override",
            "required": True,
            "schema": {"type": "string", "enum": ["PATCH", "HEAD", "DELETE"]},
        },
    ],
    requestBody=_BODY,
)
@routes.response(204, headers={**_OFFSET, **_EXPIRES})
@routes.alt_response(200, description="As HEAD", headers={**_OFFSET, **_EXPIRES}, success=True)
def override_method(upload_id: str) -> Response:
    """The same for clients that can send neither PATCH nor DELETE."""
    views = {"PATCH": append_bytes, "HEAD": read_offset, "DELETE": end_upload}
    view = views.get(request.headers.get("X-HTTP-Method-Override", "").upper())
    if view is None:
        text = "must be PATCH, HEAD or DELETE"
        errors = [FieldError("headers:/X-HTTP-Method-Override", text)]
        raise InvalidRequest("There is nothing to do.", errors)
    answer: Response = view(upload_id=upload_id)
    return answer


def _arrivals() -> Arrivals:
    parts = services()
    return Arrivals(parts.connection, parts.files, parts.settings, parts.clock)


def _read(upload_id: str) -> Arrival:
    return _arrivals().read(_checked(upload_id), caller().tenant_id)


def _read_finished(upload_id: str) -> OwnUpload:
    return read_own_upload(services().connection, _checked(upload_id), caller())


def _checked(upload_id: str) -> str:
    if not is_id(upload_id, "upl"):
        raise missing(upload_id)
    return upload_id


def _has_body() -> bool:
    """Whether a creation brings bytes; some clients send an empty body of another type."""
    return request.mimetype == BODY_TYPE and bool(
        request.content_length or request.environ.get("wsgi.input_terminated")
    )


def _check_body(most: int) -> None:
    """Refuse more bytes than are missing before any is read; a body in chunks is capped later."""
    if (request.content_length or 0) > most:
        raise FileTooLarge(f"The body has {request.content_length} bytes; {most} are missing.")
    request.max_content_length = most + PIECE_BYTES


def _progress(arrival: Arrival) -> dict[str, str]:
    return {
        "Upload-Offset": str(arrival.offset),
        "Upload-Expires": http_date(arrival.expires_ms / 1000),
    }


def _answer_finished(upload_id: str) -> Response:
    own = _read_finished(upload_id)
    headers = {"Upload-Offset": str(own.upload.size)}
    if own.left_ms is not None:
        left_ms = services().clock.now_ms() + own.left_ms
        headers["Upload-Expires"] = http_date(left_ms / 1000)
    return _answer_head(headers, own.upload.size)


def _answer_head(headers: dict[str, str], length: int) -> Response:
    kept = {"Upload-Length": str(length), "Cache-Control": "no-store"}
    response = Response(status=200, headers={**headers, **kept})
    del response.headers["Content-Type"]  # there is no content, also where a POST asks for a HEAD
    return response
