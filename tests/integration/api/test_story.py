"""GET /v1/jobs/{id}/story: what happened to a job, for its tenant and for nobody else."""

from __future__ import annotations

import json

import pytest

from api.story import main
from service.model.cut import CutDoc, Edit, EditIntent, Failure, Recovery, RenderIntent
from service.model.delivery import Attempt, DeliveryDoc
from service.model.documents import write_document
from service.model.rows import clip_row, cut_row, delivery_row
from tests.integration.api.conftest import JOB

HOOK = "https://hooks.example.com/in/hunter2?key=hunter2"


@pytest.fixture
def job_id(ann) -> str:
    body = {**JOB, "webhook": {"url": HOOK}}
    reply = ann.post("/v1/jobs", json=body, headers={"X-Request-Id": "order-1"})
    assert reply.status_code == 202, reply.text
    return reply.json["id"]


@pytest.fixture
def write(services):
    """Puts fields into a row as the engine would."""

    def put(row: str, **fields):
        client = services.connection.client
        client.hset(services.connection.keys.row(row), mapping=fields)

    return put


def story(visitor, job_id: str) -> dict:
    reply = visitor.get(f"/v1/jobs/{job_id}/story")
    assert reply.status_code == 200, reply.text
    return reply.json


def texts(told: dict, what: str) -> list[str]:
    return [each["text"] for each in told["entries"] if each["what"] == what]


def test_a_job_just_accepted_says_what_waits_for_what(ann, job_id):
    # Given a job that nobody has worked on
    told = story(ann, job_id)
    # Then its story has begun, and each part says what it waits for
    assert (told["status"], told["request_id"]) == ("queued", "order-1")
    assert texts(told, "event") == ["job.created"]
    rows = {each["row"]: each for each in told["open"]}
    assert rows[clip_row(job_id, 0)]["waits_for"] == []
    cut = rows[cut_row(job_id, 0, "A")]
    assert cut["waits_for"] == [clip_row(job_id, 0)]
    assert (cut["state"], cut["queue"], cut["held_by"]) == ("queued", "flow", None)


def test_a_lost_stream_is_told_with_its_intent_its_looks_and_its_render(
    ann, job_id, write, services
):
    # Given a cut whose stream was lost after the edit was written down
    now_ms = services.clock.now_ms()
    doc = CutDoc(
        0,
        "A",
        intent=EditIntent("edt_1", 3, "0" * 64, "f", now_ms + 1000, balance=90),
        recovery=Recovery(now_ms + 2000, looks=2, reason="The stream broke (cut)."),
        render=RenderIntent("render_1", 3, now_ms + 3000, submitted=True, polls=7),
    )
    row = cut_row(job_id, 0, "A")
    write(row, doc=write_document(doc), state="recovering")
    words = json.dumps({"text": "Working on it", "events": 4})
    services.commands.evidence(row, "edt_1", "broken", words, now_ms=services.clock.now_ms())
    # Then the story says so, in order
    told = story(ann, job_id)
    own = [each for each in told["entries"] if each["unit"] == "0.A.1"]
    assert [each["what"] for each in own] == ["intent", "recovery", "render"]
    intent, recovery, render = own
    assert "balance 90; charged: not known yet; stream broken after 4 events" in intent["text"]
    assert intent["data"] == {
        "edit_id": "edt_1", "fence": 3, "seen": ["broken"], "said": "Working on it",
    }  # fmt: skip
    assert recovery["text"].endswith("(cut). Looked for the edit 2 times.")
    assert "polled 7 times" in render["text"]


@pytest.mark.parametrize("charged", ["yes", "no", "unknown"])
def test_a_cut_that_failed_says_what_its_failure_knows_of_the_charge(
    ann, job_id, write, services, charged
):
    # Given a cut whose edit was never seen, and which has ended with its charge
    doc = CutDoc(
        0,
        "A",
        intent=EditIntent("edt_3", 1, "0" * 64, "f", services.clock.now_ms()),
        failure=Failure("edit_unconfirmed", "It was not seen.", extra={"charged": charged}),
    )
    write(cut_row(job_id, 0, "A"), doc=write_document(doc), state="failed", open="0")
    # Then the story of its edit says the same
    [intent] = [each for each in story(ann, job_id)["entries"] if each["what"] == "intent"]
    assert intent["text"].endswith(f"charged: {charged}")
    assert intent["data"]["charged"] == charged


