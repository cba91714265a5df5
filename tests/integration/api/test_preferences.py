"""Which variant people prefer who look without names, and canceling from the page."""

from __future__ import annotations

import json

import pytest
import redis
from flask import Flask

from service.access import create_key
from service.jobs.context import Services
from service.model.scope import Scope
from service.store.shares import MOST_PREFERENCES
from tests.integration.api.conftest import JOB, Visitor
from tests.integration.api.looks import Browser, browser, share, token_of, with_token

PROGRAM = {"Accept": "*/*"}


@pytest.fixture
def job(ann: Visitor) -> str:
    return ann.post("/v1/jobs", json={**JOB, "clips": JOB["clips"] * 2}).get_json()["id"]


@pytest.fixture
def hers(app: Flask, ann: Visitor) -> Browser:
    return browser(app, ann)


def prefer(hers: Browser, job: str, **form: str):
    sent = {"csrf": hers.mark(job), **form}
    return hers.post(f"/jobs/{job}/preferences", sent, headers=PROGRAM)


def test_preferences_are_counted_by_clip_and_pair(hers: Browser, job: str):
    # Given people who saw the pair in either order
    for form in (
        {"pair": "A|B", "preferred": "A"},
        {"pair": "B|A", "preferred": "A"},
        {"preferred": ""},
        {"clip": "1", "preferred": "B", "note": "calmer "},
    ):
        assert prefer(hers, job, **form).status_code == 201
    # Then each clip has one pair with its counts, and the owner reads the notes
    body = hers.get(f"/jobs/{job}/preferences").get_json()
    assert body["total"] == 4
    assert [each["counts"] for each in body["data"]] == [
        {"A": 2, "B": 0, "none": 1},
        {"A": 0, "B": 1, "none": 0},
    ]
    assert body["data"][0]["text"] == (
        "Clip 1: A was preferred twice, B was preferred 0 times, no difference was seen once."
    )
    (note,) = body["notes"]
    assert (note["clip"], note["preferred"], note["note"]) == (1, "B", "calmer")


def test_a_browser_is_led_back_to_the_page(hers: Browser, job: str):
    form = {"csrf": hers.mark(job), "preferred": "A"}
    reply = hers.post(f"/jobs/{job}/preferences", form)
    assert reply.headers["Location"] == f"/jobs/{job}?notice=noted"
    assert "Your preference was noted." in hers.get(reply.headers["Location"]).text


def test_a_link_may_or_may_not_let_its_viewers_say_what_they_prefer(
    app: Flask, ann: Visitor, hers: Browser, job: str
):
    someone = browser(app)
    allowed, other = share(ann, job, preferences=True), share(ann, job)
    path = f"/jobs/{job}/preferences"
    # When a viewer with the right says it, then it counts, and they see counts but no notes
    with_right = with_token(path, token_of(allowed))
    reply = someone.post(with_right, {"preferred": "B", "note": "x"}, headers=PROGRAM)
    assert (reply.status_code, reply.get_json()["total"]) == (201, 1)
    assert "notes" not in reply.get_json()
    back = someone.post(with_right, {"preferred": "B"})
    assert back.headers["Location"].endswith(f"notice=noted&share={token_of(allowed)}")
    # And one without it can neither say nor read it
    without = with_token(path, token_of(other))
    assert someone.post(without, {"preferred": "B"}).status_code == 403
    assert someone.get(without).status_code == 403
    # And a revoked link counts nothing more
    ann.delete(f"/v1/jobs/{job}/shares/{allowed['id']}")
    assert someone.post(with_right, {"preferred": "B"}).status_code == 404
    assert hers.get(path).get_json()["total"] == 2


@pytest.mark.parametrize(
    ("form", "pointer"),
    [
        ({"clip": "2"}, "form:/clip"),
        ({"clip": "-1"}, "form:/clip"),
        ({"clip": "²"}, "form:/clip"),
        ({"pair": "A"}, "form:/pair"),
        ({"pair": "A|A"}, "form:/pair"),
        ({"pair": "A|C"}, "form:/pair"),
        ({"preferred": "C"}, "form:/preferred"),
        ({"note": "x" * 501}, "form:/note"),
        ({"revisions": "1"}, "form:/revisions"),
        ({"revisions": "1|x"}, "form:/revisions"),
    ],
)
def test_what_cannot_be_meant_is_refused(hers: Browser, job: str, form, pointer: str):
    reply = prefer(hers, job, **form)
    assert reply.status_code == 422
    assert [each["pointer"] for each in reply.get_json()["errors"]] == [pointer]


def test_words_of_a_note_are_words(hers: Browser, job: str):
    note = "<script>alert(1)</script> \x00\x1b字幕"
    assert prefer(hers, job, preferred="A", note=note).status_code == 201
    (kept,) = hers.get(f"/jobs/{job}/preferences").get_json()["notes"]
    assert kept["note"] == "<script>alert(1)</script>   字幕"
    assert "<script>alert" not in hers.get(f"/jobs/{job}").text


def test_the_last_thousand_are_kept(hers: Browser, job: str, redis_client: redis.Redis):
    # Given as many as are kept
    key = f"cab:job:{job}:preferences"
    old = json.dumps({"id": "prf_x", "at": 1, "clip": 0, "shown": ["A", "B"], "preferred": "A"})
    redis_client.rpush(key, *([old] * MOST_PREFERENCES))
    # When one more comes, then the oldest makes room
    reply = prefer(hers, job, preferred="B")
    (data,) = reply.get_json()["data"]
    assert data["counts"] == {"A": MOST_PREFERENCES - 1, "B": 1, "none": 0}


# ---- canceling


def test_an_owner_cancels_from_the_page(ann: Visitor, hers: Browser, job: str):
    reply = hers.post(f"/jobs/{job}/cancel", {"csrf": hers.mark(job)})
    assert reply.headers["Location"] == f"/jobs/{job}?notice=canceling"
    assert ann.get(f"/v1/jobs/{job}").get_json()["status"] == "canceling"


def test_whoever_has_a_link_cannot_cancel(app: Flask, ann: Visitor, job: str):
    token = token_of(share(ann, job, preferences=True))
    assert browser(app).post(with_token(f"/jobs/{job}/cancel", token)).status_code == 403
    assert ann.get(f"/v1/jobs/{job}").get_json()["status"] == "queued"


def test_a_key_that_only_reads_cannot_cancel(
    app: Flask, ann: Visitor, services: Services, job: str
):
    _, text = create_key(
        services.accounts, tenant_id=ann.tenant_id, account_id="acc_anonymous",
        pepper=services.settings.key_pepper, now_ms=services.clock.now_ms(),
        scopes={Scope.JOBS_READ},
    )  # fmt: skip
    reader = browser(app)
    reader.sign_in(text)
    form = {"csrf": reader.mark(job) or "x"}
    assert reader.post(f"/jobs/{job}/cancel", form).status_code == 403
    assert "Cancel the job" not in reader.get(f"/jobs/{job}").text
    assert ann.get(f"/v1/jobs/{job}").get_json()["status"] == "queued"


def test_an_ended_job_is_not_canceled(
    ann: Visitor, hers: Browser, redis_client: redis.Redis, job: str
):
    mark = hers.mark(job)
    redis_client.hset(f"cab:job:{job}", "status", "succeeded")
    reply = hers.post(f"/jobs/{job}/cancel", {"csrf": mark})
    assert reply.status_code == 409
    assert "succeeded" in reply.text
