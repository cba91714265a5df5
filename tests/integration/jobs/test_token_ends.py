"""Tokens that the backend does not take, does not give, or that end."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from service.errors import CaptionAbError
from service.model.lifecycle import CutState
from service.nemo.accounts import TokenDelayed, TokenRefused
from service.nemo.errors import TokenRejected
from service.nemo.tokens import ANONYMOUS_ACCOUNT, ENV_ACCOUNT
from tests.integration.jobs.account import DAY_S, WEEK_S, world
from tests.integration.jobs.harness import TENANT

__all__ = ["world"]


class TestRejected:
    """1001 in the middle of a job."""

    @pytest.mark.rule("P-155")
    def test_an_anonymous_token_is_renewed_once_and_the_job_goes_on(self, world, small_clip):
        # Given a job whose token is revoked when its clip is in the session,
        world.engine.sandbox.world.board.set({"client_keeps_user": True})
        job = world.engine.submit(small_clip, "A")
        world.engine.run_cut_to(job, "A", CutState.SESSION_OPEN)
        first = world.token()
        world.expire()
        # Then it succeeds with a second token, and nothing is paid twice.
        assert world.engine.run_job(job).status == "succeeded"
        assert world.engine.sandbox.books["tokens"] == {world.client_id: 2}
        assert world.stored != first
        assert list(world.engine.edits_sent().values()) == [1]

    @pytest.mark.rule("P-155")
    def test_slow_workers_do_not_drop_a_newer_token(self, world):
        # Given three processes with the same token, when it is revoked and all are refused,
        processes = [world.tokens, world.other("w2"), world.other("w3")]
        old = {each.token_for(ANONYMOUS_ACCOUNT) for each in processes}
        world.expire()
        new = []
        for each in processes:
            assert each.reject(ANONYMOUS_ACCOUNT)
            new.append(each.token_for(ANONYMOUS_ACCOUNT))
        # Then one new token serves them all.
        assert len(old) == len(set(new)) == 1
        assert old != set(new)
        assert world.asked == 2

    def test_threads_of_one_process_do_not_either(self, world):
        old = world.token()
        world.expire()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(world.token).result()
            assert pool.submit(world.tokens.reject, ANONYMOUS_ACCOUNT).result()
            new = pool.submit(world.token).result()
            # This thread still has the old one in hand.
            assert world.tokens.reject(ANONYMOUS_ACCOUNT)
        assert world.stored == new != old
        assert world.asked == 2

    def test_a_token_is_given_up_once_even_if_it_comes_again(self, world):
        # Given a backend that answers with the very token that it does not take,
        issued = world.engine.services.nemo.issue_token
        same: list[Any] = []

        def again(client_id: str) -> Any:
            same.append(same[0] if same else issued(client_id))
            return same[0]

        stubborn = world.with_nemo(SimpleNamespace(issue_token=again))
        stubborn.token_for(ANONYMOUS_ACCOUNT)
        assert stubborn.reject(ANONYMOUS_ACCOUNT)
        stubborn.token_for(ANONYMOUS_ACCOUNT)
        # Then a person must act.
        assert not stubborn.reject(ANONYMOUS_ACCOUNT)
        assert len(same) == 2

    def test_a_revoked_token_in_its_week_says_when_the_next_is_possible(self, world):
        # Given a backend that refuses another one although the token is dead,
        world.token()
        assert world.tokens.reject(ANONYMOUS_ACCOUNT)
        with pytest.raises(TokenRefused) as caught:
            world.token()
        # Then that is a week after the first.
        at = caught.value.extra["next_possible_at"]
        assert at[:10] == time.strftime("%Y-%m-%d", time.gmtime(time.time() + WEEK_S))

    @pytest.mark.rule("P-016", "P-156")
    def test_neither_a_given_nor_an_own_token_is_ever_replaced(self, make_engine, small_clip):
        # Given NEMO_TOKEN and a tenant's own token, both dead,
        engine = make_engine()
        tokens = engine.services.tokens
        own = tokens.attach(TENANT, engine.settings.nemo_token)
        engine.sandbox.world.accounts.expire(f"user_{engine.settings.nemo_token.split('_')[3]}")
        for account in (ENV_ACCOUNT, own):
            given = tokens.token_for(account, paid=True)
            assert given == engine.settings.nemo_token
            assert not tokens.reject(account)
            assert tokens.token_for(account) == given
            # When a job runs on one, then it pauses for a person,
            engine.account = account
            job = engine.submit(small_clip, "A")
            engine.run_until_paused(job)
            assert engine.doc(job, "A").failure.code == "auth"
        # and no anonymous token was ever asked for.
        assert engine.sandbox.books["tokens"] == {}
        assert not engine.client.exists(f"cab:account:{ANONYMOUS_ACCOUNT}")

    def test_a_given_token_that_was_taken_away_is_missing(self, make_engine):
        engine = make_engine()
        with pytest.raises(TokenRejected):
            engine.worker("w2", nemo_token="").tokens.token_for(ENV_ACCOUNT)
        own = engine.services.tokens.attach(TENANT, engine.settings.nemo_token)
        engine.services.tokens.detach(TENANT)
        with pytest.raises(TokenRejected):
            engine.services.tokens.token_for(own)


class TestRefused:
    """429."""

    @pytest.mark.rule("P-027")
    def test_the_one_retry_comes_after_thirty_seconds_for_all_workers_together(self, world):
        world.refuse(times=1)
        # Given a refusal without Retry-After, when many workers want a token,
        for number in range(5):
            with pytest.raises(TokenDelayed) as caught:
                world.other(f"n{number}").token_for(ANONYMOUS_ACCOUNT)
            assert caught.value.retry_in_s == 30.0 - 5 * number
            world.pass_time(5)
        # Then the backend was asked once, and is asked once more when the time is up.
        assert world.asked == 1
        world.pass_time(5)
        assert world.token() == world.stored
        assert world.asked == 2

    @pytest.mark.rule("P-027")
    def test_after_the_second_refusal_it_says_when_and_asks_no_more(self, world):
        world.refuse()
        with pytest.raises(TokenDelayed):
            world.token()
        world.pass_time(30)
        with pytest.raises(TokenRefused) as caught:
            world.token()
        assert not caught.value.retryable
        assert caught.value.extra["next_possible_at"] in caught.value.detail
        for number in range(5):
            world.pass_time(60)
            with pytest.raises(TokenRefused):
                world.other(f"n{number}").token_for(ANONYMOUS_ACCOUNT)
        assert world.asked == 2

    @pytest.mark.rule("P-028")
    def test_retry_after_is_honoured(self, world):
        world.refuse(times=1, retry_after="45")
        with pytest.raises(TokenDelayed) as caught:
            world.token()
        assert caught.value.retry_in_s == 45.0
        world.pass_time(44)
        with pytest.raises(TokenDelayed):
            world.token()
        world.pass_time(1)
        assert world.token() == world.stored
        assert world.asked == 2

    def test_a_day_of_retry_after_is_told_at_once(self, world):
        world.refuse(times=1, retry_after="86400")
        with pytest.raises(TokenRefused):
            world.token()
        world.pass_time(DAY_S - 1)
        with pytest.raises(TokenRefused):
            world.token()
        world.pass_time(1)
        assert world.token() == world.stored

    @pytest.mark.rule("P-166")
    def test_a_job_waits_for_the_retry_by_itself(self, world, small_clip):
        world.refuse(times=1)
        job = world.engine.submit(small_clip, "A")
        assert world.engine.run_job(job).status == "succeeded"
        assert "job.action_required" not in world.engine.event_types(job)
        assert world.asked == 2

    def test_a_backend_that_fails_may_be_asked_again_at_once(self, world):
        world.refuse(status=503, body="html", times=1)
        with pytest.raises(CaptionAbError) as caught:
            world.token()
        assert caught.value.code == "backend_unavailable"
        assert world.token() == world.stored


class TestItsOwnRow:
    """The account's due row renews the token before a job needs it."""

    @pytest.mark.rule("P-030")
    def test_an_early_refusal_is_normal_and_the_next_try_is_right_after_expiry(self, world):
        # Given a token near its end, whose early refresh the backend refuses,
        old = world.token()
        assert world.due_in_s() == pytest.approx(WEEK_S - 1260, abs=5)
        world.look()
        assert world.asked == 2
        # Then the stored one stays in use,
        assert world.token() == old
        # the next try is right after its end,
        assert world.due_in_s() == pytest.approx(world.left_s() + 1, abs=2)
        world.look()
        # and then there is a new one for seven days, for the same client.
        assert world.asked == 3
        assert world.engine.sandbox.books["tokens"] == {world.client_id: 2}
        assert world.token(paid=True) not in {old, ""}
        assert world.left_s() > 6 * DAY_S
        assert world.due_in_s() > 6 * DAY_S

    def test_a_backend_that_allows_it_renews_before_the_end(self, world):
        world.engine.sandbox.world.board.set({"early_refresh": "new"})
        old = world.token()
        world.look()
        assert world.left_s() > 6 * DAY_S
        assert world.token() != old

    def test_no_paid_edit_starts_on_a_token_that_is_about_to_end(self, world):
        # Given a token with 19 minutes left and a backend that gives no other,
        old = world.token()
        world.pass_time(WEEK_S - 19 * 60)
        for _ in range(3):
            with pytest.raises(TokenRefused) as caught:
                world.token(paid=True)
        # Then calls that cost nothing go on, and it is told when the next one is possible.
        assert world.token() == old
        assert caught.value.extra["next_possible_at"]
        assert world.asked == 2
        # When it has ended, then there is a new one.
        world.pass_time(19 * 60 + 2)
        assert world.token(paid=True) != old

    def test_a_paid_edit_gets_a_new_one_where_the_backend_gives_it(self, world):
        world.engine.sandbox.world.board.set({"early_refresh": "new"})
        old = world.token()
        world.pass_time(WEEK_S - 19 * 60)
        assert world.token(paid=True) != old

    def test_the_margin_is_twenty_minutes(self, world):
        old = world.token()
        world.pass_time(world.left_s() - 1200)
        assert world.token(paid=True) == old
        assert world.asked == 1


class TestWhenItEnds:
    @pytest.mark.rule("P-020")
    def test_without_an_end_an_hour_less_than_seven_days_is_assumed(self, world):
        world.engine.sandbox.world.board.set({"hide_user": True})
        world.token()
        assert world.left_s() == pytest.approx(WEEK_S - 3600, abs=1)

    @pytest.mark.parametrize("skew_s", [-8 * DAY_S, -3 * 3600, 3 * 3600, 30 * DAY_S])
    @pytest.mark.rule("P-031")
    def test_a_backend_with_another_clock_gives_a_life_of_at_most_seven_days(self, world, skew_s):
        world.engine.sandbox.world.clock.advance(skew_s)
        world.token(paid=True)
        assert WEEK_S - 4 * 3600 <= world.left_s() <= WEEK_S
