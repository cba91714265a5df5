"""Who may call: API keys, the tenants behind them, and what a tenant may remove.

A key is `cab_live_` or `cab_test_`, 30 characters of base 62 (178 bits) and 6 of CRC-32, so that a
mistyped one is refused without asking the store, and scanners can tell one. The store knows it by
HMAC-SHA256 only.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from service.clock import Clock
from service.errors import Conflict, NotFound, StoreError, StoreUnavailable, Unauthorized
from service.ids import new_id
from service.jobs.submit import Caller
from service.key_text import CHECK_CHARS, DIGITS, checksum
from service.model.limits import NO_OWN_LIMITS, KeyLimits
from service.model.scope import DEFAULT_SCOPES, Mode, Scope
from service.settings import Settings
from service.store.accounts import AccountStore, Tenant, Upload
from service.store.api_keys import ApiKey, KeyStore
from service.store.connection import Connection
from service.vault import Vault
from service.webhooks.signing import new_secret

_KEY = re.compile(r"cab_(?:live|test)_[0-9A-Za-z]{36}", re.ASCII)
_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE | re.ASCII)

#: Keys an API process remembers at most; beyond, the one used longest ago is forgotten.
CACHED_KEYS = 10_000
#: How long a key that does not exist is remembered as such.
UNKNOWN_CACHE_S = 2.0
#: How often the last use of a key is written down, at most.
USED_EVERY_MS = 60_000
_log = logging.getLogger("caption_ab.access")


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
    key_id: str = ""


def new_key(pepper: str, mode: Mode = Mode.LIVE) -> NewKey:
    """Make an API key."""
    body = f"cab_{mode}_" + "".join(secrets.choice(DIGITS) for _ in range(30))
    text = body + checksum(body)
    return NewKey(text, digest(text, pepper), text[-4:])


def is_well_formed(text: str) -> bool:
    """Whether a text has the form of a key and its checksum is right."""
    if _KEY.fullmatch(text) is None:
        return False
    return text[-CHECK_CHARS:] == checksum(text[:-CHECK_CHARS])


def digest(text: str, pepper: str) -> str:
    """How the store knows a key: HMAC-SHA256 in hex under the process's pepper.

    A key is found by it and never compared, so no time tells how much of a guess was right.
    """
    return hmac.new(pepper.encode(), text.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class _Known:
    """What a process remembers of a key: until when it asks nobody, and whose key it is."""

    until_s: float
    caller: Caller | None = None
    expires_ms: int = 0


class KeyCache:
    """Finds the caller of a request; asks the store once per key in `key_cache_s`."""

    def __init__(self, api_keys: KeyStore, settings: Settings, clock: Clock) -> None:
        self._api_keys = api_keys
        self._settings = settings
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def resolve(self, authorization: str | None) -> Caller:
        """The caller whom an `Authorization` header names.

        Raises:
            Unauthorized: there is no key in it, or it is malformed, unknown or has expired.
            StoreUnavailable: Redis does not answer, and the key was not seen for `key_outage_s`.
        """
        match = _BEARER.fullmatch((authorization or "").strip())
        if match is None:
            raise Unauthorized("There is no API key in the Authorization header.")
        if not is_well_formed(match.group(1)):
            raise Unauthorized("This is not an API key: its form or its checksum is wrong.")
        key = digest(match.group(1), self._settings.key_pepper)
        return self._caller(self._find(key, self._api_keys.read))

    def resolve_id(self, key_id: str) -> Caller:
        """The caller whose key has this id; they have shown it before. Raises as `resolve`."""
        return self._caller(self._find(key_id, self._api_keys.find))

    def _caller(self, known: _Known) -> Caller:
        if known.caller is None:
            raise Unauthorized("This API key is unknown or was revoked.")
        if known.expires_ms and known.expires_ms <= self._clock.now_ms():
            raise Unauthorized("This API key has expired.")
        return known.caller

    def forget(self, tenant_id: str) -> None:
        """Ask the store again for this tenant's keys; other processes do within `key_cache_s`."""
        for key, known in list(self._known.items()):
            if known.caller is not None and known.caller.tenant_id == tenant_id:
                self._known.pop(key, None)

    def _find(self, key: str, read: Callable[[str], ApiKey | None]) -> _Known:
        now_s = self._clock.monotonic_s()
        known = self._known.get(key)
        if known is not None and now_s < known.until_s:
            self._known.move_to_end(key)
            return known
        try:
            found = read(key)
        except StoreUnavailable:
            lasts_s = self._settings.key_outage_s
            if known is None or known.caller is None or now_s >= known.until_s + lasts_s:
                raise
            return known  # what it was when Redis was last asked
        lasts_s = self._settings.key_cache_s
        if found is None or found.revoked_ms:
            known = _Known(now_s + min(UNKNOWN_CACHE_S, lasts_s))
        else:
            known = _Known(now_s + lasts_s, _caller(found), found.expires_ms)
            self._note_use(key, found)
        self._known[key] = known
        self._known.move_to_end(key)
        while len(self._known) > CACHED_KEYS:
            self._known.popitem(last=False)
        return known

    def _note_use(self, key: str, found: ApiKey) -> None:
        """Write down that a key is in use; a store that takes no writes keeps no request up."""
        now_ms = self._clock.now_ms()
        fresh = now_ms < found.used_ms + USED_EVERY_MS
        if fresh or key == found.id or 0 < found.expires_ms <= now_ms:
            return
        try:
            self._api_keys.touch(key, now_ms=now_ms, every_ms=USED_EVERY_MS)
        except StoreError:
            _log.info("use_unwritten", extra={"key": found.id})