def test_a_stream_loss_that_was_survived_stays_in_the_story(ann, job_id, write, services):
    # Given a cut whose stream was lost and whose edit was found afterwards
    now_ms = services.clock.now_ms()
    doc = CutDoc(
        0,
        "A",
        intent=EditIntent("edt_4", 1, "0" * 64, "f", now_ms),
        survived=Recovery(now_ms + 10, looks=3, reason="The stream broke.", seen_ms=now_ms + 90),
        edit=Edit(charged="yes", credits=50),
    )
    write(cut_row(job_id, 0, "A"), doc=write_document(doc), state="captioned")
    # Then it is told that it was lost, and that the cut went on
    assert texts(story(ann, job_id), "recovery") == [
        "stream lost: The stream broke. Looked for the edit 3 times. The cut went on.",
        "a change was seen in the session",
    ]


def test_a_cut_waits_for_no_clip_that_is_ready(ann, job_id, write):
    # Given a job whose clip has become ready
    write(clip_row(job_id, 0), state="ready", open="0")
    # Then its cuts wait for a worker, and for no clip
    cuts = [each for each in story(ann, job_id)["open"] if each["row"].startswith("cut:")]
    assert [each["waits_for"] for each in cuts] == [[], []]


def test_evidence_that_was_cut_off_does_not_stop_the_story(ann, job_id, write, services):
    doc = CutDoc(0, "A", intent=EditIntent("edt_2", 1, "0" * 64, "f", services.clock.now_ms()))
    row = cut_row(job_id, 0, "A")
    write(row, doc=write_document(doc))
    services.commands.evidence(row, "edt_2", "done", '{"text": "', now_ms=services.clock.now_ms())
    assert "stream done after 0 events" in texts(story(ann, job_id), "intent")[0]


def test_each_try_of_a_webhook_is_told_without_the_secrets_of_its_address(
    ann, job_id, write, services
):
    # Given a delivery that failed twice, to an address with a secret in its query
    row, now_ms = delivery_row(job_id, 1, "job"), services.clock.now_ms()
    tries = (Attempt(now_ms, 0, 3000, "outbound_timeout"), Attempt(now_ms + 5000, 500, 20, "oops"))
    doc = DeliveryDoc(job_id, 1, "job", HOOK, ann.tenant_id, "evt_1", tries)
    services.connection.client.sadd(services.connection.keys.job_rows(job_id), row)
    fields = {"state": "pending", "queue": "hooks", "open": "1", "ready": now_ms, "lease": "0"}
    write(row, doc=write_document(doc), **fields)
    told = story(ann, job_id)
    # Then both tries are there
    assert texts(told, "delivery") == [
        "event 1 to https://hooks.example.com, try 1: no answer (outbound_timeout) in 3000 ms",
        "event 1 to https://hooks.example.com, try 2: HTTP 500 in 20 ms",
    ]
    assert "hunter2" not in json.dumps(told)


def test_a_row_in_work_says_who_holds_it_and_until_when(ann, job_id, services, monkeypatch, capsys):
    # Given a worker on the clip
    clock = services.clock
    services.commands.claim(
        clip_row(job_id, 0), owner="transfer@host-7:42:ab", now_ms=clock.now_ms(), now_s=0.0
    )
    [held] = [each for each in story(ann, job_id)["open"] if each["held_by"]]
    # Then its tenant learns which kind of worker it is
    assert (held["row"], held["held_by"]) == (clip_row(job_id, 0), "transfer")
    assert held["held_until"] > held["ready_at"]
    # and the operator of the store which process
    settings = services.settings
    for name in ("redis_url", "key_pepper", "redis_policy", "files"):
        monkeypatch.setenv(f"CAPTION_AB_{name.upper()}", getattr(settings, name))
    monkeypatch.setenv("CAPTION_AB_SECRET_KEYS", settings.secret_keys[0])
    assert main([job_id]) == 0
    told = json.loads(capsys.readouterr().out)
    assert "transfer@host-7:42:ab" in {each["held_by"] for each in told["open"]}
    assert main(["job_00000000000000000000000000"]) == 1
    assert "There is no job" in capsys.readouterr().err


def test_another_tenants_job_has_no_story(bob, job_id):
    assert bob.get(f"/v1/jobs/{job_id}/story").status_code == 404


def test_a_job_that_has_expired_is_gone(ann, job_id, services):
    keys = services.connection.keys
    services.connection.client.delete(keys.job(job_id))
    assert ann.get(f"/v1/jobs/{job_id}/story").status_code == 410
    services.connection.client.flushall()
