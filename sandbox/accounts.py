"""Accounts: anonymous tokens with the seven-day rule, registered ones, and the credits ledger."""

from __future__ import annotations

import re
import secrets
import threading
from dataclasses import dataclass

from sandbox.config import SandboxClock
from sandbox.switches import SwitchBoard

TOKEN_LIFE_S = 7 * 24 * 3600
FREE_CREDITS = 100
EDIT_CREDITS = 50
GENERATION_CREDITS = 100

_REGISTERED = re.compile(r"nmv_usr_sbx_([A-Za-z0-9-]{1,60})_(\d{1,9})")


class RateLimited(Exception):
    """A client asked for a token again within seven days, or its address for too many."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("rate limited")
        self.retry_after_s = retry_after_s


@dataclass(slots=True)
class Account:
    """One owner of credits; `expires_s` is None for registered accounts."""

    user_id: str
    granted: int
    expires_s: float | None
    spent: int = 0
    frozen: int = 0

    @property
    def available(self) -> int:
        """Credits that are neither spent nor reserved."""
        return self.granted - self.spent - self.frozen


@dataclass(frozen=True, slots=True)
class Issued:
    """A fresh anonymous token; never logged."""

    token: str
    account: Account
    expires_s: float


class Accounts:
    """Issues tokens, finds who a bearer is, and keeps the ledger."""

    def __init__(self, clock: SandboxClock, board: SwitchBoard) -> None:
        self._clock, self._board = clock, board
        self._lock = threading.Lock()
        self._by_token: dict[str, tuple[Account, float | None]] = {}
        self._by_client: dict[str, tuple[float, Account]] = {}
        self._by_address: dict[str, list[float]] = {}

    def issue(self, client_id: str, address: str) -> Issued:
        """Issues a token of 100 credits. Raises RateLimited (SEED: one a client in 7 days)."""
        now_s, switches = self._clock.now_s(), self._board.of()
        with self._lock:
            known = self._by_client.get(client_id)
            if known and now_s < known[0] + TOKEN_LIFE_S:
                raise RateLimited(int(known[0] + TOKEN_LIFE_S - now_s) + 1)
            recent = [at for at in self._by_address.get(address, ()) if now_s < at + TOKEN_LIFE_S]
            if switches.ip_token_cap and len(recent) >= switches.ip_token_cap:
                raise RateLimited(int(recent[0] + TOKEN_LIFE_S - now_s) + 1)
            self._by_address[address] = [*recent, now_s]
            expires_s = now_s + TOKEN_LIFE_S
            if known and switches.client_keeps_user:
                account = known[1]
                account.granted += FREE_CREDITS
            else:
                account = Account(f"anon_{secrets.token_hex(4)}", FREE_CREDITS, expires_s)
            token = f"nmv_usr_{secrets.token_urlsafe(24)}"
            self._by_token[token] = (account, expires_s)
            self._by_client[client_id] = (now_s, account)
            return Issued(token, account, expires_s)

    def find(self, token: str) -> Account | None:
        """Returns whose token it is, or None for an unknown or expired one."""
        with self._lock:
            known = self._by_token.get(token)
            if known is None:
                match = _REGISTERED.fullmatch(token)
                if match is None:
                    return None
                known = (Account(f"user_{match.group(1)}", int(match.group(2)), None), None)
                self._by_token[token] = known
            account, expires_s = known
            return account if expires_s is None or self._clock.now_s() < expires_s else None

    def freeze(self, account: Account, amount: int) -> bool:
        """Reserves credits for a run; False when the account does not have them."""
        with self._lock:
            if account.available < amount:
                return False
            account.frozen += amount
            return True

    def settle(self, account: Account, reserved: int, charged: int) -> None:
        """Releases a reservation and spends what was really charged."""
        with self._lock:
            account.frozen -= reserved
            account.spent += charged

    def balance(self, account: Account) -> dict[str, int]:
        """Returns available, frozen and total = available + frozen (V44)."""
        with self._lock:
            available = account.available
            return {
                "available": available,
                "frozen": account.frozen,
                "total": available + account.frozen,
            }
