"""Stopping a stream that runs over TLS, as the cloud's do: the blocked reader wakes at once."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
import time

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from service.clock import FakeClock
from service.nemo.client import NemoClient
from service.nemo.dialogue import StreamControl
from service.nemo.errors import BreakKind, StreamBroken
from service.nemo.limits import Limits
from tests.integration.nemo.scripted import TEXT, talk, wait_until

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
STARTS = {
    "chunked": HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(TEXT), TEXT),
    "close-delimited": HEAD + b"\r\n" + TEXT,
}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "caption-ab test")])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    host = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - day, now + day)
        .add_extension(host, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(signed.public_bytes(encoding) + key.private_bytes(encoding, *plain))
    return path


@pytest.fixture
def serve(certificate):
    """Starts a TLS server that answers one request with the given bytes, then keeps silent."""
    released, threads = threading.Event(), []
    listener = socket.create_server(("127.0.0.1", 0))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def answer(start):
        plain, _ = listener.accept()
        with plain, context.wrap_socket(plain, server_side=True) as link:
            request = b""
            while b"new_message" not in request:
                request += link.recv(65_536)
            link.sendall(start)
            released.wait(10)

    def begin(start):
        threads.append(threading.Thread(target=answer, args=(start,)))
        threads[0].start()
        return f"https://127.0.0.1:{listener.getsockname()[1]}"

    yield begin
    released.set()
    threads[0].join(10)
    listener.close()


@pytest.mark.parametrize("framing", STARTS)
def test_a_blocked_reader_wakes_at_once(serve, certificate, framing):
    url = serve(STARTS[framing])
    stop, seen, ends = StreamControl(), [], []
    with requests.Session() as session:
        session.trust_env, session.verify = False, str(certificate)
        client = NemoClient(
            url, session, session, platform="unknown", limits=Limits(), clock=FakeClock()
        )

        def read():
            try:
                talk(client, on_event=seen.append, stop=stop)
            except StreamBroken as broken:
                ends.append((broken, time.monotonic()))

        reader = threading.Thread(target=read)
        reader.start()
        wait_until(lambda: bool(seen))
        stopped_at = time.monotonic()
        stop.shutdown()
        reader.join(10)
    [(broken, ended_at)] = ends
    assert broken.kind is BreakKind.STOPPED
    assert broken.transcript.text == "Captions added."
    assert ended_at - stopped_at < 1
