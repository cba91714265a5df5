"""A live webhook receiver on 127.0.0.1 with scripted replies; real sockets, no mocks.

with Receiver(replies=[500, Reply(429, {"Retry-After": "7"}), Reply(hang=True)]) as receiver:
    ...  # send to receiver.url
    first, second = receiver.wait_for(2)
assert first.verify(secret)
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from standardwebhooks import Webhook


@dataclass(frozen=True, slots=True)
class Reply:
    """What the receiver answers; `hang` answers nothing until the receiver is closed."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay_s: float = 0.0
    hang: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came; header names are in lower case, `at` is `time.time()`."""

    headers: dict[str, str]
    body: bytes
    at: float
    path: str

    @property
    def event(self) -> Any:
        return json.loads(self.body)

    def verify(self, secret: str, *, check_time: bool = True) -> bool:
        """Check the signature by the independent library; without `check_time` any time will do."""
        try:
            webhook = Webhook(secret)
            if check_time:
                webhook.verify(self.body, self.headers)
                return True
            moment = datetime.fromtimestamp(int(self.headers["webhook-timestamp"]), UTC)
            expected = webhook.sign(self.headers["webhook-id"], moment, self.body.decode())
            return expected in self.headers["webhook-signature"].split(" ")
        except Exception:  # noqa: BLE001 - the library raises more than its own error
            return False


class Receiver:
    """Context manager; the script's replies are given in order, then 200 for ever."""

    def __init__(self, replies: Sequence[int | Reply] = (), path: str = "/hooks") -> None:
        self.received: list[Received] = []
        self._path = path
        self._replies = [each if isinstance(each, Reply) else Reply(each) for each in replies]
        self._news = threading.Condition()
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.receiver = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="webhook-receiver", daemon=True
        )

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self._path}"

    def then(self, *replies: int | Reply) -> None:
        """Add replies to the script."""
        with self._news:
            self._replies += [each if isinstance(each, Reply) else Reply(each) for each in replies]

    def wait_for(self, count: int, timeout_s: float = 10.0) -> list[Received]:
        """Wait until so many requests have come; fails the test when they do not."""
        with self._news:
            if not self._news.wait_for(lambda: len(self.received) >= count, timeout_s):
                msg = f"{len(self.received)} of {count} webhooks came in {timeout_s} s"
                raise AssertionError(msg)
            return list(self.received)

    def verify(self, secret: str, *, check_time: bool = True) -> bool:
        """Whether something came, and everything that came is signed with this secret."""
        with self._news:
            received = list(self.received)
        return bool(received) and all(e.verify(secret, check_time=check_time) for e in received)

    def take(self, request: Received) -> Reply:
        """Note a request and choose its reply."""
        with self._news:
            self.received.append(request)
            self._news.notify_all()
            return self._replies.pop(0) if self._replies else Reply()

    def pause(self, reply: Reply) -> bool:
        """Let a reply's delay pass; False when nothing is to be answered."""
        self._closing.wait(None if reply.hang else reply.delay_s)
        return not reply.hang


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = True
    receiver: Receiver

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of callers that hang up: that is what some tests do."""


class _Handler(BaseHTTPRequestHandler):
    timeout = 10
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        receiver = self.server.receiver
        reply = receiver.take(Received(headers, body, time.time(), self.path))
        if not receiver.pause(reply):
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass
