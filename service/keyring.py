"""API keys as an administrator handles them: made, listed, rotated, revoked; all of it audited."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from service.access import NewTenant, create_key, create_tenant_with_key, new_key
from service.audit import Act, Entry, record
from service.errors import Conflict, FieldError, Forbidden, InvalidRequest, NotFound, QuotaExceeded
from service.ids import is_id, new_id
from service.jobs.submit import Caller
from service.model.limits import NO_OWN_LIMITS, KeyLimits, above, limits_of
from service.model.scope import DEFAULT_SCOPES, Mode, Scope
from service.settings import Settings
from service.store.accounts import AccountStore, Tenant
from service.store.api_keys import ApiKey
from service.store.connection import Connection
from service.vault import Vault
from service.webhooks.events import iso_time

#: Keys of one tenant, at most; a new one takes the place of that revoked longest ago.
MOST_KEYS = 1000
_SPAN = re.compile(r"(\d{1,5})([dhm])", re.ASCII)
_UNIT_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000}
_TENANTS = "`caption-ab keys tenants`, or `GET /v1/admin/tenants`, lists them."
_KEYS = "`caption-ab keys list`, or `GET /v1/admin/keys`, lists them."
_OPERATOR_HINT = "Such a key is made by `caption-ab keys create --operator`."


@dataclass(frozen=True, slots=True)
class Administrator:
    """Who administers: `actor` is what the audit log calls them.

    `tenant_id` is whom they are bound to; None for an operator and for the command line.
    """

    actor: str
    tenant_id: str | None = None


@dataclass(frozen=True, slots=True)
class KeyWish:
    """What a new key should be. `expires_ms` 0 is never."""

    name: str = ""
    scopes: Iterable[Scope] = DEFAULT_SCOPES
    mode: Mode = Mode.LIVE
    expires_ms: int = 0
    operator: bool = False
    limits: KeyLimits = NO_OWN_LIMITS


@dataclass(frozen=True, slots=True)
class ShownKey:
    """A key just made, with the text that nobody reads again."""

    key: ApiKey
    text: str = field(repr=False)


def read_span_ms(text: str) -> int:
    """A span of time such as `90d`, `12h` or `30m`, in milliseconds.

    Raises:
        InvalidRequest: it is none.
    """
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise InvalidRequest(f"{text!r} is no span of time.", hint="Write 90d, 12h or 30m.")
    return int(match.group(1)) * _UNIT_MS[match.group(2)]


def administrator_of(caller: Caller) -> Administrator:
    """An operator's key acts on all tenants, any other on its own (decision 0013)."""
    return Administrator(caller.key_id, None if caller.operator else caller.tenant_id)


