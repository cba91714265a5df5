"""Pages of other sites that show an experiment's video, and the API that serves it, on sockets."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from flask import Flask
from werkzeug.serving import make_server

from tests.conftest import ROOT
from tests.integration.api.audience import Audience

EXAMPLE = ROOT / "docs" / "examples" / "player.html"
WIDTHS = {"A": 320, "B": 240}
STRICT = "default-src 'none'; script-src {0}; connect-src {0}; media-src 'self' {0}"


@dataclass
class Shop:
    """A site of somebody else: pages by their path, each with a strict policy."""

    url: str
    pages: dict[str, str] = field(default_factory=dict)
    policy: str = "default-src 'none'"
    film: bytes = b""


@contextmanager
def opened(shop: Shop, port: int) -> Iterator[Shop]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            film = self.path == "/usual.mp4"
            body = shop.film if film else shop.pages.get(self.path, "").encode()
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "video/mp4" if film else "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", shop.policy)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@contextmanager
def serving(app: Flask, port: int) -> Iterator[None]:
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@dataclass
class Scene:
    """An experiment, the API that serves it, and a shop whose pages its key is for."""

    audience: Audience
    shop: Shop
    url: str

    def page_of(self, **attributes: str) -> str:
        """The page of the documentation, with its three places filled in."""
        text = EXAMPLE.read_text("utf-8")
        for place, value in {
            "https://ab.example.com": self.url,
            "job_00000000000000000000000000": self.audience.job_id,
            "cab_pub_...": self.audience.key["key"],
        }.items():
            assert place in text
            text = text.replace(place, value)
        more = " ".join(f'{name}="{value}"' for name, value in attributes.items())
        return text.replace("<video ", f"<video {more} ")

    def sums(self) -> dict[str, int]:
        """Units, impressions and hundredths of seconds of both variants together."""
        book = self.audience.book()
        names = {"units": "units:{}", "impressions": "sum:{}:0:sy", "watched": "sum:{}:0:sx"}
        return {
            name: sum(book.count(each.format(arm)) for arm in range(2))
            for name, each in names.items()
        }
