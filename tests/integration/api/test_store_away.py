"""Redis away or loading: 503 with Retry-After; finished jobs and their videos come from files."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

from service.access import create_key, new_key
from service.audit import Act, record
from service.clock import AnchoredClock
from service.jobs.comparison import keep_report
from service.jobs.finish import finish_job
from service.jobs.frozen import thaw
from service.model.job import clip_rows, cut_rows
from service.model.scope import Scope
from service.settings import Settings
from tests.builders import a_new_job
from tests.integration.api import tus
from tests.integration.api.conftest import JOB
from tests.integration.api.looks import browser, share, token_of, with_token
from tests.integration.api.outage import VIDEO, claim, end, is_unavailable, show, wait_for
from tests.integration.api.outage_fixtures import finished, kill, redis_url, server

__all__ = ["finished", "kill", "redis_url", "server"]

#: What stands for the words of a route's address.
_ENDPOINT = "whe_01mcc5rm008y8ejrhf2bj30ndg"
FILLED = {
    "job_id": "job_01mcc5rm008y8ejrhf2bj30ndg",
    "label": "A",
    "clip": "0",
    "name": "contact_sheet",
    "upload_id": "upl_01mcc5rm008y8ejrhf2bj30ndg",
    "key_id": "key_01mcc5rm008y8ejrhf2bj30ndg",
    "endpoint_id": _ENDPOINT,
    "share_id": "shr_01mcc5rm008y8ejrhf2bj30ndg",
    "public_key_id": "pub_01mcc5rm008y8ejrhf2bj30ndg",
    "delivery_id": f"job_01mcc5rm008y8ejrhf2bj30ndg.1.{_ENDPOINT}",
}
#: Bodies of the routes of webhooks, by the last word of their rules.
_HOOKS = {
    "webhook-endpoints": {"url": "https://you.example.com/"},
    "<endpoint_id>": {"enabled": False},
    "replay": {"since": "2026-11-25T00:00:00Z"},
}
#: Small bodies by the end of their rules.
_SMALL = {
    "/v1/retention": {"job_ttl_s": 3600},
    "/nemo-token": {"token": "nmv_usr_12345678"},
    "/shares": {},
    "/experiment/keys": {"origins": ["https://shop.example.com"]},
    "/assignments": {"unit_ids": ["viewer-1"]},
}
#: Queries by the last word of their rules.
_QUERIES = {name: {"unit_id": "viewer-1"} for name in ("assignment", "play")}
#: Routes that need nothing of Redis but the caller's key.
_WITHOUT_REDIS = {("/v1/styles", "GET"), ("/v1/limits", "GET")}
#: It asks the backend before it writes anything.
_ASKS_FIRST = {("/v1/account/nemo-token", "PUT")}


def _body(rule: str) -> dict:
    if rule == "/v1/uploads":
        return {"data": b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41" + bytes(99)}
    if rule.startswith(tus.ADDRESS):
        override = {"X-HTTP-Method-Override": "PATCH"}
        return {"headers": {**tus.BYTES, "Upload-Length": "9", "Upload-Offset": "0", **override}}
    headers = {"Idempotency-Key": "k"}
    if rule.endswith("/messages"):
        return {"json": {"text": "make it bigger", "clip": 0}, "headers": headers}
    for tail, sent in _SMALL.items():
        if rule.endswith(tail):
            return {"json": sent}
    if rule.startswith("/v1/admin"):
        return {"json": {"name": "one more"}}
    if "webhook" in rule:
        return {"json": _HOOKS.get(rule.rpartition("/")[2]), "headers": headers}
    return {"json": JOB, "headers": headers}


class TestKilled:
    def test_every_route_that_needs_it_answers_503(self, ann, app, services, kill):
        # Given a key that opens every route, and a server that was killed
        _, text = create_key(
            services.accounts, tenant_id=ann.tenant_id, account_id="acc_anonymous",
            pepper=services.settings.key_pepper, now_ms=services.clock.now_ms(), scopes=Scope,
        )  # fmt: skip
        ann = replace(ann, key=text)
        assert ann.get("/v1/jobs").status_code == 200
        kill()
        asked, filled = 0, {**FILLED, "tenant_id": ann.tenant_id}
        for rule in app.url_map.iter_rules():
            if not rule.rule.startswith("/v1/"):
                continue
            path = app.url_map.bind("").build(
                rule.endpoint, {name: filled[name] for name in rule.arguments}
            )
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                if (rule.rule, method) in _ASKS_FIRST:
                    continue
                # When a route is called; then it answers 503, or does without the server
                query = _QUERIES.get(rule.rule.rpartition("/")[2])
                reply = ann.open(path, method, query_string=query, **_body(rule.rule))
                asked += 1
                quiet = (rule.rule, method) in _WITHOUT_REDIS
                assert reply.status_code == 200 if quiet else is_unavailable(reply), (
                    f"{method} {rule.rule}: {reply.status_code} {reply.get_data(as_text=True)}"
                )
        assert asked > 15

    def test_a_finished_job_and_its_videos_are_still_there(self, ann, finished, kill):
        # Given a finished job
        before = ann.get(f"/v1/jobs/{finished}").get_json()
        kill()
        # When it is read; then it is as it was, but for what its end alone tells
        reply = ann.get(f"/v1/jobs/{finished}")
        assert (reply.status_code, reply.headers["Caption-AB-Frozen"]) == (200, "true")
        after = reply.get_json()
        changed = {name for name in before if before[name] != after[name]}
        assert changed <= {"expires_at", "updated_at", "ended_at"}
        # And so are its videos, whole and in part
        assert show(ann, finished).data == VIDEO + b"1"
        part = ann.get(
            f"/v1/jobs/{finished}/variants/B/video?clip=0&revision=1",
            headers={"Range": "bytes=2-9"},
        )
        assert (part.status_code, part.data) == (206, VIDEO[2:10])
        assert show(ann, finished, query="clip=0&revision=2").status_code == 404

    def test_pictures_of_a_finished_job_are_still_there(self, ann, finished, services, kill):
        # Given a finished job with a picture that its comparison lists
        sheet = {"name": "contact_sheet", "type": "image/jpeg", "size": 7, "sha256": "0" * 64}
        clip = {"clip": 0, "pictures": {"files": [sheet]}}
        services.files.put(
            f"jobs/{finished}/comparison-0-contact_sheet.jpg", [b"a still"], max_bytes=9
        )
        keep_report(finished, {"clips": [clip]}, services.files)
        assert ann.get(f"/v1/jobs/{finished}").status_code == 200
        kill()
        # When it is asked for, then it is there
        reply = ann.get(f"/v1/jobs/{finished}/comparison/pictures/0/contact_sheet")
        assert (reply.status_code, reply.data) == (200, b"a still")
        assert reply.headers["Caption-AB-Frozen"] == "true"

    def test_the_report_of_a_comparison_is_still_there(self, ann, finished, services, kill):
        keep_report(finished, {"object": "comparison"}, services.files)
        assert ann.get("/v1/jobs").status_code == 200  # by which its key is known
        kill()
        reply = ann.get(f"/v1/jobs/{finished}/comparison")
        assert (reply.status_code, reply.get_json()) == (200, {"object": "comparison"})
        assert reply.headers["Caption-AB-Frozen"] == "true"

    def test_the_report_as_a_file_is_still_there(self, ann, finished, services, kill):
        keep_report(finished, {"object": "comparison", "clips": []}, services.files)
        assert ann.get("/v1/jobs").status_code == 200
        kill()
        reply = ann.get(f"/v1/jobs/{finished}/comparison/report.html")
        assert (reply.status_code, reply.mimetype) == (200, "text/html")
        assert reply.headers["Caption-AB-Frozen"] == "true"
        assert "<html" in reply.get_data(as_text=True)

    def test_pages_say_that_they_are_to_be_asked_again(self, app, ann, finished, kill):
        # Given somebody who has signed in, and a link
        hers, token = browser(app, ann), token_of(share(ann, finished))
        assert hers.get(f"/jobs/{finished}").status_code == 200
        kill()
        # When they look while the server is away; then they are told so, in a page or a problem
        for page in ("/jobs", f"/jobs/{finished}", with_token(f"/jobs/{finished}", token)):
            shown = hers.get(page)
            assert (shown.status_code, shown.mimetype) == (503, "text/html")
            assert int(shown.headers["Retry-After"]) > 0
            assert is_unavailable(hers.get(page, headers={"Accept": "*/*"}))
        # And nobody comes in whose key cannot be looked up
        stranger = browser(app)
        assert stranger.sign_in(new_key("a pepper").text).status_code == 503

    def test_nobody_else_sees_it(self, bob, finished, kill):
        assert bob.get("/v1/jobs").status_code == 200
        kill()
        assert is_unavailable(bob.get(f"/v1/jobs/{finished}"))
        assert is_unavailable(show(bob, finished))

    def test_a_key_that_this_process_does_not_know_is_not_let_in(self, bob, finished, kill):
        kill()
        assert is_unavailable(bob.get(f"/v1/jobs/{finished}"))

    def test_a_known_key_is_trusted_for_an_hour(self, ann, finished, kill, monkeypatch):
        kill()
        real = AnchoredClock.monotonic_s
        for later_s, status in ((3500.0, 200), (3700.0, 503)):
            monkeypatch.setattr(
                AnchoredClock, "monotonic_s", lambda self, later_s=later_s: real(self) + later_s
            )
            assert ann.get(f"/v1/jobs/{finished}").status_code == status

    def test_what_the_files_hold_of_a_job_cannot_be_read_in_them(self, finished, settings):
        text = (Path(settings.files) / f"jobs/{finished}/job.sealed").read_bytes()
        assert b"clips.example" not in text

    def test_a_damaged_file_is_as_none(self, ann, finished, settings, services, kill):
        (Path(settings.files) / f"jobs/{finished}/job.sealed").write_bytes(b"damaged")
        assert thaw(finished, services.files, services.vault) is None
        kill()
        assert is_unavailable(ann.get(f"/v1/jobs/{finished}"))

    def test_readiness_says_so_and_life_goes_on(self, ann, kill):
        kill()
        reply = ann.get("/readyz")
        assert (reply.status_code, reply.headers["Retry-After"]) == (503, "2")
        assert ann.get("/livez").status_code == 200

    def test_it_serves_again_when_the_server_is_back(self, ann, server, finished, kill):
        kill()
        assert is_unavailable(ann.post("/v1/jobs", json=JOB))
        server.start()
        assert ann.post("/v1/jobs", json=JOB).status_code == 202
        assert "Caption-AB-Frozen" not in ann.get(f"/v1/jobs/{finished}").headers


def test_a_job_whose_answer_was_lost_is_found_by_its_key_and_not_made_twice(ann, server, services):
    # Given a server that takes a write, and is stopped before it answers
    pool = services.connection.client.connection_pool
    pool.connection_kwargs["socket_timeout"] = 1
    pool.reset()
    assert ann.get("/v1/jobs").get_json()["data"] == []
    key = {"Idempotency-Key": "once"}
    server.process.send_signal(signal.SIGSTOP)
    try:
        reply = ann.post("/v1/jobs", json=JOB, headers=key)
    finally:
        server.process.send_signal(signal.SIGCONT)
    # Then the answer does not claim that nothing was done, and says how to ask again
    assert is_unavailable(reply)
    assert "Idempotency-Key" in reply.get_json()["hint"]
    # And asking so finds the job that was made
    wait_for(lambda: ann.get("/v1/jobs").get_json()["data"])
    again = ann.post("/v1/jobs", json=JOB, headers=key)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (202, "true")
    found = [each["id"] for each in ann.get("/v1/jobs").get_json()["data"]]
    assert found == [again.get_json()["id"]]


def test_a_server_that_is_loading_answers_503_and_files_are_there(
    ann, server, services, finished, kill
):
    # Given a server that is reading its data, slowly
    client = services.connection.client
    client.config_set("rdbcompression", "no")
    client.mset({f"large:{n}": "x" * 4000 for n in range(3000)})
    client.bgrewriteaof()
    wait_for(lambda: not client.info("persistence")["aof_rewrite_in_progress"])
    kill()
    slowly = ("--key-load-delay", "1500", "--loading-process-events-interval-bytes", "1024")
    server.start(*slowly, wait=False)
    # When it is asked; then it is as if it were away
    assert is_unavailable(ann.post("/v1/jobs", json=JOB))
    assert ann.get(f"/v1/jobs/{finished}").headers["Caption-AB-Frozen"] == "true"


def test_a_job_is_frozen_when_it_ends_and_not_before(ann, finished, services):
    assert thaw(finished, services.files, services.vault).job.status == "succeeded"
    assert thaw("job_none", services.files, services.vault) is None
    other = ann.post("/v1/jobs", json=JOB).get_json()["id"]
    assert not (Path(services.settings.files) / f"jobs/{other}").exists()


def test_a_job_ends_though_its_files_are_full(ann, services, settings: Settings):
    # Given a store of files that takes nothing
    new = a_new_job(tenant=ann.tenant_id)
    services.jobs.create(new, now_ms=services.clock.now_ms())
    for row in (*clip_rows(new.id, new.spec), *cut_rows(new.id, new.spec)):
        end(services, row, "failed")
    Path(settings.files, "jobs").parent.mkdir(parents=True, exist_ok=True)
    Path(settings.files, "jobs").write_bytes(b"no folder")
    # When its job is finished; then it has ended
    finish_job(claim(services, f"finish:{new.id}"), services)
    assert services.jobs.read(new.id).status == "failed"


def test_an_act_does_not_fail_because_the_audit_log_cannot_be_written(ann, services, kill, caplog):
    kill()
    record(
        services.connection, Act.UPLOAD_DELETED, actor="key_x", tenant_id=ann.tenant_id,
        object_id="upl_x", now_ms=1,
    )  # fmt: skip
    assert "audit_unwritten" in caplog.text
