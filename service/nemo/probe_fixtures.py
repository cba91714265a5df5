"""Exchanges as redacted JSON files that a test can replay. Format: docs/probe.md, "Fixtures"."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from service.nemo.probe_discovery import discover
from service.nemo.probe_secrets import WITHHELD, Redactor
from service.nemo.recording import Content, Recorded, Recorder

FORMAT = 1
#: Values of other headers may tell who asked; their names are kept.
_TELLING_HEADERS = frozenset(
    {"accept", "accept-encoding", "accept-ranges", "access-control-allow-origin", "age", "allow"}
    | {"cache-control", "connection", "content-disposition", "content-encoding", "content-length"}
    | {"content-type", "date", "expires", "keep-alive", "last-modified", "location", "pragma"}
    | {"retry-after", "server", "transfer-encoding", "user-agent", "vary", "via"}
    | {"x-accel-buffering", "x-powered-by", "x-skill-platform", "x-skill-source"}
    | {"x-skill-version", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"}
    | {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "authorization"}
    | {"x-client-id", "www-authenticate", "alt-svc", "strict-transport-security", "x-cache"}
)
REDACTED = "REDACTED"
# a line break is never inside a JSON string, so only structure is matched
_PAIR = re.compile(r'\[\n *("(?:[^"\\\n]|\\.)*"|\d+),\n *("(?:[^"\\\n]|\\.)*"|\d+)\n *\]')


class FixtureFolder:
    """The folder of one probe's recording; writes what is new, and all again after a new secret."""

    def __init__(self, folder: Path, recorder: Recorder, redactor: Redactor, source: str) -> None:
        self._folder = folder
        self._recorder = recorder
        self._redactor = redactor
        self._source = source
        self._written_version = -1
        self._written: set[int] = set()

    def save(self) -> list[str]:
        """Write the exchanges that have ended; returns the names of all files there are."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for recorded in self._recorder.exchanges:
            if recorded.number not in self._written:
                discover(recorded, self._redactor)
        if self._redactor.version != self._written_version:
            self._written.clear()
            self._written_version = self._redactor.version
        for recorded in self._recorder.exchanges:
            if recorded.number not in self._written:
                self._write(recorded)
        return [name_of(each) for each in self._recorder.exchanges]

    def _write(self, recorded: Recorded) -> None:
        body = to_fixture(recorded, self._redactor, self._source)
        write_whole(self._folder / name_of(recorded), as_json(body))
        if recorded.ended:
            self._written.add(recorded.number)


def name_of(recorded: Recorded) -> str:
    """The file of an exchange, such as `03-session.json`."""
    return f"{recorded.number:02d}-{recorded.step}.json"


def to_fixture(recorded: Recorded, redactor: Redactor, source: str) -> dict[str, Any]:
    """An exchange without secrets, as JSON values."""
    return {
        "format": FORMAT,
        "source": source,
        "step": recorded.step,
        "request": {
            "method": recorded.method,
            "url": redactor.redact(_place(recorded.url)),
            "headers": _headers(recorded.request_headers, redactor),
            **_body(recorded.request, redactor),
        },
        "reply": {
            "status": recorded.status,
            "reason": redactor.redact(recorded.reason),
            "http_version": recorded.http_version,
            "headers": _headers(recorded.headers, redactor),
            **_body(recorded.reply, redactor),
        },
        "timing": {
            "headers_after_ms": recorded.headers_after_ms,
            "duration_ms": recorded.duration_ms,
            "pieces": [list(piece) for piece in recorded.pieces],
        },
        "error": recorded.error or ("" if recorded.ended else "unfinished"),
    }


def as_json(value: Mapping[str, Any]) -> str:
    """A text that a person can read and a diff can compare; pairs stay on their line."""
    text = _PAIR.sub(r"[\1, \2]", json.dumps(value, indent=1, ensure_ascii=False))
    # a lone surrogate stands for a byte that is no UTF-8
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace") + "\n"


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is never there in part."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _place(url: str) -> str:
    """The path of a call to the API; the whole address of a call to elsewhere."""
    parts = urlsplit(url)
    is_api = parts.path.startswith(("/api/", "/run_sse"))
    return parts.path + (f"?{parts.query}" if parts.query else "") if is_api else url


def _headers(headers: Iterable[tuple[str, str]], redactor: Redactor) -> list[list[str]]:
    return [
        [
            redactor.redact(name),
            redactor.redact(value) if name.lower() in _TELLING_HEADERS else REDACTED,
        ]
        for name, value in headers
    ]


def _body(content: Content, redactor: Redactor) -> dict[str, Any]:
    text = redactor.redact(content.head.decode("utf-8", "surrogateescape"))
    return {
        "body": text if content.head else None,
        "body_bytes": content.size,
        "body_truncated": content.truncated,
        "body_sha256": content.sha256 if content.size and not content.head else None,
        **({"withheld": True} if text == WITHHELD else {}),
    }
