# size: one bad server after another, each read with its test
"""Calls to given addresses, against servers on loopback that do what bad hosts do."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import subprocess
import sys
import textwrap
import threading
import time
from ipaddress import IPv4Network
from types import SimpleNamespace

import pytest

from service.clock import FakeClock
from service.errors import (
    AddressRefused,
    BodyTooLarge,
    ConnectionRefused,
    NameUnknown,
    OutboundFailed,
    OutboundTimeout,
    TlsFailed,
)
from service.outbound import guard
from service.outbound.guard import Policy
from service.outbound.session import fetch, open_session, open_stream

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class RealTime(FakeClock):
    """The machine's monotonic time."""

    def monotonic_s(self):
        return time.monotonic()


CLOCK = RealTime()


@pytest.fixture
def session_for():
    sessions = []

    def make(*servers, read_s=5.0, **options):
        ports = frozenset(server.port for server in servers)
        policy = Policy("caller", loopback_ports=ports)
        sessions.append(open_session(policy, connect_s=2.0, read_s=read_s, **options))
        return sessions[-1]

    yield make
    for session in sessions:
        session.close()


def post(session, url, **options):
    options = {"deadline_s": 5.0, "clock": CLOCK, "body": b"{}", **options}
    return fetch(session, "POST", url, **options)


def read_stream(session, url, *, max_bytes=10**6, deadline_s=5.0, **options):
    with open_stream(session, url, deadline_s=deadline_s, clock=CLOCK, **options) as incoming:
        return incoming.status, b"".join(incoming.chunks(max_bytes=max_bytes))


def drip(*, head, every_s=0.05):
    def reply(server, conn):
        conn.sendall(head)
        while not server.closing.wait(every_s):
            conn.sendall(b"x")

    return reply


def test_a_post_arrives_whole_and_its_answer_comes_back(serve, session_for):
    """Given a server, when a body is posted, then it sees our headers and we its answer."""
    server = serve(b"HTTP/1.1 202 Accepted\r\nX-Id: 7\r\nContent-Length: 4\r\n\r\nfine")
    answer = post(session_for(server), f"http://localhost:{server.port}/hook?x=1")
    assert (answer.status, answer.body, answer.truncated) == (202, b"fine", False)
    assert answer.headers["x-id"] == "7"
    assert 0 < answer.duration_s < 5
    head = server.requests[0].lower()
    assert head.startswith(b"post /hook?x=1 http/1.1\r\n")
    assert b"host: localhost:%d\r\n" % server.port in head
    assert b"accept-encoding: identity" in head


def test_only_the_first_bytes_of_an_answer_are_kept(serve, session_for):
    server = serve(b"HTTP/1.1 500 No\r\n\r\n" + b"e" * 100_000)
    answer = post(session_for(server), f"http://127.0.0.1:{server.port}/")
    assert (answer.status, len(answer.body), answer.truncated) == (500, 4096, True)


def test_a_closed_loopback_port_is_refused_without_a_connection(serve, session_for):
    """Given a server whose port is not opened, when called, then it sees no connection."""
    server = serve(OK)
    session = session_for()
    for host in ("localhost", "127.0.0.1", "127.1", "2130706433", "[::ffff:127.0.0.1]"):
        with pytest.raises(AddressRefused):
            post(session, f"https://{host}:{server.port}/")
        with pytest.raises(AddressRefused):
            session.get(f"https://{host}:{server.port}/")
    assert server.connections == 0


def answers_of(*addresses):
    """A resolver that gives one address after the other."""
    left = list(addresses)

    def resolve(host, port, *rest):
        address = left.pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    return resolve


