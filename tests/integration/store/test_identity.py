"""Which Redis counts is noted once, however many processes come first at the same time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from service.clock import FakeClock
from service.settings import Settings
from service.store.connection import Connection
from service.store.identity import require_known
from service.store.pool import connect


class Slow(Connection):
    """One whose first answer comes when somebody else has done something meanwhile."""

    meanwhile: Callable[[], None] | None = None

    def read(self, ask: Callable[[Any], Any]) -> Any:
        found, meanwhile = super().read(ask), self.meanwhile
        self.meanwhile = None
        if meanwhile is not None:
            meanwhile()
        return found


@pytest.fixture
def elsewhere(redis_client, redis_url):
    """A client of another Redis, which nobody has counted in."""
    url = redis_url.replace("db=0", "db=1")
    client = connect(Settings(), connections=2, name="test", url=url)
    client.flushdb()
    yield client
    client.close()


@pytest.mark.parametrize("slow", ["counting", "main"])
def test_who_comes_first_at_the_same_time_as_another_is_not_refused(redis_client, elsewhere, slow):
    # Given two processes that both come first, one of which gets an answer late
    clock = FakeClock(1_800_000_000_000)
    ours = {
        name: Slow(client, Settings(), clock)
        for name, client in (("counting", elsewhere), ("main", redis_client))
    }
    theirs = [Connection(client, Settings(), clock) for client in (elsewhere, redis_client)]
    ours[slow].meanwhile = lambda: require_known(*theirs)
    # When they note where outcomes are counted, then both note the same and may count there.
    require_known(ours["counting"], ours["main"])
    require_known(ours["counting"], ours["main"])
    assert elsewhere.get("cab:counting-id") == redis_client.get("cab:counting-id")
