"""The books: what was received, so that a test can compare them with what a client claims."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from typing import Any


@dataclass(slots=True)
class RunEntry:
    """One accepted POST /run_sse; times in epoch ms, `outcome` is `running` until it ended."""

    request_id: str
    session_id: str
    user_id: str
    message_hash: str
    message_head: str
    started_ms: int
    ended_ms: int | None = None
    outcome: str = "running"
    silent: bool = False
    charged: int = 0
    events: int = 0
    overlapping: bool = False


@dataclass(slots=True)
class _Pages:
    requests: Counter[str] = field(default_factory=Counter)
    edits: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    tokens_refused: Counter[str] = field(default_factory=Counter)
    without_attribution: Counter[str] = field(default_factory=Counter)
    runs: list[RunEntry] = field(default_factory=list)
    refused_runs: list[dict[str, Any]] = field(default_factory=list)
    uploads: list[dict[str, Any]] = field(default_factory=list)
    refused_uploads: list[dict[str, Any]] = field(default_factory=list)
    charges: list[dict[str, Any]] = field(default_factory=list)
    auth_on_cdn: list[str] = field(default_factory=list)
    streams: int = 0
    peak_streams: int = 0


def hash_message(text: str) -> str:
    """Returns the sha256 hex digest that the books list a message under."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Books:
    """Counts and lists everything that arrived; safe from many threads. Holds no tokens."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pages = _Pages()

    def saw_request(self, route: str, *, attributed: bool) -> None:
        """Counts one request by method and route, and whether attribution headers were missing."""
        with self._lock:
            self._pages.requests[route] += 1
            if not attributed:
                self._pages.without_attribution[route] += 1

    def saw_token(self, client_id: str, *, issued: bool) -> None:
        """Counts one token request of a client id."""
        with self._lock:
            (self._pages.tokens if issued else self._pages.tokens_refused)[client_id] += 1

    def open_run(self, entry: RunEntry) -> None:
        """Lists a run that starts to stream."""
        with self._lock:
            pages = self._pages
            pages.runs.append(entry)
            pages.edits[entry.request_id] += 1
            pages.messages[entry.message_hash] += 1
            pages.streams += 1
            pages.peak_streams = max(pages.peak_streams, pages.streams)

    def close_stream(self) -> None:
        """Notes that one stream ended, whatever its run does."""
        with self._lock:
            self._pages.streams -= 1

    def close_run(self, entry: RunEntry, *, outcome: str, charged: int, ended_ms: int) -> None:
        """Notes how a run ended and what it cost."""
        with self._lock:
            entry.outcome, entry.charged, entry.ended_ms = outcome, charged, ended_ms
            if charged:
                charge = {"request_id": entry.request_id, "session_id": entry.session_id}
                self._pages.charges.append(
                    {**charge, "user_id": entry.user_id, "credits": charged, "at_ms": ended_ms}
                )

    def refuse_run(self, row: dict[str, Any]) -> None:
        """Lists a POST /run_sse that was refused before its stream."""
        with self._lock:
            self._pages.refused_runs.append(row)

    def saw_upload(self, row: dict[str, Any], *, accepted: bool) -> None:
        """Lists one uploaded file."""
        with self._lock:
            (self._pages.uploads if accepted else self._pages.refused_uploads).append(row)

    def saw_auth_on_cdn(self, path: str) -> None:
        """Lists a download of a result that carried an Authorization header, which must not be."""
        with self._lock:
            self._pages.auth_on_cdn.append(path)

    def as_dict(self) -> dict[str, Any]:
        """Returns a copy of all pages as plain JSON values."""
        with self._lock:
            pages = {
                field.name: _copied(getattr(self._pages, field.name)) for field in fields(_Pages)
            }
        runs = pages["runs"]
        pages["overlapping_runs"] = [run for run in runs if run["overlapping"]]
        return pages


def _copied(page: object) -> Any:
    if isinstance(page, Counter):
        return dict(page)
    if isinstance(page, list):
        return [asdict(row) if isinstance(row, RunEntry) else row for row in page]
    return page
