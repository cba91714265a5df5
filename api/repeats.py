"""Requests that may be repeated: the same Idempotency-Key and body get the first answer again."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Response, request

from api.headers import IDEMPOTENCY_KEY_SCHEMA, read_idempotency_key
from api.problems import answer_error, status_of
from api.state import caller, services
from service.errors import CaptionAbError, StoreError
from service.jobs.submit import fingerprint
from service.store.replies import Reply, Turn, request_digest

log = logging.getLogger("caption_ab.api")
View = TypeVar("View", bound=Callable[..., Response])

#: For the documentation of a route that may be repeated.
IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": IDEMPOTENCY_KEY_SCHEMA,
    "description": "The same key with the same body gets the first answer again, for 24 h.",
}
#: Refusals that say how things are, and are remembered; others may pass or are the request's fault.
_REMEMBERED = frozenset({404, 409, 410})
_HEADERS = ("Content-Type", "Location")


def may_repeat(view: View) -> View:
    """Answer a repetition as the request before; put it below the decorators that check arguments.

    Another body under the same key is 422, a repetition while the first is answered 409.
    """

    @wraps(view)
    def once(*args: Any, **kwargs: Any) -> Response:
        key = read_idempotency_key(request.headers.get("Idempotency-Key"))
        if not key:
            return view(*args, **kwargs)
        parts = services()
        digest = request_digest(request.method, request.path.rstrip("/"), key)
        turn = Turn(caller().tenant_id, digest, uuid.uuid4().hex)
        body = request.get_json(silent=True) if request.get_data(cache=True) else {}
        mark = fingerprint({"body": body, "query": request.args.to_dict(flat=False)})
        kept = parts.replies.begin(turn, mark, now_ms=parts.clock.now_ms())
        if kept is not None:
            headers = {**kept.headers, "Idempotency-Replayed": "true"}
            return Response(kept.body, kept.status, headers=headers)
        return _answer(lambda: view(*args, **kwargs), turn)

    return cast("View", once)


def _answer(work: Callable[[], Response], turn: Turn) -> Response:
    """Do the work, and remember its answer or forget that it was asked for."""
    try:
        response = work()
    except CaptionAbError as error:
        if status_of(error) not in _REMEMBERED:
            _note(turn, None)
            raise
        response = answer_error(error)
    except Exception:
        _note(turn, None)
        raise
    headers = {name: response.headers[name] for name in _HEADERS if name in response.headers}
    _note(turn, Reply(response.status_code, headers, response.get_data(as_text=True)))
    return response


def _note(turn: Turn, reply: Reply | None) -> None:
    """Keep an answer, or none. What was done is done: Redis going away now changes no answer."""
    parts = services()
    try:
        if reply is None:
            parts.replies.forget(turn, now_ms=parts.clock.now_ms())
        else:
            parts.replies.keep(turn, reply, now_ms=parts.clock.now_ms())
    except StoreError as error:
        log.warning("reply_not_kept", extra={"code": error.code})
