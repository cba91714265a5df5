# size: one table of addresses
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

CALLER = Policy("caller")
WITH_HTTP = Policy("caller", allow_http=True)
LOCAL = Policy("caller", loopback_ports=frozenset({8080, 80}))
PUBLIC = "93.184.216.34"
PUBLIC_V6 = "2606:2800:220:1:248:1893:25c8:1946"


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


REFUSED_LITERALS = {
    "ipv4": [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200",
        "100.127.255.255", "127.0.0.1", "127.255.255.254", "168.63.129.16", "169.254.0.1",
        "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1",
        "192.0.0.192", "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1", "192.168.0.1",
        "192.168.255.255", "192.175.48.1", "198.18.0.1", "198.19.255.255", "198.51.100.7",
        "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    ],
    "ipv4 encoding": [
        "2130706433", "0x7f000001", "0X7F000001", "017700000001", "0177.0.0.1", "0x7f.0.0.1",
        "0x7f.0x0.0x0.0x1", "127.1", "127.0.1", "0", "0x0", "0x", "00.0.0.0", "127.0.0.01",
        "0127.0.0.1", "127.000.000.001", "127.0.0.1.", "2852039166", "0xa9fea9fe",
        "169.254.43518", "①②⑦.⓪.⓪.①", "１２７.０.０.１", "127。0。0。1", "127．0．0．1",
        "93.184.216.034", "256.256.256.256", "1.2.3.4.5", "1.2.3", "93.184.55330", "example.0x7f",
        "example.1", "127.0.0.1.nip.io.1",
    ],
    "ipv6": [
        "[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[::127.0.0.1]", "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]", "[::ffff:169.254.169.254]", "[::ffff:10.0.0.1]",
        "[::ffff:168.63.129.16]", "[::ffff:0:127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::8.8.8.8]",
        "[64:ff9b:1::1]", "[100::1]", "[fc00::1]", "[fd00:ec2::254]", "[fe80::1]",
        "[fe80::1%25eth0]", "[fe80::1%eth0]", "[2606:4700::1111%251]", "[fec0::1]",
        "[feff::1]", "[ff02::1]", "[5f00::1]", "[4000::1]", "[e000::1]", "[2001::1]",
        "[2001:2::1]", "[2001:10::1]", "[2001:20::1]", "[2001:db8::1]", "[2002:7f00:1::]",
        "[2620:4f:8000::1]", "[3fff::1]", "[3fff:fff:ffff::1]", "[1fff::1]", "[::2]",
        "[v1.fe80::a]", "[127.0.0.1]", "[]", "[::1", "::1]", "[::1].example.com", "[g::1]",
        "[2606:4700::1111]x",
    ],
    "name": [
        "localhost", "LOCALHOST", "localhost.", "foo.localhost", "localhost.localdomain",
        "metadata.google.internal", "metadata", "router.lan", "printer.local", "db.home.arpa",
        "x.in-addr.arpa", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
        "a.corp", "a.home", "a.intranet", "a.private", "a.test", "a.invalid", "a.example",
        "a.onion", "a.alt", "intranet", "redis", "com", "com.", "example.com..", ".example.com",
        "example..com", "-a.example.com", "a-.example.com", "exa mple.com", "exa%6dple.com",
        "%31%32%37.0.0.1", "*.example.com", "a" * 64 + ".com", "a." * 130 + "com",
        "xn--a.com", "xn--.com", "ex!ample.com", "ex'ample.com", "exa,mple.com", "a;b.com",
        "a\u200bb.local", "ⓛocalhost", "localhoſt", ".", "..",
    ],
}  # fmt: skip
REFUSED_URLS = {
    "scheme": [
        "", "example.com", "//example.com/", "/path", "file:///etc/passwd", "ftp://example.com/",
        "gopher://example.com/", "http://example.com/", "HTTP://example.com/", "httpss://a.com/",
        "data:text/plain,x", "javascript:alert(1)", "https:example.com", "https:/example.com",
        "https:///example.com", "https://", "https://?x", "https://:443/", "ws://example.com/",
        "unix:///var/run/docker.sock", "dict://example.com:11211/", "https//example.com",
        "concat:https://example.com/|file:///etc/passwd", " https://example.com/",
    ],
    "parser": [
        "https://user@example.com/", "https://user:secret@example.com/", "https://@example.com/",
        "https://example.com@127.0.0.1/", "https://127.0.0.1@example.com/",
        "https://example.com#@127.0.0.1/", "https://example.com/#x", "https://example.com/#",
        "https://example.com\\@127.0.0.1/", "https://127.0.0.1\\.example.com/",
        "https:\\\\example.com/", "https://example.com/\\..\\", "https://exa\tmple.com/",
        "https://example.com/\r\nX-Injected: 1", "https://example.com/a b",
        "https://example.com/\x00", "https://example.com\x00.evil.com/", "https://example.com/\x7f",
        "https://example.com/\u2028", "https://exam\u00adple.com/\u00a0", "https://example.com%2f@x/",
        "https://example.com%00.evil.com/", "https://example.com,127.0.0.1/",
        "https://example.com:443:80/", "https://[2606:4700::1111]@127.0.0.1/",
        "https://example.com/" + "a" * 8192, "https://a.com&@127.0.0.1/", "https://a.com ?@b.com/",
        "https://exa\ud800mple.com/",
    ],
    "port": [
        "https://example.com:0/", "https://example.com:00443/", "https://example.com:/",
        "https://example.com:22/", "https://example.com:25/", "https://example.com:80/",
        "https://example.com:442/", "https://example.com:444/", "https://example.com:1023/",
        "https://example.com:65536/", "https://example.com:99999999999/", "https://example.com:-1/",
        "https://example.com:+443/", "https://example.com:4 43/", "https://example.com:443a/",
        "https://example.com:０443/", "https://example.com:٤٤٣/", "https://example.com:2049/",
        "https://example.com:6000/", "https://example.com:6667/", "https://example.com:10080/",
        "https://example.com:5060/", "https://93.184.216.34:22/", "https://[2606:4700::1111]:22/",
    ],
}  # fmt: skip
REFUSED_ANSWERS = {
    "rebind": [
        ("127.0.0.1",), ("10.0.0.1",), ("169.254.169.254",), ("168.63.129.16",), ("0.0.0.0",),
        ("::1",), ("::ffff:127.0.0.1",), ("fd00::1",), ("fec0::1",), ("64:ff9b::7f00:1",),
        (PUBLIC, "127.0.0.1"), ("127.0.0.1", PUBLIC), (PUBLIC, PUBLIC_V6, "::1"),
        (PUBLIC_V6, "10.0.0.1"), (PUBLIC, "192.168.1.1", PUBLIC), ("fe80::1%eth0",),
        (f"{PUBLIC_V6}%1",), ("not an address",),
    ],
}  # fmt: skip
ACCEPTED = [
    ("https://example.com", "https://example.com/"),
    ("https://example.com/", "https://example.com/"),
    ("HTTPS://EXAMPLE.com/Path?Q=1", "https://example.com/Path?Q=1"),
    ("https://example.com?x=1", "https://example.com/?x=1"),
    ("https://example.com:443/", "https://example.com/"),
    ("https://example.com:8443/hook", "https://example.com:8443/hook"),
    ("https://example.com:1024/", "https://example.com:1024/"),
    ("https://example.com:65535/", "https://example.com:65535/"),
    ("https://example.com./x", "https://example.com/x"),
    ("https://sub.domain.example.co.uk/", "https://sub.domain.example.co.uk/"),
    ("https://my_host.example.com/", "https://my_host.example.com/"),
    ("https://1.2.3.example.com/", "https://1.2.3.example.com/"),
    ("https://123.com/", "https://123.com/"),
    ("https://bücher.example.com/", "https://xn--bcher-kva.example.com/"),
    ("https://BÜCHER.example.com/", "https://xn--bcher-kva.example.com/"),
    ("https://xn--bcher-kva.example.com/", "https://xn--bcher-kva.example.com/"),
    ("https://例え.テスト.com/", "https://xn--r8jz45g.xn--zckzah.com/"),
    ("https://example。com/", "https://example.com/"),
    ("https://93.184.216.34/", "https://93.184.216.34/"),
    ("https://8.8.8.8:8443/", "https://8.8.8.8:8443/"),
    ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
    ("https://[2606:4700:0:0::1111]:8443/x", "https://[2606:4700::1111]:8443/x"),
    ("https://[::ffff:8.8.8.8]/", "https://[::ffff:808:808]/"),
    ("https://example.com/a%20b%2Fc", "https://example.com/a%20b%2Fc"),
    ("https://example.com/@user", "https://example.com/@user"),
    ("https://example.com/?u=https://127.0.0.1/", "https://example.com/?u=https://127.0.0.1/"),
    ("https://example.com/视频.mp4", "https://example.com/视频.mp4"),
    ("https://localhost.example.com/", "https://localhost.example.com/"),
    ("https://internal.example.com/", "https://internal.example.com/"),
    ("https://mega-api-prod.nemovideo.ai/run_sse", "https://mega-api-prod.nemovideo.ai/run_sse"),
    ("https://bucket.s3.amazonaws.com/k?X-Amz-Signature=ab", "https://bucket.s3.amazonaws.com/k?X-Amz-Signature=ab"),
]  # fmt: skip
EDGES_ACCEPTED = [
    "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
    "128.0.0.0", "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0",
    "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.3.0", "192.167.255.255",
    "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2001:200::1",
    "2003::1", "2400:cb00::1", "2620:4f:7fff::1", "3ffe::1", "2a00:1450:4001::1",
]  # fmt: skip

REFUSED_CASES = [
    *((kind, f"https://{host}/") for kind, hosts in REFUSED_LITERALS.items() for host in hosts),
    *((kind, url) for kind, urls in REFUSED_URLS.items() for url in urls),
]


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
