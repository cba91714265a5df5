"""Signatures, checked by the official vectors and by the reference library."""

from __future__ import annotations

import base64
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from service.webhooks.signing import new_secret, sign, signed_headers

keys = st.binary(min_size=24, max_size=64).map(
    lambda key: f"whsec_{base64.b64encode(key).decode()}"
)
ids = st.from_regex(r"evt_[a-z0-9]{26}", fullmatch=True)
bodies = st.text(st.characters(exclude_categories=["Cs"])).map(str.encode)


@pytest.mark.parametrize(
    ("secret", "message_id", "timestamp_s", "body", "signature"),
    [
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            b'{"test": 2432232314}',
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        (
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1649367553,
            b'{"email":"test@example.com","username":"test_user"}',
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ),
    ],
)
def test_official_vectors(secret, message_id, timestamp_s, body, signature):
    """Given the vectors of Standard Webhooks, then we sign the same."""
    assert sign([secret], message_id=message_id, timestamp_s=timestamp_s, body=body) == signature


@given(keys, keys, ids, bodies)
def test_the_reference_library_accepts_what_we_sign(current, previous, message_id, body):
    """Given a rotation in progress, then holders of either secret accept the message."""
    headers = signed_headers(
        [current, previous], message_id=message_id, timestamp_s=int(time.time()), body=body
    )
    for secret in (current, previous):
        Webhook(secret).verify(body, headers, json_parse=False)


@given(keys, ids, bodies, bodies)
def test_another_body_is_not_accepted(secret, message_id, body, other):
    """Given a body that was changed on its way, then the signature does not fit."""
    if body == other:
        other += b"."
    headers = signed_headers(
        [secret], message_id=message_id, timestamp_s=int(time.time()), body=body
    )
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(other, headers, json_parse=False)


def test_new_secrets_are_random_and_usable():
    """Given two new secrets, then they differ, hold 32 bytes and sign."""
    first, second = new_secret(), new_secret()
    assert first != second
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", first)
    signature = sign([first, second], message_id="evt_1", timestamp_s=1, body=b"")
    assert len(set(signature.split(" "))) == 2


def test_headers_are_the_three_of_the_standard():
    """Given a message, then id, whole seconds and signature are its headers."""
    secret = new_secret()
    headers = signed_headers([secret], message_id="evt_1", timestamp_s=1795460105, body=b"{}")
    signature = sign([secret], message_id="evt_1", timestamp_s=1795460105, body=b"{}")
    assert headers == {
        "webhook-id": "evt_1",
        "webhook-timestamp": "1795460105",
        "webhook-signature": signature,
    }


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_" + base64.b64encode(b"x" * 23).decode(),
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
        "whsk_" + base64.b64encode(b"secret" * 6).decode(),
        "whsec_not base64 at all, but long enough to be one",
        base64.b64encode(b"secret" * 6).decode(),
    ],
)
def test_bad_secrets_are_refused_without_being_shown(secret):
    """Given a secret that is none, then signing fails, and the error does not repeat it."""
    with pytest.raises(ValueError, match="A secret is whsec_") as caught:
        sign([secret], message_id="evt_1", timestamp_s=1, body=b"")
    assert len(secret) < 10 or secret not in str(caught.value)


@pytest.mark.parametrize(
    "message_id", ["", "evt_", "evt_a.b", "evt_a\n", "EVT_a", "evt a", "evt_é"]
)
def test_bad_ids_are_refused(message_id):
    """Given an id that could shift the signed content, then signing fails."""
    with pytest.raises(ValueError, match="is not the id of a message"):
        sign([new_secret()], message_id=message_id, timestamp_s=1, body=b"")


def test_no_secret_and_no_time_are_refused():
    """Given no secret, or a time before the epoch, then signing fails."""
    with pytest.raises(ValueError, match="no secret"):
        sign([], message_id="evt_1", timestamp_s=1, body=b"")
    with pytest.raises(ValueError, match="is not a time"):
        sign([new_secret()], message_id="evt_1", timestamp_s=0, body=b"")
