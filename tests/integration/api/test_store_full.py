"""Redis full, a replica or without its disk: nothing is accepted, what is there can be read."""

from __future__ import annotations

from pathlib import Path

from tests.integration.api.conftest import JOB
from tests.integration.api.outage import end, is_unavailable, wait_for
from tests.integration.api.outage_fixtures import client, finished, redis_url, server

__all__ = ["client", "finished", "redis_url", "server"]


def fill_nine_tenths(client) -> None:
    """More than nine tenths of `maxmemory`, with room left for the scripts of running jobs."""
    for part in range(40):  # not at once: the server would count its buffer too, and free it later
        client.set(f"ballast:{part}", bytes(500_000))
    client.config_set("maxmemory", int(client.info("memory")["used_memory"] * 1.08))


class TestFull:
    def test_a_full_server_takes_no_job_and_loses_none(self, ann, client, finished, services):
        # Given a server that has reached its maxmemory
        used = client.info("memory")["used_memory"]
        client.config_set("maxmemory", used // 2)
        # When jobs and uploads are sent; then they are refused, to be sent again
        assert is_unavailable(ann.post("/v1/jobs", json=JOB))
        assert is_unavailable(ann.upload())
        # And what is there can be read
        assert ann.get(f"/v1/jobs/{finished}").status_code == 200
        # And no file of a refused upload stays behind
        assert not list(Path(services.settings.files).glob("uploads/*"))
        client.config_set("maxmemory", 0)
        assert ann.post("/v1/jobs", json=JOB).status_code == 202

    def test_the_last_tenth_is_kept_for_running_jobs(self, ann, client, services):
        # Given a job, and a server nine tenths full
        row = ann.post("/v1/jobs", json=JOB).get_json()["id"]
        fill_nine_tenths(client)
        # When another is sent, and a message to the first; then they are refused
        assert is_unavailable(ann.post("/v1/jobs", json=JOB))
        message = {"text": "make it bigger", "clip": 0}
        path = f"/v1/jobs/{row}/variants/A/messages"
        assert is_unavailable(ann.post(path, json=message, headers={"Idempotency-Key": "k"}))
        # But the first goes on
        end(services, f"clip:{row}.0", "failed")
        client.config_set("maxmemory", 0)
        assert ann.post("/v1/jobs", json=JOB).status_code == 202

    def test_a_request_that_was_accepted_before_is_still_answered(self, ann, client):
        headers = {"Idempotency-Key": "k1"}
        first = ann.post("/v1/jobs", json=JOB, headers=headers)
        fill_nine_tenths(client)
        again = ann.post("/v1/jobs", json=JOB, headers=headers)
        assert (again.status_code, again.get_json()["id"]) == (202, first.get_json()["id"])

    def test_no_answer_is_kept_in_the_last_tenth_but_one_that_is_there_is_given(self, ann, client):
        path, body = "/v1/webhook-secret/rotate", {"Idempotency-Key": "k1"}
        first = ann.post(path, headers=body)
        fill_nine_tenths(client)
        assert is_unavailable(ann.post(path, headers={"Idempotency-Key": "k2"}))
        again = ann.post(path, headers=body)
        assert (again.status_code, again.get_json()) == (200, first.get_json())


def test_a_replica_takes_nothing(ann, client):
    # Given a server that has become a replica, as after a failover
    client.replicaof("127.0.0.1", 1)
    assert is_unavailable(ann.post("/v1/jobs", json=JOB))


def test_a_server_that_cannot_write_to_its_disk_takes_nothing(ann, client, server, finished):
    # Given a server whose last writing to disk failed, which is told in its own words
    client.config_set("stop-writes-on-bgsave-error", "yes")
    client.config_set("save", "3600 1")
    (server.folder / "gone").mkdir()
    (server.folder / "dump.rdb" / "in the way").mkdir(parents=True)
    client.bgsave()
    wait_for(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")
    assert is_unavailable(ann.post("/v1/jobs", json=JOB))
    assert ann.get(f"/v1/jobs/{finished}").status_code == 200
