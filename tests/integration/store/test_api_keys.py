"""API keys in the store: found by hash and by id, touched, rotated, revoked; old ones too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.errors import NotFound
from service.model.limits import KeyLimits
from service.model.scope import DEFAULT_SCOPES, Mode, Scope
from service.store.accounts import AccountStore, Tenant
from service.store.api_keys import LISTED_AFTER_MS, ApiKey
from tests.builders import NOW_MS
from tests.integration.store.invariants import assert_nothing_stays

DAY_MS = 86_400_000


@pytest.fixture
def accounts(store) -> AccountStore:
    accounts = AccountStore(store.connection)
    for name in ("ten_1", "ten_2"):
        accounts.create_tenant(Tenant(name, name, f"acc_{name}", "sealed"), now_ms=NOW_MS)
    return accounts


def a_key(key_id: str = "key_1", **fields) -> ApiKey:
    return ApiKey(key_id, "ten_1", "acc_ten_1", NOW_MS, "abcd", **fields)


def test_a_key_comes_back_as_it_was_written(accounts):
    key = a_key(
        name="ci", scopes=frozenset({Scope.ADMIN}), mode=Mode.TEST, operator=True,
        expires_ms=NOW_MS + DAY_MS, limits=KeyLimits(5, 0, 1000),
    )  # fmt: skip
    accounts.api_keys.create("hash", key)
    assert accounts.api_keys.read("hash") == accounts.api_keys.find("key_1") == key


def test_a_key_of_an_earlier_release_may_what_it_could(accounts, store):
    # Given a key without scopes, mode or index
    old = {"id": "key_old", "tenant": "ten_1", "created": NOW_MS, "last4": "abcd"}
    store.client.hset("cab:key:hash", mapping=old)
    # When it is read, then it may all but administer
    found = accounts.api_keys.read("hash")
    assert found is not None
    assert (found.scopes, found.mode) == (DEFAULT_SCOPES, Mode.LIVE)
    # And from its first use on it is listed
    assert accounts.api_keys.page("ten_1", before_ms=None, limit=10) == []
    assert accounts.api_keys.touch("hash", now_ms=store.now_ms, every_ms=60_000)
    listed = accounts.api_keys.page("ten_1", before_ms=None, limit=10)
    assert listed == [replace(found, used_ms=store.now_ms)]


def test_a_use_is_noted_once_in_its_time(accounts, store):
    accounts.api_keys.create("hash", a_key())
    noted = []
    for _ in range(4):
        noted.append(accounts.api_keys.touch("hash", now_ms=store.now_ms, every_ms=60_000))
        store.clock.advance(30)
    assert noted == [True, False, True, False]


def test_a_use_brings_no_revoked_key_back(accounts, store):
    accounts.api_keys.create("hash", a_key())
    assert accounts.api_keys.revoke("key_1", now_ms=store.now_ms)
    assert not accounts.api_keys.touch("hash", now_ms=store.now_ms, every_ms=60_000)
    assert accounts.api_keys.read("hash").used_ms == 0


def test_a_revoked_key_is_listed_for_its_time(accounts, store):
    # Given a key without an end, when it is revoked, and once more later
    accounts.api_keys.create("hash", a_key())
    first_ms = store.now_ms
    assert accounts.api_keys.revoke("key_1", now_ms=first_ms)
    store.clock.advance(60)
    assert not accounts.api_keys.revoke("key_1", now_ms=store.now_ms)
    # Then it is shown as it ended, also to who reads its end only
    [shown] = accounts.api_keys.page("ten_1", before_ms=None, limit=10)
    assert (shown.revoked_ms, shown.expires_ms) == (first_ms, first_ms)
    # And it goes by itself
    assert store.client.pexpiretime("cab:key:hash") == first_ms + LISTED_AFTER_MS


def test_a_revocation_prolongs_no_key(accounts, store):
    soon_ms = store.now_ms - 1000
    accounts.api_keys.create("hash", a_key(expires_ms=soon_ms))
    accounts.api_keys.revoke("key_1", now_ms=store.now_ms)
    assert accounts.api_keys.read("hash").expires_ms == soon_ms
    assert store.client.pexpiretime("cab:key:hash") == soon_ms + LISTED_AFTER_MS


def test_a_key_that_is_gone_is_not_revoked(accounts, store):
    with pytest.raises(NotFound):
        accounts.api_keys.revoke("key_1", now_ms=store.now_ms)
    assert not store.client.exists("cab:key:")


def test_a_revoked_key_is_not_rotated(accounts, store):
    accounts.api_keys.create("hash", a_key())
    accounts.api_keys.revoke("key_1", now_ms=store.now_ms)
    made = accounts.api_keys.rotate(
        a_key(), "new", a_key("key_2"), until_ms=store.now_ms + DAY_MS, now_ms=store.now_ms
    )
    assert not made
    assert accounts.api_keys.read("new") is None


def test_the_key_revoked_longest_ago_gives_its_place(accounts, store):
    # Given a key that works, and two that were revoked one after the other
    for number in range(3):
        accounts.api_keys.create(f"hash{number}", a_key(f"key_{number}"))
    for number in (2, 1):
        accounts.api_keys.revoke(f"key_{number}", now_ms=store.now_ms)
        store.clock.advance(1)
    # When places are needed, then they go in that order, and the one that works stays
    assert accounts.api_keys.make_room("ten_1")
    left = accounts.api_keys.page("ten_1", before_ms=None, limit=9)
    assert {each.id for each in left} == {"key_0", "key_1"}
    assert [accounts.api_keys.make_room("ten_1") for _ in range(2)] == [True, False]
    assert [each.id for each in accounts.api_keys.page("ten_1", before_ms=None, limit=9)] == [
        "key_0"
    ]
    assert store.client.hkeys("cab:key-ids") == ["key_0"]


def test_a_rotated_key_lives_on_for_its_time(accounts, store):
    # Given a key, when it is rotated
    old, until_ms = a_key(), store.now_ms + DAY_MS
    accounts.api_keys.create("old", old)
    new = a_key("key_2", name="next")
    rotate = accounts.api_keys.rotate
    assert rotate(old, "new", new, until_ms=until_ms, now_ms=store.now_ms)
    # Then both are there, and the old one ends
    after = accounts.api_keys.read("old")
    assert (after.expires_ms, after.replaced_by) == (until_ms, "key_2")
    assert accounts.api_keys.read("new") == new
    assert {each.id for each in accounts.api_keys.page("ten_1", before_ms=None, limit=9)} == {
        "key_1",
        "key_2",
    }
    assert store.client.pttl("cab:key:old") > LISTED_AFTER_MS
    # And the same call again changes nothing, another is refused
    assert rotate(old, "new", new, until_ms=until_ms, now_ms=store.now_ms)
    assert not rotate(old, "x", a_key("key_3"), until_ms=until_ms, now_ms=store.now_ms)
    assert accounts.api_keys.read("x") is None


def test_a_rotation_prolongs_no_key(accounts, store):
    soon_ms = store.now_ms + 1000
    old = a_key(expires_ms=soon_ms)
    accounts.api_keys.create("old", old)
    accounts.api_keys.rotate(
        old, "new", a_key("key_2"), until_ms=store.now_ms + DAY_MS, now_ms=store.now_ms
    )
    assert accounts.api_keys.read("old").expires_ms == soon_ms


def test_a_key_that_is_gone_is_not_rotated(accounts, store):
    new = a_key("key_2")
    made = accounts.api_keys.rotate(a_key(), "new", new, until_ms=1, now_ms=store.now_ms)
    assert not made
    assert accounts.api_keys.read("new") is None


def test_only_lasting_keys_last(accounts, store):
    accounts.api_keys.create("hash", a_key())
    accounts.api_keys.touch("hash", now_ms=store.now_ms, every_ms=60_000)
    assert_nothing_stays(store.client)


def test_a_list_forgets_what_has_left_it(accounts, store):
    # Given a key that has expired for good
    accounts.api_keys.create("hash", a_key(expires_ms=NOW_MS))
    store.client.delete("cab:key:hash")
    # When its tenant's keys are listed, then it is in no index any more
    assert accounts.api_keys.page("ten_1", before_ms=None, limit=10) == []
    assert not store.client.exists("cab:key-ids", "cab:tenant:ten_1:keys")


def test_a_page_is_full_however_many_have_left_the_list(accounts, store):
    # Given three keys behind twenty that are there no more
    for number in range(23):
        key = replace(a_key(f"key_{number:02d}"), created_ms=NOW_MS + number)
        accounts.api_keys.create(f"hash_{number}", key)
        if number >= 3:
            store.client.delete(f"cab:key:hash_{number}")
    # Then the first page has them, and what has gone is counted no more.
    page = accounts.api_keys.page("ten_1", before_ms=None, limit=5)
    assert [each.id for each in page] == ["key_02", "key_01", "key_00"]
    assert accounts.api_keys.count("ten_1") == 3


def test_old_keys_and_their_tenants_can_be_entered_at_once(accounts, store):
    # Given keys of an earlier release, and a new one
    for number in range(3):
        old = {"id": f"key_{number}", "tenant": "ten_9", "created": number, "last4": "abcd"}
        store.client.hset(f"cab:key:hash{number}", mapping=old)
    accounts.create_tenant(Tenant("ten_9", "old", "acc", "sealed"))
    store.client.zrem("cab:tenants", "ten_9")
    accounts.api_keys.create("new", a_key("key_new"))
    # When they are entered, twice
    assert [accounts.api_keys.enter_old() for _ in range(2)] == [4, 4]
    # Then all are listed
    listed = accounts.api_keys.page("ten_9", before_ms=None, limit=10)
    assert [each.id for each in listed] == ["key_2", "key_1", "key_0"]
    assert [each.id for each in accounts.tenants(before_ms=None, limit=9)][-1] == "ten_9"
