"""Accounts: anonymous tokens with the seven-day rule, registered ones, and their credits."""

from __future__ import annotations

import re
import secrets
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from sandbox.board import SwitchBoard
from sandbox.clock import SandboxClock

TOKEN_LIFE_S = 7 * 24 * 3600
FREE_CREDITS = 100
EDIT_CREDITS = 50
GENERATION_CREDITS = 100
#: Entries of one account's ledger that are kept; the sums are of all.
LEDGER_ROWS = 2000

_REGISTERED = re.compile(r"nmv_usr_sbx_([A-Za-z0-9-]{1,60})_(\d{1,9})")


class RateLimited(Exception):
    """A client asked for a token again within seven days, or its address for too many."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("rate limited")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Cause:
    """What credits were moved for."""

    request_id: str = ""
    session_id: str = ""


@dataclass(slots=True)
class Account:
    """One owner of credits; `expires_s` is None for registered accounts."""

    user_id: str
    granted: int
    expires_s: float | None
    spent: int = 0
    frozen: int = 0
    entries: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=LEDGER_ROWS))

    @property
    def available(self) -> int:
        """Credits that are neither spent nor reserved."""
        return self.granted - self.spent - self.frozen

    def note(self, kind: str, amount: int, at_ms: int, cause: Cause) -> None:
        """Enters a movement with what is left after it; one of nothing is not entered."""
        if amount:
            row = {"kind": kind, "credits": amount, "at_ms": at_ms}
            left = {"available": self.available, "frozen": self.frozen}
            why = {"request_id": cause.request_id, "session_id": cause.session_id}
            self.entries.append({**row, **why, **left})

    def as_row(self) -> dict[str, Any]:
        """Returns the account as the books list it."""
        sums = {"granted": self.granted, "spent": self.spent, "frozen": self.frozen}
        return {**sums, "available": self.available, "entries": list(self.entries)}


@dataclass(frozen=True, slots=True)
class Issued:
    """A fresh anonymous token; never logged."""

    token: str
    account: Account
    expires_s: float


@dataclass(slots=True)
class _Holder:
    """A token's account and end; None where it does not expire."""

    account: Account
    expires_s: float | None


class Accounts:
    """Issues tokens, finds who a bearer is, and keeps the credits."""

    def __init__(self, clock: SandboxClock, board: SwitchBoard) -> None:
        self._clock, self._board = clock, board
        self._lock = threading.Lock()
        self._by_token: dict[str, _Holder] = {}
        self._by_client: dict[str, tuple[float, Account]] = {}
        self._by_address: dict[str, list[float]] = {}
        self._by_user: dict[str, Account] = {}

    def issue(self, client_id: str, address: str) -> Issued:
        """Issues a token of 100 credits. Raises RateLimited (SEED: one a client in 7 days)."""
        now_s, switches = self._clock.now_s(), self._board.of(user_id=client_id)
        life_s = switches.token_life_s
        with self._lock:
            known = self._by_client.get(client_id)
            early = known is not None and now_s < known[0] + min(life_s, TOKEN_LIFE_S)
            if known and early and switches.early_refresh == "429":
                raise RateLimited(int(known[0] + min(life_s, TOKEN_LIFE_S) - now_s) + 1)
            recent = [at for at in self._by_address.get(address, ()) if now_s < at + TOKEN_LIFE_S]
            if switches.ip_token_cap and len(recent) >= switches.ip_token_cap:
                raise RateLimited(int(recent[0] + TOKEN_LIFE_S - now_s) + 1)
            self._by_address[address] = [*recent, now_s]
            expires_s = now_s + life_s
            account = self._owner(
                client_id, expires_s, early=early, keeps=switches.client_keeps_user
            )
            token = f"nmv_usr_{secrets.token_urlsafe(24)}"
            self._by_token[token] = _Holder(account, expires_s)
            self._by_client[client_id] = (now_s, account)
            self._board.note_client(account.user_id, client_id)
            return Issued(token, account, expires_s)

    def find(self, token: str) -> Account | None:
        """Returns whose token it is, or None for an unknown or expired one."""
        with self._lock:
            known = self._by_token.get(token)
            if known is None:
                match = _REGISTERED.fullmatch(token)
                if match is None:
                    return None
                account = Account(f"user_{match.group(1)}", int(match.group(2)), None)
                account.note("grant", account.granted, self._clock.now_ms(), Cause())
                known = self._by_token[token] = _Holder(account, None)
                self._by_user[account.user_id] = account
            expired = known.expires_s is not None and self._clock.now_s() >= known.expires_s
            return None if expired else known.account

    def expire(self, name: str) -> int:
        """Ends all tokens of a user id or client id now; returns how many there were."""
        now_s = self._clock.now_s()
        with self._lock:
            user_id = self._named(name)
            held = [h for h in self._by_token.values() if h.account.user_id == user_id]
            for holder in held:
                holder.expires_s = now_s
            for client_id, (_, account) in list(self._by_client.items()):
                if account.user_id == user_id:
                    # a dead token may be replaced at once
                    self._by_client[client_id] = (now_s - TOKEN_LIFE_S, account)
            return len(held)

    def set_available(self, name: str, available: int) -> bool:
        """Grants or takes credits until so many are available; False for an unknown account."""
        with self._lock:
            account = self._by_user.get(self._named(name))
            if account is None:
                return False
            difference = available - account.available
            account.granted += difference
            account.note("grant", difference, self._clock.now_ms(), Cause())
            return True

    def freeze(self, account: Account, amount: int, cause: Cause = Cause()) -> bool:
        """Reserves credits for a run; False when the account does not have them."""
        with self._lock:
            if account.available < amount:
                return False
            account.frozen += amount
            account.note("freeze", amount, self._clock.now_ms(), cause)
            return True

    def settle(self, account: Account, reserved: int, charged: int, cause: Cause = Cause()) -> None:
        """Releases a reservation and spends what was really charged."""
        with self._lock:
            account.frozen -= reserved
            account.spent += charged
            account.note("charge", charged, self._clock.now_ms(), cause)
            account.note("release", reserved - charged, self._clock.now_ms(), cause)

    def balance(self, account: Account) -> dict[str, int]:
        """Returns available, frozen and total = available + frozen (V44)."""
        with self._lock:
            available = account.available
            return {
                "available": available,
                "frozen": account.frozen,
                "total": available + account.frozen,
            }

    def rows(self) -> dict[str, dict[str, Any]]:
        """Returns all accounts with their ledgers by user id; no tokens."""
        with self._lock:
            return {user_id: account.as_row() for user_id, account in self._by_user.items()}

    def users_of(self, client_id: str) -> list[str]:
        """Returns the user ids that a client id has had."""
        with self._lock:
            return [user for user in self._by_user if self._board.client_of(user) == client_id]

    def clear(self) -> None:
        """Forgets all accounts and tokens."""
        with self._lock:
            for page in (self._by_token, self._by_client, self._by_address, self._by_user):
                page.clear()

    def _owner(self, client_id: str, expires_s: float, *, early: bool, keeps: bool) -> Account:
        known = self._by_client.get(client_id)
        if known and early:
            return known[1]
        if known and keeps:
            account = known[1]
            account.granted += FREE_CREDITS
        else:
            account = Account(f"anon_{secrets.token_hex(4)}", FREE_CREDITS, expires_s)
            self._by_user[account.user_id] = account
        account.note("grant", FREE_CREDITS, self._clock.now_ms(), Cause())
        return account

    def _named(self, name: str) -> str:
        known = self._by_client.get(name)
        return known[1].user_id if known else name
