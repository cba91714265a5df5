"""A small webhook receiver on this machine: it verifies each delivery, tells of it, and answers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cli.signature import verify
from cli.terminal import json_text

_MOST_BYTES = 1_000_000
_TAKEN, _FORGED = 204, 400


class Receiver:
    """Listens on 127.0.0.1; `tell` gets each delivery as {headers, body, verified, status}.

    Port 0 takes a free one. Several secrets may be in use, as while one is rotated. `file` gets
    every delivery as a line of JSON. `status` is what a verified delivery is answered.
    """

    def __init__(
        self,
        tell: Callable[[Mapping[str, Any]], None],
        *,
        file: Path | None = None,
        port: int = 0,
        secrets: Sequence[str] = (),
        status: int = _TAKEN,
    ) -> None:
        self.secrets = tuple(secrets)
        self.lines: list[dict[str, Any]] = []
        self._file = file
        self._tell = tell
        self._status = status
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def start(self) -> None:
        if self._file is not None:
            self._file.write_text("", encoding="utf-8")
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def remove_if_empty(self) -> None:
        """Leave no empty file behind when nothing came."""
        if self._file is not None and not self.lines:
            self._file.unlink(missing_ok=True)

    def has(self, kind: str) -> bool:
        """Whether an event of this type has come."""
        with self._lock:
            return any(line["body"].get("type") == kind for line in self.lines)

    def wait_for(self, kind: str, wait: Callable[[float], None], limit_s: float) -> bool:
        """Whether an event of this type comes in time; `wait` lets some seconds pass."""
        until_s = time.monotonic() + limit_s
        while not self.has(kind) and time.monotonic() < until_s:
            wait(0.1)
        return self.has(kind)

    def keep(self, headers: Mapping[str, str], body: bytes) -> int:
        """Verify and keep one delivery; the status to answer."""
        now_s = time.time()
        verified = any(verify(headers, body, each, now_s=now_s) for each in self.secrets)
        status = self._status if verified else _FORGED
        line = {
            "headers": dict(headers),
            "body": _read(body),
            "verified": verified,
            "status": status,
        }
        with self._lock:
            self.lines.append(line)
            if self._file is not None:
                with self._file.open("a", encoding="utf-8") as out:
                    out.write(json_text(line) + "\n")
            self._tell(line)
        return status

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = min(int(self.headers.get("Content-Length") or 0), _MOST_BYTES)
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.send_response(receiver.keep(headers, self.rfile.read(size)))
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep the terminal for what the deliveries say."""

        return Handler


def _read(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    return content if isinstance(content, dict) else {"raw": body.decode(errors="replace")}
