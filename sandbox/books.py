"""The books: what was received, so that a test can compare them with what a client claims."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from sandbox.pages import Rows, Tally


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
    requests: Tally = field(default_factory=Tally)
    edits: Tally = field(default_factory=Tally)
    messages: Tally = field(default_factory=Tally)
    tokens: Tally = field(default_factory=Tally)
    tokens_refused: Tally = field(default_factory=Tally)
    without_attribution: Tally = field(default_factory=Tally)
    runs: Rows = field(default_factory=Rows)
    refused_runs: Rows = field(default_factory=Rows)
    uploads: Rows = field(default_factory=Rows)
    refused_uploads: Rows = field(default_factory=Rows)
    charges: Rows = field(default_factory=Rows)
    auth_on_cdn: Rows = field(default_factory=Rows)
    request_log: Rows = field(default_factory=Rows)
    streams: int = 0
    peak_streams: int = 0


def hash_message(text: str) -> str:
    """Returns the sha256 hex digest that the books list a message under."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Books:
    """Counts and lists everything that arrived; bounded, safe from many threads, no tokens."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pages = _Pages()

    def saw_request(self, route: str, *, attributed: bool) -> None:
        """Counts one request by method and route, and whether attribution headers were missing."""
        with self._lock:
            self._pages.requests.add(route)
            if not attributed:
                self._pages.without_attribution.add(route)

    def answered(self, row: dict[str, Any]) -> None:
        """Lists one request with its headers of attribution and the status it was answered."""
        with self._lock:
            self._pages.request_log.add(row)

    def saw_token(self, client_id: str, *, issued: bool) -> None:
        """Counts one token request of a client id."""
        with self._lock:
            (self._pages.tokens if issued else self._pages.tokens_refused).add(client_id)

    def open_run(self, entry: RunEntry) -> None:
        """Lists a run that starts to stream."""
        with self._lock:
            pages = self._pages
            pages.runs.add(entry)
            pages.edits.add(entry.request_id)
            pages.messages.add(entry.message_hash)
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
                self._pages.charges.add(
                    {**charge, "user_id": entry.user_id, "credits": charged, "at_ms": ended_ms}
                )

    def refuse_run(self, row: dict[str, Any]) -> None:
        """Lists a POST /run_sse that was refused before its stream."""
        with self._lock:
            self._pages.refused_runs.add(row)

    def saw_upload(self, row: dict[str, Any], *, accepted: bool) -> None:
        """Lists one uploaded file."""
        with self._lock:
            (self._pages.uploads if accepted else self._pages.refused_uploads).add(row)

    def saw_auth_on_cdn(self, path: str) -> None:
        """Lists a download of a result that carried an Authorization header, which must not be."""
        with self._lock:
            self._pages.auth_on_cdn.add(path)

    def reset(self) -> None:
        """Begins new books; streams that are open stay counted."""
        with self._lock:
            streams = self._pages.streams
            self._pages = _Pages(streams=streams, peak_streams=streams)

    def as_dict(self) -> dict[str, Any]:
        """Returns a copy of all pages as plain JSON values.

        `let_go` counts what was dropped per page to stay within bounds.
        """
        with self._lock:
            held = {field.name: getattr(self._pages, field.name) for field in fields(_Pages)}
            pages = {name: _copied(page) for name, page in held.items()}
            bounded = {n: p.let_go for n, p in held.items() if isinstance(p, Tally | Rows)}
        pages["let_go"] = {name: count for name, count in bounded.items() if count}
        pages["overlapping_runs"] = [run for run in pages["runs"] if run["overlapping"]]
        return pages


def _copied(page: object) -> Any:
    if isinstance(page, Tally):
        return page.copy()
    if isinstance(page, Rows):
        return [asdict(row) if isinstance(row, RunEntry) else row for row in page.copy()]
    return page
