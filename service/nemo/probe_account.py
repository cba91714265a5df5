"""Whose credits a probe spends: a token that was given, or an anonymous account kept on disk.

An anonymous token is issued once in 7 days for a client id, so it is on disk, readable by its owner
alone, before it is used; it lies apart from the recording, which is meant to be passed on.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service.nemo.json_text import load_json

#: Of a token's life so much must be left.
_MARGIN_MS = 20 * 60 * 1000
_WEEK_MS = 7 * 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class SavedAccount:
    """An anonymous account of one backend."""

    client_id: str
    token: str = field(default="", repr=False)
    user_id: str = ""
    expires_at_ms: int = 0

    def is_usable(self, now_ms: int) -> bool:
        return bool(self.token) and self.expires_at_ms - now_ms > _MARGIN_MS


def load_account(path: Path, api_url: str, client_id: str) -> SavedAccount:
    """The account kept for a backend, or a new one without a token.

    `client_id` is used when it is not empty; an account of another client is not.
    """
    saved = _read(path).get(api_url, {})
    known = str(saved.get("client_id") or "")
    if known and client_id in {"", known}:
        expires = saved.get("expires_at_ms")
        return SavedAccount(
            known,
            str(saved.get("token") or ""),
            str(saved.get("user_id") or ""),
            expires if isinstance(expires, int) else 0,
        )
    return SavedAccount(client_id or str(uuid.uuid4()))


def save_account(path: Path, api_url: str, account: SavedAccount) -> None:
    """Keep an account on disk before its token is used."""
    body = dict(_read(path))
    body[api_url] = {
        "client_id": account.client_id,
        "token": account.token,
        "user_id": account.user_id,
        "expires_at_ms": account.expires_at_ms,
    }
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(body, out, indent=1)
        out.flush()
        os.fsync(out.fileno())
    partial.replace(path)


def expiry_ms(told_ms: int | None, now_ms: int) -> int:
    """When a token ends; 7 days less an hour when the backend does not say (V19)."""
    return told_ms if told_ms is not None else now_ms + _WEEK_MS - 3600 * 1000


def _read(path: Path) -> Mapping[str, Any]:
    try:
        found = load_json(path.read_bytes())
    except OSError:
        return {}
    return found if isinstance(found, Mapping) else {}
