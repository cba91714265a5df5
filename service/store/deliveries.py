"""Deliveries of events to endpoints: made, tried, tried again, listed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.errors import Gone, NotFound, StoreUnavailable
from service.model.delivery import DeliveryDoc, DeliveryState
from service.model.documents import read_document
from service.settings import Settings
from service.store import scripts
from service.store.commands import Claim
from service.store.connection import Connection, Refused
from service.store.held import run_held
from service.store.refusals import NEARLY_FULL, switched_off
from service.store.scripts import Refusal

#: `next_ms` of a try that somebody asked for: the schedule goes on as it was.
AS_PLANNED = -1


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A delivery to be made: its row, its document, the line it waits in, its endpoint."""

    row: str
    doc: str
    line: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as it stands; `next_ms` is when it is tried next, 0 for never."""

    row: str
    state: DeliveryState
    doc: DeliveryDoc
    next_ms: int


class DeliveryStore:
    """Deliveries in Redis. They live as long as their job; those of no job for `webhook_log_s`."""

    def __init__(self, connection: Connection, settings: Settings) -> None:
        self._connection = connection
        self._keys = connection.keys
        self._log = (int(settings.webhook_log_s * 1000), settings.webhook_log)

    def fan_out(self, claim: Claim, deliveries: Sequence[NewDelivery], *, now_ms: int) -> int:
        """Turn an event into deliveries and close its row; how many are new.

        Raises:
            LeaseLost: somebody else has the event's row; nothing was written.
        """
        body = json.dumps(
            [
                {"row": each.row, "doc": each.doc, "line": each.line, "endpoint": each.endpoint}
                for each in deliveries
            ]
        )
        args = (claim.row, claim.fence, body, *self._log)
        return int(run_held(self._connection, scripts.FAN_OUT, now_ms, *args)[0])

    def record_attempt(
        self, claim: Claim, *, state: str, doc: str, next_ms: int, now_ms: int, health: str = ""
    ) -> bool:
        """Write one try of a delivery; true when its endpoint was switched off by it.

        `next_ms` 0 ends it. `health` is what the try tells of the endpoint, as record_attempt.lua
        takes it.

        Raises:
            LeaseLost: somebody else has the row; nothing was written.
        """
        args = (claim.row, claim.fence, state, doc, next_ms, self._log[0], health)
        return run_held(self._connection, scripts.RECORD_ATTEMPT, now_ms, *args)[1] == "1"

    def send_test(
        self, tenant_id: str, endpoint_id: str, row: str, doc: str, *, origin: str, now_ms: int
    ) -> None:
        """Send an event of no job to one endpoint, once.

        Raises:
            NotFound: this tenant has no such endpoint.
            Conflict: it is switched off.
            StoreUnavailable: Redis has little memory left.
        """
        args = (tenant_id, endpoint_id, row, doc, *self._log, origin)
        try:
            self._connection.run(scripts.SEND_TEST, now_ms, *args)
        except Refused as refused:
            raise _refused(refused.refusal) from None

    def replay(self, tenant_id: str, endpoint_id: str, row: str, *, now_ms: int) -> bool:
        """Try a delivery once more now; false when it is being tried already.

        Raises:
            NotFound: this tenant has no such endpoint.
            Gone: the delivery's job has expired.
            Conflict: the endpoint is switched off.
        """
        try:
            reply = self._connection.run(scripts.REPLAY, now_ms, tenant_id, endpoint_id, row)
        except Refused as refused:
            if refused.refusal is Refusal.GONE:
                raise Gone("The delivery's job has expired.") from None
            raise _refused(refused.refusal) from None
        return reply[0] == "asked"

    def replay_all(
        self, tenant_id: str, endpoint_id: str, rows: Sequence[str], *, now_ms: int
    ) -> int:
        """Try several deliveries once more, in one exchange; how many of them are."""
        calls = [(tenant_id, endpoint_id, row) for row in rows]
        replies = self._connection.run_all(scripts.REPLAY, now_ms, calls) if calls else []
        return sum(not isinstance(each, Refusal) and each[0] == "asked" for each in replies)

    def page(
        self, endpoint_id: str, *, after: tuple[int, str] | None, limit: int
    ) -> list[tuple[int, str]]:
        """Deliveries to an endpoint, newest first, behind a place: when each was made, its row."""
        key = self._keys.endpoint_deliveries(endpoint_id)

        def ask(client: Any) -> Any:
            start = 0
            if after is not None:
                rank = client.zrevrank(key, after[1])
                # One that has left the list was older than all that is in it.
                start = rank + 1 if rank is not None else client.zcount(key, after[0], "+inf")
            return client.zrange(key, start, start + limit - 1, desc=True, withscores=True)

        return [(int(at), row) for row, at in self._connection.read(ask)]

    def read_states(self, rows: Sequence[str]) -> list[str | None]:
        """The states of some deliveries, in one exchange; none for what is not there."""

        def ask(client: Any) -> Any:
            pipeline = client.pipeline(transaction=False)
            for row in rows:
                pipeline.hget(self._keys.row(row), "state")
            return pipeline.execute()

        return list(self._connection.read(ask)) if rows else []

    def read_retried(self, rows: Sequence[str]) -> list[str]:
        """Those of some deliveries, in order, that are open and were tried, and not asked for."""

        def ask(client: Any) -> Any:
            pipeline = client.pipeline(transaction=False)
            for row in rows:
                pipeline.hmget(self._keys.row(row), "open", "resume", "doc")
            return pipeline.execute()

        found = self._connection.read(ask) if rows else []
        return [
            row
            for row, (opened, asked, doc) in zip(rows, found, strict=True)
            if opened == "1" and asked != "1" and read_document(DeliveryDoc, doc).attempts
        ]

    def read(self, row: str) -> Delivery | None:
        """One delivery, or none."""
        return next(iter(self.read_many([row])), None)

    def read_many(self, rows: Sequence[str]) -> list[Delivery]:
        """Those of some deliveries that are there, in order, in one exchange."""

        def ask(client: Any) -> Any:
            pipeline = client.pipeline(transaction=False)
            for row in rows:
                pipeline.hmget(self._keys.row(row), "state", "doc", "open", "ready")
            return pipeline.execute()

        found = self._connection.read(ask) if rows else []
        return [
            Delivery(
                row,
                DeliveryState(state),
                read_document(DeliveryDoc, doc),
                int(ready) if opened == "1" else 0,
            )
            for row, (state, doc, opened, ready) in zip(rows, found, strict=True)
            if state
        ]


def _refused(refusal: Refusal) -> Exception:
    match refusal:
        case Refusal.STATE:
            return switched_off()
        case Refusal.FULL:
            return StoreUnavailable(NEARLY_FULL)
        case _:
            return NotFound("There is no such webhook endpoint.")
