"""A small webhook receiver: it verifies each delivery, keeps it as a line, answers 204.

The verification is written out here on its own, as a receiver of yours would have it (Standard
Webhooks: HMAC-SHA256 over `id.timestamp.body`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_TOLERANCE_S = 300
_MOST_BYTES = 1_000_000


def verify(headers: Mapping[str, str], body: bytes, secret: str, *, now_s: float) -> bool:
    """Whether a delivery was signed with this secret, and not long ago."""
    sent_at, message_id = headers.get("webhook-timestamp", ""), headers.get("webhook-id", "")
    if not sent_at.isdigit() or abs(now_s - int(sent_at)) > _TOLERANCE_S:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = hmac.digest(key, f"{message_id}.{sent_at}.".encode() + body, hashlib.sha256)
    wanted = "v1," + base64.b64encode(signed).decode()
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(wanted, each) for each in given)


class Receiver:
    """Listens on a free port of this machine and writes `webhooks.jsonl`."""

    def __init__(self, file: Path, tell: Callable[[Mapping[str, Any]], None]) -> None:
        self.secret = ""
        self.lines: list[dict[str, Any]] = []
        self._file = file
        self._tell = tell
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def start(self) -> None:
        self._file.write_text("", encoding="utf-8")
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def remove_if_empty(self) -> None:
        """Leave no empty file behind when nothing came."""
        if not self.lines:
            self._file.unlink(missing_ok=True)

    def has(self, kind: str) -> bool:
        """Whether an event of this type has come."""
        with self._lock:
            return any(line["body"].get("type") == kind for line in self.lines)

    def keep(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Verify and keep one delivery."""
        verified = bool(self.secret) and verify(headers, body, self.secret, now_s=time.time())
        try:
            content = json.loads(body)
        except ValueError:
            content = {"raw": body.decode(errors="replace")}
        line = {"headers": dict(headers), "body": content, "verified": verified}
        with self._lock, self._file.open("a", encoding="utf-8") as out:
            self.lines.append(line)
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._tell(line)
        return verified

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = min(int(self.headers.get("Content-Length") or 0), _MOST_BYTES)
                headers = {name.lower(): value for name, value in self.headers.items()}
                verified = receiver.keep(headers, self.rfile.read(size))
                self.send_response(204 if verified else 400)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep the terminal for the job's own lines."""

        return Handler
