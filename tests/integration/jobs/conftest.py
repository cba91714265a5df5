"""The engine's rooms on a real Valkey; what stores are made of comes from their own tests."""

from __future__ import annotations

from tests.integration.store.conftest import store

__all__ = ["store"]
