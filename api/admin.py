"""Administration: tenants, keys, the audit log. Every route here needs the scope `admin`.

A key acts on its own tenant; an operator's key on all of them (decision 0013).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from flask import Response

from api.admin_forms import (
    AuditReply,
    KeyReply,
    KeyRequest,
    KeysReply,
    NewKeyReply,
    NewTenantReply,
    PageQuery,
    RotateQuery,
    TenantPageQuery,
    TenantReply,
    TenantRequest,
    TenantsReply,
)
from api.gate import takes_json
from api.listing import read_items
from api.openapi import Routes
from api.schemas import NoQuery
from api.state import answer_json, answer_page, caller, public_url, services, state
from service.audit import read_entries
from service.errors import FieldError, InvalidRequest
from service.keyring import Administrator, Keyring, KeyWish, administrator_of, entry_data, key_data
from service.model.limits import NO_OWN_LIMITS, KeyLimits
from service.model.scope import Mode, Scope
from service.store.accounts import Tenant

routes = Routes("admin", __name__, url_prefix="/v1/admin", description="Tenants, keys, audit log")
_ENTRY_ID = re.compile(r"\d{1,15}-\d{1,10}", re.ASCII)


@routes.route("/tenants")
@routes.arguments(PageQuery, location="query")
@routes.response(200, TenantsReply)
def read_tenants(query: dict[str, Any]) -> Response:
    """The tenants that this key administers: its own, or all of them with an operator's key."""
    by = administrator()
    if by.tenant_id is not None:
        own = keyring().find_tenant(by, by.tenant_id)
        return answer_page([tenant_data(own)], None)
    tenants, after = read_items(
        lambda before_ms, limit: services().accounts.tenants(before_ms=before_ms, limit=limit),
        lambda tenant: (tenant.created_ms, tenant.id),
        prefix="ten",
        cursor=query["cursor"],
        limit=query["limit"],
    )
    return answer_page([tenant_data(each) for each in tenants], after)


@routes.route("/tenants", methods=["POST"])
@takes_json
@routes.arguments(NoQuery, location="query")
@routes.arguments(TenantRequest)
@routes.response(201, NewTenantReply)
@routes.alt_response(403, "FORBIDDEN")
@routes.alt_response(415, "UNSUPPORTED_MEDIA_TYPE")
def create_tenant(_query: dict[str, Any], body: dict[str, Any]) -> Response:
    """Make a tenant with its first key; an operator's key is needed. Secrets are shown this once.

    Its jobs use the installation's account until it attaches a token of its own.
    """
    made = keyring().create_tenant(
        administrator(),
        _wish(body),
        account_id=services().tokens.ensure_account(),
        now_ms=services().clock.now_ms(),
    )
    headers = {"Location": f"{public_url()}/v1/admin/tenants/{made.tenant_id}"}
    data = {
        "object": "tenant",
        "tenant_id": made.tenant_id,
        "key_id": made.key_id,
        "api_key": made.api_key,
        "webhook_secret": made.webhook_secret,
    }
    return answer_json(data, 201, headers)


@routes.route("/tenants/<tenant_id>")
@routes.arguments(NoQuery, location="query")
@routes.response(200, TenantReply)
def read_tenant(_query: dict[str, Any], tenant_id: str) -> Response:
    """One tenant."""
    return answer_json(tenant_data(keyring().find_tenant(administrator(), tenant_id)))


@routes.route("/keys")
@routes.arguments(TenantPageQuery, location="query")
@routes.response(200, KeysReply)
def read_keys(query: dict[str, Any]) -> Response:
    """A tenant's keys, newest first; those that have ended are listed for 30 days more.

    Of 1,000 keys, the one revoked longest ago gives its place to a new one. One made
    by an earlier release is listed from its first use on.
    """
    tenant_id = keyring().find_tenant(administrator(), _tenant_id(query)).id
    keys, after = read_items(
        lambda before_ms, limit: services().accounts.api_keys.page(
            tenant_id, before_ms=before_ms, limit=limit
        ),
        lambda key: (key.created_ms, key.id),
        prefix="key",
        cursor=query["cursor"],
        limit=query["limit"],
    )
    return answer_page([_shown(each) for each in keys], after)


@routes.route("/keys", methods=["POST"])
@takes_json
@routes.arguments(NoQuery, location="query")
@routes.arguments(KeyRequest)
@routes.response(201, NewKeyReply)
@routes.alt_response(415, "UNSUPPORTED_MEDIA_TYPE")
@routes.alt_response(429, "TOO_MANY_REQUESTS")
def create_key(_query: dict[str, Any], body: dict[str, Any]) -> Response:
    """Make a key; `key` is its text, shown this once.

    Its scopes and limits never change: make another, and revoke this one.
    """
    made = keyring().create(
        administrator(), _tenant_id(body), _wish(body), now_ms=services().clock.now_ms()
    )
    headers = {"Location": f"{public_url()}/v1/admin/keys/{made.key.id}"}
    return answer_json({**_shown(made.key), "key": made.text}, 201, headers)


