"""The audit log: what was done, by whom, to what; never a secret."""

from __future__ import annotations

import redis

from service.audit import KEPT_ENTRIES, Act, read_entries, record
from tests.integration.api.conftest import Visitor


def entries(services, tenant_id: str | None = None, before: str = "", limit: int = 100):
    return read_entries(services.connection, tenant_id=tenant_id, before=before, limit=limit)


def test_a_removed_upload_leaves_a_line(ann: Visitor, services):
    upload = ann.upload().get_json()["id"]
    assert ann.delete(f"/v1/uploads/{upload}").status_code == 204
    found = entries(services, ann.tenant_id)[0]
    assert (found.act, found.object_id) == (Act.UPLOAD_DELETED, upload)
    assert found.actor.startswith("key_")


def test_a_tenant_sees_its_own_lines_page_by_page(services):
    # Given acts of two tenants in turn
    for number in range(6):
        record(
            services.connection,
            Act.KEY_CREATED,
            actor="key_x",
            tenant_id=f"ten_{number % 2}",
            object_id=f"key_{number}",
            now_ms=number,
        )
    # When one reads two lines, and then what is before them
    page = entries(services, "ten_1", limit=2)
    rest = entries(services, "ten_1", before=page[-1].id, limit=2)
    # Then all are its own, newest first
    assert [each.object_id for each in (*page, *rest)] == ["key_5", "key_3", "key_1"]


def test_the_log_is_bounded(services, redis_client: redis.Redis, monkeypatch):
    monkeypatch.setattr("service.audit.KEPT_ENTRIES", 100)
    pipeline = redis_client.pipeline(transaction=False)
    for number in range(400):
        pipeline.xadd("cab:audit", {"at": number})
    pipeline.execute()
    record(services.connection, Act.KEY_CREATED, actor="a", tenant_id="t", object_id="o", now_ms=1)
    assert redis_client.xlen("cab:audit") < 300 < KEPT_ENTRIES


def test_what_is_done_to_endpoints_and_retention_leaves_a_line_each(ann: Visitor, services):
    # Given an endpoint that is made, sent elsewhere and removed, and a time that is set
    made = ann.post("/v1/webhook-endpoints", json={"url": "https://hooks.example.com/a"})
    place = f"/v1/webhook-endpoints/{made.json['id']}"
    changed = ann.open(place, "PATCH", json={"url": "https://hooks.example.com/b"})
    assert changed.status_code == 200
    assert ann.delete(place).status_code == 204
    assert ann.open("/v1/retention", "PUT", json={"job_ttl_s": 86_400}).status_code == 200
    # Then each act is there, with whom and what; a new address could take all events elsewhere
    found = [(each.act, each.object_id) for each in entries(services, ann.tenant_id)][:4]
    assert found == [
        ("retention.changed", ann.tenant_id),
        ("endpoint.deleted", made.json["id"]),
        ("endpoint.changed", made.json["id"]),
        ("endpoint.created", made.json["id"]),
    ]
