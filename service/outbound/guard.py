"""Which addresses may be called at all. Pure: nothing here resolves or dials.

Two judgements: `check_url` reads what somebody wrote, `check_address` reads where a socket really
goes. The second is made at dial time on the very address dialled, so a name that changes its mind
between two look-ups gains nothing. The tables are written out here because those of `ipaddress`
change between patch releases (cpython#113171) and know neither WireServer nor fec0::/10.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Literal

import idna

from service.errors import AddressRefused

IPAddress = IPv4Address | IPv6Address

REFUSED_V4: dict[IPv4Network, str] = {
    IPv4Network(network): reason
    for network, reason in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by a provider"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "a cloud's WireServer"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "AS112"),
        ("192.52.193.0/24", "AMT"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "AS112"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
}
GLOBAL_V6 = IPv6Network("2000::/3")
REFUSED_V6: dict[IPv6Network, str] = {
    IPv6Network(network): reason
    for network, reason in (
        ("2001::/23", "protocol assignments"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("2620:4f:8000::/48", "AS112"),
        ("3fff::/20", "documentation"),
    )
}
_LOOPBACK_V4 = IPv4Network("127.0.0.0/8")
_LOOPBACK_V6 = IPv6Address("::1")
_MAPPED_V4 = IPv6Network("::ffff:0:0/96")

# WHATWG Fetch, "bad ports", those of 1024 and above; lower ones are refused anyway.
BAD_PORTS = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6679, 6697, 10080}
    | set(range(6665, 6670))
)
# RFC 6761, 6762, 7686, 8375, 9476, the ICANN collision list, and names of clusters.
SPECIAL_SUFFIXES = frozenset(
    {"alt", "arpa", "cluster", "corp", "domain", "example", "home", "internal", "intranet"}
    | {"invalid", "lan", "local", "localdomain", "localhost", "mail", "onion", "private"}
    | {"svc", "test", "workgroup"}
)
_OPENED_BY = {
    "caller": "Give a public https address without credentials. For tests on one machine the "
    "operator opens ports of it, for http too: CAPTION_AB_CALLER_LOOPBACK_PORTS=9000. "
    "CAPTION_AB_CALLER_HTTP=true allows http for public hosts.",
    "backend": "Give a public https address. The operator opens hosts of their own with "
    "CAPTION_AB_BACKEND_PEERS and ports of this machine with CAPTION_AB_BACKEND_LOOPBACK_PORTS.",
}
_LONGEST_URL = 8192
_URL = re.compile(r"(https?)://([^/?#]*)([^#]*)(#.*)?", re.IGNORECASE)
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]+)(?::([0-9]*))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True, slots=True)
class Policy:
    """What one kind of address may be.

    `caller` addresses come from tenants, `backend` ones from the operator and the backend's
    replies. `loopback_ports` opens this machine, port by port, for local use; `peers` are the
    operator's own hosts, as `name:port`, which may have any address and speak plain http.
    """

    name: Literal["caller", "backend"]
    allow_http: bool = False
    loopback_ports: frozenset[int] = frozenset()
    peers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CheckedUrl:
    """A URL that passed: `host` as A-label or compressed IP, `path` with its query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> str:
        """Scheme, host and port, as in `https://example.com:8443`; safe to log."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = {"http": 80, "https": 443}[self.scheme]
        return f"{self.scheme}://{host}" + ("" if self.port == default else f":{self.port}")

    @property
    def url(self) -> str:
        return self.origin + self.path


def check_url(url: str, policy: Policy) -> CheckedUrl:
    """Read an address that somebody gave.

    Raises:
        AddressRefused: it says why and never repeats user names, passwords, paths or queries.
    """
    scheme, authority, path = _split(url)
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise AddressRefused("The address names no host, or in a form that is not allowed.")
    port = _read_port(match[2], scheme)
    host, literal = _read_host(match[1])
    if not (is_open_loopback(literal or host, port, policy) or is_peer(host, port, policy)):
        _check_public(scheme, host, literal, port, policy)
    return CheckedUrl(scheme, host, port, path if path.startswith("/") else f"/{path}")


def check_address(ip: str | IPAddress, port: int, policy: Policy) -> None:
    """Judge the address that a socket is about to reach, or has reached.

    Raises:
        AddressRefused: it is not public, has a zone, or its port is not allowed.
    """
    try:
        address = ip_address(ip) if isinstance(ip, str) else ip
    except ValueError:
        raise AddressRefused("The name resolves to something that is not an address.") from None
    if is_open_loopback(address, port, policy):
        return
    reason = refusal(address)
    if reason:
        raise _not_public(f"{address} is not one ({reason})", policy)
    _check_port(port, policy)


def refusal(address: IPAddress) -> str:
    """Why this address is not a public one; empty when it is."""
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return "it has a zone"
        if address not in _MAPPED_V4:
            return _refusal_v6(address)
        address = IPv4Address(int(address) & 0xFFFFFFFF)
    return next((reason for net, reason in REFUSED_V4.items() if address in net), "")


def is_open_loopback(host: str | IPAddress, port: int, policy: Policy) -> bool:
    """Whether this names the machine itself, on a port opened for it.

    Only `localhost`, 127.0.0.0/8 and ::1 count: a public name that resolves to them does not.
    """
    if port not in policy.loopback_ports:
        return False
    if isinstance(host, str):
        return host == "localhost"
    if isinstance(host, IPv4Address):
        return host in _LOOPBACK_V4
    return host == _LOOPBACK_V6


def is_peer(host: str, port: int, policy: Policy) -> bool:
    """Whether the operator has named this very host and port as one of their own."""
    return f"{host}:{port}" in policy.peers


def read_literal(host: str) -> IPAddress | None:
    """The address that a host is, in its one canonical form; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _refusal_v6(address: IPv6Address) -> str:
    if address not in GLOBAL_V6:
        return "outside of 2000::/3"
    return next((reason for net, reason in REFUSED_V6.items() if address in net), "")