@routes.route("/keys/<key_id>")
@routes.arguments(NoQuery, location="query")
@routes.response(200, KeyReply)
def read_key(_query: dict[str, Any], key_id: str) -> Response:
    """One key."""
    return answer_json(_shown(keyring().find(administrator(), key_id)))


@routes.route("/keys/<key_id>", methods=["DELETE"])
@routes.arguments(NoQuery, location="query")
@routes.response(204)
@routes.alt_response(403, "FORBIDDEN")
def revoke_key(_query: dict[str, Any], key_id: str) -> Response:
    """End a key. This process refuses it at once, others within `key_cache_s` of /v1/limits.

    It is listed as `revoked` for 30 days more; to revoke it again changes nothing.
    """
    key = keyring().revoke(administrator(), key_id, now_ms=services().clock.now_ms())
    state().keys.forget(key.tenant_id)
    return Response(status=204)


@routes.route("/keys/<key_id>/rotate", methods=["POST"])
@routes.arguments(RotateQuery, location="query")
@routes.response(201, NewKeyReply)
@routes.alt_response(403, "FORBIDDEN")
@routes.alt_response(409, "CONFLICT")
@routes.alt_response(429, "TOO_MANY_REQUESTS")
def rotate_key(query: dict[str, Any], key_id: str) -> Response:
    """Make a successor with the same scopes and limits; the old key ends a day later.

    `old_key_lives_s` says otherwise. 409 when it has a successor already.
    """
    made = keyring().rotate(
        administrator(),
        key_id,
        old_lives_ms=query["old_key_lives_s"] * 1000,
        now_ms=services().clock.now_ms(),
    )
    state().keys.forget(made.key.tenant_id)
    headers = {"Location": f"{public_url()}/v1/admin/keys/{made.key.id}"}
    return answer_json({**_shown(made.key), "key": made.text}, 201, headers)


@routes.route("/audit")
@routes.arguments(TenantPageQuery, location="query")
@routes.response(200, AuditReply)
def read_audit(query: dict[str, Any]) -> Response:
    """What was done to your tenant by its keys and the command line, newest first.

    An operator's key reads that of all tenants, or of the one it names.
    """
    by = administrator()
    tenant_id = by.tenant_id
    if "tenant_id" in query:
        tenant_id = keyring().find_tenant(by, query["tenant_id"]).id
    limit = query["limit"]
    found = read_entries(
        services().connection,
        tenant_id=tenant_id,
        before=_read_place(query["cursor"]),
        limit=limit + 1,
    )
    after = _write_place(found[limit - 1].id) if len(found) > limit else None
    return answer_page([entry_data(each) for each in found[:limit]], after)


def administrator() -> Administrator:
    """Who administers by this request."""
    return administrator_of(caller())


def keyring() -> Keyring:
    """The keys of this installation."""
    parts = services()
    return Keyring(parts.connection, parts.accounts, parts.vault, parts.settings)


def tenant_data(tenant: Tenant) -> dict[str, Any]:
    """The tenant resource."""
    return {
        "object": "tenant",
        "id": tenant.id,
        "name": tenant.name,
        "account_id": tenant.account_id,
    }


def _shown(key: Any) -> dict[str, Any]:
    return key_data(key, services().settings, services().clock.now_ms())


def _tenant_id(given: Mapping[str, Any]) -> str:
    return str(given.get("tenant_id") or caller().tenant_id)


def _wish(body: Mapping[str, Any]) -> KeyWish:
    expires_s = body.get("expires_in_s")
    own = body.get("limits")
    return KeyWish(
        name=body["name"],
        scopes=frozenset(Scope(each) for each in body["scopes"]),
        mode=Mode(body["mode"]),
        expires_ms=services().clock.now_ms() + expires_s * 1000 if expires_s else 0,
        limits=KeyLimits(**own) if own else NO_OWN_LIMITS,
    )


def _write_place(entry_id: str) -> str:
    return base64.urlsafe_b64encode(entry_id.encode()).decode().rstrip("=")


def _read_place(cursor: str) -> str:
    if not cursor:
        return ""
    try:
        plain = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (ValueError, binascii.Error):
        plain = ""
    if not _ENTRY_ID.fullmatch(plain):
        errors = [FieldError("query:/cursor", "is no cursor of this list")]
        raise InvalidRequest("The cursor is not valid.", errors)
    return plain
