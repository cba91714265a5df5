"""Administration by HTTP: a tenant's admin key, an operator's, and what neither may do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from service.access import create_key
from service.model.scope import Scope
from tests.integration.api.conftest import Visitor


@pytest.fixture
def made(services) -> Callable[..., Visitor]:
    """A visitor with another key of the same tenant."""

    def make(visitor: Visitor, *scopes: Scope, **more: Any) -> Visitor:
        _, text = create_key(
            services.accounts,
            tenant_id=visitor.tenant_id,
            account_id="acc_anonymous",
            pepper=services.settings.key_pepper,
            now_ms=services.clock.now_ms(),
            scopes=scopes,
            **more,
        )
        return replace(visitor, key=text)

    return make


@pytest.fixture
def admin(ann: Visitor, made) -> Visitor:
    return made(ann, Scope.ADMIN)


@pytest.fixture
def operator(new_visitor, made) -> Visitor:
    return made(new_visitor("operations"), Scope.ADMIN, operator=True)


def create(visitor: Visitor, **body: Any):
    return visitor.post("/v1/admin/keys", json={"name": "ci", **body})


class TestKeys:
    def test_a_made_key_works_within_its_scopes(self, admin: Visitor):
        # Given a key made for reading
        reply = create(admin, scopes=["jobs:read"], mode="test")
        body = reply.get_json()
        assert reply.status_code == 201
        assert body["key"].startswith("cab_test_")
        # When it is used, then it reads and does not write
        own = replace(admin, key=body["key"])
        assert own.get("/v1/jobs").status_code == 200
        assert own.post("/v1/jobs", json={}).status_code == 403
        # And its text is shown no more
        shown = admin.get(f"/v1/admin/keys/{body['id']}")
        assert "key" not in shown.get_json()
        assert shown.get_json()["last_used_at"] is not None
        assert body["key"] not in admin.get("/v1/admin/keys").text

    def test_keys_are_listed_page_by_page_newest_first(self, admin: Visitor):
        ids = [create(admin).get_json()["id"] for _ in range(5)]
        found, path = [], "/v1/admin/keys?limit=2"
        while path:
            reply = admin.get(path)
            found += [each["id"] for each in reply.get_json()["data"]]
            link = reply.headers.get("Link", "")
            path = link[1:].partition(">")[0].removeprefix("https://ab.example.com")
        assert found[:5] == sorted(ids, reverse=True)  # an id begins with its millisecond
        assert len(found) == len(set(found)) == 7  # ann's first, and the admin's own

    @pytest.mark.parametrize("cursor", ["x", "MTIz", "YWJj", "%00"])
    @pytest.mark.parametrize("name", ["keys", "audit"])
    def test_a_cursor_of_another_kind_is_refused(self, admin: Visitor, cursor, name):
        reply = admin.get(f"/v1/admin/{name}?cursor={cursor}")
        assert reply.status_code == 422

    def test_a_revoked_key_ends_at_once_here(self, admin: Visitor):
        body = create(admin).get_json()
        own = replace(admin, key=body["key"])
        assert own.get("/v1/jobs").status_code == 200
        assert admin.delete(f"/v1/admin/keys/{body['id']}").status_code == 204
        assert own.get("/v1/jobs").status_code == 401

    def test_a_revoked_key_is_still_listed(self, admin: Visitor):
        # Given a key that is revoked twice
        place = f"/v1/admin/keys/{create(admin).get_json()['id']}"
        assert [admin.delete(place).status_code for _ in range(2)] == [204, 204]
        # Then it is there, as it ended; and the log has it once
        shown = admin.get(place).get_json()
        assert (shown["status"], shown["revoked_at"]) == ("revoked", shown["expires_at"])
        assert shown in admin.get("/v1/admin/keys").get_json()["data"]
        acts = [each["act"] for each in admin.get("/v1/admin/audit").get_json()["data"]]
        assert acts.count("key.revoked") == 1
        # And it gets no successor
        assert admin.post(f"{place}/rotate").status_code == 409

    def test_a_revoked_key_makes_room_for_a_new_one(self, admin: Visitor, monkeypatch):
        # Given a tenant with as many keys as it may have
        monkeypatch.setattr("service.keyring.MOST_KEYS", 3)
        first = create(admin).get_json()["id"]
        assert create(admin).status_code == 429
        # When one is revoked, then a new one takes its place in the list
        admin.delete(f"/v1/admin/keys/{first}")
        assert create(admin).status_code == 201
        assert admin.get(f"/v1/admin/keys/{first}").status_code == 404

    def test_a_rotated_key_works_beside_its_successor(self, admin: Visitor):
        first = create(admin, scopes=["jobs:read"]).get_json()
        second = admin.post(f"/v1/admin/keys/{first['id']}/rotate").get_json()
        assert second["scopes"] == ["jobs:read"]
        for text in (first["key"], second["key"]):
            assert replace(admin, key=text).get("/v1/jobs").status_code == 200
        shown = admin.get(f"/v1/admin/keys/{first['id']}").get_json()
        assert shown["replaced_by"] == second["id"]
        assert shown["expires_at"] is not None
        # And it has one successor only
        again = admin.post(f"/v1/admin/keys/{first['id']}/rotate")
        assert (again.status_code, again.get_json()["code"]) == (409, "conflict")

    def test_a_key_rotated_without_delay_ends_at_once_here(self, admin: Visitor):
        body = create(admin).get_json()
        own = replace(admin, key=body["key"])
        assert own.get("/v1/jobs").status_code == 200
        admin.post(f"/v1/admin/keys/{body['id']}/rotate?old_key_lives_s=0")
        assert own.get("/v1/jobs").status_code == 401

    def test_no_admin_lifts_the_limits_of_the_installation(self, admin: Visitor, operator):
        # Given an installation that accepts 60 jobs a minute from a key
        for value, status in ((0, 422), (61, 422), (60, 201)):
            reply = create(admin, limits={"jobs_per_minute": value})
            assert reply.status_code == status, value
        # When an operator asks for more, it is given
        reply = create(operator, limits={"jobs_per_minute": 0}, tenant_id=admin.tenant_id)
        assert reply.get_json()["limits"]["jobs_per_minute"] == 0

    def test_a_tenant_has_so_many_keys_at_most(self, admin: Visitor, monkeypatch):
        monkeypatch.setattr("service.keyring.MOST_KEYS", 3)
        assert create(admin).status_code == 201
        reply = create(admin)
        assert (reply.status_code, reply.get_json()["code"]) == (429, "quota_exceeded")

    def test_rotated_keys_count_too_while_they_are_listed(
        self, admin: Visitor, monkeypatch, redis_client
    ):
        # Given a tenant with as many keys as it may have
        monkeypatch.setattr("service.keyring.MOST_KEYS", 3)
        made = create(admin).get_json()["id"]
        # When one is rotated, then it is told to make room,
        reply = admin.post(f"/v1/admin/keys/{made}/rotate")
        assert (reply.status_code, reply.get_json()["code"]) == (429, "quota_exceeded")
        # and when one has left the list, then there is room.
        redis_client.delete(f"cab:key:{redis_client.hget('cab:key-ids', made)}")
        other = create(admin)
        assert other.status_code == 201
        other_id = other.get_json()["id"]
        listed = admin.get("/v1/admin/keys").get_json()["data"]
        old = [each["id"] for each in listed if each["last4"] != admin.key[-4:]]
        old.remove(other_id)
        admin.delete(f"/v1/admin/keys/{old[0]}")
        assert admin.post(f"/v1/admin/keys/{other_id}/rotate").status_code == 201


class TestOtherTenants:
    def test_an_admin_key_names_no_other_tenant(self, admin: Visitor, bob: Visitor):
        never = "ten_" + "0" * 26
        for tenant in (bob.tenant_id, never):
            for reply in (
                create(admin, tenant_id=tenant),
                admin.get(f"/v1/admin/keys?tenant_id={tenant}"),
                admin.get(f"/v1/admin/audit?tenant_id={tenant}"),
            ):
                body = reply.get_json()
                assert reply.status_code == 404
                assert body["detail"] == f"There is no tenant {tenant}."

    def test_an_admin_key_sees_its_own_tenant_only(self, admin: Visitor, bob: Visitor):
        data = admin.get("/v1/admin/tenants").get_json()["data"]
        assert [each["id"] for each in data] == [admin.tenant_id]
        assert admin.post("/v1/admin/tenants", json={"name": "x"}).status_code == 403
        assert bob.tenant_id not in admin.get("/v1/admin/audit").text

    def test_an_operator_makes_a_tenant_and_its_keys(self, operator: Visitor):
        # Given a tenant made by an operator
        reply = operator.post("/v1/admin/tenants", json={"name": "carol"})
        body = reply.get_json()
        assert reply.status_code == 201
        assert body["webhook_secret"].startswith("whsec_")
        carol = replace(operator, key=body["api_key"], tenant_id=body["tenant_id"])
        assert carol.get("/v1/jobs").status_code == 200
        # When the operator ends its key
        assert operator.delete(f"/v1/admin/keys/{body['key_id']}").status_code == 204
        # Then it is over, and the tenant is listed with the others
        assert carol.get("/v1/jobs").status_code == 401
        listed = [t["id"] for t in operator.get("/v1/admin/tenants").get_json()["data"]]
        assert {carol.tenant_id, operator.tenant_id} <= set(listed)

    def test_nobody_gains_an_operators_key_by_http(self, operator: Visitor, made):
        # Given an operator's key, and an admin key of the same tenant
        plain = made(operator, Scope.ADMIN)
        keys = plain.get("/v1/admin/keys").get_json()["data"]
        (theirs,) = [each["id"] for each in keys if each["operator"]]
        # When the admin key would rotate or revoke it, then it may not
        assert plain.post(f"/v1/admin/keys/{theirs}/rotate").status_code == 403
        assert plain.delete(f"/v1/admin/keys/{theirs}").status_code == 403
        # And no key that a route makes is one
        assert create(operator).get_json()["operator"] is False
        assert create(operator, operator=True).status_code == 422


class TestAudit:
    def test_every_act_is_there_with_its_actor_and_no_secret(self, admin: Visitor):
        # Given a key that is made, rotated and revoked
        first = create(admin).get_json()
        second = admin.post(f"/v1/admin/keys/{first['id']}/rotate").get_json()
        admin.delete(f"/v1/admin/keys/{first['id']}")
        # When the log is read
        reply = admin.get("/v1/admin/audit")
        told = [(each["act"], each["object_id"]) for each in reply.get_json()["data"]]
        # Then it tells just that, newest first
        assert told[:4] == [
            ("key.revoked", first["id"]),
            ("key.created", second["id"]),
            ("key.rotated", first["id"]),
            ("key.created", first["id"]),
        ]
        me = [k["id"] for k in admin.get("/v1/admin/keys").get_json()["data"]]
        assert {each["actor"] for each in reply.get_json()["data"][:4]} <= set(me)
        assert "cab_" not in reply.text

    def test_it_is_read_page_by_page(self, admin: Visitor):
        ids = [create(admin).get_json()["id"] for _ in range(5)]
        page = admin.get("/v1/admin/audit?limit=3").get_json()
        rest = admin.get(f"/v1/admin/audit?limit=3&cursor={page['next_cursor']}").get_json()
        told = [each["object_id"] for each in (*page["data"], *rest["data"])]
        assert told == ids[::-1]
        assert rest["next_cursor"] is None
