"""Where an event goes: the job's own webhook, and endpoints of its tenant that want it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from service.model.delivery import JOB_ENDPOINT
from service.model.endpoint import Endpoint
from service.model.job import WebhookSpec
from service.webhooks.events import is_wanted


@dataclass(frozen=True, slots=True)
class Target:
    """One receiver of an event; `line` is where its deliveries wait for each other.

    A line is an endpoint, or one host of a tenant's jobs: so many of it are sent at once, and
    whoever hangs holds up its own line alone.
    """

    endpoint: str
    url: str
    line: str
    generation: int = 0


def choose_targets(
    kind: str, tenant_id: str, webhook: WebhookSpec | None, endpoints: Sequence[Endpoint]
) -> list[Target]:
    """All receivers of an event of this type, each once.

    Args:
        kind: The type of the event.
        tenant_id: Whose event it is.
        webhook: The job's own webhook; none where it has none, or it wants nothing more.
        endpoints: Those of the tenant, in any state.
    """
    targets = []
    if webhook and is_wanted(kind, webhook.events):
        line = f"{tenant_id}.{_host(webhook.url)}"
        targets.append(Target(JOB_ENDPOINT, webhook.url, line))
    targets += [
        Target(each.id, each.url, each.id, each.generation)
        for each in endpoints
        if each.enabled and is_wanted(kind, each.events)
    ]
    return targets


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").replace(":", "-")
