"""The backend account whose credits a tenant spends: its token, its credits, how to register it."""

from __future__ import annotations

import logging
import math
from typing import Any

from flask import Response
from marshmallow import Schema, fields
from marshmallow.validate import Regexp

from api.fields import StrictSchema
from api.gate import takes_json
from api.openapi import Routes
from api.problems import RETRY_AFTER_S, problem, title_of
from api.schemas import NoQuery
from api.state import answer_json, caller, note_act, services, state
from service.audit import Act
from service.errors import BackendError, CaptionAbError, FieldError, InvalidRequest, NotFound
from service.nemo.accounts import AccountKind, TokenPending, TokenRefused, iso_time, own_account
from service.nemo.errors import RateLimited, ScopeMissing, TokenRejected

routes = Routes("account", __name__, url_prefix="/v1", description="The backend account in use")
log = logging.getLogger("caption_ab.api")
#: An A/B test of one clip takes one edit for each of two variants.
_TEST_EDITS = 2
_NOT_TAKEN = (
    "is not accepted by the backend; copy it anew from the settings of your NemoVideo account"
)


class TokenRequest(StrictSchema):
    """A tenant's own token."""

    token = fields.String(
        required=True,
        load_only=True,
        validate=Regexp(
            r"^[\x21-\x7e]{8,4096}\Z", error="Must be 8 to 4096 printable characters, no spaces."
        ),
        metadata={"format": "password", "writeOnly": True},
    )


class AccountReply(Schema):
    """Whose credits are spent. The token itself is never shown."""

    object = fields.Constant("account")
    id = fields.String(required=True)
    kind = fields.String(
        required=True,
        metadata={
            "description": "`own`: the token you attached; `env`: the installation's NEMO_TOKEN; "
            "`anonymous`: one the backend gave, renewed by us."
        },
    )
    has_token = fields.Boolean(required=True)
    user_id = fields.String(required=True, allow_none=True)
    token_expires_at = fields.String(
        required=True, allow_none=True, metadata={"format": "date-time"}
    )
    next_possible_at = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "format": "date-time",
            "description": "While the backend refuses a new token: when it will give one.",
        },
    )
    register_url = fields.String(required=True, allow_none=True, metadata={"format": "uri"})


class BalanceReply(Schema):
    """Credits; `total` is `available` + `frozen`, `reserved_by_jobs` is set aside by us."""

    object = fields.Constant("credits")
    available = fields.Integer(required=True)
    frozen = fields.Integer(required=True, metadata={"description": "Held by running edits."})
    total = fields.Integer(required=True)
    reserved_by_jobs = fields.Integer(required=True)
    account_kind = fields.String(required=True)
    register_url = fields.String(
        metadata={"format": "uri", "description": "Where to get more; when too few are left."}
    )


@routes.route("/account")
@routes.arguments(NoQuery, location="query")
@routes.response(200, AccountReply)
def read_account(_query: dict[str, Any]) -> Response:
    """The account that your jobs use. An anonymous one comes with the link that registers it."""
    return answer_json(_account_data(_account_id()))


@routes.route("/account/nemo-token", methods=["PUT"])
@takes_json
@routes.arguments(NoQuery, location="query")
@routes.arguments(TokenRequest)
@routes.response(200, AccountReply)
@routes.alt_response(415, "UNSUPPORTED_MEDIA_TYPE")
@routes.alt_response(503, "SERVICE_UNAVAILABLE")
def put_token(_query: dict[str, Any], body: dict[str, Any]) -> Response:
    """Use your own NemoVideo token from now on; it is tried out first and stored encrypted.

    It is never replaced by another and never shown. Jobs accepted before go on with the account
    they were accepted for.
    """
    tenant_id = caller().tenant_id
    try:
        account_id = services().tokens.attach(tenant_id, body["token"])
    except (TokenRejected, ScopeMissing):
        raise InvalidRequest(
            "The token was not accepted.", [FieldError("#/token", _NOT_TAKEN)]
        ) from None
    state().keys.forget(tenant_id)
    note_act(Act.TOKEN_ATTACHED, account_id)
    return answer_json(_account_data(account_id))