def test_rebinding_is_refused_where_it_counts(serve, monkeypatch):
    """Given a name that is public first and loopback next, when called twice, then only the public
    server is reached, and each call asks the resolver exactly once."""
    monkeypatch.delitem(guard.REFUSED_V4, IPv4Network("127.0.0.0/8"))
    monkeypatch.setitem(guard.REFUSED_V4, IPv4Network("127.0.0.1/32"), "loopback")
    # In this order: few ports of 127.0.0.2 are in use by others.
    private = serve(OK, host="127.0.0.1")
    public = serve(OK, host="127.0.0.2", port=private.port)
    policy = Policy("caller", allow_http=True)
    resolver = answers_of("127.0.0.2", "127.0.0.1", "127.0.0.2")
    with open_session(policy, connect_s=2, read_s=2, resolver=resolver) as session:
        url = f"http://rebind.example.com:{public.port}/"
        assert post(session, url).status == 200
        with pytest.raises(AddressRefused):
            post(session, url)
        assert post(session, url).status == 200
    assert (public.connections, private.connections) == (2, 0)
    assert b"host: rebind.example.com" in public.requests[0].lower()


def test_the_peer_really_reached_is_judged_again(serve, monkeypatch):
    """Given 0.0.0.0, which a kernel turns into loopback, when it passes the table, then the peer's
    own address still refuses, before a byte is sent."""
    monkeypatch.delitem(guard.REFUSED_V4, IPv4Network("0.0.0.0/8"))
    server = serve(OK)
    policy = Policy("caller", allow_http=True)
    with (
        open_session(policy, connect_s=2, read_s=2, resolver=answers_of("0.0.0.0")) as session,
        pytest.raises(AddressRefused, match=r"127\.0\.0\.1"),
    ):
        post(session, f"http://zero.example.com:{server.port}/")
    assert server.requests == []


def test_a_second_address_is_tried_when_the_first_is_down(serve, monkeypatch):
    """Given two answers, when the first refuses connections, then the second one serves."""
    monkeypatch.delitem(guard.REFUSED_V4, IPv4Network("127.0.0.0/8"))
    server = serve(OK, host="127.0.0.2")

    def resolve(host, port, *rest):
        return [(socket.AF_INET, 1, 6, "", (each, port)) for each in ("127.0.0.3", "127.0.0.2")]

    policy = Policy("caller", allow_http=True)
    with open_session(policy, connect_s=2, read_s=2, resolver=resolve) as session:
        assert post(session, f"http://two.example.com:{server.port}/").status == 200


def keep_serving(server, conn):
    """A server that keeps its connections open and answers up to five requests on each."""
    for _ in range(5):
        conn.sendall(OK)
        if server.closing.wait(0) or not conn.recv(65536):
            return


@pytest.mark.parametrize(("keep_alive", "connections"), [(False, 3), (True, 1)])
def test_a_connection_serves_twice_only_when_that_is_asked_for(
    serve, session_for, keep_alive, connections
):
    """Given a server that keeps connections, when called three times, then each call dials anew."""
    server = serve(keep_serving)
    session = session_for(server, keep_alive=keep_alive)
    for _ in range(3):
        assert post(session, f"http://localhost:{server.port}/", body=None).status == 200
    session.close()
    server.close()
    assert server.connections == connections


def test_a_reused_connection_is_under_the_deadline_too(serve, session_for):
    """Given a kept connection, when its second answer never comes, then the deadline ends it."""
    server = serve(lambda server, conn: (conn.sendall(OK), server.closing.wait(5)))
    session = session_for(server, keep_alive=True)
    post(session, f"http://localhost:{server.port}/")
    started_s = time.monotonic()
    with pytest.raises(OutboundTimeout):
        post(session, f"http://localhost:{server.port}/", deadline_s=0.3)
    assert time.monotonic() - started_s < 4
    assert server.connections == 1


