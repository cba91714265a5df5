"""How much an API process remembers of experiments."""

from __future__ import annotations

from dataclasses import replace

import redis

from api.shelves import open_shelves
from service.clock import FakeClock
from service.ids import new_id
from service.jobs.context import Services


def test_a_process_remembers_a_thousand_experiments(services: Services, redis_client: redis.Redis):
    # Given a process that was asked for more experiments than it may remember
    clock = FakeClock()
    shows = open_shelves(replace(services, clock=clock)).shows
    names = [new_id("job", clock.now_ms()) for _ in range(1001)]
    for each in names:
        shows.find(each)

    def asks(name: str) -> bool:
        before = redis_client.info("commandstats")["cmdstat_hgetall"]["calls"]
        shows.find(name)
        return redis_client.info("commandstats")["cmdstat_hgetall"]["calls"] > before

    # Then it asks again for the one that it was asked for longest ago, and for no other
    assert not asks(names[1])
    assert asks(names[0])
