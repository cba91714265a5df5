"""One message to the agent and its answer: the call that costs credits, made at most once.

What `converse` raises tells what may have happened. `StreamBroken`: the message may have arrived;
look at the state, never send again (V19). Any other BackendError: it was refused before a stream
began, nothing was done. There is no retry and no reconnect anywhere below.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping

import requests
import urllib3

from service.errors import BackendError
from service.metrics import STREAMS_OPEN, under_way
from service.nemo.body import GatedBody
from service.nemo.calls import watched
from service.nemo.dialect import Event, Heartbeat, HeartbeatForm, classify_event
from service.nemo.errors import (
    BackendConfused,
    BackendUnavailable,
    BreakKind,
    DuplicateRender,
    EventTooLong,
    StreamBroken,
)
from service.nemo.exchange import BeforeSend, Exchange
from service.nemo.sse import SseDecoder
from service.nemo.transcript import Transcript, TranscriptBuilder

OnEvent = Callable[[Event], None]
_READ_BYTES = 65_536
_HEADERS = {
    "Content-Type": "application/json",
    "Accept": "text/event-stream",
    "Accept-Encoding": "identity",
}
#: A gateway that answers so has not passed the message on (docs/protocol.md, 4.2 rule 2).
_GATEWAY_REFUSALS = frozenset({502, 503})
_UNPROVEN = (BackendConfused, DuplicateRender, BackendUnavailable)


class StreamControl:
    """Ends a stream from another thread or greenlet.

    It shuts the socket's reading side down; closing a response that somebody reads blocks or
    breaks, this wakes the reader at once (measured).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._raw: urllib3.BaseHTTPResponse | None = None
        self.stopped = False

    def shutdown(self) -> None:
        """Stop the stream; before it has begun, keep it from beginning. May be called twice."""
        with self._lock:
            self.stopped = True
            raw = self._raw
        if raw is not None:
            _shut(raw)

    def attach(self, raw: urllib3.BaseHTTPResponse) -> None:
        with self._lock:
            self._raw = raw
            late = self.stopped
        if late:
            _shut(raw)

    def detach(self) -> None:
        with self._lock:
            self._raw = None


def converse(
    exchange: Exchange,
    token: str,
    session_id: str,
    text: str,
    *,
    edit_id: str,
    on_event: OnEvent,
    stop: StreamControl,
    before_send: BeforeSend | None = None,
) -> Transcript:
    """POST /run_sse and read the stream to its end.

    `before_send` runs when the connection stands, just before the message is written; what it
    raises passes through, and nothing was sent. `on_event` sees every event and must not raise.

    Raises:
        StreamBroken: the message may have arrived; holds what was read so far.
        BackendUnavailable: `sent` is False: nothing arrived.
        BackendError: the classified refusal: nothing was done.
    """
    body = _message(session_id, text, before_send, stop)
    headers = {**_HEADERS, "X-Request-Id": edit_id}
    started_s = exchange.clock.monotonic_s()
    with watched("edit", exchange.clock), exchange.fresh_session() as session:
        response = _send(exchange, session, token, body, headers)
        with response, under_way(STREAMS_OPEN):
            _require_stream(exchange, response, token)
            builder = TranscriptBuilder(secrets=(token,))
            return _Reader(exchange, builder, on_event, stop, started_s).read(response)


def _send(
    exchange: Exchange,
    session: requests.Session,
    token: str,
    body: GatedBody,
    headers: Mapping[str, str],
) -> requests.Response:
    silence_s = exchange.limits.silence_s
    try:
        return exchange.open(
            "POST", "/run_sse", token, session=session, body=body, headers=headers, read_s=silence_s
        )
    except BackendUnavailable as error:
        if not error.sent:
            raise
        kind = BreakKind.SILENT if error.silent else BreakKind.CUT
        raise StreamBroken(kind, error.detail) from None


def _message(
    session_id: str, text: str, before_send: BeforeSend | None, stop: StreamControl
) -> GatedBody:
    payload = {
        "app_name": "nemo_agent",
        "user_id": "me",
        "session_id": session_id,
        "new_message": {"parts": [{"text": text}]},
    }
    content = json.dumps(payload).encode("ascii")

    def last_look() -> None:
        if stop.stopped:
            raise BackendUnavailable("Stopped before the message was sent.", sent=False)
        if before_send is not None:
            before_send()

    return GatedBody([content], len(content), last_look)