def flood(head, piece=b"x" * 65536):
    """A reply of 64 MB after `head`; the server notes how much of it left."""

    def reply(server, conn):
        server.sent = 0
        conn.sendall(head)
        with contextlib.suppress(OSError):
            while server.sent < 2**26:
                conn.sendall(piece)
                server.sent += len(piece)

    return reply


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
FRAMES = {
    "interim replies": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2000),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X-More: a\r\n" * 5000),
    "long headers": (b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"a" * 60_000 + b"\r\n"),
    "one header": (b"HTTP/1.1 200 OK\r\nX-Long: ", b"a" * 65536),
    "trailers": (CHUNKED + b"0\r\n", b"X-More: a\r\n" * 5000),
    "chunk extensions": (CHUNKED, b"1;" + b"a" * 8000 + b"\r\nx\r\n"),
    "a chunk's size": (CHUNKED, b"0" * 65536),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_what_is_no_content_is_not_read_for_ever(serve, session_for, frame):
    """Given 64 MB of framing without content, when called, then it ends before the deadline."""
    for attempt in (post, read_stream):
        server = serve(flood(*frame))
        with pytest.raises(OutboundFailed):
            attempt(session_for(server), f"http://localhost:{server.port}/", deadline_s=60)
        server.close()
        assert server.sent < 16 * 2**20


def test_small_chunks_are_content(serve, session_for):
    """Given 100,000 chunks of one byte, when read, then every byte comes."""
    server = serve(CHUNKED + b"1\r\nx\r\n" * 100_000 + b"0\r\n\r\n")
    got = read_stream(session_for(server), f"http://localhost:{server.port}/")
    assert got == (200, b"x" * 100_000)


def test_a_head_that_breaks_off_is_no_answer(serve, session_for):
    """Given a status and half a header, when the host hangs up, then it has not said yes."""
    server = serve(b"HTTP/1.1 200 OK\r\nX-Half: ")
    with pytest.raises(OutboundFailed):
        post(session_for(server), f"http://localhost:{server.port}/")


def test_a_few_interim_replies_do_no_harm(serve, session_for):
    server = serve(b"HTTP/1.1 100 Continue\r\n\r\n" * 5 + OK)
    assert post(session_for(server), f"http://localhost:{server.port}/").body == b"ok"


@pytest.mark.parametrize("call", ["fetch", "session"])
def test_a_redirect_is_neither_followed_nor_read(serve, session_for, call):
    """Given a 302 with 64 MB of body, when called, then the 302 itself comes back at once."""
    target = serve(OK)
    head = f"HTTP/1.1 302 Found\r\nLocation: http://localhost:{target.port}/\r\n"
    server = serve(flood(head.encode() + b"Content-Length: 67108864\r\n\r\n"))
    session = session_for(server, target)
    if call == "fetch":
        answer = post(session, f"http://localhost:{server.port}/")
        assert (answer.status, answer.truncated) == (302, True)
    else:
        with session.get(f"http://localhost:{server.port}/", stream=True) as response:
            assert (response.status_code, response.history) == (302, [])
    server.close()
    assert target.connections == 0
    assert server.sent < 16 * 2**20


SLOW = {
    "silent": b"",
    "header drip": b"HTTP/1.1 200 OK\r\nX-Slow: ",
    "status drip": b"HTTP/1.1 200 ",
    "body drip": b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n",
    "body drip until close": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
    "chunk drip": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n",
}


@pytest.mark.parametrize("head", SLOW.values(), ids=SLOW)
def test_a_drip_is_cut_at_the_deadline(serve, session_for, head):
    """Given a byte every 50 ms, when the deadline passes, then the attempt ends there."""
    server = serve(drip(head=head, every_s=0.05 if head else 60))
    session = session_for(server)
    for attempt in (post, read_stream):
        started_s = time.monotonic()
        with pytest.raises(OutboundTimeout, match=r"longer than 0\.4 s"):
            attempt(session, f"http://localhost:{server.port}/", deadline_s=0.4)
        assert 0.35 < time.monotonic() - started_s < 4


