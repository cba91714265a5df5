"""One stream of events: what waits on it, when it is slow, when it ends."""

from __future__ import annotations

import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.listeners import MOST_WAITING_BYTES, Line, Listener, has_told_all, stream, write_event
from service.model.lifecycle import ENDED_JOB, JobStatus
from service.store.news import Standing
from service.webhooks.events import EventType, event_body


def a_listener() -> Listener:
    return Listener("job_1", 0, "key_1", Line())


def test_what_came_first_is_sent_first_and_once():
    listener = a_listener()
    listener.put([b"a", b"b"], 1.0)
    listener.put([b"c"], 2.0)
    assert listener.take(0) == [b"a", b"b", b"c"]
    assert listener.take(0) == []


def test_what_waits_is_sent_before_the_end():
    listener = a_listener()
    listener.put([b"a"], 1.0)
    listener.end()
    assert [listener.take(0), listener.take(0), listener.take(0)] == [[b"a"], None, None]


def test_a_sleeping_stream_wakes_for_news_and_for_the_end():
    for wake in (lambda each: each.put([b"a"], 1.0), Listener.end):
        listener = a_listener()
        timer = threading.Timer(0.05, wake, (listener,))
        timer.start()
        listener.take(30)
        timer.join()


@pytest.mark.parametrize(
    ("size", "age_s", "slow"),
    [
        (1, 29, False),
        (1, 31, True),
        (MOST_WAITING_BYTES, 0, False),
        (MOST_WAITING_BYTES + 1, 0, True),
    ],
)
def test_who_does_not_take_what_waits_is_slow(size: int, age_s: float, slow: bool):
    listener = a_listener()
    assert not listener.is_slow(1e9, 30)
    listener.put([b"x" * size], 100.0)
    listener.put([], 100.0 + age_s)
    assert listener.is_slow(100.0 + age_s, 30) is slow
    listener.take(0)
    assert not listener.is_slow(1e9, 30)


def test_silence_is_broken_by_a_comment():
    listener = a_listener()
    frames = stream(listener, 0.001, lambda: True)
    assert next(frames) == b"retry: 2000\n\n"
    assert next(frames) == b": still here\n\n"
    listener.put([b"a", b"b"], 1.0)
    listener.end()
    assert list(frames) == [b"ab"]


def test_who_may_listen_no_more_is_told_nothing_more():
    listener, answers = a_listener(), iter([True, False])
    frames = stream(listener, 0.001, lambda: next(answers))
    listener.put([b"a"], 1.0)
    assert [next(frames), next(frames)] == [b"retry: 2000\n\n", b"a"]
    listener.put([b"b"], 2.0)
    assert list(frames) == []


@pytest.mark.parametrize("status", JobStatus)
def test_a_stream_ends_with_its_job_when_all_is_told(status: JobStatus):
    assert has_told_all(Standing(status, 3), 3) is (status in ENDED_JOB)
    assert not has_told_all(Standing(status, 3), 2)


def test_a_stream_of_what_has_gone_ends():
    assert has_told_all(None, 0)


@given(st.text(), st.sampled_from(EventType))
def test_an_event_is_one_event_of_a_stream_whatever_it_says(text: str, kind: EventType):
    # Given a frozen body with any text in it
    text = text.encode("utf-8", "ignore").decode()
    body = '{"sequence":7,' + event_body(kind, "job_1", {"x": text}, now_ms=1)[1:]
    # When it is written, then it is three lines, whose data is the body
    written = write_event(body).decode()
    lines = written.split("\n")
    assert lines[:2] == ["id: 7", f"event: {kind}"]
    assert lines[3:] == ["", ""]
    assert "\r" not in written
    assert json.loads(lines[2].removeprefix("data: ")) == json.loads(body)
