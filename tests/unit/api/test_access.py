"""API keys: their form, their digest, and how long a process trusts what it knows of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access import UNKNOWN_CACHE_S, USED_EVERY_MS, KeyCache, digest, is_well_formed, new_key
from service.clock import FakeClock
from service.errors import StoreUnavailable, Unauthorized
from service.settings import Settings
from service.store.api_keys import ApiKey, KeyStore

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class CountingStore(KeyStore):
    """One key, how often it was asked for, and how often its use was written down."""

    def __init__(self, known: str, expires_ms: int = 0) -> None:
        self.known, self.asked, self.expires_ms = known, 0, expires_ms
        self.used: list[int] = []
        self.away = False
        self.revoked_ms = 0

    def read(self, digest: str) -> ApiKey | None:
        self.asked += 1
        if digest != self.known:
            return None
        used_ms = self.used[-1] if self.used else 0
        key = ApiKey("key_x", "ten_x", "acc_x", 0, "abcd")
        return replace(key, used_ms=used_ms, expires_ms=self.expires_ms, revoked_ms=self.revoked_ms)

    def touch(self, digest: str, *, now_ms: int, every_ms: int) -> bool:
        assert digest == self.known
        assert every_ms == USED_EVERY_MS
        if self.away:
            raise StoreUnavailable
        self.used.append(now_ms)
        return True


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
    store.revoked_ms = 1
    clock.advance(10.1)
    with pytest.raises(Unauthorized, match="revoked"):
        cache.resolve(f"Bearer {key.text}")
    assert store.used == [clock.now_ms() - 10_100]  # a refused one is no use


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


def test_a_key_ends_at_its_time_though_the_process_remembers_it():
    # Given a key that a process trusts for ten seconds, and that ends in five
    clock, key = FakeClock(), new_key("p")
    store = CountingStore(key.digest, expires_ms=clock.now_ms() + 5_000)
    cache = KeyCache(store, Settings(key_pepper="p", key_cache_s=10), clock)
    cache.resolve(f"Bearer {key.text}")
    # When five seconds have passed
    clock.advance(5)
    # Then it is refused, and nobody was asked for that
    with pytest.raises(Unauthorized, match="expired"):
        cache.resolve(f"Bearer {key.text}")
    assert store.asked == 1


def test_the_last_use_is_written_once_a_minute():
    # Given a key that is used every second for two minutes and a half
    clock, key = FakeClock(), new_key("p")
    store = CountingStore(key.digest)
    cache = KeyCache(store, Settings(key_pepper="p", key_cache_s=10), clock)
    began_ms = clock.now_ms()
    for _ in range(150):
        cache.resolve(f"Bearer {key.text}")
        clock.advance(1)
    # Then it is written down three times, a minute apart
    assert [each - began_ms for each in store.used] == [0, 60_000, 120_000]


def test_a_store_that_takes_no_writes_keeps_no_key_out():
    clock, key = FakeClock(), new_key("p")
    store = CountingStore(key.digest)
    store.away = True
    cache = KeyCache(store, Settings(key_pepper="p"), clock)
    assert cache.resolve(f"Bearer {key.text}").key_id == "key_x"
