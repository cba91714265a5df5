# size: every rule of the guard, and its properties
"""Which addresses may be called: the table, and properties of the networks.

Every case runs through the whole judgement: the URL is read, its host resolved by a fake resolver,
every answer judged. No socket is opened.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.errors import AddressRefused
from service.outbound.dial import Dialer
from service.outbound.guard import (
    BAD_PORTS,
    GLOBAL_V6,
    REFUSED_V4,
    REFUSED_V6,
    Policy,
    check_address,
    check_url,
    refusal,
)
from tests.addresses import (
    ACCEPTED,
    EDGES_ACCEPTED,
    PUBLIC,
    PUBLIC_V6,
    REFUSED_ANSWERS,
    REFUSED_CASES,
)

CALLER = Policy("caller")
WITH_HTTP = Policy("caller", allow_http=True)
LOCAL = Policy("caller", loopback_ports=frozenset({8080, 80}))


def resolver_of(*addresses):
    """A resolver that gives these answers whatever the name is."""

    def resolve(host, port, *rest):
        family = {True: socket.AF_INET6, False: socket.AF_INET}
        return [
            (
                family[":" in each],
                socket.SOCK_STREAM,
                6,
                "",
                (each, port, 0, 0) if ":" in each else (each, port),
            )
            for each in addresses
        ]

    return resolve


def judge(url, policy=CALLER, answers=(PUBLIC,)):
    checked = check_url(url, policy)
    return Dialer(policy, resolver_of(*answers)).answers(checked.host, checked.port, timeout_s=5)


def test_the_table_is_a_table():
    assert len(REFUSED_CASES) + len(ACCEPTED) + len(EDGES_ACCEPTED) >= 150


@pytest.mark.parametrize(("kind", "url"), REFUSED_CASES)
def test_refused_by_its_form(kind, url):
    """Given a resolver that calls every name public, when judged, then the form alone refuses."""
    with pytest.raises(AddressRefused):
        judge(url)


@pytest.mark.parametrize("answers", REFUSED_ANSWERS["rebind"])
def test_refused_by_where_it_leads(answers):
    """Given a public name, when one of its answers is not public, then none is dialled."""
    with pytest.raises(AddressRefused):
        judge("https://example.com/", answers=answers)


@pytest.mark.parametrize(("url", "normal"), ACCEPTED)
def test_accepted_and_normalised(url, normal):
    checked = check_url(url, CALLER)
    assert checked.url == normal
    assert judge(url)
    assert check_url(normal, CALLER) == checked


@pytest.mark.parametrize("address", EDGES_ACCEPTED)
def test_neighbours_of_refused_networks_are_public(address):
    check_address(address, 443, CALLER)


def test_a_scope_in_the_sockaddr_is_a_zone():
    """Given an answer whose sockaddr carries a scope number, when judged, then it is refused."""

    def resolve(host, port, *rest):
        return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", (PUBLIC_V6, port, 0, 2))]

    with pytest.raises(AddressRefused, match="zone"):
        Dialer(CALLER, resolve).answers("example.com", 443, timeout_s=5)


@pytest.mark.parametrize("port", sorted(BAD_PORTS))
def test_bad_ports_are_refused_for_names_and_addresses(port):
    for host in ("example.com", "8.8.8.8"):
        with pytest.raises(AddressRefused):
            check_url(f"https://{host}:{port}/", CALLER)


def test_http_opens_by_policy_with_port_80():
    assert check_url("http://example.com/x", WITH_HTTP).url == "http://example.com/x"
    assert check_url("http://example.com:8080/", WITH_HTTP).port == 8080
    for url in ("http://10.0.0.1/", "http://example.com:81/", "http://localhost/"):
        with pytest.raises(AddressRefused):
            judge(url, WITH_HTTP)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost", "localhost.", "127.0.0.1", "127.9.8.7", "[::1]"]
)
def test_loopback_opens_on_its_ports_only(host, scheme):
    """Given port 8080 opened, when loopback is named, then it passes there and nowhere else."""
    assert judge(f"{scheme}://{host}:8080/x", LOCAL)
    for port in ("", ":8081", ":6379"):
        with pytest.raises(AddressRefused):
            judge(f"https://{host}{port}/", LOCAL)


@pytest.mark.parametrize("answer", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1"])
def test_a_public_name_never_reaches_an_open_loopback_port(answer):
    """Given port 8080 opened on loopback, when a public name resolves there, then it is refused."""
    with pytest.raises(AddressRefused):
        judge("https://example.com:8080/", LOCAL, answers=(answer,))


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1:8080/",
        "http://[::ffff:127.0.0.1]:8080/",
        "http://0.0.0.0:8080/",
        "http://[::]:8080/",
        "http://127.1:8080/",
        "http://2130706433:8080/",
        "http://foo.localhost:8080/",
        "http://example.com:8080/",
        "http://user@localhost:8080/",
    ],
)
def test_an_open_loopback_port_opens_nothing_else(url):
    with pytest.raises(AddressRefused):
        judge(url, LOCAL)


def test_localhost_is_loopback_whatever_the_resolver_says():
    """Given a resolver that lies about localhost, when judged, then it is not even asked."""
    answers = Dialer(LOCAL, resolver_of(PUBLIC)).answers("localhost", 8080, timeout_s=5)
    assert {answer.sockaddr[0] for answer in answers} == {"127.0.0.1", "::1"}


@pytest.mark.parametrize(
    "url",
    [
        "https://user:hunter2@example.com/",
        "https://example.com:22/hunter2?token=hunter2",
        "http://10.0.0.1/hunter2",
        "https://hunter2@/",
        "https://10.0.0.1/?key=hunter2#hunter2",
        "hunter2",
    ],
)
def test_a_refusal_says_why_and_repeats_no_secret(url):
    with pytest.raises(AddressRefused) as caught:
        check_url(url, CALLER)
    assert "hunter2" not in repr(caught.value.info)
    assert len(caught.value.detail) > 15
    assert caught.value.__cause__ is None


def address_in(network):
    low, high = int(network.network_address), int(network.broadcast_address)
    kind = IPv4Address if network.version == 4 else IPv6Address
    return st.integers(low, high).map(kind)


refused_v4 = st.sampled_from(list(REFUSED_V4)).flatmap(address_in)
refused_v6 = st.one_of(
    st.sampled_from(list(REFUSED_V6)).flatmap(address_in),
    address_in(IPv6Network("::/0")).filter(
        lambda each: each not in GLOBAL_V6 and each not in IPv6Network("::ffff:0:0/96")
    ),
)


@given(st.one_of(refused_v4, refused_v6))
def test_every_address_of_a_refused_network_is_refused(address):
    with pytest.raises(AddressRefused):
        check_address(address, 443, CALLER)
    literal = f"[{address}]" if address.version == 6 else str(address)
    with pytest.raises(AddressRefused):
        check_url(f"https://{literal}/", CALLER)


@given(refused_v4)
def test_every_refused_ipv4_is_refused_when_mapped(address):
    assert refusal(IPv6Address(f"::ffff:{address}"))


@given(address_in(IPv4Network("0.0.0.0/0")))
def test_what_the_library_calls_not_global_is_refused(address):
    """The standard tables are a witness: whatever they refuse, ours refuse too."""
    if not address.is_global:
        assert refusal(address)


@given(st.one_of(address_in(IPv4Network("0.0.0.0/0")), address_in(GLOBAL_V6)))
def test_random_public_addresses_are_accepted(address):
    refused = REFUSED_V4 if address.version == 4 else REFUSED_V6
    assume(not any(address in network for network in refused))
    check_address(address, 443, CALLER)
    check_address(str(address), 8443, CALLER)


@given(st.text(max_size=60))
def test_any_text_is_accepted_or_refused_never_anything_else(text):
    for url in (
        text,
        f"https://{text}",
        f"https://example.com/{text}",
        f"https://[{text}]:1{text}",
    ):
        try:
            checked = check_url(url, CALLER)
        except AddressRefused:
            continue
        assert check_url(checked.url, CALLER) == checked


PEER = Policy("backend", peers=frozenset({"sandbox:9009", "10.0.0.5:9000", "nemo.internal:443"}))


@pytest.mark.parametrize(
    ("url", "answer"),
    [
        ("http://sandbox:9009/api", "172.18.0.4"),
        ("http://10.0.0.5:9000/", "10.0.0.5"),
        ("https://nemo.internal/x", "192.168.1.9"),
        ("https://NEMO.internal:443/x", "fd00::9"),
    ],
)
def test_a_host_that_the_operator_named_may_be_inside(url, answer):
    """Given the operator's own host and port, then its plain http and its address are allowed."""
    found = judge(url, PEER, answers=(answer,))
    assert [each.sockaddr[0] for each in found] == [answer]


@pytest.mark.parametrize(
    "url",
    [
        "http://sandbox:9010/",
        "http://sandbox/",
        "http://sandbox.evil.com:9009/",
        "http://evil.sandbox:9009/",
        "http://10.0.0.6:9000/",
        "http://10.0.0.5/",
        "https://nemo.internal:8443/",
        "http://nemo.internal/",
        "http://public.com/",
    ],
)
def test_what_the_operator_did_not_name_stays_closed(url):
    with pytest.raises(AddressRefused):
        judge(url, PEER, answers=("172.18.0.4",))


def test_a_public_name_does_not_lead_to_a_peer_s_address():
    """Given a named peer, when another name resolves to its address, then it is refused."""
    with pytest.raises(AddressRefused, match="private"):
        judge("https://rebound.com:9009/", PEER, answers=("172.18.0.4",))
