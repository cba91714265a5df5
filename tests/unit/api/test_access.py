"""API keys: their form, their digest, and how long a process trusts what it knows of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access import UNKNOWN_CACHE_S, KeyCache, digest, is_well_formed, new_key
from service.clock import FakeClock
from service.errors import Unauthorized
from service.settings import Settings
from service.store.accounts import AccountStore, ApiKey

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class CountingStore(AccountStore):
    """One key, and how often it was asked for."""

    def __init__(self, known: str) -> None:
        self.known, self.asked = known, 0

    def read_key(self, digest: str) -> ApiKey | None:
        self.asked += 1
        if digest != self.known:
            return None
        return ApiKey("key_x", "ten_x", "acc_x", 0, "abcd")


@pytest.mark.parametrize("mode", ["live", "test"])
def test_a_new_key_is_well_formed(mode):
    key = new_key("pepper", mode)
    assert key.text.startswith(f"cab_{mode}_")
    assert is_well_formed(key.text)
    assert key.text not in repr(key)


@given(st.integers(0, 44), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_noticed(place: int, wrong: str):
    text = new_key("").text
    changed = text[:place] + wrong + text[place + 1 :]
    assert is_well_formed(changed) == (changed == text)


@given(st.text(max_size=60))
def test_other_texts_are_no_keys(text: str):
    assert not is_well_formed(text)


def test_the_digest_needs_the_pepper():
    assert digest("cab_live_x", "one") != digest("cab_live_x", "two")


def test_a_key_is_asked_for_once_in_its_time():
    # Given a process that has met a key
    clock, key = FakeClock(), new_key("p")
    store = CountingStore(key.digest)
    cache = KeyCache(store, Settings(key_pepper="p", key_cache_s=10), clock)
    header = f"Bearer {key.text}"
    assert cache.resolve(header).tenant_id == "ten_x"
    # When it comes again within ten seconds, and after them
    clock.advance(9.9)
    cache.resolve(header)
    within = store.asked
    clock.advance(0.2)
    cache.resolve(header)
    # Then the store is asked again only after them
    assert (within, store.asked) == (1, 2)


def test_a_revoked_key_stops_working():
    clock, key = FakeClock(), new_key("p")
    store = CountingStore(key.digest)
    cache = KeyCache(store, Settings(key_pepper="p", key_cache_s=10), clock)
    cache.resolve(f"Bearer {key.text}")
    store.known = "another"
    clock.advance(10.1)
    with pytest.raises(Unauthorized):
        cache.resolve(f"Bearer {key.text}")


def test_an_unknown_key_is_remembered_briefly():
    clock, key = FakeClock(), new_key("p")
    store = CountingStore("none")
    cache = KeyCache(store, Settings(key_pepper="p"), clock)
    for _ in range(5):
        with pytest.raises(Unauthorized):
            cache.resolve(f"Bearer {key.text}")
    assert store.asked == 1
    store.known = key.digest
    clock.advance(UNKNOWN_CACHE_S + 0.1)
    assert cache.resolve(f"bearer  {key.text}").tenant_id == "ten_x"


def test_a_malformed_key_never_reaches_the_store():
    store = CountingStore("none")
    cache = KeyCache(store, Settings(), FakeClock())
    for header in (None, "", "Bearer", "Bearer cab_live_x", "Token abc", "Bearer " + "é" * 45):
        with pytest.raises(Unauthorized):
            cache.resolve(header)
    assert store.asked == 0


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch):
    # Given a cache of three
    monkeypatch.setattr("service.access.CACHED_KEYS", 3)
    keys = [new_key("") for _ in range(4)]
    store = CountingStore(keys[0].digest)
    cache = KeyCache(store, Settings(), FakeClock())
    # When more are met than it holds, the first in between again
    for key in (keys[0], keys[1], keys[2], keys[0], keys[3]):
        try:
            cache.resolve(f"Bearer {key.text}")
        except Unauthorized:
            continue
    # Then the one used longest ago is forgotten, and the used one is not
    cache.resolve(f"Bearer {keys[0].text}")
    assert store.asked == 4
