"""The receiver that other tests rely on."""

from __future__ import annotations

import time

import pytest
import requests

from service.webhooks.signing import new_secret, signed_headers
from tests.receiver import Receiver, Reply

# the receiver is a real server: these few unit tests do need sockets
pytestmark = pytest.mark.usefixtures("socket_enabled")


def _post(url, secret, timestamp_s=None, timeout=5):
    body = b'{"sequence":1}'
    headers = signed_headers(
        [secret], message_id="evt_1", timestamp_s=timestamp_s or int(time.time()), body=body
    )
    return requests.post(url, data=body, headers=headers, timeout=timeout, allow_redirects=False)


def test_replies_come_in_order_then_200():
    """Given a script of two replies, when three requests come, then the third gets 200."""
    with Receiver([500, Reply(429, {"Retry-After": "7"}, b"slow down")]) as receiver:
        replies = [_post(receiver.url, new_secret()) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [500, 429, 200]
    assert replies[1].headers["Retry-After"] == "7"
    assert replies[1].content == b"slow down"


def test_it_tells_good_signatures_from_bad():
    """Given a signed request, then its own secret verifies it and another does not."""
    secret = new_secret()
    with Receiver() as receiver:
        assert not receiver.verify(secret)
        _post(receiver.url, secret)
        (received,) = receiver.wait_for(1)
        assert receiver.verify(secret)
        assert not receiver.verify(new_secret())
    assert received.event == {"sequence": 1}
    assert received.path == "/hooks"


def test_a_clock_of_the_test_verifies_without_the_time():
    """Given a request signed by a fake clock, then it verifies if the time is not looked at."""
    secret = new_secret()
    with Receiver() as receiver:
        _post(receiver.url, secret, timestamp_s=1_800_000_000)
        assert not receiver.verify(secret)
        assert receiver.verify(secret, check_time=False)
        assert not receiver.verify(new_secret(), check_time=False)


def test_a_hanging_reply_ends_with_the_receiver():
    """Given a reply that hangs, when the caller gives up, then closing does not take long."""
    started = time.monotonic()
    with Receiver([Reply(hang=True)]) as receiver:
        with pytest.raises(requests.ReadTimeout):
            _post(receiver.url, new_secret(), timeout=0.2)
        receiver.wait_for(1)
    assert time.monotonic() - started < 5


def test_missing_webhooks_fail_the_test():
    """Given that nothing comes, when a test waits, then it fails and says so."""
    with Receiver() as receiver, pytest.raises(AssertionError, match="0 of 1"):
        receiver.wait_for(1, timeout_s=0.05)
