"""Bad requests: each is a problem that names the field, and none is accepted."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import redis

from tests.integration.api.conftest import JOB, Visitor


def job(**changes: Any) -> dict[str, Any]:
    return {**JOB, **changes}


def variants(*labels: str) -> list[dict[str, Any]]:
    return [{"label": label} for label in labels]


STYLE = "#/variants/0/style"
FIELDS = [
    ("no clips", {"captions": JOB["captions"]}, "#/clips"),
    ("an empty list of clips", job(clips=[]), "#/clips"),
    ("eleven clips", job(clips=JOB["clips"] * 11), "#/clips"),
    ("a clip of nothing", job(clips=[{}]), "#/clips/0"),
    (
        "a clip of two sources",
        job(clips=[{"url": "https://a.example.org/x.mp4", "upload_id": "upl_" + "0" * 26}]),
        "#/clips/0",
    ),
    ("a clip of an unknown scheme", job(clips=[{"url": "file:///etc/passwd"}]), "#/clips/0/url"),
    ("a clip at a private address", job(clips=[{"url": "https://10.0.0.1/x"}]), "#/clips/0/url"),
    ("a clip at a number", job(clips=[{"url": "https://2130706433/x"}]), "#/clips/0/url"),
    ("an upload's id of another form", job(clips=[{"upload_id": "x"}]), "#/clips/0/upload_id"),
    ("nine variants", job(variants=[{}] * 9), "#/variants"),
    ("no variants at all", job(variants=[]), "#/variants"),
    ("duplicate labels", job(variants=variants("A", "A")), "#/variants/1/label"),
    ("a label taken by the order", job(variants=[{"label": "B"}, {}]), "#/variants/1/label"),
    ("an unknown label", job(variants=variants("Z")), "#/variants/0/label"),
    ("an unknown preset", job(variants=[{"style": {"preset": "neon"}}]), f"{STYLE}/preset"),
    ("an unknown style key", job(variants=[{"style": {"glow": 1}}]), f"{STYLE}/glow"),
    ("a colour that is none", job(variants=[{"style": {"color": "#GG"}}]), f"{STYLE}/color"),
    ("a size as a word", job(variants=[{"style": {"size": "big"}}]), f"{STYLE}/size"),
    ("a size as text", job(variants=[{"style": {"size": "5"}}]), f"{STYLE}/size"),
    ("a weight of true", job(variants=[{"style": {"weight": True}}]), f"{STYLE}/weight"),
    ("an area of a word", job(variants=[{"style": {"safe_area": "tiktok"}}]), f"{STYLE}/safe_area"),
    (
        "an area of no platform",
        job(variants=[{"style": {"safe_area": {"platform": "x"}}}]),
        f"{STYLE}/safe_area/platform",
    ),
    (
        "an area of one edge too wide",
        job(variants=[{"style": {"safe_area": {"left": 90}}}]),
        f"{STYLE}/safe_area/left",
    ),
    (
        "an area of an edge that is none",
        job(variants=[{"style": {"safe_area": {"middle": 9}}}]),
        f"{STYLE}/safe_area/middle",
    ),
    (
        "an area without room",
        job(variants=[{"style": {"safe_area": {"left": 50, "right": 40}}}]),
        f"{STYLE}/safe_area",
    ),
    ("a box of 1", job(variants=[{"style": {"box": 1}}]), f"{STYLE}/box"),
    (
        "malformed SRT",
        job(captions={"format": "srt", "text": "1\n00:00:05,000 --> 00:00:01,000\nHi\n"}),
        "#/captions/text",
    ),
    (
        "captions of an unknown format",
        job(captions={"format": "doc", "text": "x"}),
        "#/captions/format",
    ),
    ("captions without text", job(captions={"format": "srt"}), "#/captions/text"),
    ("empty captions", job(captions={"text": ""}), "#/captions/text"),
    ("a language that is none", job(language="English"), "#/language"),
    ("an unknown output", job(output={"format": "avi"}), "#/output/format"),
    ("an unknown resolution", job(output={"resolution": "4k"}), "#/output/resolution"),
    ("no credits", job(max_credits=0), "#/max_credits"),
    ("fewer credits than it costs", job(max_credits=99), "#/max_credits"),
    (
        "fewer credits than generating costs",
        job(max_credits=299, allow_generation=True),
        "#/max_credits",
    ),
    ("leave to generate as text", job(allow_generation="yes"), "#/allow_generation"),
    ("a wish for something else", job(instruction="write me a poem"), "#/instruction"),
    (
        "a wish for generated material",
        job(variants=[{}, {"instruction": "generate a video of a cat"}]),
        "#/variants/1/instruction",
    ),
    (
        "a clip's wish for something else",
        job(clips=[{"url": "https://media.example.com/a.mp4", "instruction": "hello"}]),
        "#/clips/0/instruction",
    ),
    ("credits as text", job(max_credits="5"), "#/max_credits"),
    ("a deadline of a second", job(deadline_s=1), "#/deadline_s"),
    ("a deadline of a week", job(deadline_s=604_800), "#/deadline_s"),
    ("a webhook without an address", job(webhook={}), "#/webhook/url"),
    ("a webhook to loopback", job(webhook={"url": "https://127.0.0.1/"}), "#/webhook/url"),
    (
        "a webhook of odd events",
        job(webhook={"url": "https://hooks.example.org/x", "events": ["JOB"]}),
        "#/webhook/events/0",
    ),
    (
        "a webhook of events that do not exist",
        job(webhook={"url": "https://hooks.example.org/x", "events": ["job.*", "jobs.*"]}),
        "#/webhook/events/1",
    ),
    ("21 metadata", job(metadata={str(n): "" for n in range(21)}), "#/metadata"),
    ("a long metadata name", job(metadata={"n" * 41: ""}), "#/metadata/" + "n" * 41),
    ("a long metadata value", job(metadata={"a/b": "x" * 501}), "#/metadata/a~1b"),
    ("metadata that is a number", job(metadata={"n": 5}), "#/metadata/n"),
    ("an unknown field", job(tags=["x"]), "#/tags"),
    ("a name that is null", job(name=None), "#/name"),
    ("a JSON array", [JOB], "#"),
    ("a JSON string", "x", "#"),
    ("a JSON null", None, "#"),
]


@pytest.mark.parametrize(
    ("body", "pointer"), [(b, p) for _, b, p in FIELDS], ids=[n for n, *_ in FIELDS]
)
def test_a_wrong_field_is_named(ann: Visitor, redis_client: redis.Redis, body: Any, pointer: str):
    # Given a job with one thing wrong
    # When it is posted
    reply = ann.post("/v1/jobs", data=json.dumps(body), content_type="application/json")
    # Then the problem names it, and nothing is accepted
    found = reply.get_json()
    assert (reply.status_code, reply.content_type) == (422, "application/problem+json")
    assert [each["pointer"] for each in found["errors"]] == [pointer]
    assert all(each["detail"] for each in found["errors"])
    assert found["request_id"] == reply.headers["X-Request-Id"]
    assert found["type"].startswith("https://ab.example.com/docs/errors#")
    assert not redis_client.keys("cab:job:*")


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        (r'{"name": "\ud800"}', "#/name"),
        (r'{"name": "\uDfFf!"}', "#/name"),
        (r'{"clips": [{"url": "https://a.example/\udc00"}]}', "#/clips/0/url"),
        (r'{"captions": {"text": "a\ud83d"}}', "#/captions/text"),
        (r'{"variants": [{"style": {"preset": "\ude00\ud83d"}}]}', "#/variants/0/style/preset"),
        (r'{"metadata": {"\ud800": "x"}}', "#/metadata/\ufffd"),
        (r'"\ud800"', "#"),
    ],
)
def test_half_of_a_character_is_named(ann: Visitor, text: str, pointer: str):
    reply = ann.post("/v1/jobs", data=text, content_type="application/json")
    assert reply.status_code == 422
    assert [each["pointer"] for each in reply.get_json()["errors"]] == [pointer]


def test_a_whole_character_in_two_halves_is_one(ann: Visitor):
    text = json.dumps(job(name="\U0001f3ac"))
    assert r"\ud83c" in text
    reply = ann.post("/v1/jobs", data=text, content_type="application/json")
    assert (reply.status_code, reply.get_json()["name"]) == (202, "\U0001f3ac")


MEGABYTE = b'{"name":"' + b"x" * 1_000_000 + b'"}'
BODIES = [
    ("not JSON", b"{clips: 1}", "application/json", 400, "malformed_request"),
    ("half of JSON", b'{"clips": [', "application/json", 400, "malformed_request"),
    ("no body", b"", "application/json", 400, "malformed_request"),
    ("not UTF-8", b'{"name": "\xff"}', "application/json", 400, "malformed_request"),
    ("half a letter", b'{"name": "\xed\xa0\x80"}', "application/json", 400, "malformed_request"),
    ("NaN", b'{"deadline_s": NaN}', "application/json", 400, "malformed_request"),
    ("too deep", b"[" * 200_000, "application/json", 400, "malformed_request"),
    ("a number of 5000 digits", b"9" * 5000, "application/json", 400, "malformed_request"),
    ("1 MB of JSON", MEGABYTE, "application/json", 413, "request_too_large"),
    ("text", b"{}", "text/plain", 415, "unsupported_media_type"),
    ("a form", b"clips=1", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
    ("no content type", b"{}", "", 415, "unsupported_media_type"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"), [each[1:] for each in BODIES], ids=[e[0] for e in BODIES]
)
def test_a_body_that_cannot_be_read(ann: Visitor, body: bytes, kind: str, status: int, code: str):
    headers = {"Content-Type": kind} if kind else {}
    reply = ann.post("/v1/jobs", data=body, headers=headers)
    found = reply.get_json()
    assert (reply.status_code, reply.content_type) == (status, "application/problem+json")
    assert (found["code"], found["status"]) == (code, status)
    assert found["detail"]
    # and a hint about `errors` only where there are some
    assert "errors" in found or "`errors`" not in found.get("hint", "")


def test_a_body_of_unknown_length_is_cut_at_the_limit(ann: Visitor):
    # Given a body that does not say how long it is
    body = io.BytesIO(b" " * 5_000_000)
    # When it is posted in chunks
    reply = ann.client.post(
        "/v1/jobs",
        headers={"Authorization": f"Bearer {ann.key}"},
        content_type="application/json",
        input_stream=body,
        content_length=None,
        environ_overrides={"wsgi.input_terminated": True},
    )
    # Then it is refused without having been read to its end
    assert reply.status_code == 413
    assert reply.get_json()["code"] == "request_too_large"
    assert body.tell() < 1_300_000


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer cab_live_short",
        "Basic YTpi",
        "Bearer cab_live_" + "A" * 36,
        "Bearer " + "x" * 5000,
    ],
)
def test_without_a_right_key_nothing_is_open(ann: Visitor, header: str | None):
    headers = {} if header is None else {"Authorization": header}
    for path in ("/v1/jobs", "/v1/limits", "/v1/nothing/here"):
        reply = ann.client.get(path, headers=headers)
        assert reply.status_code == 401
        assert reply.headers["WWW-Authenticate"].startswith("Bearer")
        assert reply.get_json()["code"] == "unauthorized"


def test_a_well_formed_key_that_nobody_has_is_refused(ann: Visitor):
    from service.access import new_key

    stranger = new_key("a pepper").text
    reply = ann.client.get("/v1/jobs", headers={"Authorization": f"Bearer {stranger}"})
    assert reply.status_code == 401
    assert stranger not in reply.text


def test_a_wrong_method_says_which_are_right(ann: Visitor):
    reply = ann.open("/v1/jobs", "DELETE")
    assert reply.status_code == 405
    assert {"GET", "POST"} <= set(reply.headers["Allow"].replace(" ", "").split(","))
    assert reply.content_type == "application/problem+json"


@pytest.mark.parametrize("path", ["/v1/jobs?dry_run=true", "/v1/jobs?limit=0", "/v1/jobs?cursor=x"])
def test_a_query_that_means_nothing_is_refused_not_ignored(ann: Visitor, path: str):
    reply = ann.get(path)
    assert reply.status_code == 422
    assert reply.get_json()["errors"][0]["pointer"].startswith("query:/")


def test_a_post_with_an_unknown_parameter_accepts_nothing(ann: Visitor):
    assert ann.post("/v1/jobs?dry_run=true", json=JOB).status_code == 422


@pytest.mark.parametrize("key", ["", " ", "x" * 256, '"open', "ü", "a b"])
def test_a_malformed_idempotency_key_is_refused(ann: Visitor, key: str):
    reply = ann.post(
        "/v1/jobs", json=JOB, headers={"Idempotency-Key": key.encode().decode("latin-1")}
    )
    assert reply.status_code == 422
    assert reply.get_json()["errors"][0]["pointer"] == "headers:/Idempotency-Key"


@pytest.mark.parametrize(
    ("given", "kept"), [("abc-1.2:3_4", True), ("a b", False), ("x" * 200, False)]
)
def test_the_callers_request_id_is_kept_when_it_is_one(ann: Visitor, given: str, kept: bool):
    reply = ann.get("/v1/limits", headers={"X-Request-Id": given})
    assert (reply.headers["X-Request-Id"] == given) is kept
    assert reply.headers["X-Request-Id"]
