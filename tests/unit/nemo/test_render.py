"""What the backend says about renders, in its documented shapes."""

from __future__ import annotations

import json

import pytest

from service.nemo.errors import BackendConfused
from service.nemo.render import (
    RenderState,
    RenderStatus,
    find_result_url,
    parse_render,
    tells_status,
)

URL = "https://static1.example/render_x.mp4"


def parse(value) -> RenderStatus:
    return parse_render(json.dumps(value).encode())


DONE = RenderStatus(RenderState.COMPLETED, 1.0, URL)
COMPLETED = {
    "S1": {
        "taskId": "r",
        "status": "completed",
        "progress": 100,
        "output": {"url": URL, "duration": 30.5},
    },
    "S2": {
        "success": True,
        "data": {
            "id": "r",
            "status": "completed",
            "progress": 100,
            "outputUrl": URL,
            "createdAt": 1,
        },
    },
    "enveloped S1": {
        "code": 0,
        "data": {"taskId": "r", "status": "completed", "output": {"url": URL}},
    },
    "enveloped S2": {
        "code": 0,
        "data": {"success": True, "data": {"status": "COMPLETED", "outputUrl": URL}},
    },
    "CLI": {"render_id": "r", "status": "done", "output_url": URL},
    "bare url": {"status": "success", "url": URL},
    "data.url": {"data": {"status": "finished", "url": URL}},
    "no status": {"data": {"outputUrl": URL}},
}


@pytest.mark.rule("P-111")
@pytest.mark.parametrize("reply", COMPLETED.values(), ids=COMPLETED.keys())
def test_completed_in_every_shape(reply):
    assert parse(reply) == DONE


@pytest.mark.rule("P-112")
def test_urls_are_taken_in_the_documented_order():
    """Given a reply with all seven places filled, when one is emptied, the next counts."""
    places = [
        ("data", "outputUrl"),
        ("outputUrl",),
        ("data", "output", "url"),
        ("output", "url"),
        ("output_url",),
        ("url",),
        ("data", "url"),
    ]
    reply = {
        "data": {
            "outputUrl": "https://h/0",
            "output": {"url": "https://h/2"},
            "url": "https://h/6",
        },
        "outputUrl": "https://h/1",
        "output": {"url": "https://h/3"},
        "output_url": "https://h/4",
        "url": "https://h/5",
    }
    for number, place in enumerate(places):
        assert parse(reply).url == f"https://h/{number}"
        holder = reply
        for key in place[:-1]:
            holder = holder[key]
        holder[place[-1]] = None
    assert parse(reply).url == ""


@pytest.mark.rule("P-112")
def test_what_is_no_address_is_passed_over():
    assert (
        parse({"status": "completed", "outputUrl": "", "output": {"url": 5}, "url": URL}).url == URL
    )
    assert parse({"status": "completed", "url": "javascript:alert(1)"}).url == ""


@pytest.mark.rule("P-113")
@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("pending", RenderState.PENDING),
        ("QUEUED", RenderState.PENDING),
        ("Processing", RenderState.PROCESSING),
        ("rendering", RenderState.PROCESSING),
        ("something new", RenderState.PROCESSING),
        ("failed", RenderState.FAILED),
        ("error", RenderState.FAILED),
        ("cancelled", RenderState.FAILED),
        ("finished", RenderState.COMPLETED),
    ],
)
def test_status_words(word, state):
    assert parse({"data": {"status": word}}).status is state


@pytest.mark.rule("P-113")
def test_a_reply_without_a_status_is_pending():
    assert parse({"success": True, "data": {"id": "r"}}) == RenderStatus(RenderState.PENDING)


@pytest.mark.rule("P-114")
@pytest.mark.parametrize(
    ("progress", "share"),
    [
        (45, 0.45),
        (0.45, 0.45),
        ("45", 0.45),
        ("45%", 0.45),
        (1, 0.01),
        (1.0, 1.0),
        (0, 0.0),
        (None, 0.0),
        (250, 1.0),
        (-5, 0.0),
        ("x", 0.0),
        (True, 0.0),
        ([], 0.0),
    ],
    ids=repr,
)
def test_progress_is_a_share(progress, share):
    assert parse({"status": "processing", "progress": progress}).progress == pytest.approx(share)


@pytest.mark.rule("P-115")
def test_failed_says_why():
    assert parse({"data": {"status": "failed", "error": "no font"}}).error == "no font"
    assert parse({"status": "failed", "error": {"message": "inner"}}).error == "inner"
    assert parse({"status": "failed"}).error != ""


def test_only_an_object_is_a_reply():
    for reply in (b"", b"[]", b"<html>"):
        with pytest.raises(BackendConfused):
            parse_render(reply)
        assert not tells_status(reply)


@pytest.mark.rule("P-115")
def test_a_failed_render_is_told_from_a_failed_call():
    assert tells_status(b'{"success":false,"data":{"status":"failed","error":"x"}}')
    assert not tells_status(b'{"success":false,"error":"x"}')


def test_result_url_of_the_fallback():
    assert find_result_url(json.dumps({"output": {"url": URL}}).encode()) == URL
    assert find_result_url(b"{}") == find_result_url(b"x") == ""
