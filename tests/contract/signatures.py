"""Signed webhooks for verifiers that know nothing of us: those sent, and such that must not fit."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping, Sequence
from typing import Any

from service.webhooks.signing import new_secret, signed_headers
from tests.receiver import Received

_BODIES = {
    "plain": b'{"sequence": 1, "type": "job.succeeded"}',
    "not ASCII": '{"name": "Frühling 春 🎬"}'.encode(),
    "empty object": b"{}",
    "with line ends": b'{\r\n "a": [1, 2],\n "b": null }\n',
    "large": b'{"text": "' + b"a" * 100_000 + b'"}',
}


def collect_messages(received: Sequence[Received], secret: str) -> list[dict[str, Any]]:
    """What came over the wire, messages of a rotation, and a change of each that must not fit."""
    messages = [
        _write(f"received {each.event['type']}", secret, each.headers, each.body)
        for each in received
    ]
    for what, body in _BODIES.items():
        new, old = new_secret(), new_secret()
        headers = _sign([new, old], body)
        messages += [
            _write(f"{what}, {n} secret", s, headers, body) for n, s in (("new", new), ("old", old))
        ]
    return messages + [spoiled for each in messages for spoiled in _spoil(each)]


def _sign(secrets: Sequence[str], body: bytes, *, late_s: int = 0) -> dict[str, str]:
    at_s = int(time.time()) - late_s
    return signed_headers(secrets, message_id="evt_1", timestamp_s=at_s, body=body)


def _write(
    what: str, secret: str, headers: Mapping[str, str], body: bytes, *, fits: bool = True
) -> dict[str, Any]:
    kept = {name: value for name, value in headers.items() if name.startswith("webhook-")}
    text = base64.b64encode(body).decode()
    return {"what": what, "secret": secret, "headers": kept, "body": text, "fits": fits}


def _spoil(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    what, headers, body = message["what"], message["headers"], base64.b64decode(message["body"])
    secret = message["secret"]
    later = {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}
    other = {**headers, "webhook-id": "evt_2"}
    old = _sign([secret], body, late_s=600)
    return [
        _write(f"{what}, body changed", secret, headers, body + b" ", fits=False),
        _write(f"{what}, time changed", secret, later, body, fits=False),
        _write(f"{what}, id changed", secret, other, body, fits=False),
        _write(f"{what}, another's secret", new_secret(), headers, body, fits=False),
        _write(f"{what}, ten minutes old", secret, old, body, fits=False),
    ]
