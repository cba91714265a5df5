"""Finds what is secret in a recording: by the name of a field, and by the form of a value. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from service.nemo.json_text import load_json
from service.nemo.probe_secrets import Redactor
from service.nemo.recording import Recorded
from service.nemo.sse import SseDecoder

_KINDS_OF_FIELDS = {
    "userid": "USER", "uid": "USER", "ownerid": "USER", "accountid": "USER", "bindid": "USER",
    "tenantid": "USER", "username": "USER", "phone": "USER", "nickname": "USER",
    "sessionid": "SESSION", "taskid": "TASK", "projectid": "TASK",
    "email": "EMAIL", "clientid": "CLIENT",
    "password": "TOKEN", "apikey": "TOKEN", "authorization": "TOKEN", "cookie": "TOKEN",
    "accesskey": "TOKEN", "signature": "TOKEN", "credential": "TOKEN",
}  # fmt: skip
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_TOKEN = re.compile(r"\b(?:nmv_[\w.-]+|clm_[\w.-]+|sk-[\w-]{16,}|eyJ[\w-]{8,}\.[\w.-]+)")
_RENDER = re.compile(r"\brender_[0-9a-f]{8}-[0-9a-f-]{27}\b")
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s\"'<>\\)\]}]+", re.IGNORECASE)
_PATH = re.compile(r"/[^\s\"'<>]+/[^\s\"'<>]+")
_PUBLIC_HOSTS = frozenset({"nemovideo.com", "www.nemovideo.com", "mega-api-prod.nemovideo.ai"})
_TELLING_PATHS = ("/api/", "/run_sse", "/register", "/workspace/")


def discover(recorded: Recorded, redactor: Redactor) -> None:
    """Tell the redactor every secret of one exchange."""
    for name, value in recorded.request_headers:
        if name.lower() == "authorization":
            redactor.add("TOKEN", value.partition(" ")[2] or value)
        elif name.lower() == "x-client-id":
            redactor.add("CLIENT", value)
    _discover_in_text(recorded.header("Location"), redactor)
    _discover_in_text(recorded.url, redactor)
    for body in (recorded.request.head, recorded.reply.head):
        for value in documents(body):
            _discover_in_value(value, redactor)
        _discover_in_text(body.decode("utf-8", "replace"), redactor, places=False)


def documents(body: bytes) -> Iterator[Any]:
    """The JSON values of a body: the body itself, or the data of its events."""
    whole = load_json(body)
    if whole is not None:
        yield whole
    elif b"data:" in body:
        for event in SseDecoder().feed(body):
            value = load_json(event.data)
            if value is not None:
                yield value


def _discover_in_value(value: Any, redactor: Redactor, field: str = "") -> None:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _discover_in_value(inner, redactor, str(name).lower().replace("_", ""))
    elif isinstance(value, list | tuple):
        for inner in value:
            _discover_in_value(inner, redactor, field)
    elif isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        _discover_in_scalar(str(value), redactor, field)


def _discover_in_scalar(text: str, redactor: Redactor, field: str) -> None:
    kind = _KINDS_OF_FIELDS.get(field, "")
    if not kind and field.endswith(("token", "secret", "password", "signature")):
        kind = "TOKEN"
    if kind:
        shape = "person-{n}@example.com" if kind == "EMAIL" else "{kind}-{n}"
        redactor.add(kind, text, shape)
    elif field.endswith(("url", "uri")) and "://" not in text and re.match(r"[\w.-]+\.\w+/", text):
        _discover_place(f"https://{text}", redactor)
    nested = load_json(text) if text[:1] in {"{", "["} else None
    if nested is not None:
        _discover_in_value(nested, redactor)
    _discover_in_text(text, redactor)


def _discover_in_text(text: str, redactor: Redactor, *, places: bool = True) -> None:
    """`places` are addresses and paths; they are read only where no escapes are around them."""
    for hit in _TOKEN.finditer(text):
        redactor.add("TOKEN", hit[0])
    for hit in _RENDER.finditer(text):
        redactor.add("RENDER", hit[0])
    for hit in _EMAIL.finditer(text):
        redactor.add("EMAIL", hit[0], "person-{n}@example.com")
    if not places:
        return
    for hit in _URL.finditer(text):
        _discover_place(hit[0].rstrip(".,;:!?"), redactor)
    if _PATH.fullmatch(text) and not text.startswith(_TELLING_PATHS):
        _add_path(text, redactor)


def _discover_place(url: str, redactor: Redactor) -> None:
    try:
        parts = urlsplit(url)
    except ValueError:
        redactor.add("URL", url)
        return
    for name, value in parse_qsl(parts.query):
        if name.lower() in {"ct", "bind"}:
            redactor.add("TOKEN", value)
    if not (parts.path.startswith(_TELLING_PATHS) or parts.netloc.lower() in _PUBLIC_HOSTS):
        redactor.add("HOST", parts.netloc, "cdn-{n}.example")
        _add_path(parts.path, redactor)
    if parts.query:
        names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
        shape = "&".join(f"{re.sub(r'[^A-Za-z0-9_.-]', '', name)}=REDACTED" for name in names)
        redactor.add("QUERY", parts.query, shape or "{kind}-{n}")


def _add_path(path: str, redactor: Redactor) -> None:
    ending = PurePosixPath(path).suffix
    redactor.add("FILE", path, "/file-{n}" + (ending if re.fullmatch(r"\.\w{1,5}", ending) else ""))
