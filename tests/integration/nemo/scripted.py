"""A small real HTTP server whose every reply a test scripts, down to the bytes of the socket."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from service.nemo.dialogue import StreamControl

TOKEN = "nmv_usr_secret"
TEXT = b'data: {"content":{"parts":[{"text":"Captions added."}]},"author":"nemo_agent"}\n\n'
TOOL = b'data: {"content":{"parts":[{"functionCall":{"name":"edit_multitrack","args":{}}}]}}\n\n'
DELTA = b'data: {"actions":{"stateDelta":{"draft":{"t":[]}}}}\n\n'
BEAT = b": heartbeat\n\n"


@dataclass
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    size: int
    head: bytes
    tail: bytes
    complete: bool
    port: int

    @property
    def json(self):
        return json.loads(self.head)


@dataclass
class Exchange:
    """What a script may do with one connection."""

    seen: Seen
    handler: BaseHTTPRequestHandler
    server: ScriptedServer

    def reply(self, status, body=b"", content_type="application/json", **headers):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.handler.send_response(status)
        self.handler.send_header("Content-Type", content_type)
        self.handler.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.end_headers()
        self.handler.wfile.write(content)

    def begin(self, *, chunked=True, content_type="text/event-stream"):
        self.handler.send_response(200)
        self.handler.send_header("Content-Type", content_type)
        if chunked:
            self.handler.send_header("Transfer-Encoding", "chunked")
        self.handler.end_headers()
        self.handler.wfile.flush()
        self.handler.close_connection = True

    def chunk(self, data: bytes):
        self.handler.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.handler.wfile.flush()

    def raw(self, data: bytes):
        self.handler.wfile.write(data)
        self.handler.wfile.flush()

    def end(self):
        self.raw(b"0\r\n\r\n")

    def hang_up(self):
        self.handler.close_connection = True


Script = Callable[[Exchange], None]


@dataclass
class ScriptedServer:
    """Runs one script for every request, in order; the last one for all that follow."""

    scripts: list[Script] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 20

            def handle_any(self):
                seen = _take(self)
                outer.seen.append(seen)
                script = outer.scripts[min(len(outer.seen), len(outer.scripts)) - 1]
                try:
                    script(Exchange(seen, self, outer))
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            do_GET = do_POST = handle_any  # noqa: N815 the names that http.server calls

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def script(self, *scripts: Script):
        self.scripts = list(scripts)
        return self

    def wait_released(self):
        self.released.wait(10)

    def close(self):
        self.released.set()
        self.http.shutdown()
        self.http.server_close()


def _take(handler) -> Seen:
    """Read a request's body without keeping more than its ends."""
    left = int(handler.headers.get("Content-Length") or 0)
    size, head, tail = 0, b"", b""
    while left:
        try:
            piece = handler.rfile.read(min(left, 262_144))
        except OSError:
            break
        if not piece:
            break
        size, left = size + len(piece), left - len(piece)
        head = (head + piece)[:4096] if len(head) < 4096 else head
        tail = (tail + piece)[-200:]
    headers = {name.lower(): value for name, value in handler.headers.items()}
    return Seen(
        handler.command,
        handler.path,
        headers,
        size,
        head,
        tail,
        left == 0,
        handler.client_address[1],
    )


def answer(status, body=b"", content_type="application/json", **headers) -> Script:
    return lambda exchange: exchange.reply(status, body, content_type, **headers)


def ok(data) -> Script:
    return answer(200, {"code": 0, "message": "ok", "data": data})


def sse(*events: bytes, chunked=True, end=True) -> Script:
    """A stream of events, each in a chunk of its own."""

    def script(exchange):
        exchange.begin(chunked=chunked)
        for event in events:
            (exchange.chunk if chunked else exchange.raw)(event)
        if chunked and end:
            exchange.end()

    return script


def hang_up(exchange):
    """Take the request and close the connection without a word."""
    exchange.hang_up()


def break_off_in_head(exchange):
    """Answer, and close the connection before the headers are complete."""
    exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nConte")
    exchange.hang_up()


def wait_until(condition: Callable[[], bool], within_s: float = 5.0):
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.005)


def refused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def talk(client, on_event=id, stop=None, before_send=None):
    return client.converse(
        TOKEN,
        "55297",
        "add captions \u2028 字幕",
        edit_id="edt_1",
        on_event=on_event,
        stop=stop or StreamControl(),
        before_send=before_send,
    )
