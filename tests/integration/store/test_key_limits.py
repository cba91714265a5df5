"""Limits of a key, decided inside the write that accepts; usage counted with it, never twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from service.errors import CreditQuotaExceeded, QuotaExceeded, RateExceeded
from service.model.limits import DAY_MS
from service.store.accounts import Upload
from service.store.revisions import add_cut
from service.store.usage import KEPT_MS, read_held, read_usage
from tests.builders import ACCOUNT, TENANT, a_new_cut, a_new_job, a_use, an_event
from tests.integration.store.invariants import assert_invariants, snapshot


def accept(store, key: str = "key_1", **limits):
    use = a_use(key, now_ms=store.now_ms, **limits)
    return store.accept(a_new_job(use=use))


def used(store, owner: str = "key_1") -> dict[str, int]:
    return read_usage(store.connection, owner, days=1, now_ms=store.now_ms)[0].counts


def held(store, owner: str = "key_1") -> int:
    return read_held(store.connection, owner)


def spend(
    store, new, total: int, *, row: str = "", edit: str = "edt_1", balance: int = 1000, ends=True
):
    """Make and settle an edit after which the account has `total` left; then its cut ends."""
    row = row or next(each.row for each in new.rows if each.row.startswith("cut:"))
    for clip in (each.row for each in new.rows if each.row.startswith("clip:")):
        if store.row(clip)["open"] == "1":
            store.commit(store.claim(clip), "ready", ended=True)
    claim = store.claim(row)
    mark = store.commands.read_mark(ACCOUNT)
    scope = {} if row.endswith(".1") else {"scope": row}
    store.commands.reserve(claim, amount=50, total=balance, mark=mark, now_ms=store.now_ms, **scope)
    charge = store.commands.settle(
        claim, edit_id=edit, total=total, mark=mark, most=50, confirmed=True, now_ms=store.now_ms
    )
    if ends:
        store.commit(claim, "failed", ended=True)
    return claim, charge


class TestRate:
    def test_one_job_too_many_in_a_minute_is_refused_and_says_when(self, store):
        # Given a key that may have three jobs accepted in a minute, and has
        for _ in range(3):
            accept(store, jobs_per_minute=3)
            store.clock.advance(10)
        before = snapshot(store.client)
        # When a fourth comes, then it is refused with the time that is left, and writes nothing
        with pytest.raises(RateExceeded) as refused:
            accept(store, jobs_per_minute=3)
        assert refused.value.retry_after_s == 30
        assert refused.value.extra["violated-policies"] == ["jobs"]
        assert snapshot(store.client) == before
        # And a moment before that time it still is, at that time it is not
        store.clock.advance(29.9)
        with pytest.raises(RateExceeded) as refused:
            accept(store, jobs_per_minute=3)
        assert refused.value.retry_after_s == 1
        store.clock.advance(0.1)
        accept(store, jobs_per_minute=3)

    def test_another_key_has_a_rate_of_its_own(self, store):
        accept(store, jobs_per_minute=1)
        accept(store, "key_2", jobs_per_minute=1)
        with pytest.raises(RateExceeded):
            accept(store, jobs_per_minute=1)

    def test_a_replay_is_answered_and_not_counted(self, store):
        use = a_use(jobs_per_minute=1, now_ms=store.now_ms)
        store.accept(a_new_job(key="k", fingerprint="f", use=use))
        before = snapshot(store.client)
        again = store.jobs.create(a_new_job(key="k", fingerprint="f", use=use), now_ms=store.now_ms)
        assert again.replayed
        assert snapshot(store.client) == before


class TestOpenJobs:
    def test_a_key_has_so_many_unfinished_jobs(self, store):
        new = accept(store, open_jobs=1)
        with pytest.raises(QuotaExceeded) as refused:
            accept(store, open_jobs=1)
        assert refused.value.extra["violated-policies"] == ["key-open-jobs"]
        # When the first ends, the next is accepted
        end(store, new)
        accept(store, open_jobs=1)
        assert_invariants(store.client)


def end(store, new, status: str = "failed") -> None:
    """Let all of a job's rows end, and then the job."""
    for row in (each.row for each in new.rows):
        if store.row(row)["open"] == "1":
            store.commit(store.claim(row), status, ended=True)
    claim = store.claim(f"finish:{new.id}")
    store.commands.finish(
        claim, status=status, result="{}", event=an_event(f"job.{status}"), now_ms=store.now_ms
    )


