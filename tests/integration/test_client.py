"""How commands reach the API on machines that send requests round by a proxy, or know passwords."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cli.client import Client
from cli.demo.browsers import Browsers


class Answerer(ThreadingHTTPServer):
    """Answers everything with its own name; keeps each path with its Authorization."""

    daemon_threads = True

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.name = name
        self.leads_to = ""
        self.seen: list[tuple[str, str]] = []
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Answerer

    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers.get("Authorization", "")))
        if self.server.leads_to:
            self.send_response(302)
            self.send_header("Location", self.server.leads_to)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = json.dumps({"from": self.server.name}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def answerers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Answerer, ...]]:
    """An API and a proxy, on a machine that names the proxy and has a password for every host."""
    api, proxy = Answerer("api"), Answerer("proxy")
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    netrc = tmp_path / "netrc"
    netrc.write_text("default login ann password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    yield api, proxy
    for each in (api, proxy):
        each.shutdown()
        each.server_close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_api_of_this_machine_is_called_directly_and_with_the_key(answerers, host: str):
    api, proxy = answerers
    url = api.url.replace("127.0.0.1", host)
    assert Client(url, "cab_1").job("job_1") == {"from": "api"}
    assert Browsers(url, "job_1", "cab_pub_1").assign("ann") == {"from": "api"}
    assert api.seen[0] == ("/v1/jobs/job_1", "Bearer cab_1")
    assert api.seen[1][1] == ""
    assert proxy.seen == []


def test_a_video_elsewhere_is_fetched_by_the_proxy_and_without_the_key(answerers, tmp_path):
    # Given an API of this machine that leads to a bucket, which a proxy alone can reach
    api, proxy = answerers
    api.leads_to = "http://bucket.example/a.mp4"
    # When a video is downloaded
    Client(api.url, "cab_1").download("/v1/jobs/job_1/video", tmp_path / "a.mp4", lambda _: None)
    # Then it comes by the proxy, which never sees the key
    assert json.loads((tmp_path / "a.mp4").read_text()) == {"from": "proxy"}
    ((path, authorization),) = proxy.seen
    assert path == api.leads_to
    assert "cab_1" not in authorization


def test_an_api_elsewhere_is_called_by_the_proxy_and_with_the_key(answerers):
    api, proxy = answerers
    assert Client("http://api.example", "cab_1").job("job_1") == {"from": "proxy"}
    assert proxy.seen == [("http://api.example/v1/jobs/job_1", "Bearer cab_1")]
    assert api.seen == []
