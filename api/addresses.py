"""From which address a request comes, behind proxies or not."""

from __future__ import annotations

import logging
from functools import cache
from ipaddress import IPv4Address, IPv6Network, ip_address

from flask import request

from api.state import services

_log = logging.getLogger(__name__)


def counted_address() -> str:
    """By what requests of whoever sends this one are counted, as far as it can be believed."""
    told = request.headers.get("X-Forwarded-For", "")
    proxies = services().settings.trusted_proxies
    if told and proxies == 0:
        warn_unbelieved()
    return network_of(address_of(request.remote_addr or "", told, proxies))


@cache
def warn_unbelieved() -> None:
    """Once in a process: behind a proxy all visitors would be counted as one."""
    hint = "Behind proxies set CAPTION_AB_TRUSTED_PROXIES to their number; else mind no more."
    _log.warning("forwarded_not_believed", extra={"hint": hint})


def network_of(address: str) -> str:
    """What one place has: an IPv4 address, or of IPv6 a network of 64 bits (RFC 6177). Pure."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Network((int(found) >> 64 << 64, 64)))


def address_of(connected: str, forwarded: str, proxies: int) -> str:
    """Who asks, through so many proxies that each have added whom they heard. Pure.

    What stands before those was written by whoever asks; where it cannot be one, `connected` is.
    """
    told = [each.strip() for each in forwarded.split(",")]
    if not 0 < proxies <= len(told):
        return connected
    try:
        return str(ip_address(told[-proxies]))
    except ValueError:
        return connected
