"""Whose token a call uses, and getting a new one: single flight across all processes.

`env` accounts use NEMO_TOKEN as it is, `own` ones what a tenant gave; neither is ever replaced
(SEED). `anonymous` ones hold a token for 7 days; asking for another in that time is refused, so
what is issued is stored, sealed, before its first use, and a client id is stored before it is first
shown. A process that dies between the two loses a token for which nothing can be done: the account
remembers it (`token_lost`), the lock ends after `token_lock_s`, and the next request is answered by
the backend with 429, which says when another is possible.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from threading import local

from service.clock import Clock
from service.errors import CaptionAbError, NotFound, StoreError, StoreRefused, StoreUnavailable
from service.ids import new_client_id
from service.nemo.accounts import (
    AccountKind,
    TokenDelayed,
    TokenPending,
    TokenRefused,
    expiry_ms,
    hash_token,
    is_alive,
    own_account,
    put_off,
    refusal,
)
from service.nemo.client import NemoClient
from service.nemo.errors import BackendUnavailable, ClientIdMissing, RateLimited, TokenRejected
from service.nemo.wire import Credits, Token
from service.settings import Settings
from service.store.accounts import AccountStore, Grant, TokenGrant
from service.store.commands import Claim, Commands
from service.vault import Vault

_log = logging.getLogger(__name__)

#: The account of NEMO_TOKEN, and the anonymous one used where no token is given.
ENV_ACCOUNT = "acc_env"
ANONYMOUS_ACCOUNT = "acc_anonymous"
#: How long before the margin a token is renewed, so that no paid call has to.
_AHEAD_MS = 60_000
_SETTLED = {"token_refusals": "0", "token_retry": "0", "token_lost": "0", "client_id_made": "0"}


class Tokens:
    """Hands out tokens of accounts."""

    def __init__(
        self,
        accounts: AccountStore,
        nemo: NemoClient,
        vault: Vault,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._nemo = nemo
        self._vault = vault
        self._settings = settings
        self._clock = clock
        self._margin_ms = int(settings.token_margin_s * 1000)
        self._given = local()

    def ensure_account(self) -> str:
        """The account of tenants that have none of their own; made when it is not there."""
        if self._settings.nemo_token:
            self._accounts.create_account(ENV_ACCOUNT, {"kind": AccountKind.ENV})
            return ENV_ACCOUNT
        client_id = self._settings.nemo_client_id or new_client_id()
        fields = {"kind": AccountKind.ANONYMOUS, "client_id": self._vault.seal(client_id)}
        self._accounts.create_account(ANONYMOUS_ACCOUNT, fields)
        return ANONYMOUS_ACCOUNT

    def token_for(self, account_id: str, *, paid: bool = False) -> str:
        """A token to act with; before a paid edit one with `token_margin_s` to live.

        Raises:
            TokenPending: another process is getting it; look again in a second.
            TokenDelayed: the backend refuses a new one; park for `retry_in_s`.
            TokenRefused: it goes on refusing; `next_possible_at` is in the extra.
            TokenRejected: there is none, and only a person can give one.
            BackendError: the backend failed.
        """
        return self._token(account_id, self._margin_ms if paid else 1)

    def reject(self, account_id: str, token: str = "") -> bool:
        """The backend does not take a token: whether a new one may be asked for, or is there.

        Without `token` it is the last one that this thread was given for the account. It is dropped
        only if it is still the stored one, and only where it is anonymous: false says that a person
        must give another (outcome `auth`).
        """
        shown = hash_token(token) if token else getattr(self._given, account_id, "")
        now_ms = self._clock.now_ms()
        renew = self._accounts.drop_token(account_id, shown, now_ms=now_ms)
        _log.warning("token_rejected", extra={"account": account_id, "renew": renew})
        return renew

    def renew(self, account_id: str) -> float:
        """Have a token that outlives the margin; seconds until the next look at it.

        A refusal is normal before expiry: the stored token stays in use (design 5).
        """
        try:
            self._token(account_id, self._margin_ms + _AHEAD_MS + 1)
        except StoreError:
            raise
        except (TokenPending, TokenDelayed) as error:
            return error.retry_in_s or 1.0
        except CaptionAbError as error:
            _log.info("token_not_renewed", extra={"account": account_id, "code": error.code})
            if not isinstance(error, TokenRefused):
                return self._settings.look_every_s
        return self._until_next_look_s(account_id)

    def balance(self, account_id: str) -> Credits:
        """The account's credits; an anonymous token that is refused is renewed once."""
        token = self.token_for(account_id)
        try:
            return self._nemo.credits(token)
        except TokenRejected:
            if not self.reject(account_id, token):
                raise
        return self._nemo.credits(self.token_for(account_id))

    def attach(self, tenant_id: str, token: str) -> str:
        """Use a tenant's own token from now on; returns its account. It is tried out first.

        Raises:
            TokenRejected, ScopeMissing: the backend does not take it; nothing is stored.
            BackendError: it cannot be tried out now; nothing is stored.
        """
        self._nemo.credits(token)
        account_id = own_account(tenant_id)
        fields = {
            "kind": AccountKind.OWN,
            "token": self._vault.seal(token),
            "token_hash": hash_token(token),
        }
        self._accounts.attach_token(tenant_id, account_id, fields)
        return account_id

    def detach(self, tenant_id: str) -> None:
        """Forget a tenant's own token; it is back on the default account."""
        self._accounts.detach_token(tenant_id, own_account(tenant_id), self.ensure_account())

    def is_anonymous(self, account_id: str) -> bool:
        """Whether the account is one the backend gave us without a name."""
        return self._accounts.read_account(account_id).get("kind") == AccountKind.ANONYMOUS

    def bind_id(self, account_id: str) -> str:
        """The user id by which an anonymous account is registered (SEED `?bind=`)."""
        return self._accounts.read_account(account_id).get("user_id", "")

    def _token(self, account_id: str, least_ms: int) -> str:
        if account_id == ENV_ACCOUNT:
            if not self._settings.nemo_token:
                raise TokenRejected("NEMO_TOKEN is not set any more.")
            return self._settings.nemo_token
        grant = self._accounts.take_token(
            account_id,
            least_ms=least_ms,
            lock_ms=int(self._settings.token_lock_s * 1000),
            now_ms=self._clock.now_ms(),
        )
        if grant is None:
            raise TokenPending
        match grant.kind:
            case Grant.TOKEN:
                return self._hand_out(account_id, self._vault.open(grant.fields["token"]))
            case Grant.WAIT:
                raise refusal(grant.fields, self._clock.now_ms())
            case Grant.NONE:
                raise TokenRejected("The account has no token any more.")
        return self._fetch(account_id, grant, least_ms)

    def _hand_out(self, account_id: str, token: str) -> str:
        setattr(self._given, account_id, hash_token(token))
        return token

    def _fetch(self, account_id: str, grant: TokenGrant, least_ms: int) -> str:
        client_id = self._vault.open(grant.fields["client_id"])
        try:
            token = self._nemo.issue_token(client_id)
        except ClientIdMissing:
            if grant.fields.get("client_id_made") == "1":
                self._put(account_id, grant, {})
                raise
            made = {"client_id": self._vault.seal(new_client_id()), "client_id_made": "1"}
            self._put(account_id, grant, made)
            return self._token(account_id, least_ms)
        except RateLimited as error:
            raise self._put_off(account_id, grant, error) from None
        except CaptionAbError as error:
            lost = isinstance(error, BackendUnavailable) and error.sent
            self._put(account_id, grant, {"token_lost": self._now()} if lost else {})
            raise
        self._keep(account_id, grant, token, client_id)
        return self._hand_out(account_id, token.token)

    def _keep(self, account_id: str, grant: TokenGrant, token: Token, client_id: str) -> None:
        """Store what was issued, sealed with the first key: nobody has used it yet."""
        now_ms = self._clock.now_ms()
        expires_ms = expiry_ms(token.expires_at_ms, now_ms)
        change = {
            **_SETTLED,
            "token": self._vault.seal(token.token),
            "token_hash": hash_token(token.token),
            "token_expires": str(expires_ms),
            "token_issued": str(now_ms),
            "client_id": self._vault.seal(client_id),
            "user_id": token.user_id,
        }
        next_ms = max(now_ms + _AHEAD_MS, expires_ms - self._margin_ms - _AHEAD_MS)
        for _ in range(max(1, int(self._settings.token_lock_s))):
            try:
                self._put(account_id, grant, change, next_ms=next_ms)
            except StoreUnavailable:  # without the store the token would be lost for a week
                self._clock.sleep(1.0)
            else:
                return
        _log.error("token_lost", extra={"account": account_id})
        raise StoreUnavailable

    def _put_off(self, account_id: str, grant: TokenGrant, error: RateLimited) -> CaptionAbError:
        """Note a refusal on the account, where all workers see it; the error to raise."""
        now_ms = self._clock.now_ms()
        decided = put_off(
            grant.fields,
            retry_after_s=error.retry_after_s,
            retry_s=self._settings.token_retry_s,
            now_ms=now_ms,
        )
        change = {
            "token_refusals": str(int(grant.fields.get("token_refusals", "0")) + 1),
            "token_retry": str(decided.retry_ms),
            "token_possible": str(decided.possible_ms),
            "token_final": "1" if decided.final else "0",
        }
        lives = is_alive(grant.fields, now_ms)
        self._put(account_id, grant, change, next_ms=decided.retry_ms if lives else 0)
        return refusal({**grant.fields, **change}, now_ms)

    def _put(
        self, account_id: str, grant: TokenGrant, change: Mapping[str, str], *, next_ms: int = 0
    ) -> None:
        """Write under a right to get a token, and give it back.

        Raises:
            TokenPending: another process has taken the right over, and has a token or will.
        """
        try:
            self._accounts.put_token(
                account_id, grant.fence, change, next_ms=next_ms, now_ms=self._clock.now_ms()
            )
        except StoreRefused:
            _log.warning("token_taken_over", extra={"account": account_id})
            raise TokenPending from None

    def _until_next_look_s(self, account_id: str) -> float:
        fields, now_ms = self._accounts.read_account(account_id), self._clock.now_ms()
        retry_ms = int(fields.get("token_retry", "0"))
        if retry_ms > now_ms:
            return (retry_ms - now_ms) / 1000
        renew_ms = int(fields.get("token_expires", "0")) - self._margin_ms - _AHEAD_MS
        return max(_AHEAD_MS, renew_ms - now_ms) / 1000

    def _now(self) -> str:
        return str(self._clock.now_ms())


def refresh_token(claim: Claim, tokens: Tokens, commands: Commands, clock: Clock) -> None:
    """The account's own due row: renew its token before a job needs it."""
    account_id = claim.row.partition(":")[2]
    try:
        delay_s = tokens.renew(account_id)
    except NotFound:
        delay_s = 86_400.0
    commands.park(claim, delay_s=delay_s, now_ms=clock.now_ms())