def test_a_tls_handshake_that_stalls_is_cut_at_the_deadline():
    """Given a listener that says nothing, when TLS begins, then the deadline ends it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        policy = Policy("caller", loopback_ports=frozenset({port}))
        with open_session(policy, connect_s=30, read_s=30) as session:
            started_s = time.monotonic()
            with pytest.raises(OutboundTimeout):
                post(session, f"https://localhost:{port}/", deadline_s=0.4)
            assert time.monotonic() - started_s < 4


def test_a_name_that_does_not_resolve_in_time_holds_nobody():
    """Given a resolver that hangs, when connecting may take 0.2 s, then the call ends."""
    release = threading.Event()

    def hang(*args):
        release.wait(10)
        return []

    with (
        open_session(Policy("caller"), connect_s=0.2, read_s=5, resolver=hang) as session,
        pytest.raises(OutboundTimeout),
    ):
        post(session, "https://slow.example.com/")
    release.set()


def test_silence_is_told_apart_from_the_deadline(serve, session_for):
    server = serve(drip(head=b"", every_s=60))
    with pytest.raises(OutboundTimeout, match="silent"):
        post(session_for(server, read_s=0.2), f"http://localhost:{server.port}/")


def test_a_gzip_bomb_stays_small(serve, session_for):
    """Given 50 MB of zeros in 50 kB, when fetched, then only what was sent is counted and kept."""
    packed = gzip.compress(bytes(50 * 2**20))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    server = serve(head.encode() + packed)
    session = session_for(server)
    assert post(session, f"http://localhost:{server.port}/").body == packed[:4096]
    assert read_stream(session, f"http://localhost:{server.port}/") == (200, packed)


@pytest.mark.parametrize(
    "framing",
    [b"Content-Length: 67108864\r\n\r\n", b"\r\n"],
    ids=["announced", "not announced"],
)
def test_a_body_above_the_cap_is_refused(serve, session_for, framing):
    server = serve(flood(b"HTTP/1.1 200 OK\r\n" + framing))
    with pytest.raises(BodyTooLarge):
        read_stream(session_for(server), f"http://localhost:{server.port}/", max_bytes=10**6)
    server.close()
    assert server.sent < 16 * 2**20


def test_a_body_that_breaks_off_is_not_taken_for_a_whole_one(serve, session_for):
    server = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    with pytest.raises(OutboundFailed):
        read_stream(session_for(server), f"http://localhost:{server.port}/")


def test_proxies_and_netrc_of_the_environment_are_ignored(
    serve, session_for, monkeypatch, tmp_path
):
    """Given HTTP_PROXY and a ~/.netrc, when called, then the call is direct and bears no secret."""
    server, proxy = serve(OK), serve(OK)
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    (tmp_path / ".netrc").write_text("machine localhost login bob password hunter2\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    session = session_for(server)
    post(session, f"http://localhost:{server.port}/")
    session.get(f"http://localhost:{server.port}/", proxies={"http": f"http://[::1]:{proxy.port}"})
    assert (server.connections, proxy.connections) == (2, 0)
    assert b"authorization" not in b"".join(server.requests).lower()


def test_cookies_are_not_kept(serve, session_for):
    server = serve(OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b\r\n\r\n"))
    session = session_for(server)
    for _ in range(2):
        post(session, f"http://localhost:{server.port}/")
    assert b"cookie" not in b"".join(server.requests).lower()


def test_tls_verifies_the_name_although_the_socket_goes_to_an_address(
    serve, session_for, certificate
):
    """Given two trusted certificates, when the name is another one's, then nothing is sent."""
    for name, right in (("localhost", True), ("other.example.com", False)):
        pem, context = certificate(name)
        seen = []
        context.sni_callback = lambda _, sni, __, seen=seen: seen.append(sni)
        server = serve(OK, tls=context)
        session = session_for(server)
        session.verify = str(pem)
        if right:
            assert post(session, f"https://localhost:{server.port}/").status == 200
        else:
            with pytest.raises(TlsFailed, match="certificate"):
                post(session, f"https://localhost:{server.port}/")
            assert server.requests == []
        assert seen == ["localhost"]


def test_a_port_at_which_nothing_listens_is_told_apart(session_for):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    session = session_for(SimpleNamespace(port=port))
    for read in (post, read_stream):
        with pytest.raises(ConnectionRefused) as told:
            read(session, f"http://127.0.0.1:{port}/")
        assert str(port) not in told.value.detail


