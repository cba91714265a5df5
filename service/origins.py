"""Origins of web pages: scheme, host and port, spelled as browsers spell them (RFC 6454). Pure."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

_ORIGIN = re.compile(
    r"(https?)://(\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::([0-9]{1,5}))?",
    re.ASCII,
)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_USUAL_PORTS = {"http": "80", "https": "443"}


def read_origin(text: str) -> str | None:
    """An origin such as `https://shop.example.com` or `http://localhost:3000`; None if it is none.

    Case and a usual port make no difference. No path, no user, no wildcard, no `null`; a name that
    is not in ASCII is written in its xn-- form, as browsers send it.
    """
    found = _ORIGIN.fullmatch(text.lower())
    if found is None:
        return None
    scheme, host, port = found.groups()
    if not _is_host(host) or (port and not 0 < int(port) < 65_536):
        return None
    if port is None or str(int(port)) == _USUAL_PORTS[scheme]:
        return f"{scheme}://{host}"
    return f"{scheme}://{host}:{int(port)}"


def _is_host(host: str) -> bool:
    try:
        if host.startswith("["):
            return host == f"[{IPv6Address(host[1:-1])}]"
        labels = host.split(".")
        if labels[-1].isdigit():
            return host == str(IPv4Address(host))
    except AddressValueError:
        return False
    return all(_LABEL.fullmatch(each) for each in labels)
