"""Records what goes over the wire: every request and reply of a session, whoever reads the reply.

The recorder stands between a session and its adapters, so the product's own client is what is
recorded, and the pieces of a stream keep the times at which they came. What is kept holds secrets:
it leaves memory only through service.nemo.probe_secrets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.adapters import BaseAdapter

from service.clock import Clock

#: Of one body so much is kept; its size and digest count all of it.
KEPT_BYTES = 1024 * 1024
_MOST_PIECES = 50_000
_OPAQUE = ("video/", "audio/", "image/", "application/octet-stream", "application/zip")


class Content:
    """A body as it passes: the first bytes, the size and the digest of all of them."""

    def __init__(self, keep_bytes: int) -> None:
        self._keep_bytes = keep_bytes
        self._digest = hashlib.sha256()
        self._head = bytearray()
        self.size = 0

    def take(self, piece: bytes) -> None:
        self._digest.update(piece)
        self.size += len(piece)
        self._head += piece[: max(0, self._keep_bytes - len(self._head))]

    @property
    def head(self) -> bytes:
        return bytes(self._head)

    @property
    def truncated(self) -> bool:
        return self.size > len(self._head)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


@dataclass(slots=True)
class Recorded:
    """One request and its reply; grows until `ended`. Durations count from `started_ms`."""

    number: int
    step: str
    method: str
    url: str
    request_headers: tuple[tuple[str, str], ...] = field(repr=False)
    request: Content = field(repr=False)
    reply: Content = field(repr=False)
    started_ms: int
    status: int = 0
    reason: str = ""
    #: 10, 11 or 20, as urllib3 has it.
    http_version: int = 0
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    #: When each piece of the reply came, and how many bytes it had.
    pieces: list[tuple[int, int]] = field(default_factory=list, repr=False)
    headers_after_ms: int = 0
    duration_ms: int = 0
    error: str = ""
    ended: bool = False

    def header(self, name: str) -> str:
        """A header of the reply, empty when it has none of that name."""
        return next((v for n, v in self.headers if n.lower() == name.lower()), "")


class Recorder:
    """Keeps the exchanges of the sessions it is attached to, in the order of their beginning.

    `step` names what is being done at the moment. Not for use by several threads at once.
    """

    def __init__(self, clock: Clock, keep_bytes: int = KEPT_BYTES) -> None:
        self._clock = clock
        self._keep_bytes = keep_bytes
        self.step = ""
        self.exchanges: list[Recorded] = []

    def attach(self, session: requests.Session) -> requests.Session:
        """Record what a session sends from now on; returns the session."""
        for prefix, adapter in list(session.adapters.items()):
            session.mount(prefix, _RecordingAdapter(adapter, self))
        return session

    def of_step(self, *steps: str) -> list[Recorded]:
        """The exchanges of these steps."""
        return [each for each in self.exchanges if each.step in steps]

    def begin(self, request: requests.PreparedRequest) -> _Running:
        kind = request.headers.get("Content-Type", "")
        textual = kind.startswith(("application/json", "text/"))
        recorded = Recorded(
            number=len(self.exchanges) + 1,
            step=self.step,
            method=request.method or "",
            url=request.url or "",
            request_headers=tuple((str(n), _text(v)) for n, v in request.headers.items()),
            request=Content(self._keep_bytes if textual else 0),
            reply=Content(self._keep_bytes),
            started_ms=self._clock.now_ms(),
        )
        self.exchanges.append(recorded)
        return _Running(recorded, self._clock, self._keep_bytes)


class _Running:
    """An exchange that is under way."""

    def __init__(self, recorded: Recorded, clock: Clock, keep_bytes: int) -> None:
        self.recorded = recorded
        self._clock = clock
        self._keep_bytes = keep_bytes
        self._started_s = clock.monotonic_s()

    def watch_body(self, body: Any) -> Any:
        """The same body, noted as it is written."""
        if body is None:
            return None
        if isinstance(body, str | bytes):
            self.recorded.request.take(body.encode() if isinstance(body, str) else body)
            return body
        return _WatchedBody(body, self.recorded.request)

    def answer(self, response: requests.Response) -> None:
        recorded = self.recorded
        recorded.status = response.status_code
        recorded.reason = response.reason or ""
        recorded.http_version = getattr(response.raw, "version", 0) or 0
        found = response.raw.headers if response.raw is not None else response.headers
        lines: Iterable[tuple[str, str]] = getattr(found, "iteritems", found.items)()
        recorded.headers = tuple((str(name), str(value)) for name, value in lines)
        if recorded.header("Content-Type").lower().startswith(_OPAQUE):
            recorded.reply = Content(0)
        recorded.headers_after_ms = self._elapsed_ms()

    def take(self, piece: bytes) -> None:
        if piece:
            self.recorded.reply.take(piece)
            if len(self.recorded.pieces) < _MOST_PIECES:
                self.recorded.pieces.append((self._elapsed_ms(), len(piece)))

    def end(self, error: BaseException | None = None) -> None:
        if error is not None and not self.recorded.error:
            self.recorded.error = type(error).__name__
        if not self.recorded.ended:
            self.recorded.ended = True
            self.recorded.duration_ms = self._elapsed_ms()

    def _elapsed_ms(self) -> int:
        return int((self._clock.monotonic_s() - self._started_s) * 1000)


class _RecordingAdapter(BaseAdapter):
    def __init__(self, inner: BaseAdapter, recorder: Recorder) -> None:
        super().__init__()
        self._inner = inner
        self._recorder = recorder

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        running = self._recorder.begin(request)
        request.body = running.watch_body(request.body)
        try:
            response = self._inner.send(request, *args, **kwargs)
        except BaseException as error:
            running.end(error)
            raise
        running.answer(response)
        response.raw = _WatchedReply(response.raw, running)
        return response

    def close(self) -> None:
        self._inner.close()


class _WatchedBody:
    """An iterable body that is noted piece by piece; as long as the one it wraps."""

    def __init__(self, body: Any, content: Content) -> None:
        self._body = body
        self._content = content

    def __len__(self) -> int:
        return len(self._body)

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._body:
            self._content.take(piece)
            yield piece


class _WatchedReply:
    """urllib3's response with its reading methods noted; everything else is passed on."""

    def __init__(self, raw: Any, running: _Running) -> None:
        self._raw = raw
        self._running = running

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def read(self, *args: Any, **kwargs: Any) -> bytes:
        return self._note(lambda: self._raw.read(*args, **kwargs))

    def read1(self, *args: Any, **kwargs: Any) -> bytes:
        return self._note(lambda: self._raw.read1(*args, **kwargs))

    def stream(self, *args: Any, **kwargs: Any) -> Iterator[bytes]:
        pieces = self._raw.stream(*args, **kwargs)
        while True:
            try:
                piece: bytes = next(pieces)
            except StopIteration:
                self._running.end()
                return
            except BaseException as error:
                self._running.end(error)
                raise
            self._running.take(piece)
            yield piece

    def close(self) -> None:
        self._running.end()
        self._raw.close()

    def _note(self, read: Callable[[], bytes]) -> bytes:
        try:
            piece = read()
        except BaseException as error:
            self._running.end(error)
            raise
        self._running.take(piece)
        if not piece:
            self._running.end()
        return piece


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
