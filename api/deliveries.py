"""What was sent to a webhook endpoint, and sending it again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response

from api.cursors import read_cursor, write_cursor
from api.endpoint_schemas import (
    DeliveriesQuery,
    DeliveriesReply,
    DeliveryReply,
    ReplayReply,
    ReplayRequest,
)
from api.endpoints import own_endpoint, routes
from api.gate import takes_json
from api.repeats import IDEMPOTENCY_KEY, may_repeat
from api.schemas import NoQuery
from api.state import answer_json, answer_page, origin, public_url, services
from service.errors import NotFound
from service.model.endpoint import Endpoint
from service.model.lifecycle import RowKind
from service.model.rows import is_delivery_id, row_id
from service.store.deliveries import Delivery
from service.webhooks.endpoints import replay_since, send_test
from service.webhooks.view import delivery_data, shown_state

#: Pages of the store read for one page of a filtered list; then the caller goes on by cursor.
MAX_READS = 10


@routes.route("/webhook-endpoints/<endpoint_id>/test", methods=["POST"])
@routes.doc(parameters=[IDEMPOTENCY_KEY])
@routes.arguments(NoQuery, location="query")
@routes.response(202, DeliveryReply)
@routes.alt_response(409, "CONFLICT")
@may_repeat
def try_endpoint(_query: dict[str, Any], endpoint_id: str) -> Response:
    """Send `webhook.test` to this endpoint alone, once; its delivery says what came of it."""
    own = own_endpoint(endpoint_id)
    delivery = send_test(own.tenant_id, own.id, origin(), services())
    return _answer(own, delivery, 202)


@routes.route("/webhook-endpoints/<endpoint_id>/deliveries")
@routes.arguments(DeliveriesQuery, location="query")
@routes.response(200, DeliveriesReply)
def read_deliveries(query: dict[str, Any], endpoint_id: str) -> Response:
    """What was sent to this endpoint, newest first, as long as the jobs are kept."""
    own = own_endpoint(endpoint_id)
    found: list[dict[str, Any]] = []
    after = None
    if query["cursor"]:
        after = read_cursor(query["cursor"], lambda text: is_delivery_id(text, own.id))
    for step in _walk(own, after, query):
        if step is None:
            return answer_page(found, None)
        place, delivery = step
        if delivery is not None and query.get("status") in {None, shown_state(delivery.state)}:
            if len(found) == query["limit"]:  # so that a last page is known as one
                break
            found.append(delivery_data(delivery, attempts=False))
        after = place
    return answer_page(found, write_cursor(*after) if after else None)


@routes.route("/webhook-endpoints/<endpoint_id>/deliveries/<delivery_id>")
@routes.arguments(NoQuery, location="query")
@routes.response(200, DeliveryReply)
def read_delivery(_query: dict[str, Any], endpoint_id: str, delivery_id: str) -> Response:
    """One delivery with every try: when, why, status, duration, how the reply began."""
    own = own_endpoint(endpoint_id)
    return _answer(own, _own_delivery(own, delivery_id), 200)


@routes.route("/webhook-endpoints/<endpoint_id>/deliveries/<delivery_id>/replay", methods=["POST"])
@routes.doc(parameters=[IDEMPOTENCY_KEY])
@routes.arguments(NoQuery, location="query")
@routes.response(202, DeliveryReply)
@routes.alt_response(409, "CONFLICT")
@routes.alt_response(410, "GONE")
@may_repeat
def replay_delivery(_query: dict[str, Any], endpoint_id: str, delivery_id: str) -> Response:
    """Try it once more now, delivered or not. It starts no schedule, and moves none under way."""
    own, parts = own_endpoint(endpoint_id), services()
    delivery = _own_delivery(own, delivery_id)
    parts.deliveries.replay(own.tenant_id, own.id, delivery.row, now_ms=parts.clock.now_ms())
    return _answer(own, _own_delivery(own, delivery_id), 202)


@routes.route("/webhook-endpoints/<endpoint_id>/replay", methods=["POST"])
@takes_json
@routes.doc(parameters=[IDEMPOTENCY_KEY])
@routes.arguments(NoQuery, location="query")
@routes.arguments(ReplayRequest)
@routes.response(202, ReplayReply)
@routes.alt_response(409, "CONFLICT")
@routes.alt_response(415, "UNSUPPORTED_MEDIA_TYPE")
@may_repeat
def replay_failed(_query: dict[str, Any], body: dict[str, Any], endpoint_id: str) -> Response:
    """Try now what was made since a time and has failed, also what would be tried again later.

    What waits for its next try keeps its schedule; what was delivered later is not sent again.
    `asked` counts the tries that are made now. The oldest come first, at most 1000 in one call;
    `left` says how many remain.
    """
    own = own_endpoint(endpoint_id)
    done = replay_since(own.tenant_id, own.id, _ms(body["since"]), services())
    return answer_json({"object": "webhook_replay", "asked": done.asked, "left": done.left}, 202)


def _walk(
    endpoint: Endpoint, after: tuple[int, str] | None, query: dict[str, Any]
) -> Iterator[tuple[tuple[int, str], Delivery | None] | None]:
    """Places in the list of deliveries with what is there, newest first; none at its end.

    After `MAX_READS` it stops without that: there may be more.
    """
    since_ms = _ms(query["since"]) if "since" in query else 0
    deliveries, limit = services().deliveries, query["limit"]
    for _ in range(MAX_READS):
        place = (after[0], f"{RowKind.DELIVERY}:{after[1]}") if after else None
        page = deliveries.page(endpoint.id, after=place, limit=limit + 1)
        there = {each.row: each for each in deliveries.read_many([row for _, row in page])}
        for at_ms, row in page:
            if at_ms < since_ms:
                yield None
                return
            after = (at_ms, row_id(row))
            yield after, there.get(row)
        if len(page) <= limit:
            yield None
            return


def _own_delivery(own: Endpoint, delivery_id: str) -> Delivery:
    row = f"{RowKind.DELIVERY}:{delivery_id}"
    found = services().deliveries.read(row) if is_delivery_id(delivery_id, own.id) else None
    if found is None:
        raise NotFound("There is no such delivery.")
    return found


def _answer(own: Endpoint, delivery: Delivery, status: int) -> Response:
    data = delivery_data(delivery, attempts=True)
    address = f"{public_url()}/v1/webhook-endpoints/{own.id}/deliveries/{data['id']}"
    return answer_json(data, status, {"Location": address} if status == 202 else None)


def _ms(moment: Any) -> int:
    return max(0, int(moment.timestamp() * 1000))
