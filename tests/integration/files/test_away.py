"""A bucket whose server is not there, or goes away in the middle of a file."""

from __future__ import annotations

import socketserver
import threading

import pytest

from cli.children import free_port
from service.clock import FakeClock
from service.errors import FileMissing
from service.media.buckets import open_bucket
from service.media.files import FilesUnavailable, run_directly
from service.settings import Settings

KEY = "jobs/job_1/A-1-1.mp4"


def bucket_at(port: int):
    settings = Settings(
        files="s3://clips",
        s3_endpoint=f"http://127.0.0.1:{port}",
        s3_region="us-east-1",
        s3_access_key="key",
        s3_secret_key="not-for-logs",
    )
    return open_bucket(settings, clock=FakeClock(), offload=run_directly)


class _HalfAFile(socketserver.StreamRequestHandler):
    """Promises a megabyte and hangs up after half of it."""

    def handle(self):
        while self.rfile.readline().strip():
            pass
        self.wfile.write(b"HTTP/1.1 206 Partial Content\r\nContent-Length: 1048576\r\n\r\n")
        self.wfile.write(bytes(524_288))


@pytest.fixture
def half_a_file():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _HalfAFile) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_nobody_there_is_to_be_tried_again():
    """Given an address where nobody listens, when a file is asked for, then it is not missing."""
    with pytest.raises(FilesUnavailable, match="does not answer") as caught:
        bucket_at(free_port()).size(KEY)
    assert caught.value.retryable
    assert not isinstance(caught.value, FileMissing)
    assert "not-for-logs" not in str(caught.value)


def test_a_file_that_breaks_off_never_reads_as_whole(half_a_file):
    """Given a server that hangs up half way, when reading, then an error ends it, not its end."""
    pieces = bucket_at(half_a_file).open_range(KEY)
    with pytest.raises(FilesUnavailable):
        b"".join(pieces)