class TestCredits:
    def test_estimates_of_unfinished_jobs_count(self, store):
        # Given a key with 250 credits a month, and two jobs of 100 under way
        first = accept(store, month_credits=250)
        accept(store, month_credits=250)
        # When a third comes
        with pytest.raises(CreditQuotaExceeded) as refused:
            accept(store, month_credits=250)
        # Then it is refused with what is taken; when one ends unpaid, it is accepted
        assert refused.value.extra["taken_credits"] == 200
        end(store, first)
        assert held(store) == 100
        accept(store, month_credits=250)
        assert_invariants(store.client)

    def test_what_was_charged_counts_to_the_end_of_the_month(self, store):
        # Given a job that was expected to cost 100, of which one edit was charged with 40
        new = accept(store, month_credits=150)
        _, charge = spend(store, new, total=960)
        assert (charge, used(store)["credits"], held(store)) == (40, 40, 60)
        # When it ends, what was not charged is free again
        end(store, new)
        assert (used(store)["credits"], held(store)) == (40, 0)
        accept(store, month_credits=150)
        with pytest.raises(CreditQuotaExceeded):
            accept(store, month_credits=150)
        # And in the next month all of it
        moment = datetime.fromtimestamp(store.now_ms / 1000, UTC)
        store.clock.advance(86_400 * (32 - moment.day))
        fresh = a_use(month_credits=250, now_ms=store.now_ms)
        store.accept(a_new_job(use=fresh))

    def test_a_charge_is_counted_once(self, store):
        new = accept(store)
        claim, _ = spend(store, new, total=960, ends=False)
        before = used(store), used(store, TENANT), held(store)
        mark = store.commands.read_mark(ACCOUNT)
        store.commands.settle(
            claim, edit_id="edt_1", total=900, mark=mark, most=50, confirmed=True,
            now_ms=store.now_ms,
        )  # fmt: skip
        assert (used(store), used(store, TENANT), held(store)) == before

    def test_a_message_counts_for_the_key_that_sends_it(self, store):
        # Given a job of one key, and a message by another that may spend 60
        new = accept(store)
        use = a_use("key_2", price=50, month_credits=60, now_ms=store.now_ms)
        added = add_cut(store.connection, a_new_cut(new.id, use=use), now_ms=store.now_ms)
        assert (held(store), held(store, "key_2")) == (100, 50)
        # When it sends one more, then that is refused
        with pytest.raises(CreditQuotaExceeded):
            add_cut(store.connection, a_new_cut(new.id, key="k2", use=use), now_ms=store.now_ms)
        # And the charge of its edit is its own
        first = next(each.row for each in new.rows if each.row.endswith(".A.1"))
        spend(store, new, total=990, row=first)
        _, charge = spend(store, new, total=970, edit="edt_2", row=added.row, balance=990)
        assert charge == 20
        assert used(store, "key_2")["credits"] == 20
        assert held(store, "key_2") == 0
        assert_invariants(store.client)


class TestUsage:
    def test_jobs_messages_and_uploads_are_counted_for_key_and_tenant(self, store):
        new = accept(store)
        add_cut(
            store.connection,
            a_new_cut(new.id, use=a_use(price=50, now_ms=store.now_ms)),
            now_ms=store.now_ms,
        )
        upload = Upload("upl_1", TENANT, "f", "a.mp4", 77, "ab", "video", store.now_ms)
        store.accounts.create_upload(upload, ttl_ms=1000, key_id="key_1")
        counted = {
            "jobs": 1, "cuts": 3, "messages": 1, "credits": 0, "uploads": 1, "upload_bytes": 77
        }  # fmt: skip
        assert used(store) == used(store, TENANT) == counted

    def test_days_end_by_themselves(self, store):
        accept(store)
        day = store.now_ms // DAY_MS
        assert 0 < store.client.pttl(f"cab:usage:key_1:{day}") <= KEPT_MS
        days = read_usage(store.connection, "key_1", days=3, now_ms=store.now_ms + DAY_MS)
        assert [each.counts["jobs"] for each in days] == [0, 1, 0]

    def test_work_without_a_key_counts_for_its_tenant(self, store):
        store.accept(a_new_job(use=a_use("", jobs_per_minute=1, now_ms=store.now_ms)))
        store.accept(a_new_job(use=a_use("", jobs_per_minute=1, now_ms=store.now_ms)))
        assert used(store, TENANT)["jobs"] == 2
        assert not store.client.keys("cab:accepts:*")


def test_twenty_at_once_share_no_last_place(store):
    # Given a key that may have five unfinished jobs, when twenty come at once
    def try_one(_number: int) -> str:
        try:
            return accept(store, open_jobs=5).id
        except QuotaExceeded:
            return ""

    with ThreadPoolExecutor(20) as pool:
        accepted = [each for each in pool.map(try_one, range(20)) if each]
    # Then five are accepted, and counted
    assert len(accepted) == 5
    assert used(store)["jobs"] == 5
    assert held(store) == 500
