"""Every form of an address that must not be called, tried against a listener that is really there.

The sessions are those of a running process: a delivery posts, a clip is fetched, and a clip's host
redirects. Names that must not be called lead to the listener, whatever they are.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections import Counter
from ipaddress import IPv4Network
from urllib.parse import urlsplit

import pytest
import requests
from cryptography.fernet import Fernet

from service.errors import AddressRefused, CaptionAbError
from service.media.fetch import fetch_clip
from service.outbound import guard
from service.outbound.session import fetch
from service.settings import Settings
from service.wiring import build_services
from tests.addresses import ACCEPTED, REFUSED_ANSWERS, REFUSED_LITERALS, REFUSED_URLS
from tests.certificates import make_authority, make_server_context

LOOPBACKS = ["127.0.0.1", "127.0.0.2", "127.255.255.254"]


def spell_loopback():
    """Spellings of 127.0.0.1 that `inet_aton` takes: one to four parts, each in any base."""
    bases = ("{:d}", "{:#x}", "0{:o}")
    for parts in ([127, 0, 0, 1], [127, 0, 1], [127, 1], [2130706433]):
        for spelled in itertools.product(bases, repeat=len(parts)):
            yield ".".join(base.format(part) for base, part in zip(spelled, parts, strict=True))


SPELLED = [
    *spell_loopback(),
    *LOOPBACKS,
    *("0", "0x0", "00", "0.0.0.0", "0.0", "0.0.0", "0x7F.1", "127.0000.0.1", "127.0x0.1"),
    *("[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::0:1]", "[::0.0.0.1]"),
    *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:127.0.0.1]", "[::ffff:0.0.0.0]"),
    *("[0:0:0:0:0:ffff:127.0.0.1]", "[::ffff:127.255.255.254]", "[::ffff:7f00:2]", "[::1%lo]"),
    *("localhost", "LocalHost", "LOCALHOST"),
]

#: The others are addresses of somebody else, and no test leaves this machine.
ACCEPTED_NAMES = [
    (url, normal)
    for url, normal in ACCEPTED
    if guard.read_literal(str(urlsplit(normal).hostname)) is None
]


class Listener:
    """One port of several loopback addresses; counts who comes, and hangs up."""

    def __init__(self):
        self.count = 0
        self._lock = threading.Lock()
        self.sockets = [socket.create_server(("127.0.0.1", 0), backlog=128)]
        self.port = self.sockets[0].getsockname()[1]
        for host in LOOPBACKS[1:]:
            self.sockets.append(socket.create_server((host, self.port), backlog=128))
        with contextlib.suppress(OSError):  # a machine without IPv6
            self.sockets.append(socket.create_server(("::1", self.port), family=socket.AF_INET6))
        self._threads = [threading.Thread(target=self._run, args=(s,)) for s in self.sockets]
        for thread in self._threads:
            thread.start()

    def _run(self, listener):
        with contextlib.suppress(OSError):
            while True:
                conn, _ = listener.accept()
                with self._lock:
                    self.count += 1
                conn.close()

    def visits(self):
        """How many came until now: a knock of our own comes behind all of them."""
        for listener in self.sockets:
            with socket.create_connection(listener.getsockname()[:2], 5) as knock:
                knock.recv(1)
        with self._lock:
            self.count -= len(self.sockets)
            return self.count

    def close(self):
        for listener in self.sockets:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for thread in self._threads:
            thread.join(5)


@pytest.fixture
def listener():
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture
def services_for(redis_url, tmp_path):
    """What a process has, with settings of its own; closed at the end."""
    made = []

    def make(**settings):
        fields = {"redis_url": redis_url, "files": str(tmp_path), "outbound_connect_s": 2.0}
        fields["secret_keys"] = (Fernet.generate_key().decode(),)
        made.append(build_services(Settings(**fields, **settings), name="t", connections=1))
        return made[-1]

    yield make
    for services in made:
        services.caller_session.close()


def answer_with(monkeypatch, port, *addresses):
    """From now on every name resolves to these addresses, and to this port of them."""

    def resolve(host, asked, *rest, **options):
        return [
            (socket.AF_INET6, 1, 6, "", (each, port, 0, 0))
            if ":" in each
            else (socket.AF_INET, 1, 6, "", (each, port))
            for each in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def deliver(services, url):
    """As a delivery is made."""
    return fetch(
        services.caller_session, "POST", url, body=b"{}", deadline_s=5, clock=services.clock
    )


def fetch_as_clip(services, url):
    """As a clip is fetched."""
    return fetch_clip(
        url,
        files=services.files,
        key="jobs/j/clip-1",
        session=services.caller_session,
        clock=services.clock,
        max_bytes=10**7,
        deadline_s=5,
    )


WAYS = {"delivery": deliver, "clip": fetch_as_clip}


def forms(port):
    """All forms as (kind, address): hosts with the listener's port, whole addresses as they are."""
    hosts = {"spelled loopback": SPELLED, **REFUSED_LITERALS}
    for scheme in ("http", "https"):
        for kind, each in hosts.items():
            yield from ((kind, f"{scheme}://{host}:{port}/") for host in each)
    # Plain http is open here, for it must not be what refuses the others.
    for kind, urls in REFUSED_URLS.items():
        yield from ((kind, url) for url in urls if not url.lower().startswith("http://example.com"))


