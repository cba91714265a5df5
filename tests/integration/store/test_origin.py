"""The request that work goes back to travels with it, from accept to the last delivery."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.model.delivery import DeliveryDoc
from service.model.documents import write_document
from service.model.origin import NOWHERE, Origin, read_origin, write_origin
from service.model.rows import cut_row, delivery_row
from service.store.revisions import NewCut, add_cut
from tests.builders import TENANT, a_delivery, a_new_job, a_spec, an_event

ORIGIN = Origin("order-4711", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")


def a_job(origin: Origin = ORIGIN, **spec):
    return replace(a_new_job(a_spec(**spec)), origin=write_origin(origin))


def test_every_row_of_a_job_has_its_origin(store):
    # Given a job whose request had an id, and that tells a webhook
    new = store.accept(a_job(hooks=True))
    # Then its clip, its cuts, its events and their deliveries lead back to it
    assert read_origin(store.claim(new.rows[0].row).origin) == ORIGIN
    event = store.claim(f"event:{new.id}.1")
    assert read_origin(event.origin) == ORIGIN
    row = delivery_row(new.id, 1, "job")
    doc = DeliveryDoc(new.id, 1, "job", "https://you.example/hooks", TENANT, "evt_1")
    made = [a_delivery(row, write_document(doc))]
    store.deliveries.fan_out(event, made, now_ms=store.now_ms)
    assert read_origin(store.claim(row).origin) == ORIGIN


def test_a_message_has_an_origin_of_its_own(store):
    # Given a job, and a message that came by another request
    new, _ = store.ready_job(a_job())
    later = Origin("order-4712")
    added = add_cut(
        store.connection,
        NewCut(
            tenant_id=TENANT,
            job_id=new.id,
            clip=0,
            label="A",
            wish="larger",
            event=an_event("cut.created"),
            idempotency_key="k",
            fingerprint="f",
            idempotency_ttl_ms=1000,
            limit_ms=1000,
            look_ms=1000,
            origin=write_origin(later),
        ),
        now_ms=store.now_ms,
    )
    # Then its cut goes back to that, and the first one to the job's
    store.end(cut_row(new.id, 0, "A"), "succeeded")
    assert read_origin(store.claim(added.row).origin) == later
    assert read_origin(store.claim(cut_row(new.id, 0, "B")).origin) == ORIGIN


def test_work_of_a_release_before_has_none_and_goes_on(store):
    new = store.accept(a_job(NOWHERE))
    assert store.claim(new.rows[0].row).origin == ""
    assert "origin" not in store.job(new.id)


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', '{"newer": 1}'])
def test_an_origin_that_does_not_read_is_none(text):
    assert read_origin(text) == NOWHERE
