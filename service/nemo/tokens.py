"""Whose token a call uses, and getting a new one: single flight across all processes.

`env` accounts use NEMO_TOKEN as it is and never replace it (SEED). `anonymous` ones hold a token
for 7 days; asking for another in that time is refused, so what is issued is stored, sealed, before
its first use, and a client id is stored before it is first shown.
"""

from __future__ import annotations

import logging

from service.clock import Clock
from service.errors import CaptionAbError, StoreRefused
from service.ids import new_client_id
from service.nemo.client import NemoClient
from service.nemo.errors import RateLimited
from service.settings import Settings
from service.store.accounts import AccountStore, TokenGrant
from service.store.commands import Claim, Commands
from service.vault import Vault

_log = logging.getLogger(__name__)

#: The account of NEMO_TOKEN, and the anonymous one used where no token is given.
ENV_ACCOUNT = "acc_env"
ANONYMOUS_ACCOUNT = "acc_anonymous"
#: SEED: an anonymous token lives 7 days; assumed, less an hour, where the backend does not say.
_LIFE_MS = (7 * 24 - 1) * 3_600_000


class TokenPending(CaptionAbError):
    """Another process is getting this account's token."""

    code = "token_pending"
    retryable = True
    retry_in_s = 1.0


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

    def ensure_account(self) -> str:
        """The account of tenants that have none of their own; made when it is not there."""
        if self._settings.nemo_token:
            self._accounts.create_account(ENV_ACCOUNT, {"kind": "env"})
            return ENV_ACCOUNT
        client_id = self._settings.nemo_client_id or new_client_id()
        fields = {"kind": "anonymous", "client_id": self._vault.seal(client_id)}
        self._accounts.create_account(ANONYMOUS_ACCOUNT, fields)
        return ANONYMOUS_ACCOUNT

    def token_for(self, account_id: str, *, paid: bool = False) -> str:
        """A token to act with; before a paid edit one with `token_margin_s` to live.

        Raises:
            TokenPending: another process is getting it; look again in a second.
            RateLimited: the backend refuses a new one for now.
            BackendError: the backend failed.
        """
        if account_id == ENV_ACCOUNT:
            return self._settings.nemo_token
        least_ms = int(self._settings.token_margin_s * 1000) if paid else 1
        grant = self._accounts.take_token(
            account_id,
            least_ms=least_ms,
            lock_ms=int(self._settings.token_lock_s * 1000),
            now_ms=self._clock.now_ms(),
        )
        if grant is None:
            raise TokenPending
        if grant.fence == 0:
            return self._vault.open(grant.fields["token"])
        return self._issue(account_id, grant)

    def reject(self, account_id: str) -> bool:
        """The backend does not take the account's token; true when a new one may be asked for."""
        del account_id
        return False

    def is_anonymous(self, account_id: str) -> bool:
        """Whether the account is one the backend gave us without a name."""
        return self._accounts.read_account(account_id).get("kind") == "anonymous"

    def bind_id(self, account_id: str) -> str:
        """The user id by which an anonymous account is registered (SEED `?bind=`)."""
        return self._accounts.read_account(account_id).get("user_id", "")

    def _issue(self, account_id: str, grant: TokenGrant) -> str:
        client_id = self._vault.open(grant.fields["client_id"])
        try:
            token = self._nemo.issue_token(client_id)
        except CaptionAbError as error:
            self._note_refusal(account_id, grant, error)
            raise
        now_ms = self._clock.now_ms()
        expires_ms = token.expires_at_ms or now_ms + _LIFE_MS
        change = {
            "token": self._vault.seal(token.token),
            "token_expires": str(expires_ms),
            "user_id": token.user_id,
        }
        margin_ms = int(self._settings.token_margin_s * 1000)
        next_ms = max(now_ms + 60_000, expires_ms - margin_ms)
        self._accounts.put_token(account_id, grant.fence, change, next_ms=next_ms, now_ms=now_ms)
        return token.token

    def _note_refusal(self, account_id: str, grant: TokenGrant, error: CaptionAbError) -> None:
        """Give the right to ask back, and look again right after the old token has expired."""
        now_ms = self._clock.now_ms()
        expires_ms = int(grant.fields.get("token_expires", "0"))
        next_ms = expires_ms + 1000 if isinstance(error, RateLimited) and expires_ms else 0
        try:
            self._accounts.put_token(account_id, grant.fence, {}, next_ms=next_ms, now_ms=now_ms)
        except StoreRefused:
            _log.warning("token_taken_over", extra={"account": account_id})


def refresh_token(claim: Claim, tokens: Tokens, commands: Commands, clock: Clock) -> None:
    """The account's own due row: renew its token before a job needs it.

    A refusal is normal before expiry: the stored token stays in use (design 5).
    """
    account_id = claim.row.partition(":")[2]
    try:
        tokens.token_for(account_id, paid=True)
    except CaptionAbError as error:
        _log.info("token_not_renewed", extra={"account": account_id, "code": error.code})
    commands.park(claim, delay_s=3600.0, now_ms=clock.now_ms())
