"""Who may call: API keys, the tenants behind them, and what a tenant may remove.

A key is `cab_live_` or `cab_test_`, 30 characters of base 62 (178 bits) and 6 of CRC-32, so that a
mistyped one is refused without asking the store, and scanners can tell one. The store knows it by
HMAC-SHA256 only.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import zlib
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Literal

from service.clock import Clock
from service.errors import Conflict, NotFound, StoreUnavailable, Unauthorized
from service.ids import new_id
from service.jobs.submit import Caller
from service.settings import Settings
from service.store.accounts import AccountStore, ApiKey, Tenant, Upload
from service.store.connection import Connection
from service.vault import Vault
from service.webhooks.signing import new_secret

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_KEY = re.compile(r"cab_(?:live|test)_[0-9A-Za-z]{36}", re.ASCII)
_CHECK_CHARS = 6
_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE | re.ASCII)

#: Keys an API process remembers at most; beyond, the one used longest ago is forgotten.
CACHED_KEYS = 10_000
#: How long a key that does not exist is remembered as such.
UNKNOWN_CACHE_S = 2.0


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: its text is shown once, its digest is what the store keeps."""

    text: str = field(repr=False)
    digest: str
    last4: str


@dataclass(frozen=True, slots=True)
class NewTenant:
    """A tenant just made, with the two secrets that are shown once."""

    tenant_id: str
    api_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)


def new_key(pepper: str, mode: Literal["live", "test"] = "live") -> NewKey:
    """Make an API key."""
    body = f"cab_{mode}_" + "".join(secrets.choice(_DIGITS) for _ in range(30))
    text = body + _checksum(body)
    return NewKey(text, digest(text, pepper), text[-4:])


def is_well_formed(text: str) -> bool:
    """Whether a text has the form of a key and its checksum is right."""
    if _KEY.fullmatch(text) is None:
        return False
    return text[-_CHECK_CHARS:] == _checksum(text[:-_CHECK_CHARS])


def digest(text: str, pepper: str) -> str:
    """How the store knows a key: HMAC-SHA256 in hex under the process's pepper."""
    return hmac.new(pepper.encode(), text.encode(), hashlib.sha256).hexdigest()


def _checksum(body: str) -> str:
    value, digits = zlib.crc32(body.encode()), []
    for _ in range(_CHECK_CHARS):
        value, digit = divmod(value, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


class KeyCache:
    """Finds the caller of a request; asks the store once per key in `key_cache_s`."""

    def __init__(self, accounts: AccountStore, settings: Settings, clock: Clock) -> None:
        self._accounts = accounts
        self._settings = settings
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, Caller | None]] = OrderedDict()

    def resolve(self, authorization: str | None) -> Caller:
        """The caller whom an `Authorization` header names.

        Raises:
            Unauthorized: there is no key in it, or it is malformed or unknown.
            StoreUnavailable: Redis does not answer, and the key was not seen for `key_outage_s`.
        """
        match = _BEARER.fullmatch((authorization or "").strip())
        if match is None:
            raise Unauthorized("There is no API key in the Authorization header.")
        if not is_well_formed(match.group(1)):
            raise Unauthorized("This is not an API key: its form or its checksum is wrong.")
        caller = self._find(digest(match.group(1), self._settings.key_pepper))
        if caller is None:
            raise Unauthorized("This API key is unknown or was revoked.")
        return caller

    def forget(self, tenant_id: str) -> None:
        """Ask the store again for this tenant's keys; other processes do within `key_cache_s`."""
        known = list(self._known.items())
        for key, (_, caller) in known:
            if caller is not None and caller.tenant_id == tenant_id:
                self._known.pop(key, None)

    def _find(self, key: str) -> Caller | None:
        now_s = self._clock.monotonic_s()
        known = self._known.get(key)
        if known is not None and now_s < known[0]:
            self._known.move_to_end(key)
            return known[1]
        try:
            found = self._accounts.read_key(key)
        except StoreUnavailable:
            if known is None or known[1] is None or now_s >= known[0] + self._settings.key_outage_s:
                raise
            return known[1]  # what it was when Redis was last asked
        caller = Caller(found.tenant_id, found.account_id) if found else None
        lasts_s = self._settings.key_cache_s
        self._known[key] = (now_s + (lasts_s if caller else min(UNKNOWN_CACHE_S, lasts_s)), caller)
        self._known.move_to_end(key)
        while len(self._known) > CACHED_KEYS:
            self._known.popitem(last=False)
        return caller


def create_key(
    accounts: AccountStore,
    *,
    tenant_id: str,
    account_id: str,
    pepper: str,
    now_ms: int,
    mode: Literal["live", "test"] = "live",
) -> str:
    """Make one more API key of a tenant and return its text, which nobody can read again."""
    key = new_key(pepper, mode)
    stored = ApiKey(new_id("key", now_ms), tenant_id, account_id, now_ms, key.last4)
    accounts.create_key(key.digest, stored)
    return key.text


def create_tenant_with_key(
    accounts: AccountStore,
    vault: Vault,
    *,
    name: str,
    account_id: str,
    pepper: str,
    now_ms: int,
    mode: Literal["live", "test"] = "live",
) -> NewTenant:
    """Make a tenant, its default webhook secret (kept sealed) and its first key."""
    tenant_id = new_id("ten", now_ms)
    secret = new_secret()
    accounts.create_tenant(Tenant(tenant_id, name, account_id, vault.seal(secret)))
    key = create_key(
        accounts,
        tenant_id=tenant_id,
        account_id=account_id,
        pepper=pepper,
        now_ms=now_ms,
        mode=mode,
    )
    return NewTenant(tenant_id, key, secret)


@dataclass(frozen=True, slots=True)
class OwnUpload:
    """An upload of the caller; `left_ms` is its life, None when a job uses it."""

    upload: Upload
    left_ms: int | None


def read_own_upload(connection: Connection, upload_id: str, caller: Caller) -> OwnUpload:
    """One upload of this caller.

    Raises:
        NotFound: there is none, it has expired or is another tenant's.
    """
    upload = AccountStore(connection).read_upload(upload_id)
    if upload is None or upload.tenant_id != caller.tenant_id:
        raise NotFound(f"There is no upload {upload_id}.")
    key = connection.keys.upload(upload_id)
    left_ms = int(connection.read(lambda client: client.pttl(key)))
    return OwnUpload(upload, left_ms if left_ms >= 0 else None)


def remove_own_upload(connection: Connection, upload_id: str, caller: Caller) -> str:
    """Forget an upload that no job uses; returns the key of its file, to be deleted next.

    Raises:
        NotFound: there is none, it has expired or is another tenant's.
        Conflict: a job uses it; it goes with the job.
    """
    own = read_own_upload(connection, upload_id, caller)
    key = connection.keys.upload(upload_id)

    def ask(pipeline: Any) -> None:
        # Watched: a job may be accepted with this upload between the look and the delete.
        unused = pipeline.pttl(key) > 0
        pipeline.multi()
        if unused:
            pipeline.delete(key)

    removed = connection.read(lambda client: client.transaction(ask, key))
    if removed != [1]:
        raise Conflict(
            f"A job uses upload {upload_id}.", hint="It cannot be deleted while the job is kept."
        )
    return own.upload.file
