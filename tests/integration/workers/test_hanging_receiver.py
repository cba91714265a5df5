"""One receiver that hangs holds up its own deliveries and nobody else's."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace

from service.settings import Settings
from service.store.accounts import AccountStore, Tenant
from service.store.deliveries import DeliveryStore
from service.store.endpoints import EndpointStore
from service.vault import Vault
from service.webhooks.signing import new_secret
from tests.builders import TENANT, a_new_job, endpoint_fields
from tests.integration.workers.conftest import SECRET_KEY, Site, wait_for
from tests.receiver import Receiver, Reply

#: A tenant may have half of the worker's places.
OTHER, TENANT_SLOTS = "ten_2", 6
HUNG, TOLD, GREENLETS, SLOTS, DEADLINE_S = 300, 60, 12, 4, 3.0
SETTLES_S = 20.0


def make_endpoint(
    site: Site, name: str, receiver: Receiver, *events: str, tenant: str = TENANT
) -> None:
    endpoints = EndpointStore(site.connection, Settings())
    sealed = Vault([SECRET_KEY]).seal(new_secret())
    fields = endpoint_fields(url=receiver.url, events=events, concurrency=SLOTS, secret=sealed)
    endpoints.create(tenant, name, fields, now_ms=site.clock.now_ms())


def accept(site: Site, tenant: str = TENANT) -> None:
    site.jobs.create(replace(a_new_job(tenant=tenant), quota=1000), now_ms=site.clock.now_ms())


def make_tenant(site: Site, name: str) -> None:
    sealed = Vault([SECRET_KEY]).seal(new_secret())
    AccountStore(site.connection).create_tenant(Tenant(name, "t", "acc_1", sealed))


def start_worker(site: Site, *receivers: Receiver) -> None:
    site.worker(
        "hooks",
        CAPTION_AB_HOOKS_GREENLETS=str(GREENLETS),
        CAPTION_AB_WEBHOOK_TENANT_SLOTS=str(TENANT_SLOTS),
        CAPTION_AB_WEBHOOK_DEADLINE_S=str(DEADLINE_S),
        CAPTION_AB_TICK_EVERY_S="0.2",
        CAPTION_AB_CALLER_HTTP="1",
        CAPTION_AB_CALLER_LOOPBACK_PORTS=",".join(str(each.port) for each in receivers),
    )


def test_one_that_hangs_delays_nobody_else(site):
    # Given a worker with few places, and 300 deliveries to a receiver that never answers
    with Receiver(replies=[Reply(hang=True)] * HUNG) as hung, Receiver() as good:
        make_tenant(site, TENANT)
        make_endpoint(site, "whe_hung", hung, "job.created")
        for _ in range(HUNG):
            accept(site)
        start_worker(site, hung, good)
        wait_for(lambda: len(hung.received) >= SLOTS, 20)
        waiting = "cab:account:whe_hung:waiting"
        wait_for(lambda: site.client.zcard(waiting) >= HUNG - 3 * SLOTS, SETTLES_S)
        # When another endpoint is told of one thing after the other,
        make_endpoint(site, "whe_good", good, "job.created")
        site.client.srem(f"cab:tenant:{TENANT}:listening", "whe_hung")
        sent: list[float] = []
        for _ in range(TOLD):
            sent.append(time.time())
            accept(site)
            time.sleep(0.05)
        came = [each.at for each in good.wait_for(TOLD, 20)]
        # Then it is told at once, while the other has no more under way than it may.
        late = sorted(at - began for at, began in zip(came, sent, strict=True))
        assert statistics.median(late) < 0.5, late
        assert late[-1] < DEADLINE_S, late
        assert site.client.scard("cab:account:whe_hung:slots") <= SLOTS
        assert len(hung.received) <= SLOTS * (2 + (time.time() - sent[0] + SETTLES_S) / DEADLINE_S)
        # And what hangs has been tried and put off, not lost.
        deliveries = DeliveryStore(site.connection, Settings())
        rows = [row for _, row in deliveries.page("whe_hung", after=None, limit=HUNG)]
        assert {each.state.value for each in deliveries.read_many(rows)} == {"pending"}
        assert len(rows) == HUNG


def test_many_that_hang_delay_no_other_tenant(site):
    # Given a tenant with more endpoints that never answer than the worker has places for
    with Receiver(replies=[Reply(hang=True)] * 10 * HUNG) as hung, Receiver() as good:
        for tenant in (TENANT, OTHER):
            make_tenant(site, tenant)
        for number in range(GREENLETS // SLOTS):
            make_endpoint(site, f"whe_hung{number}", hung, "job.created")
        for _ in range(TOLD):
            accept(site)
        start_worker(site, hung, good)
        wait_for(lambda: len(hung.received) >= TENANT_SLOTS, 20)
        wait_for(lambda: site.client.zcard(f"cab:account:{TENANT}/hooks:waiting") > 0, 20)
        # When another tenant is told of one thing after the other,
        make_endpoint(site, "whe_good", good, "job.created", tenant=OTHER)
        sent: list[float] = []
        for _ in range(TOLD):
            sent.append(time.time())
            accept(site, OTHER)
            time.sleep(0.05)
        came = [each.at for each in good.wait_for(TOLD, 60)]
        # Then it is told at once.
        late = sorted(at - began for at, began in zip(came, sent, strict=True))
        assert statistics.median(late) < 0.5, late
        assert late[-1] < DEADLINE_S, late
        assert site.client.scard(f"cab:account:{TENANT}/hooks:slots") <= TENANT_SLOTS