def test_a_name_that_leads_nowhere_is_told_apart(session_for):
    def resolve(*_):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    session = session_for(resolver=resolve)
    with pytest.raises(NameUnknown) as told:
        post(session, "https://no-such.example.com/")
    assert "no-such" not in told.value.detail


def test_what_breaks_off_is_neither(serve, session_for):
    server = serve(b"HTTP/1.1 200 OK\r\nContent-Le")
    with pytest.raises(OutboundFailed) as told:
        post(session_for(server), f"http://127.0.0.1:{server.port}/")
    assert told.value.code == "outbound_failed"


def test_an_unknown_certificate_is_refused(serve, session_for, certificate):
    server = serve(OK, tls=certificate("localhost")[1])
    with pytest.raises(TlsFailed, match="certificate"):
        post(session_for(server), f"https://localhost:{server.port}/")
    assert server.requests == []


def redirect_to(location, status=302):
    return f"HTTP/1.1 {status} Go\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_clip_may_redirect_and_headers_stay_with_their_origin(serve, session_for, status):
    """Given a redirect to another port, when followed, then the given headers do not go along."""
    server = serve(OK)
    first = serve(redirect_to(f"http://localhost:{server.port}/clip.mp4#t=1", status))
    got = read_stream(
        session_for(first, server),
        f"http://localhost:{first.port}/",
        headers={"Authorization": "Bearer hunter2"},
    )
    assert got == (200, b"ok")
    assert b"hunter2" in first.requests[0]
    assert b"hunter2" not in server.requests[0]
    assert server.requests[0].startswith(b"GET /clip.mp4 HTTP/1.1")


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/",
        "file:///etc/passwd",
        "http://127.0.0.1:1/",
        "//192.168.0.1/x",
        "https://user:pw@example.com/",
        "http://[::1]/",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "https://metadata.google.internal/",
    ],
)
def test_each_redirect_is_judged_like_the_first(serve, session_for, location):
    server = serve(redirect_to(location))
    with pytest.raises(AddressRefused):
        read_stream(session_for(server), f"http://localhost:{server.port}/")


def test_a_circle_of_redirects_ends_after_five(serve, session_for):
    server = serve(redirect_to("/again"))
    with pytest.raises(OutboundFailed, match="more than 5"):
        read_stream(session_for(server), f"http://localhost:{server.port}/")
    assert server.connections == 6


def test_a_dead_port_is_a_failure_that_repeats_no_address():
    """Given nobody listening, when called, then the error may be retried and hides the query."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    policy = Policy("caller", loopback_ports=frozenset({port}))
    with (
        open_session(policy, connect_s=2, read_s=2) as session,
        pytest.raises(OutboundFailed) as caught,
    ):
        post(session, f"http://localhost:{port}/?token=hunter2")
    assert caught.value.retryable
    assert "hunter2" not in repr(caught.value)
    assert caught.value.__suppress_context__


def test_the_deadline_also_holds_under_gevent(serve):
    """Given a patched process, when three drips run at once, then all end at the deadline."""
    server = serve(drip(head=b"HTTP/1.1 200 OK\r\nX-Slow: "))
    program = textwrap.dedent(f"""
        from gevent import monkey; monkey.patch_all()
        import gevent, json, time
        from service.clock import AnchoredClock
        from service.errors import OutboundTimeout
        from service.outbound.guard import Policy
        from service.outbound.session import fetch, open_session
        clock = AnchoredClock(lambda: 0, 10.0)
        policy = Policy("caller", loopback_ports=frozenset({{{server.port}}}))
        session = open_session(policy, connect_s=2, read_s=5)
        url = "http://localhost:{server.port}/"
        def attempt():
            try:
                fetch(session, "POST", url, deadline_s=0.5, clock=clock)
            except OutboundTimeout:
                return "cut"
        started = time.monotonic()
        jobs = [gevent.spawn(attempt) for _ in range(3)]
        gevent.joinall(jobs)
        print(json.dumps([[job.value for job in jobs], time.monotonic() - started]))
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr
    values, took_s = json.loads(done.stdout)
    assert values == ["cut"] * 3
    assert took_s < 4
