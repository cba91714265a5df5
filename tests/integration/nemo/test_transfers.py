"""Files to and from the backend: streamed, counted, never blindly twice, never with our token."""

from __future__ import annotations

import tracemalloc

import pytest

from service.errors import BodyTooLarge, MediaError
from service.nemo import errors
from tests.integration.nemo.scripted import ScriptedServer, answer, hang_up, ok, refused_port

TOKEN = "nmv_usr_secret"
STORED = {"files": [{"filename": "a.mp4", "file_type": "video"}], "session_state_applied": True}
MB = 1 << 20


def send(client, chunks, size, filename="a.mp4"):
    return client.upload(
        TOKEN, "s1", filename=filename, size=size, chunks=chunks, content_type="video/mp4"
    )


@pytest.mark.rule("P-038")
def test_upload_is_a_multipart_form_with_a_length(server, client):
    server.script(ok(STORED))
    uploaded = send(client, [b"abc", b"", b"de"], 5, 'we"ird 名.mp4')
    [seen] = server.seen
    assert uploaded.files[0].filename == "a.mp4"
    assert seen.path == "/api/upload-video/nemo_agent/me/s1"
    assert seen.headers["content-length"] == str(seen.size)
    assert "transfer-encoding" not in seen.headers
    boundary = seen.headers["content-type"].removeprefix("multipart/form-data; boundary=")
    assert seen.head.decode() == (
        f'--{boundary}\r\nContent-Disposition: form-data; name="files"; '
        'filename="we%22ird 名.mp4"\r\nContent-Type: video/mp4\r\n\r\n'
        f"abcde\r\n--{boundary}--\r\n"
    )


@pytest.mark.rule("P-039")
def test_upload_of_200_mb_keeps_memory_flat(server, client):
    """Given a source of 200 MB in 1 MB chunks, then at most a few MB are held at once."""
    server.script(ok(STORED))
    block = bytes(MB)
    tracemalloc.start()
    send(client, (block for _ in range(200)), 200 * MB)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert server.seen[0].size > 200 * MB
    assert peak < 4 * MB


@pytest.mark.parametrize("size", [4, 6])
def test_a_file_of_another_size_is_not_completed(server, client, size):
    """The body breaks off before its announced end, so that the backend cannot take it as whole."""
    server.script(ok(STORED))
    with pytest.raises(MediaError):
        send(client, [b"abcde"], size)
    assert not any(seen.complete for seen in server.seen)


@pytest.mark.rule("P-047")
def test_an_upload_that_arrived_is_not_sent_again(server, client):
    """Given a lost reply and a state that shows the file, then that is the result."""
    infos = [{"filename": "other.mp4"}, {"filename": "a.mp4", "duration": 3.5}]
    server.script(hang_up, ok({"state": {"video_infos": infos}}))
    uploaded = send(client, lambda: [b"abc"], 3)
    assert uploaded.files[0].duration_s == 3.5
    assert [seen.method for seen in server.seen] == ["POST", "GET"]


@pytest.mark.rule("P-048")
def test_an_upload_that_did_not_arrive_is_sent_once_more(server, client):
    opened = []

    def open_file():
        opened.append(1)
        return [b"abc"]

    server.script(
        answer(502, b"<html>", "text/html"), ok({"state": {"video_infos": []}}), ok(STORED)
    )
    assert send(client, open_file, 3).files
    assert [seen.method for seen in server.seen] == ["POST", "GET", "POST"]
    assert len(opened) == 2


@pytest.mark.rule("P-048")
def test_an_upload_fails_after_the_second_try(server, client):
    empty = ok({"state": {"video_infos": []}})
    server.script(hang_up, empty, hang_up)
    with pytest.raises(errors.BackendUnavailable):
        send(client, lambda: [b"abc"], 3)
    assert [seen.method for seen in server.seen] == ["POST", "GET", "POST"]


def test_a_source_that_cannot_be_opened_again_is_sent_once(server, client):
    server.script(hang_up, ok({"state": {"video_infos": []}}))
    with pytest.raises(errors.BackendUnavailable):
        send(client, iter([b"abc"]), 3)
    assert [seen.method for seen in server.seen] == ["POST", "GET"]


@pytest.mark.rule("P-046", "P-167")
@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (answer(200, {"code": 4001, "message": "type"}), errors.FormatRefused),
        (answer(200, {"code": "4002", "message": "size"}), errors.SizeRefused),
        (answer(415), errors.FormatRefused),
        (answer(413), errors.SizeRefused),
    ],
    ids=["4001", "4002", "415", "413"],
)
def test_upload_refusals(server, client, script, kind):
    server.script(script)
    with pytest.raises(kind):
        send(client, lambda: [b"abc"], 3)
    assert len(server.seen) == 1


def test_upload_has_a_deadline(server, make_client, clock):
    def slow():
        for _ in range(5):
            clock.advance(4)
            yield b"a"

    server.script(ok(STORED))
    with pytest.raises(errors.BackendUnavailable):
        send(make_client(transfer_s=10.0), slow(), 5)


@pytest.mark.rule("P-040")
def test_upload_by_url(server, client):
    server.script(ok(STORED))
    client.upload_url(TOKEN, "s1", ["https://h/a.mp4"])
    assert server.seen[0].json == {"urls": ["https://h/a.mp4"], "source_type": "url"}


