"""The demo's receiver verifies as any receiver would, and writes down what came."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from cli.signature import verify
from service.webhooks.signing import new_secret, signed_headers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW_S = 1_800_000_000


def signed(body: bytes, secret: str = SECRET, at_s: int = NOW_S) -> dict[str, str]:
    """Headers made by the product itself."""
    return signed_headers([secret], message_id="evt_1", timestamp_s=at_s, body=body)


@given(st.binary(max_size=200))
def test_what_the_product_signs_is_verified(body):
    assert verify(signed(body), body, SECRET, now_s=NOW_S + 10)


def test_the_public_library_agrees():
    # Given a delivery signed by the reference library
    text = '{"type":"job.succeeded"}'
    stamp = datetime.fromtimestamp(NOW_S, UTC)
    headers = {
        "webhook-id": "evt_2",
        "webhook-timestamp": str(NOW_S),
        "webhook-signature": Webhook(SECRET).sign("evt_2", stamp, text),
    }
    # Then ours takes it
    assert verify(headers, text.encode(), SECRET, now_s=NOW_S)


def test_a_changed_body_is_not_verified():
    assert not verify(signed(b"{}"), b"{ }", SECRET, now_s=NOW_S)


def test_another_secret_is_not_verified():
    assert not verify(signed(b"{}", new_secret()), b"{}", SECRET, now_s=NOW_S)


@pytest.mark.parametrize("late_s", [301, -301])
def test_an_old_or_future_delivery_is_not_verified(late_s):
    assert not verify(signed(b"{}"), b"{}", SECRET, now_s=NOW_S + late_s)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_or_strange_header_is_not_verified(name):
    for value in ("", "strange"):
        headers = {**signed(b"{}"), name: value}
        assert not verify(headers, b"{}", SECRET, now_s=NOW_S)