def _caller(key: ApiKey) -> Caller:
    return Caller(
        key.tenant_id, key.account_id, key.id, key.scopes, key.mode, key.operator, key.limits
    )


def create_key(
    accounts: AccountStore,
    *,
    tenant_id: str,
    account_id: str,
    pepper: str,
    now_ms: int,
    mode: Mode = Mode.LIVE,
    name: str = "",
    scopes: Iterable[Scope] = DEFAULT_SCOPES,
    expires_ms: int = 0,
    operator: bool = False,
    limits: KeyLimits = NO_OWN_LIMITS,
) -> tuple[ApiKey, str]:
    """Make one more API key of a tenant; its text comes beside it, and nobody reads it again."""
    made = new_key(pepper, mode)
    key = ApiKey(
        id=new_id("key", now_ms),
        tenant_id=tenant_id,
        account_id=account_id,
        created_ms=now_ms,
        last4=made.last4,
        name=name,
        scopes=frozenset(scopes),
        mode=mode,
        operator=operator,
        expires_ms=expires_ms,
        limits=limits,
    )
    accounts.api_keys.create(made.digest, key)
    return key, made.text


def create_tenant_with_key(
    accounts: AccountStore,
    vault: Vault,
    *,
    name: str,
    account_id: str,
    pepper: str,
    now_ms: int,
    mode: Mode = Mode.LIVE,
    scopes: Iterable[Scope] = DEFAULT_SCOPES,
    expires_ms: int = 0,
    operator: bool = False,
) -> NewTenant:
    """Make a tenant, its default webhook secret (kept sealed) and its first key."""
    tenant_id = new_id("ten", now_ms)
    secret = new_secret()
    accounts.create_tenant(Tenant(tenant_id, name, account_id, vault.seal(secret)), now_ms=now_ms)
    key, text = create_key(
        accounts,
        tenant_id=tenant_id,
        account_id=account_id,
        pepper=pepper,
        now_ms=now_ms,
        mode=mode,
        name=name,
        scopes=scopes,
        expires_ms=expires_ms,
        operator=operator,
    )
    return NewTenant(tenant_id, text, secret, key.id)


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
