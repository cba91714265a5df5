"""From which address a request comes, behind proxies or not."""

from __future__ import annotations

from ipaddress import ip_address

from flask import request

from api.state import services


def client_address() -> str:
    """The address of whoever sends this request, as far as it can be believed."""
    told = request.headers.get("X-Forwarded-For", "")
    return address_of(request.remote_addr or "", told, services().settings.trusted_proxies)


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
