"""/v1/webhook-endpoints: made, listed, changed, rotated, deleted; and the secret of jobs."""

from __future__ import annotations

import re

import pytest

from service.ids import new_id

URL = "https://hooks.example.com/in"
KEYED = {"Idempotency-Key": "order-1"}


def make(who, **changes):
    answer = who.post("/v1/webhook-endpoints", json={"url": URL, **changes})
    assert answer.status_code == 201, answer.json
    return answer.json


def path(endpoint, *rest: str) -> str:
    return "/".join(["/v1/webhook-endpoints", endpoint["id"], *rest])


class TestMaking:
    def test_the_secret_is_shown_once_and_lies_sealed(self, ann, services):
        # When an endpoint is made, then its secret is in the answer,
        made = make(ann, description="orders", events=["job.*", "cut.failed"])
        assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", made["secret"])
        assert made["events"] == ["job.*", "cut.failed"]
        # and nowhere else: not when it is read, not in the store.
        shown = ann.get(path(made)).json
        assert shown == {name: value for name, value in made.items() if name != "secret"}
        kept = services.connection.client.hgetall(f"cab:endpoint:{made['id']}")
        assert made["secret"] not in str(kept)
        assert services.vault.open(kept["webhook_secret"]) == made["secret"]

    def test_what_is_left_out_has_a_default(self, ann):
        made = make(ann)
        assert (made["events"], made["enabled"], made["concurrency"]) == (
            ["job.*", "experiment.*"],
            True,
            10,
        )
        assert (made["disabled"], made["failing_since"], made["description"]) == (None, None, "")

    @pytest.mark.parametrize(
        ("wrong", "pointer"),
        [
            ({"url": "https://127.0.0.1/"}, "#/url"),
            ({"url": "https://user:pass@you.example.com/"}, "#/url"),
            ({"url": "ftp://you.example.com/"}, "#/url"),
            ({"events": ["orders.*"]}, "#/events/0"),
            ({"events": []}, "#/events"),
            ({"concurrency": 0}, "#/concurrency"),
            ({"secret": "whsec_mine"}, "#/secret"),
        ],
    )
    def test_what_cannot_be_is_refused_by_field(self, ann, wrong, pointer):
        answer = ann.post("/v1/webhook-endpoints", json={"url": URL, **wrong})
        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json["errors"]] == [pointer]

    def test_a_tenant_has_so_many_and_no_more(self, ann, bob, services):
        for _ in range(services.settings.webhook_endpoints):
            last = make(ann)
        answer = ann.post("/v1/webhook-endpoints", json={"url": URL})
        assert (answer.status_code, answer.json["code"]) == (429, "quota_exceeded")
        # Another tenant's do not count, and one that is deleted counts no more.
        make(bob)
        assert ann.delete(path(last)).status_code == 204
        make(ann)


class TestRepeating:
    def test_the_same_request_gets_the_same_answer_with_its_secret(self, ann, services):
        first, second = (
            ann.post("/v1/webhook-endpoints", json={"url": URL}, headers=KEYED) for _ in range(2)
        )
        assert first.json == second.json
        assert (first.status_code, second.status_code) == (201, 201)
        assert "Idempotency-Replayed" not in first.headers
        assert second.headers["Idempotency-Replayed"] == "true"
        assert second.headers["Location"] == first.headers["Location"]
        assert len(ann.get("/v1/webhook-endpoints").json["data"]) == 1
        # What is kept of it shows no secret, and not for ever.
        client = services.connection.client
        [key] = client.keys("cab:reply:*")
        assert first.json["secret"] not in str(client.hgetall(key))
        assert client.pttl(key) > 86_000_000

    def test_a_slash_at_the_end_makes_no_other_address(self, ann):
        first = ann.post("/v1/webhook-endpoints", json={"url": URL}, headers=KEYED)
        again = ann.post("/v1/webhook-endpoints/", json={"url": URL}, headers=KEYED)
        assert (first.json, again.headers["Idempotency-Replayed"]) == (again.json, "true")

    def test_another_body_is_refused(self, ann):
        ann.post("/v1/webhook-endpoints", json={"url": URL}, headers=KEYED)
        other = {"url": URL, "description": "x"}
        answer = ann.post("/v1/webhook-endpoints", json=other, headers=KEYED)
        assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_reused")

    def test_another_tenant_and_another_route_have_keys_of_their_own(self, ann, bob):
        mine = ann.post("/v1/webhook-endpoints", json={"url": URL}, headers=KEYED).json
        his = bob.post("/v1/webhook-endpoints", json={"url": URL}, headers=KEYED)
        assert (his.status_code, "Idempotency-Replayed" in his.headers) == (201, False)
        assert ann.post(path(mine, "test"), headers=KEYED).status_code == 202

    def test_a_request_that_was_refused_as_wrong_is_not_remembered(self, ann):
        wrong = {"url": "https://127.0.0.1/"}
        for _ in range(2):
            answer = ann.post("/v1/webhook-endpoints", json=wrong, headers=KEYED)
            assert (answer.status_code, "Idempotency-Replayed" in answer.headers) == (422, False)
        answer = ann.post("/v1/webhook-endpoints", json={"url": URL}, headers=KEYED)
        assert answer.status_code == 201

    def test_how_things_were_is_remembered(self, ann):
        # Given a test that was refused because the endpoint was off,
        made = make(ann, enabled=False)
        first = ann.post(path(made, "test"), headers=KEYED)
        assert first.status_code == 409
        # When it is on and the same request comes, then it gets the same answer.
        ann.open(path(made), "PATCH", json={"enabled": True})
        second = ann.post(path(made, "test"), headers=KEYED)
        assert (second.status_code, second.json) == (409, first.json)
        assert second.headers["Idempotency-Replayed"] == "true"