@routes.route("/account/nemo-token", methods=["DELETE"])
@routes.arguments(NoQuery, location="query")
@routes.response(204)
def delete_token(_query: dict[str, Any]) -> Response:
    """Forget your own token; new jobs use the default account. Jobs that still need it pause."""
    tenant_id = caller().tenant_id
    services().tokens.detach(tenant_id)
    state().keys.forget(tenant_id)
    note_act(Act.TOKEN_DETACHED, own_account(tenant_id))
    return Response(status=204)


@routes.route("/credits")
@routes.arguments(NoQuery, location="query")
@routes.response(200, BalanceReply)
@routes.alt_response(409, "CONFLICT")
@routes.alt_response(503, "SERVICE_UNAVAILABLE")
def read_credits(_query: dict[str, Any]) -> Response:
    """What the account has now, and how much of it unfinished jobs have set aside."""
    parts, account_id = services(), _account_id()
    balance = parts.tokens.balance(account_id)
    known = parts.accounts.read_account(account_id)
    reserved = int(known.get("reserved", "0"))
    data: dict[str, Any] = {
        "object": "credits",
        "available": balance.available,
        "frozen": balance.frozen,
        "total": balance.total,
        "reserved_by_jobs": reserved,
        "account_kind": known["kind"],
    }
    enough = _TEST_EDITS * parts.settings.edit_credits
    if known["kind"] == AccountKind.ANONYMOUS and balance.total - reserved < enough:
        data["register_url"] = parts.nemo.register_link(known.get("user_id", ""))
    return answer_json(data)


@routes.errorhandler(BackendError)
@routes.errorhandler(TokenPending)
def answer_backend_error(error: CaptionAbError) -> Response:
    """The backend did not do it: 409 where a person must give a token, else 503."""
    log.info("backend_failed", extra={"code": error.code})
    status = 409 if isinstance(error, TokenRejected) else 503
    wait_s = getattr(error, "retry_in_s", None) or RETRY_AFTER_S
    if isinstance(error, RateLimited):
        wait_s = max(wait_s, error.retry_after_s or 0.0)
    hint = error.hint_text
    if status == 409:
        hint = "Attach a token that works (PUT /v1/account/nemo-token), or set NEMO_TOKEN anew."
    waits = status == 503 and not isinstance(error, TokenRefused)
    return problem(
        status,
        error.code,
        title_of(type(error)),
        error.detail,
        headers={"Retry-After": str(math.ceil(wait_s))} if waits else None,
        hint=hint,
        retryable=status == 503,
        extra=error.extra,
    )


def _account_id() -> str:
    """The tenant's account as it is now, not as this process remembers it."""
    tenant = services().accounts.read_tenant(caller().tenant_id)
    if tenant is None:
        raise NotFound("There is no such tenant any more.")
    return tenant.account_id


def _account_data(account_id: str) -> dict[str, Any]:
    parts = services()
    known, now_ms = parts.accounts.read_account(account_id), parts.clock.now_ms()
    if not known:
        raise NotFound(f"There is no account {account_id}.")
    kind = AccountKind(known["kind"])
    expires_ms, retry_ms = (int(known.get(f, "0")) for f in ("token_expires", "token_retry"))
    user_id = known.get("user_id", "")
    anonymous = kind is AccountKind.ANONYMOUS
    env = kind is AccountKind.ENV and bool(parts.settings.nemo_token)
    return {
        "object": "account",
        "id": account_id,
        "kind": kind.value,
        "has_token": env or "token" in known,
        "user_id": user_id or None,
        "token_expires_at": iso_time(expires_ms) if expires_ms else None,
        "next_possible_at": iso_time(int(known["token_possible"])) if retry_ms > now_ms else None,
        "register_url": parts.nemo.register_link(user_id) if anonymous and user_id else None,
    }
