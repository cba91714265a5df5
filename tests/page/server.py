"""A small server for pages in a browser: what is rendered, static files, films by ranges."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from api.page_html import render_job_page
from api.page_view import PageView
from api.people import CSP
from tests.page.jobs import JOB

STATIC = Path(__file__).resolve().parents[2] / "api" / "static"
_PIECE = 64 * 1024


class Site:
    """What the server shows, and what it was asked for. `view` may be changed meanwhile.

    A film named in `halted` is sent up to that byte; the rest waits until `going` is set.
    """

    def __init__(self, view: PageView, films: dict[str, Path]) -> None:
        self.view = view
        self.films = films
        self.mark = "one"
        self.asked: list[str] = []
        self.posted: list[dict[str, str]] = []
        self.unchanged = 0
        self.halted: dict[str, int] = {}
        self.going = threading.Event()
        self.url = ""

    @property
    def page(self) -> str:
        """The address of the page."""
        return f"{self.url}/jobs/{JOB}"


@contextmanager
def serve(site: Site) -> Iterator[Site]:
    """Serve it on a port of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(site))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        site.going.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:  # noqa: C901  a class inside
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            site.asked.append(self.path)
            url = urlsplit(self.path)
            routes: list[tuple[str, Callable[..., None]]] = [
                (rf"/jobs/{JOB}", self.page),
                (rf"/jobs/{JOB}/state", self.state),
                (rf"/jobs/{JOB}/video/([^/]+)", self.film),
                (r"/static/(compare\.(?:js|css))", self.static),
            ]
            for pattern, answer in routes:
                if found := re.fullmatch(pattern, url.path):
                    answer(*found.groups())
                    return
            self.answer(404, b"", "text/plain")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            site.posted.append({"path": self.path, **dict(parse_qsl(body, keep_blank_values=True))})
            self.answer(201, b"{}", "application/json")

        def page(self) -> None:
            asked = dict(parse_qsl(urlsplit(self.path).query))
            html = render_job_page(site.view, asked).encode()
            self.answer(200, html, "text/html; charset=utf-8", **{"Content-Security-Policy": CSP})

        def state(self) -> None:
            etag = f'"{site.mark}"'
            if self.headers.get("If-None-Match") == etag:
                site.unchanged += 1
                self.answer(304, b"", "application/json", ETag=etag)
            else:
                self.answer(200, json.dumps({}).encode(), "application/json", ETag=etag)

        def static(self, name: str) -> None:
            kind = "text/javascript" if name.endswith("js") else "text/css"
            self.answer(200, (STATIC / name).read_bytes(), kind)

        def film(self, label: str) -> None:
            if label not in site.films:
                self.answer(403, b"", "text/plain")
                return
            body = site.films[label].read_bytes()
            asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            start = int(asked[1]) if asked else 0
            end = int(asked[2]) + 1 if asked and asked[2] else len(body)
            self.send_response(206 if asked else 200)
            if asked:
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(body)}")
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Type", "video/mp4")
            self.send_header("Content-Length", str(end - start))
            self.end_headers()
            for at in range(start, end, _PIECE):
                piece = body[at : min(end, at + _PIECE)]
                if at + len(piece) > site.halted.get(label, len(body)):
                    site.going.wait(30)
                self.wfile.write(piece)

        def answer(self, status: int, body: bytes, kind: str, **headers: str) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": kind, **headers}.items():
                self.send_header(name, value)
            if status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def handle(self) -> None:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has enough
                super().handle()

        def log_message(self, *_: object) -> None:
            pass

    return Handler