def _split(url: str) -> tuple[str, str, str]:
    if len(url) > _LONGEST_URL:
        raise AddressRefused(f"The address is longer than {_LONGEST_URL} characters.")
    if any(char == "\\" or char.isspace() or not char.isprintable() for char in url):
        raise AddressRefused("The address holds a space, a control character or a backslash.")
    match = _URL.fullmatch(url)
    if match is None:
        raise AddressRefused("The address must begin with https:// and name a host.")
    scheme, authority, path, fragment = match.groups()
    if fragment is not None:
        raise AddressRefused("The address must not have a fragment (#...).")
    if "@" in authority:
        raise AddressRefused("The address must not hold a user name or a password.")
    if "%" in authority:
        raise AddressRefused("The host must not be escaped and must not have a zone.")
    return scheme.lower(), authority, path


def _read_port(text: str | None, scheme: str) -> int:
    if text is None:
        return 443 if scheme == "https" else 80
    if not text or len(text) > 5 or str(int(text)) != text or not 0 < int(text) < 65536:
        raise AddressRefused("The port is not a number from 1 to 65535.")
    return int(text)


def _read_host(text: str) -> tuple[str, IPAddress | None]:
    if text.startswith("["):
        literal = read_literal(text[1:-1])
        if not isinstance(literal, IPv6Address):
            raise AddressRefused("The host in brackets is not an IPv6 address.")
        return str(literal), literal
    literal = read_literal(text)
    if literal is not None:
        return str(literal), literal
    return _to_ascii(text), None


def _to_ascii(text: str) -> str:
    name = text.lower()
    if not name.isascii() or "xn--" in name:
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            raise AddressRefused("The host is not a valid international name.") from None
    return name.removesuffix(".")


def _check_public(
    scheme: str, host: str, literal: IPAddress | None, port: int, policy: Policy
) -> None:
    if scheme == "http" and not policy.allow_http:
        raise _not_public("this one is http", policy)
    if literal is not None:
        check_address(literal, port, policy)
        return
    _check_port(port, policy)
    _check_name(host, policy)


def _check_port(port: int, policy: Policy) -> None:
    if port == 443 or (port == 80 and policy.allow_http):
        return
    if not 1024 <= port <= 65535 or port in BAD_PORTS:
        raise AddressRefused(f"Port {port} is not allowed.")


def _check_name(name: str, policy: Policy) -> None:
    labels = name.split(".")
    if _NUMERIC_LABEL.fullmatch(labels[-1]):
        raise AddressRefused("The host is a number that is not a plain IPv4 address.")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise AddressRefused("The host is not a valid name.")
    if labels[-1] in SPECIAL_SUFFIXES:
        raise _not_public(f"names that end in .{labels[-1]} are none", policy)
    if len(labels) == 1:
        raise _not_public("a single word is no public name", policy)


def _not_public(why: str, policy: Policy) -> AddressRefused:
    """The rule first, then what this address is; the hint says who can open more, and how."""
    rule = f"Only public {'' if policy.allow_http else 'https '}addresses are called"
    return AddressRefused(f"{rule}: {why}.", hint=_OPENED_BY[policy.name])
