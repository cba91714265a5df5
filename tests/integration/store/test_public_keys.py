"""Publishable keys of an experiment: each command, each refusal, twice, and their end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.errors import NotFound, QuotaExceeded
from service.model.public_key import PublicKey
from service.public_keys import MOST_KEYS
from service.store.public_keys import PublicKeyStore
from service.store.retention import Retention
from service.store.revisions import add_cut
from tests.builders import TENANT, a_new_cut
from tests.integration.store.invariants import assert_nothing_stays, snapshot

ORIGINS = ("https://shop.example.com", "http://localhost:3000")
TTL_S = 604_800


@pytest.fixture
def keys(store) -> PublicKeyStore:
    return PublicKeyStore(store.connection)


def enter(store, job: str, key_id: str = "pub_1", **fields) -> PublicKey:
    wish = {"tenant_id": TENANT, "origins": ORIGINS, "made_by": "key_1", **fields}
    key = PublicKey(key_id, job, created_ms=store.now_ms, **wish)
    PublicKeyStore(store.connection).create(key, now_ms=store.now_ms)
    return key


def test_a_key_comes_back_as_it_was_written(store, keys):
    job = store.accept().id
    key = enter(store, job, name="网站 🎬")
    assert keys.find("pub_1") == key
    assert keys.find("pub_2") is None
    store.clock.advance(1)
    later = enter(store, job, "pub_2", origins=())
    assert keys.read_all(job) == [later, key]
    assert keys.read_all(store.accept().id) == []


def test_a_key_entered_twice_is_one(store, keys):
    job = store.accept().id
    first = enter(store, job)
    before = snapshot(store.client)
    enter(store, job, origins=())
    assert snapshot(store.client) == before
    assert keys.read_all(job) == [first]


def test_only_the_jobs_tenant_enters_and_revokes(store, keys):
    job, other = store.accept().id, store.accept().id
    key = enter(store, job)
    for wrong in (replace(key, tenant_id="ten_2"), replace(key, job_id="job_none")):
        with pytest.raises(NotFound):
            keys.create(replace(wrong, id="pub_2"), now_ms=store.now_ms)
    wrongs = ((job, "ten_2", "pub_1"), (job, TENANT, "pub_2"), (other, TENANT, "pub_1"))
    for at, owner, name in wrongs:
        with pytest.raises(NotFound):
            keys.revoke(at, owner, name, now_ms=store.now_ms)
    assert keys.find("pub_1") == key


def test_a_key_is_revoked_once(store, keys):
    job = store.accept().id
    key, at_ms = enter(store, job), store.now_ms
    assert keys.revoke(job, TENANT, "pub_1", now_ms=at_ms)
    store.clock.advance(1)
    assert not keys.revoke(job, TENANT, "pub_1", now_ms=store.now_ms)
    assert keys.find("pub_1") == replace(key, revoked_ms=at_ms)
    assert not keys.find("pub_1").is_open


def test_the_key_revoked_first_makes_room(store, keys):
    job = store.accept().id
    for number in range(MOST_KEYS):
        enter(store, job, f"pub_{number}")
    with pytest.raises(QuotaExceeded):
        enter(store, job, "pub_new")
    for number in (7, 3):
        keys.revoke(job, TENANT, f"pub_{number}", now_ms=store.now_ms)
        store.clock.advance(1)
    enter(store, job, "pub_new")
    assert keys.find("pub_7") is None
    assert keys.find("pub_3") is not None
    assert len(keys.read_all(job)) == MOST_KEYS


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_key_lives_as_long_as_its_job(store, keys, when: str):
    # Given a key, made before the job has ended or after it
    job = store.comparing_job().id
    if when == "before":
        enter(store, job)
    store.finish(job)
    if when == "after":
        store.clock.advance(1000)
        enter(store, job)
    # Then nothing of it would stay
    assert_nothing_stays(store.client)
    # When its time is over, though nobody has swept, then no key can be made any more
    store.clock.advance(TTL_S - (1000 if when == "after" else 0))
    with pytest.raises(NotFound):
        enter(store, job, "pub_2")
    # And the sweep takes all
    Retention(store.connection).retire(
        limit=9, remember_ms=1000, uncounted_ms=1000, now_ms=store.now_ms
    )
    assert store.client.keys("cab:*pub*") == []


def test_a_key_is_kept_while_a_job_is_worked_on_again(store, keys):
    job = store.comparing_job().id
    enter(store, job)
    store.finish(job)
    add_cut(store.connection, a_new_cut(job), now_ms=store.now_ms)
    assert store.client.pttl("cab:pubkey:pub_1") == -1
    assert store.client.pttl(f"cab:job:{job}:pubkeys") == -1


def test_a_deleted_job_takes_its_keys_along(store, keys):
    job = store.comparing_job().id
    enter(store, job)
    store.finish(job)
    Retention(store.connection).delete_job(
        job, TENANT, remember_ms=1000, uncounted_ms=1000, now_ms=store.now_ms
    )
    assert store.client.keys("cab:*pub*") == []
