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

HUNG, TOLD, GREENLETS, SLOTS, DEADLINE_S = 300, 60, 12, 4, 3.0
SETTLES_S = 20.0


def make_endpoint(site: Site, name: str, receiver: Receiver, *events: str) -> None:
    endpoints = EndpointStore(site.connection, Settings())
    sealed = Vault([SECRET_KEY]).seal(new_secret())
    fields = endpoint_fields(url=receiver.url, events=events, concurrency=SLOTS, secret=sealed)
    endpoints.create(TENANT, name, fields, now_ms=site.clock.now_ms())


def accept(site: Site) -> None:
    site.jobs.create(replace(a_new_job(), quota=1000), now_ms=site.clock.now_ms())


def test_one_that_hangs_delays_nobody_else(site):
    # Given a worker with few places, and 300 deliveries to a receiver that never answers
    with Receiver(replies=[Reply(hang=True)] * HUNG) as hung, Receiver() as good:
        AccountStore(site.connection).create_tenant(
            Tenant(TENANT, "t", "acc_1", Vault([SECRET_KEY]).seal(new_secret()))
        )
        make_endpoint(site, "whe_hung", hung, "job.created")
        for _ in range(HUNG):
            accept(site)
        site.worker(
            "hooks",
            CAPTION_AB_HOOKS_GREENLETS=str(GREENLETS),
            CAPTION_AB_WEBHOOK_DEADLINE_S=str(DEADLINE_S),
            CAPTION_AB_TICK_EVERY_S="0.2",
            CAPTION_AB_CALLER_HTTP="1",
            CAPTION_AB_CALLER_LOOPBACK_PORTS=f"{hung.port},{good.port}",
        )
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