class Keyring:
    """The keys of an installation."""

    def __init__(
        self, connection: Connection, accounts: AccountStore, vault: Vault, settings: Settings
    ) -> None:
        self._connection = connection
        self._accounts = accounts
        self._vault = vault
        self._settings = settings

    def find_tenant(self, by: Administrator, tenant_id: str) -> Tenant:
        """One tenant.

        Raises:
            NotFound: there is none, or it is not theirs to administer.
        """
        theirs = by.tenant_id in {None, tenant_id} and is_id(tenant_id, "ten")
        tenant = self._accounts.read_tenant(tenant_id) if theirs else None
        if tenant is None:
            raise NotFound(f"There is no tenant {tenant_id}.", hint=_TENANTS)
        return tenant

    def find(self, by: Administrator, key_id: str) -> ApiKey:
        """One key.

        Raises:
            NotFound: there is none, or it is another tenant's.
        """
        key = self._accounts.api_keys.find(key_id) if is_id(key_id, "key") else None
        if key is None or by.tenant_id not in {None, key.tenant_id}:
            raise NotFound(f"There is no key {key_id}.", hint=_KEYS)
        return key

    def create_tenant(
        self, by: Administrator, wish: KeyWish, *, account_id: str, now_ms: int
    ) -> NewTenant:
        """Make a tenant with its first key.

        Raises:
            Forbidden: they are bound to a tenant.
        """
        if by.tenant_id is not None:
            raise Forbidden("Only an operator's key makes tenants.", hint=_OPERATOR_HINT)
        made = create_tenant_with_key(
            self._accounts,
            self._vault,
            name=wish.name,
            account_id=account_id,
            pepper=self._settings.key_pepper,
            now_ms=now_ms,
            mode=wish.mode,
            scopes=wish.scopes,
            expires_ms=wish.expires_ms,
            operator=wish.operator,
        )
        self._record(Act.TENANT_CREATED, by, made.tenant_id, made.tenant_id, now_ms)
        self._record(Act.KEY_CREATED, by, made.tenant_id, made.key_id, now_ms)
        return made

    def create(self, by: Administrator, tenant_id: str, wish: KeyWish, *, now_ms: int) -> ShownKey:
        """Make one more key of a tenant.

        Raises:
            NotFound: there is no such tenant for them.
            InvalidRequest: a limit is above the installation's, or the key would have ended.
            QuotaExceeded: the tenant has too many.
        """
        tenant = self.find_tenant(by, tenant_id)
        self._check(by, wish, now_ms)
        self._check_room(tenant_id)
        key, text = create_key(
            self._accounts,
            tenant_id=tenant.id,
            account_id=tenant.account_id,
            pepper=self._settings.key_pepper,
            now_ms=now_ms,
            mode=wish.mode,
            name=wish.name,
            scopes=wish.scopes,
            expires_ms=wish.expires_ms,
            operator=wish.operator,
            limits=wish.limits,
        )
        self._record(Act.KEY_CREATED, by, tenant.id, key.id, now_ms)
        return ShownKey(key, text)

    def rotate(self, by: Administrator, key_id: str, *, old_lives_ms: int, now_ms: int) -> ShownKey:
        """Make a successor with the same scopes and limits; the old key lives on for a while.

        Raises:
            NotFound: there is no such key for them.
            Forbidden: it is an operator's key, and they are none.
            Conflict: it has a successor, or has ended.
            QuotaExceeded: the tenant has too many keys.
        """
        old = self._own(by, key_id)
        if old.expires_ms and old.expires_ms <= now_ms:
            raise Conflict(f"The key {key_id} has ended.", hint="Make a new one.")
        self._check_room(old.tenant_id)
        made = new_key(self._settings.key_pepper, old.mode)
        new = replace(
            old, id=new_id("key", now_ms), created_ms=now_ms, last4=made.last4, used_ms=0,
            replaced_by="",
        )  # fmt: skip
        until_ms = now_ms + old_lives_ms
        store = self._accounts.api_keys
        if not store.rotate(old, made.digest, new, until_ms=until_ms, now_ms=now_ms):
            raise Conflict(
                f"The key {key_id} was rotated or revoked before.",
                hint="Rotate its successor, or make a new key.",
            )
        self._record(Act.KEY_ROTATED, by, old.tenant_id, old.id, now_ms)
        self._record(Act.KEY_CREATED, by, old.tenant_id, new.id, now_ms)
        return ShownKey(new, made.text)

    def revoke(self, by: Administrator, key_id: str, *, now_ms: int) -> ApiKey:
        """End a key, which may have been before; other processes may trust it `key_cache_s` more.

        Raises:
            NotFound: there is no such key for them.
            Forbidden: it is an operator's key, and they are none.
        """
        key = self._own(by, key_id)
        if self._accounts.api_keys.revoke(key.id, now_ms=now_ms):
            self._record(Act.KEY_REVOKED, by, key.tenant_id, key.id, now_ms)
        return key

    def _check_room(self, tenant_id: str) -> None:
        keys = self._accounts.api_keys
        # Those that have left the list count until somebody has looked at them.
        if keys.count(tenant_id) >= MOST_KEYS and not keys.make_room(tenant_id):
            raise QuotaExceeded(
                f"The tenant has {MOST_KEYS} keys, which is the limit.",
                hint="Revoke some that are not used any more.",
            )

    def _own(self, by: Administrator, key_id: str) -> ApiKey:
        key = self.find(by, key_id)
        if key.operator and by.tenant_id is not None:
            raise Forbidden("This is an operator's key.", hint=_OPERATOR_HINT)
        return key

    def _check(self, by: Administrator, wish: KeyWish, now_ms: int) -> None:
        errors = []
        if wish.expires_ms and wish.expires_ms <= now_ms:
            errors.append(FieldError("#/expires_at", "must be in the future"))
        if by.tenant_id is not None:
            errors += above(wish.limits, limits_of(NO_OWN_LIMITS, self._settings))
        if errors:
            raise InvalidRequest("The key is not valid.", errors)

    def _record(self, act: Act, by: Administrator, tenant: str, thing: str, now_ms: int) -> None:
        record(
            self._connection,
            act,
            actor=by.actor,
            tenant_id=tenant,
            object_id=thing,
            now_ms=now_ms,
        )


def key_data(key: ApiKey, settings: Settings, now_ms: int) -> dict[str, Any]:
    """A key as a resource, without its text."""
    ended = "revoked" if key.revoked_ms else "expired" if 0 < key.expires_ms <= now_ms else ""
    return {
        "object": "api_key",
        "id": key.id,
        "tenant_id": key.tenant_id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "mode": key.mode.value,
        "operator": key.operator,
        "last4": key.last4,
        "status": ended or "active",
        "created_at": iso_time(key.created_ms),
        "expires_at": iso_time(key.expires_ms) if key.expires_ms else None,
        "last_used_at": iso_time(key.used_ms) if key.used_ms else None,
        "revoked_at": iso_time(key.revoked_ms) if key.revoked_ms else None,
        "replaced_by": key.replaced_by or None,
        "limits": asdict(limits_of(key.limits, settings)),
    }


def entry_data(entry: Entry) -> dict[str, Any]:
    """A line of the audit log as a resource."""
    return {
        "object": "audit_entry",
        "id": entry.id,
        "at": iso_time(entry.at_ms),
        "act": entry.act,
        "actor": entry.actor,
        "tenant_id": entry.tenant_id,
        "object_id": entry.object_id,
    }
