"""Encryption at rest of what must be recoverable: backend tokens and webhook secrets (Fernet)."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from service.errors import StartupError, StoreError


class Vault:
    """Seals and opens short texts; the first key seals, every key opens."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise StartupError(
                "CAPTION_AB_SECRET_KEYS is not set.",
                hint="Make one with `caption-ab keys secret`; keep it apart from Redis.",
            )
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            raise StartupError(
                "CAPTION_AB_SECRET_KEYS holds something that is not a Fernet key."
            ) from None

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Decrypt.

        Raises:
            StoreError: sealed with a key that is not among ours.
        """
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise StoreError(
                "A stored secret cannot be decrypted.",
                hint="Put the key that sealed it back into CAPTION_AB_SECRET_KEYS.",
            ) from None


def new_vault_key() -> str:
    """A new key for CAPTION_AB_SECRET_KEYS."""
    return Fernet.generate_key().decode()
