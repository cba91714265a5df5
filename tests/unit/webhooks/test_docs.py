"""docs/webhooks.md, executed and compared with the code."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from api.event_schemas import ExperimentData
from service.settings import Settings
from service.webhooks.events import EventType
from service.webhooks.signing import new_secret, signed_headers
from tests.events import faults_of, webhook_document

DOC = (Path(__file__).parents[3] / "docs/webhooks.md").read_text(encoding="utf-8")
SNIPPET = re.search(r"```python\n(.*?)```", DOC, re.DOTALL).group(1)


@pytest.fixture
def receiver(monkeypatch):
    secret = new_secret()
    monkeypatch.setenv("WEBHOOK_SECRET", secret)
    names = {"__name__": "receiver"}
    exec(compile(SNIPPET, "docs/webhooks.md", "exec"), names)
    return names["app"].test_client(), names["newest"], secret


def _signed(secret, sequence):
    event = {
        "sequence": sequence,
        "id": "evt_1",
        "type": "job.running",
        "data": {"job_id": "job_1"},
    }
    body = json.dumps(event).encode()
    headers = signed_headers([secret], message_id="evt_1", timestamp_s=int(time.time()), body=body)
    return body, headers


def test_the_receiver_accepts_and_keeps_the_newest(receiver, capsys):
    """Given the receiver of the page, when events 2, 1 and 2 come, then it acts once."""
    client, newest, secret = receiver
    for sequence in (2, 1, 2):
        body, headers = _signed(secret, sequence)
        assert client.post("/hooks", data=body, headers=headers).status_code == 204
    assert newest == {"job_1": 2}
    assert capsys.readouterr().out == "job.running job_1\n"


@pytest.mark.parametrize("signature", ["v1,AAAA", "garbage", "v1,a,b", "v1,abc", "v2,x", "v1,é"])
def test_the_receiver_answers_400_to_whatever_is_not_ours(receiver, signature):
    """Given a forged or malformed signature, then the receiver of the page says 400, never 500."""
    client, newest, secret = receiver
    body, headers = _signed(secret, 1)
    headers["webhook-signature"] = signature
    assert client.post("/hooks", data=body, headers=headers).status_code == 400
    assert newest == {}


def test_the_receiver_refuses_unsigned_requests(receiver):
    """Given a request without headers, then the receiver of the page says 400."""
    client, _, _ = receiver
    assert client.post("/hooks", data=b"{}").status_code == 400


def test_every_event_type_is_described():
    """Given the table of event types, then it is the catalogue, no more and no less."""
    table = DOC.partition("## Event types")[2]
    assert re.findall(r"^\| `([a-z_.]+)` \|", table, re.MULTILINE) == [str(e) for e in EventType]


def test_every_event_type_has_a_schema_in_the_document():
    """Given the document's webhooks, then they are the catalogue, each with a type of its own."""
    assert list(webhook_document()["webhooks"]) == [str(each) for each in EventType]
    for kind in EventType:
        event = {"sequence": 1, "id": "evt_1", "type": "other", "timestamp": "", "data": {}}
        assert any(
            "was expected" in each for each in faults_of({**event, "type": kind + "x"}, kind)
        )


def test_the_sample_of_a_verdict_is_one():
    """Given the sample of the page, then it is an event as the document describes it, whole."""
    sample = DOC.partition("### The verdict on an experiment")[2]
    event = json.loads(re.search(r"```json\n(.*?)```", sample, re.DOTALL).group(1))
    assert faults_of(event, EventType.EXPERIMENT_DECIDED) == []
    assert set(event["data"]) == set(ExperimentData().fields)


def test_the_schedule_is_the_default_one():
    """Given the table of retries, then its pauses are those of the settings."""
    units = {"none": 0, "s": 1, "min": 60, "h": 3600}
    pauses = re.findall(r"^\| \d+ \| (none|\d+ \w+) \|", DOC, re.MULTILINE)
    read = [0 if p == "none" else int(p.split()[0]) * units[p.split()[1]] for p in pauses]
    assert tuple(read) == Settings().webhook_schedule_s


def test_the_receiver_is_short():
    """Given the receiver of the page, then its body is about fifteen lines."""
    lines = [line for line in SNIPPET.splitlines() if line.strip()]
    assert len(lines) <= 20