def test_plain_requests_does_reach_the_listener(listener):
    """Given the spellings of loopback, when called without the guard, then they lead there."""
    with requests.Session() as session:
        session.trust_env = False
        for host in SPELLED:
            with contextlib.suppress(requests.RequestException):
                session.get(f"http://{host}:{listener.port}/", timeout=5)
    assert listener.visits() >= 100


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_no_form_reaches_a_listener(listener, services_for, monkeypatch, way):
    """Given names that all lead to the listener, when each form is called, then nobody comes."""
    services = services_for(caller_http=True)
    answer_with(monkeypatch, listener.port, "127.0.0.1")
    tried = Counter()
    for kind, url in forms(listener.port):
        with pytest.raises(AddressRefused):
            way(services, url)
        tried[kind] += 1
    print(dict(tried), tried.total())
    assert tried.total() >= 150
    monkeypatch.undo()
    assert listener.visits() == 0


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("answers", REFUSED_ANSWERS["rebind"])
def test_no_answer_of_a_resolver_reaches_a_listener(
    listener, services_for, monkeypatch, way, answers
):
    """Given a public name that has an inner address among others, then nobody comes."""
    answer_with(monkeypatch, listener.port, *answers)
    with pytest.raises(AddressRefused):
        way(services_for(caller_http=True), "https://example.com/")
    monkeypatch.undo()
    assert listener.visits() == 0


def test_no_redirect_of_a_clip_reaches_a_listener(listener, services_for, serve, monkeypatch):
    """Given a host that may be called, when it redirects to each form, then nobody comes."""
    location = b""
    server = serve(
        lambda _, conn: conn.sendall(
            b"HTTP/1.1 302 Go\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % location
        )
    )
    services = services_for(caller_http=True, caller_loopback_ports=(server.port,))
    answer_with(monkeypatch, listener.port, "127.0.0.1")
    tried = Counter()
    for kind, url in forms(listener.port):
        location = url.encode("utf-8", "replace").replace(b"\r\n", b"%0d%0a")
        with pytest.raises(CaptionAbError) as caught:
            fetch_as_clip(services, f"http://localhost:{server.port}/clip.mp4")
        tried[kind, type(caught.value).__name__] += 1
    print(dict(tried), tried.total())
    assert sum(count for (_, error), count in tried.items() if error == "AddressRefused") >= 150
    monkeypatch.undo()
    assert listener.visits() == 0


@pytest.fixture
def public_server(serve, monkeypatch, tmp_path, small_clip):
    """A host with TLS on 127.0.0.2, which counts as public here, for all accepted names."""
    monkeypatch.delitem(guard.REFUSED_V4, IPv4Network("127.0.0.0/8"))
    monkeypatch.setitem(guard.REFUSED_V4, IPv4Network("127.0.0.1/32"), "loopback")
    names = sorted({str(urlsplit(normal).hostname) for _, normal in ACCEPTED_NAMES})
    tls = make_server_context(tmp_path, names, make_authority(tmp_path / "authority.pem"))
    clip = small_clip.read_bytes()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(clip)
    server = serve(head + clip, host="127.0.0.2", tls=tls)
    server.authority, server.size = str(tmp_path / "authority.pem"), len(clip)
    return server


@pytest.mark.parametrize(("url", "normal"), ACCEPTED_NAMES)
def test_accepted_names_work(public_server, services_for, monkeypatch, url, normal):
    """Given a public host, when called by any accepted form, then it is asked for that name."""
    host = urlsplit(normal).netloc
    services = services_for()
    services.caller_session.verify = public_server.authority
    answer_with(monkeypatch, public_server.port, "127.0.0.2")
    assert deliver(services, url).status == 200
    assert fetch_as_clip(services, url).size == public_server.size
    assert all(b"\r\nhost: " + host.encode() in r.lower() for r in public_server.requests)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_name_that_is_public_first_and_loopback_next(
    listener, public_server, services_for, monkeypatch, way
):
    """Given a name that changes its mind, when called again, then it is refused at the dial."""
    services = services_for()
    services.caller_session.verify = public_server.authority
    answer_with(monkeypatch, public_server.port, "127.0.0.2")
    assert way(services, "https://example.com/")
    answer_with(monkeypatch, listener.port, "127.0.0.1")
    with pytest.raises(AddressRefused):
        way(services, "https://example.com/")
    assert public_server.connections == 1
    monkeypatch.undo()
    assert listener.visits() == 0