def _require_stream(exchange: Exchange, response: requests.Response, token: str) -> None:
    content_type = response.headers.get("Content-Type", "").lower()
    status = response.status_code
    if status == 200 and content_type.startswith("text/event-stream"):
        return
    error: BackendError | None
    try:
        error = exchange.refusal(response, exchange.read(response), token)
    except BackendError as broken:
        error = broken
    if status in _GATEWAY_REFUSALS:
        raise BackendUnavailable(f"The gateway answered HTTP {status}.", sent=False)
    if error is not None and (300 <= status < 500 and status != 408):
        raise _as_unsent(error)
    if error is None or isinstance(error, _UNPROVEN):
        detail = error.detail if error else f"HTTP {status} came, but no event stream."
        raise StreamBroken(BreakKind.REFUSED, detail)
    raise error


def _as_unsent(error: BackendError) -> BackendError:
    """A 4xx was decided before anything was done."""
    if isinstance(error, BackendUnavailable):
        return BackendUnavailable(error.detail, sent=False, **error.extra)
    return error


class _Reader:
    """Reads one stream under three clocks: silence (the socket's), idleness and total."""

    def __init__(
        self,
        exchange: Exchange,
        builder: TranscriptBuilder,
        on_event: OnEvent,
        stop: StreamControl,
        started_s: float,
    ) -> None:
        self._limits = exchange.limits
        self._clock = exchange.clock
        self._on_event = on_event
        self._stop = stop
        self._started_s = started_s
        self._substance_s = started_s
        self._decoder = SseDecoder()
        self._builder = builder
        self._comments = 0
        self._dataless = 0

    def read(self, response: requests.Response) -> Transcript:
        raw = response.raw
        self._stop.attach(raw)
        try:
            while piece := self._read_piece(raw):
                self._take(piece)
                self._watch()
        finally:
            self._stop.detach()
        if self._stop.stopped:
            raise self._broken(BreakKind.STOPPED)
        return self._close(response)

    def _read_piece(self, raw: urllib3.BaseHTTPResponse) -> bytes:
        try:
            return raw.read1(_READ_BYTES, decode_content=True)
        except (urllib3.exceptions.HTTPError, OSError, ValueError, AttributeError) as error:
            if self._stop.stopped:
                raise self._broken(BreakKind.STOPPED) from None
            silent = isinstance(error, urllib3.exceptions.ReadTimeoutError)
            raise self._broken(BreakKind.SILENT if silent else BreakKind.CUT) from None

    def _take(self, piece: bytes) -> None:
        try:
            for event in self._decoder.feed(piece):
                self._note_signs_of_life()
                for meaning in classify_event(event):
                    self._note(meaning)
        except EventTooLong:
            raise self._broken(BreakKind.OVERSIZE) from None
        self._note_signs_of_life()

    def _note(self, event: Event) -> None:
        if self._builder.add(event):
            self._substance_s = self._clock.monotonic_s()
        self._on_event(event)

    def _note_signs_of_life(self) -> None:
        """Comments and events without data never become events, but they are heartbeats."""
        for _ in range(self._decoder.comments - self._comments):
            self._note(Heartbeat(HeartbeatForm.COMMENT))
        for _ in range(self._decoder.dataless - self._dataless):
            self._note(Heartbeat(HeartbeatForm.NAMED))
        self._comments, self._dataless = self._decoder.comments, self._decoder.dataless

    def _watch(self) -> None:
        now_s = self._clock.monotonic_s()
        if self._stop.stopped:
            raise self._broken(BreakKind.STOPPED)
        if now_s - self._started_s >= self._limits.total_s:
            raise self._broken(BreakKind.TOTAL)
        if now_s - self._substance_s >= self._limits.idle_s:
            raise self._broken(BreakKind.IDLE)

    def _close(self, response: requests.Response) -> Transcript:
        framed = "chunked" in response.headers.get("Transfer-Encoding", "").lower() or (
            "Content-Length" in response.headers
        )
        if self._decoder.pending and not framed:
            raise self._broken(BreakKind.CUT)
        proven = framed or self._builder.ends_in_text
        return self._transcript(closed_cleanly=proven and not self._decoder.pending)

    def _broken(self, kind: BreakKind) -> StreamBroken:
        return StreamBroken(kind, transcript=self._transcript(closed_cleanly=False))

    def _transcript(self, *, closed_cleanly: bool) -> Transcript:
        return self._builder.build(
            bytes_read=self._decoder.bytes_read,
            closed_cleanly=closed_cleanly,
            duration_s=self._clock.monotonic_s() - self._started_s,
        )


def _shut(raw: urllib3.BaseHTTPResponse) -> None:
    try:
        raw.shutdown()
    except (ValueError, RuntimeError, OSError):
        return  # it ended by itself in this very moment