class TestReading:
    def test_pages_follow_each_other_to_the_end(self, ann):
        made = [make(ann, description=str(n))["id"] for n in range(5)]
        seen, query = [], "?limit=2"
        while query:
            answer = ann.get(f"/v1/webhook-endpoints{query}")
            seen += [each["id"] for each in answer.json["data"]]
            cursor = answer.json["next_cursor"]
            assert (f"cursor={cursor}" in answer.headers.get("Link", "")) == bool(cursor)
            query = f"?limit=2&cursor={cursor}" if cursor else ""
        assert sorted(seen) == sorted(made)
        assert len(seen) == 5

    def test_a_cursor_of_another_list_is_refused(self, ann):
        answer = ann.get("/v1/webhook-endpoints?cursor=abc")
        assert answer.json["errors"][0]["pointer"] == "query:/cursor"

    def test_what_is_another_tenants_does_not_exist(self, ann, bob):
        his = make(bob)
        none = ann.get(f"/v1/webhook-endpoints/{new_id('whe', 1)}").json
        delivery = f"{new_id('job', 1)}.1.{his['id']}"
        for method, where, body in (
            ("GET", path(his), None),
            ("PATCH", path(his), {"enabled": False}),
            ("DELETE", path(his), None),
            ("POST", path(his, "rotate-secret"), None),
            ("POST", path(his, "test"), None),
            ("GET", path(his, "deliveries"), None),
            ("GET", path(his, "deliveries", delivery), None),
            ("POST", path(his, "deliveries", delivery, "replay"), None),
            ("POST", path(his, "replay"), {"since": "2026-01-01T00:00:00Z"}),
        ):
            answer = ann.open(where, method, json=body)
            assert (answer.status_code, answer.json["detail"]) == (404, none["detail"]), where
        assert bob.get(path(his)).json["enabled"] is True
        assert ann.get("/v1/webhook-endpoints").json["data"] == []


class TestChanging:
    def test_what_is_named_changes_and_the_rest_stays(self, ann):
        made = make(ann, description="a")
        changed = ann.open(path(made), "PATCH", json={"events": ["cut.*"], "concurrency": 2}).json
        assert (changed["events"], changed["concurrency"]) == (["cut.*"], 2)
        assert (changed["url"], changed["description"]) == (URL, "a")

    def test_an_address_that_is_not_public_changes_nothing(self, ann):
        made = make(ann)
        answer = ann.open(path(made), "PATCH", json={"url": "https://10.0.0.1/"})
        assert answer.json["errors"][0]["pointer"] == "#/url"
        assert ann.get(path(made)).json["url"] == URL

    def test_one_that_is_switched_off_says_why_and_on_again_says_nothing(self, ann):
        made = make(ann)
        off = ann.open(path(made), "PATCH", json={"enabled": False}).json
        assert (off["enabled"], off["disabled"]["reason"]) == (False, "manual")
        on = ann.open(path(made), "PATCH", json={"enabled": True}).json
        assert (on["enabled"], on["disabled"]) == (True, None)


class TestSecrets:
    def test_a_rotated_secret_is_new_and_the_old_one_signs_too(self, ann, services):
        made = make(ann)
        answer = ann.post(path(made, "rotate-secret")).json
        assert answer["secret"].startswith("whsec_")
        assert answer["secret"] != made["secret"]
        assert len(answer["old"]) == 1
        endpoint = services.endpoints.read(made["id"])
        now_ms = services.clock.now_ms()
        opened = [services.vault.open(each) for each in endpoint.secrets.in_use(now_ms)]
        assert opened == [answer["secret"], made["secret"]]
        # A day later the old one is out of use.
        assert len(endpoint.secrets.in_use(now_ms + 86_400_001)) == 1
        assert ann.get(path(made)).json["secrets_in_use"] == 2

    def test_no_more_than_a_few_old_ones_sign(self, ann):
        made = make(ann)
        statuses = [ann.post(path(made, "rotate-secret")).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 409]

    def test_the_secret_of_jobs_has_a_name_and_an_age_and_is_rotated(self, ann, bob, services):
        before = ann.get("/v1/webhook-secret").json
        assert re.fullmatch(r"whs_[0-9a-f]{16}", before["id"])
        assert 0 <= before["age_s"] < 60
        # When it is rotated, then it has another name and the old one signs too;
        rotated = ann.post("/v1/webhook-secret/rotate").json
        secret = rotated.pop("secret")
        after = ann.get("/v1/webhook-secret").json
        assert after == {**rotated, "age_s": after["age_s"]}
        assert after["id"] != before["id"]
        assert len(after["old"]) == 1
        # it is what signs, and the other tenant's is as it was.
        sealed = services.endpoints.read_job_secrets(ann.tenant_id).sealed
        assert services.vault.open(sealed) == secret
        assert bob.get("/v1/webhook-secret").json["old"] == []
