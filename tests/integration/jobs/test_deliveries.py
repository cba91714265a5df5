"""What operators learn of deliveries: their number by outcome, and of each try where and why."""

from __future__ import annotations

import logging

import pytest

from service import metrics
from service.exposition import PrometheusRecorder
from service.jobs.advance import advance
from service.model.rows import delivery_row, event_row
from tests.receiver import Receiver, Reply


@pytest.fixture
def recorder():
    recorder = PrometheusRecorder()
    metrics.install(recorder)
    yield recorder
    metrics.install(None)


def counted(recorder: PrometheusRecorder, outcome: str) -> float | None:
    name = "caption_ab_delivery_seconds_count"
    return recorder.registry.get_sample_value(name, {"outcome": outcome})


def first_delivery(engine, small_clip, url: str) -> str:
    """The delivery of a new job's first event, ready to be tried."""
    job = engine.submit(small_clip, "A", webhook={"url": url, "events": ["*"]})
    advance(event_row(job, 1), engine.services)
    return delivery_row(job, 1, "job")


def tries(caplog) -> list[logging.LogRecord]:
    return [each for each in caplog.records if each.getMessage() == "delivery_tried"]


def test_a_delivery_that_is_given_up_unsent_counts_as_failed(engine, small_clip, recorder, caplog):
    # Given a delivery whose step has failed too often before it could be sent
    row = first_delivery(engine, small_clip, "https://hooks.example.com/in/hunter2")
    engine.client.hset(f"cab:row:{row}", "crashes", engine.settings.crash_limit)
    # When it is taken up again
    advance(row, engine.services)
    # Then it has failed, in the store, in the metrics and in the log
    assert engine.client.hget(f"cab:row:{row}", "state") == "failed"
    assert counted(recorder, "failed") == 1
    [line] = [each for each in caplog.records if each.getMessage() == "delivery_given_up"]
    assert line.host == "hooks.example.com"


def test_a_try_without_an_answer_is_logged_with_its_host_and_reason(engine, small_clip, caplog):
    # Given an address that is refused, with secrets in its path and query
    url = "https://127.0.0.1/in/hunter2?key=hunter2"
    row = first_delivery(engine, small_clip, "https://hooks.example.com/in/hunter2?key=hunter2")
    document = engine.client.hget(f"cab:row:{row}", "doc")
    moved = document.replace("https://hooks.example.com/in/hunter2?key=hunter2", url)
    engine.client.hset(f"cab:row:{row}", "doc", moved)
    with caplog.at_level(logging.INFO):
        advance(row, engine.services)
    # Then the line has host and reason, and nothing else of the address
    [line] = tries(caplog)
    assert (line.host, line.why, line.status) == ("127.0.0.1", "address_refused", 0)
    assert "hunter2" not in repr([vars(each) for each in caplog.records])


def test_words_of_a_receiver_are_in_no_log(make_engine, small_clip, caplog):
    # Given a receiver that answers 500
    with Receiver(replies=[Reply(500, body=b"hunter2 is not known")]) as receiver:
        engine = make_engine(caller_http=True, caller_loopback_ports=(receiver.port,))
        row = first_delivery(engine, small_clip, receiver.url)
        with caplog.at_level(logging.INFO):
            advance(row, engine.services)
    # Then the line has its status, and no reason but that
    [line] = tries(caplog)
    assert (line.host, line.why, line.status) == ("127.0.0.1", "", 500)
    assert "hunter2" not in repr([vars(each) for each in caplog.records])


def test_an_event_whose_lease_is_renewed_while_it_ends_is_no_lease_lost(
    engine, small_clip, monkeypatch, caplog
):
    # Given an event's only write, and a renewal that comes before it is heard of
    services, told = engine.services, engine.services.deliveries.fan_out

    def fan_out(*args, **kwargs):
        told(*args, **kwargs)
        services.leases.renew_all()

    monkeypatch.setattr(services.deliveries, "fan_out", fan_out)
    # When it is turned into deliveries; then nobody is told of a lease that was lost
    job = engine.submit(small_clip, "A", webhook={"url": "https://example.com/h", "events": ["*"]})
    advance(event_row(job, 1), services)
    assert "lease_lost" not in caplog.text
    assert event_row(job, 1) not in dict(engine.due())
