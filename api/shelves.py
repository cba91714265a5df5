"""What an API process remembers of experiments, so that viewers seldom cost a call to Redis."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from service.jobs.viewing import Show, read_show
from service.model.public_key import PublicKey
from service.shelf import NOTHING_S, Shelf
from service.store.public_keys import PublicKeyStore

if TYPE_CHECKING:
    from service.jobs.context import Services

#: Keys, and origins of experiments, that a process remembers at most.
KEPT = 10_000
#: Experiments: the plan of one may take 130 kB, and a caller may have as many jobs as they like.
KEPT_SHOWS = 1_000
#: How long it is believed that an experiment has not begun.
WAITING_S = 1.0


@dataclass(frozen=True, slots=True)
class Shelves:
    """Publishable keys by id, what viewers are shown by job, origins of all open keys by job."""

    keys: Shelf[PublicKey]
    shows: Shelf[Show]
    origins: Shelf[frozenset[str]]


def open_shelves(services: Services) -> Shelves:
    """Empty shelves; what is on them is at most `key_cache_s` old."""
    settings, clock = services.settings, services.clock
    store = PublicKeyStore(services.connection)
    fresh_s, outage_s = settings.key_cache_s, settings.key_outage_s

    def read_origins(job_id: str) -> frozenset[str] | None:
        keys = [each for each in store.read_all(job_id) if each.is_open]
        return frozenset(origin for each in keys for origin in each.origins) or None

    def show_lasts_s(show: Show | None) -> float:
        if show is None:
            return min(NOTHING_S, fresh_s)
        return fresh_s if show.has_begun else min(WAITING_S, fresh_s)

    def lasts_s(found: object) -> float:
        return fresh_s if found is not None else min(NOTHING_S, fresh_s)

    read = partial(read_show, services=services)
    return Shelves(
        Shelf(store.find, clock, lasts_s=lasts_s, outage_s=outage_s, most=KEPT),
        Shelf(read, clock, lasts_s=show_lasts_s, outage_s=outage_s, most=KEPT_SHOWS),
        Shelf(read_origins, clock, lasts_s=lasts_s, outage_s=outage_s, most=KEPT),
    )
