"""Fetching clips from callers' addresses, from a real server on loopback."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from service.clock import FakeClock
from service.errors import (
    AddressRefused,
    FileMissing,
    FileTooLarge,
    OutboundFailed,
    OutboundTimeout,
    UnsupportedFile,
)
from service.media.fetch import ClipUnreachable, fetch_clip
from service.media.files import LocalFiles
from service.outbound.guard import Policy
from service.outbound.session import open_session

KEY = "jobs/job_1/clip-1"
MP4 = b"\x00\x00\x00\x20ftypisom" + bytes(range(256)) * 2000


class RealTime(FakeClock):
    def monotonic_s(self):
        return time.monotonic()


@pytest.fixture
def site():
    """A server whose pages are functions of the handler."""
    pages = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            with contextlib.suppress(OSError):
                pages[self.path.partition("?")[0]](self)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.pages = pages
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def fetch(site, tmp_path):
    files = LocalFiles(tmp_path)
    port = site.server_port
    policy = Policy("caller", loopback_ports=frozenset({port}))

    def run(path, *, max_bytes=10**7, deadline_s=5.0):
        with open_session(policy, connect_s=2, read_s=10) as session:
            url = path if "://" in path else f"http://localhost:{port}{path}"
            return fetch_clip(
                url, files=files, key=KEY, session=session, clock=RealTime(),
                max_bytes=max_bytes, deadline_s=deadline_s,
            )  # fmt: skip

    run.files = files
    return run


def page(body=MP4, status=200, **headers):
    def answer(handler):
        handler.send_response(status)
        for name, value in {"Content_Length": len(body), **headers}.items():
            handler.send_header(name.replace("_", "-"), str(value))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def nothing_is_kept(fetch):
    with pytest.raises(FileMissing):
        fetch.files.size(KEY)
    return True


def test_a_clip_is_stored_with_its_hash(site, fetch):
    site.pages["/clip.mp4"] = page()
    stored = fetch("/clip.mp4?token=x")
    assert (stored.key, stored.size) == (KEY, len(MP4))
    assert stored.sha256 == hashlib.sha256(MP4).hexdigest()
    assert b"".join(fetch.files.open_range(KEY)) == MP4


def test_a_redirected_clip_is_followed(site, fetch):
    site.pages["/old"] = page(b"", 302, Location="/clip.mp4")
    site.pages["/clip.mp4"] = page()
    assert fetch("/old").size == len(MP4)


def test_a_page_instead_of_a_clip_is_refused_before_the_rest_is_read(site, fetch):
    """Given an endless HTML page, when fetched, then its first bytes end it."""
    sent = []

    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        for _ in range(400):
            handler.wfile.write(b"<!DOCTYPE html>" + b" " * 65536)
            sent.append(1)

    site.pages["/page"] = endless
    with pytest.raises(UnsupportedFile):
        fetch("/page")
    assert len(sent) < 200
    assert nothing_is_kept(fetch)


@pytest.mark.parametrize("announced", [True, False])
def test_a_clip_above_the_limit_is_too_large(site, fetch, announced):
    site.pages["/clip"] = page(**({} if announced else {"Content_Length": ""}))
    with pytest.raises(FileTooLarge):
        fetch("/clip", max_bytes=100_000)
    assert nothing_is_kept(fetch)


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, ClipUnreachable), (403, ClipUnreachable), (204, ClipUnreachable), (500, OutboundFailed),
     (503, OutboundFailed), (429, OutboundFailed)],
)  # fmt: skip
def test_what_may_pass_is_retryable_and_the_rest_is_not(site, fetch, status, error):
    site.pages["/clip"] = page(b"", status)
    with pytest.raises(error) as caught:
        fetch("/clip?token=hunter2")
    assert caught.value.retryable is (error is OutboundFailed)
    assert "hunter2" not in repr(caught.value)


def test_a_clip_that_breaks_off_leaves_nothing(site, fetch):
    site.pages["/clip"] = page(Content_Length=len(MP4) + 1000)
    with pytest.raises(OutboundFailed):
        fetch("/clip")
    assert nothing_is_kept(fetch)


def test_a_clip_that_drips_is_cut_at_the_deadline(site, fetch):
    stop = threading.Event()

    def drip(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(MP4)
        while not stop.wait(0.05):
            handler.wfile.write(b"x")

    site.pages["/clip"] = drip
    started_s = time.monotonic()
    with pytest.raises(OutboundTimeout):
        fetch("/clip", deadline_s=0.5)
    stop.set()
    assert time.monotonic() - started_s < 4
    assert nothing_is_kept(fetch)


@pytest.mark.parametrize("url", ["http://10.0.0.1/clip.mp4", "file:///etc/passwd", "https://x/"])
def test_an_address_that_is_not_public_is_refused(fetch, url):
    with pytest.raises(AddressRefused):
        fetch(url)
