"""The demo's receiver over HTTP."""

from __future__ import annotations

import json
import time

import pytest
import requests

from cli.receiver import Receiver
from service.webhooks.signing import new_secret, signed_headers

BODY = json.dumps({"type": "job.running", "data": {}}).encode()


@pytest.fixture
def receiver(tmp_path):
    file = tmp_path / "webhooks.jsonl"
    receiver = Receiver(lambda _: None, file=file, secrets=[new_secret()])
    receiver.start()
    yield receiver
    receiver.stop()


def deliver(receiver, **changes: str) -> int:
    headers = signed_headers(
        receiver.secrets, message_id="evt_1", timestamp_s=int(time.time()), body=BODY
    )
    return requests.post(
        receiver.url, data=BODY, headers={**headers, **changes}, timeout=5
    ).status_code


def test_each_delivery_is_a_line_that_says_whether_it_was_verified(receiver, tmp_path):
    # When a good delivery comes and a forged one
    assert deliver(receiver) == 204
    assert deliver(receiver, **{"webhook-signature": "v1,AAAA"}) == 400

    # Then both are kept, and told apart
    lines = [json.loads(line) for line in (tmp_path / "webhooks.jsonl").read_text().splitlines()]
    assert [line["verified"] for line in lines] == [True, False]
    assert lines[0]["body"]["type"] == "job.running"
    assert lines[0]["headers"]["webhook-id"] == "evt_1"
    assert receiver.has("job.running")
    assert not receiver.has("job.failed")


def test_no_empty_file_stays(receiver, tmp_path):
    receiver.remove_if_empty()
    assert not (tmp_path / "webhooks.jsonl").exists()
