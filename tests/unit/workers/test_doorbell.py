"""The doorbell that Lua pushes is consumed as what Celery itself publishes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from celery.app.amqp import AMQP
from celery.worker.request import Request
from kombu import Connection
from kombu.transport.virtual import Channel

from service.model.lifecycle import Queue
from service.store.keys import queue_key
from workers import doorbell
from workers.app import TASK_NAME, app

ROW = "cut:job_01jd.0.A.1"
MESSAGE_ID = f"{ROW}@1800000000000"


@pytest.fixture
def channel():
    with Connection("memory://") as connection:
        yield connection.channel()


def publish_with_celery(channel: Channel, queue: str) -> dict[str, Any]:
    """What apply_async puts on the wire, taken from a queue in memory."""
    assert isinstance(app.amqp, AMQP)
    with app.amqp.Producer(channel) as producer:
        app.send_task(TASK_NAME, args=[ROW], task_id=MESSAGE_ID, queue=queue, producer=producer)
    payload = channel._get(queue)
    return json.loads(json.dumps(payload))


def ring_from_template(queue: str) -> dict[str, Any]:
    """What bell.lua pushes: the stored template with its blanks filled."""
    text = doorbell.doorbell_path().read_text(encoding="utf-8")
    for blank, value in (("@row@", ROW), ("@id@", MESSAGE_ID), ("@queue@", queue)):
        text = text.replace(blank, value)
    return json.loads(text)


def advance(row):
    """Stands for the task: only its name and options matter to a request."""


look = app.task(name=TASK_NAME, ignore_result=True)(advance)


def as_request(channel: Channel, payload: dict[str, Any]) -> Request:
    message = channel.message_to_python(payload)
    return Request(message, app=app, task=look, decoded=False, on_ack=lambda *_: None)


def test_stored_template_is_what_the_installed_celery_builds():
    # Given the template in the store; when Celery or kombu change the shape of a message
    stored = json.loads(doorbell.doorbell_path().read_text(encoding="utf-8"))
    # Then this says: run `python -m workers.doorbell` and look at the difference
    assert stored == doorbell.build_doorbell()


@pytest.mark.parametrize("queue", [queue_key(each) for each in Queue])
def test_worker_reads_both_messages_alike(channel, queue):
    # Given one message published by Celery and one from the template
    celery = as_request(channel, publish_with_celery(channel, queue))
    ours = as_request(channel, ring_from_template(queue))

    # Then a worker sees the same task, arguments, limits and identity
    for name in ("id", "name", "args", "kwargs", "eta", "expires", "time_limits", "root_id"):
        assert getattr(ours, name) == getattr(celery, name), name
    assert ours._payload[0] == celery._payload[0] == [ROW]
    assert dict(ours._payload[2]) == dict(celery._payload[2])
    assert ours.correlation_id == celery.correlation_id
    assert ours.delivery_info["routing_key"] == celery.delivery_info["routing_key"] == queue


def test_headers_left_out_only_describe_the_sender(channel):
    # Given the headers of a message by Celery and of ours
    celery = publish_with_celery(channel, queue_key(Queue.FLOW))["headers"]
    ours = ring_from_template(queue_key(Queue.FLOW))["headers"]

    # Then ours has none that Celery lacks, and what is missing is empty or about the sender
    assert set(ours) <= set(celery)
    missing = {name for name in celery if name not in ours}
    assert all(celery[name] is None or name in doorbell._SENDER for name in missing)
    differing = {name for name in ours if ours[name] != celery[name]}
    assert differing <= {"ignore_result"}  # known by the task itself when published by name


def test_message_stays_small():
    # A row's doorbell costs Redis well under a kilobyte (reference: 231 B at the least)
    assert len(doorbell.doorbell_text()) < 600