@pytest.mark.rule("P-122")
def test_download_follows_redirects_without_our_headers(server, client):
    """Given an API host and two others on the way, then none of them sees token or attribution."""
    other = ScriptedServer().script(
        answer(302, Location="/next?sig=1"), answer(200, b"video" * 1000, "video/mp4")
    )
    try:
        server.script(answer(301, Location=f"{other.url}/first"))
        with client.download(f"{server.url}/render.mp4", max_bytes=5000) as pieces:
            assert b"".join(pieces) == b"video" * 1000
        for seen in (*server.seen, *other.seen):
            assert "authorization" not in seen.headers
            assert not any(name.startswith("x-skill") for name in seen.headers)
        assert [seen.path for seen in other.seen] == ["/first", "/next?sig=1"]
    finally:
        other.close()


def test_download_gives_up_after_five_redirects(server, client):
    server.script(answer(302, Location="/again"))
    with pytest.raises(errors.ResultGone), client.download(server.url, max_bytes=1):
        pass
    assert len(server.seen) == 6


@pytest.mark.rule("P-122")
@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://h/x", "https://[::1"])
def test_download_does_not_leave_http(server, client, location):
    server.script(answer(302, Location=location))
    with pytest.raises(errors.ResultGone), client.download(server.url, max_bytes=1):
        pass


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_dead_link_says_so(server, client, status):
    server.script(answer(status, b"<Error>", "application/xml"))
    with pytest.raises(errors.ResultGone), client.download(server.url, max_bytes=1):
        pass


@pytest.mark.parametrize(
    ("script", "kind"),
    [(answer(500), errors.BackendUnavailable), (answer(302), errors.BackendConfused)],
    ids=["500", "redirect to nowhere"],
)
def test_a_download_refused_otherwise(server, client, script, kind):
    server.script(script)
    with pytest.raises(kind), client.download(server.url, max_bytes=1):
        pass


@pytest.mark.parametrize("url", ["http://", "https://[::1", "nonsense", "http://a b/"])
def test_a_malformed_address_is_a_dead_link(client, url):
    with pytest.raises(errors.ResultGone), client.download(url, max_bytes=1):
        pass


def test_nobody_at_the_address(client):
    url = f"http://127.0.0.1:{refused_port()}/x.mp4"
    with pytest.raises(errors.BackendUnavailable), client.download(url, max_bytes=1):
        pass


def test_a_download_has_a_deadline(server, make_client, clock):
    """Given a host that drips, then the total time counts, not the silence between two pieces."""

    def drip(exchange):
        exchange.begin(content_type="video/mp4")
        for _ in range(50):
            exchange.chunk(b"x" * 300_000)
        exchange.end()

    def read():
        with make_client(transfer_s=10.0).download(server.url, max_bytes=1 << 30) as pieces:
            for _ in pieces:
                clock.advance(4)

    server.script(drip)
    with pytest.raises(errors.BackendUnavailable):
        read()


def test_a_download_above_the_limit_is_refused_before_and_while_reading(server, client):
    server.script(answer(200, b"x" * 11))
    with pytest.raises(BodyTooLarge), client.download(server.url, max_bytes=10):
        pass

    def endless(exchange):
        exchange.begin(content_type="video/mp4")
        for _ in range(50):
            exchange.chunk(b"x" * 1000)
        exchange.end()

    server.script(endless)
    with pytest.raises(BodyTooLarge), client.download(server.url, max_bytes=10_000) as pieces:
        list(pieces)


def test_a_cut_download_is_noticed(server, client):
    """Given 10 bytes of an announced 100, then it is no success."""

    def cut(exchange):
        exchange.handler.send_response(200)
        exchange.handler.send_header("Content-Length", "100")
        exchange.handler.end_headers()
        exchange.raw(b"x" * 10)
        exchange.hang_up()

    server.script(cut)
    with (
        pytest.raises(errors.BackendUnavailable),
        client.download(server.url, max_bytes=1000) as pieces,
    ):
        list(pieces)


@pytest.mark.rule("P-121")
def test_fallback_gives_bytes(server, client):
    server.script(answer(200, b"video", "video/mp4"))
    with client.download_fallback(TOKEN, "r1", max_bytes=10) as pieces:
        assert b"".join(pieces) == b"video"
    assert server.seen[0].path == "/api/render/proxy/r1/download"
    assert server.seen[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.rule("P-121")
@pytest.mark.parametrize("by", ["json", "redirect"])
def test_fallback_leads_elsewhere_without_the_token(server, client, by):
    target = f"{server.url}/cdn/x.mp4"
    first = (
        answer(200, {"output": {"url": target}})
        if by == "json"
        else answer(302, Location="/cdn/x.mp4")
    )
    server.script(first, answer(200, b"video", "video/mp4"))
    with client.download_fallback(TOKEN, "r1", max_bytes=10) as pieces:
        assert b"".join(pieces) == b"video"
    assert server.seen[1].path == "/cdn/x.mp4"
    assert "authorization" not in server.seen[1].headers


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (answer(200, {"code": 0, "data": {}}), errors.ResultGone),
        (answer(404), errors.BackendConfused),
        (answer(200, {"code": 1001}), errors.TokenRejected),
    ],
    ids=["empty", "404", "1001"],
)
def test_fallback_without_a_result(server, client, script, kind):
    server.script(script)
    with pytest.raises(kind), client.download_fallback(TOKEN, "r1", max_bytes=10):
        pass
