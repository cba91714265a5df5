"""What counts as a secret without anybody having said so."""

from __future__ import annotations

import json

import pytest

from service.clock import FakeClock
from service.nemo.probe_discovery import discover
from service.nemo.probe_secrets import Redactor
from service.nemo.recording import Content, Recorded

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


def recorded(body: bytes, *, url="https://mega-api-prod.nemovideo.ai/api/x", headers=(), asked=()):
    reply = Content(100_000)
    reply.take(body)
    return Recorded(
        number=1,
        step="x",
        method="GET",
        url=url,
        request_headers=asked,
        request=Content(0),
        reply=reply,
        started_ms=FakeClock().now_ms(),
        status=200,
        headers=headers,
        ended=True,
    )


def redacted(body, **more) -> str:
    text = body if isinstance(body, str) else json.dumps(body)
    redactor = Redactor()
    discover(recorded(text.encode(), **more), redactor)
    return redactor.redact(text)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"token": "abc-123-xyz"}, {"token": "TOKEN-1"}),
        ({"data": {"claim_token": "clm_77aa88"}}, {"data": {"claim_token": "TOKEN-1"}}),
        ({"userId": "anon_7c1f0b2e"}, {"userId": "USER-1"}),
        ({"user_id": 12345678901}, {"user_id": 90000000001}),
        ({"session_id": "5529798700000000001"}, {"session_id": "9000000000000000001"}),
        ({"task_id": "task_5b2e"}, {"task_id": "TASK-1"}),
        ({"said": "write to ann@example.org!"}, {"said": "write to person-1@example.com!"}),
        ({"said": f"your key is {JWT}"}, {"said": "your key is TOKEN-1"}),
        ({"src": "/mnt/userdata/u77/demo.mp4"}, {"src": "/file-1.mp4"}),
        ({"cdn_url": "cdn.vendor.net/a/b.mp4"}, {"cdn_url": "cdn-1.example/file-1.mp4"}),
        ({"draft": '{"owner_id":"u-778899"}'}, {"draft": '{"owner_id":"USER-1"}'}),
        ({"user_id": "me", "status": "pending"}, {"user_id": "me", "status": "pending"}),
    ],
)
def test_fields_and_forms(body, found):
    assert json.loads(redacted(body)) == found


def test_an_address_loses_host_path_and_the_values_of_its_query():
    url = "https://d1abc.cloudfront.net/u/77/out.mp4?X-Amz-Expires=3600&X-Amz-Signature=0a1b2c"
    found = json.loads(redacted({"outputUrl": url}))["outputUrl"]
    assert found == (
        "https://cdn-1.example/file-1.mp4?X-Amz-Expires=REDACTED&X-Amz-Signature=REDACTED"
    )


def test_one_host_is_one_placeholder():
    found = redacted(
        {"a": "https://h1.vendor.net/long1.mp4", "b": "https://h1.vendor.net/long2.mp4"}
    )
    assert found.count("cdn-1.example") == 2
    assert "cdn-2" not in found


def test_the_api_itself_stays_readable():
    text = {"see": "https://mega-api-prod.nemovideo.ai/api/render/proxy/lambda"}
    assert json.loads(redacted(text)) == text


def test_the_events_of_a_stream_are_read():
    stream = (
        'data: {"actions":{"stateDelta":{"user_id":"anon_7c1f0b2e"}}}\n\ndata: anon_7c1f0b2e\n\n'
    )
    assert "anon_7c1f0b2e" not in redacted(stream)


def test_headers_of_the_request_are_secrets():
    redactor = Redactor()
    asked = (("Authorization", "Bearer nmv_usr_1234"), ("X-Client-Id", "8f556db8-9498"))
    discover(recorded(b"", asked=asked), redactor)
    assert redactor.redact("nmv_usr_1234 8f556db8-9498") == "TOKEN-1 CLIENT-1"


def test_a_redirect_leads_to_a_secret_place():
    redactor = Redactor()
    discover(recorded(b"", headers=(("Location", "https://x9.vendor.net/abcdef.mp4"),)), redactor)
    assert redactor.redact("https://x9.vendor.net/abcdef.mp4") == "https://cdn-1.example/file-1.mp4"


@pytest.mark.parametrize("body", [b"", b"\xff\xfe{", b"data: \xff\n\n", b"[" * 5000, b"null", b"3"])
def test_nothing_in_a_body_can_raise(body):
    discover(recorded(body), Redactor())
