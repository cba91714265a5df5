"""Tokens of accounts on a real Valkey and the sandbox: who gets one, when, and who never does."""

from __future__ import annotations

import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from service.errors import CaptionAbError, StoreUnavailable
from service.jobs.advance import advance
from service.model.lifecycle import CutState
from service.nemo.accounts import TokenDelayed, TokenPending, TokenRefused
from service.nemo.errors import ClientIdMissing, TokenRejected
from service.nemo.tokens import ANONYMOUS_ACCOUNT, ENV_ACCOUNT, Tokens
from service.store.accounts import AccountStore
from service.vault import Vault, new_vault_key
from tests.builders import an_event
from tests.integration.jobs.harness import (
    TENANT,
    Follower,
    Harness,
    Killed,
    Meddler,
    kill,
    killed_by,
    run_until_dead,
)

DAY_S = 86_400.0
WEEK_S = 7 * DAY_S
ROW = f"token:{ANONYMOUS_ACCOUNT}"


@dataclass
class World:
    """An anonymous account, several processes that use it, and the backend's books."""

    engine: Harness

    @property
    def tokens(self) -> Tokens:
        return self.engine.services.tokens

    @property
    def fields(self) -> dict[str, str]:
        return self.engine.services.accounts.read_account(ANONYMOUS_ACCOUNT)

    @property
    def stored(self) -> str:
        return self.engine.services.vault.open(self.fields["token"])

    @property
    def client_id(self) -> str:
        return self.engine.services.vault.open(self.fields["client_id"])

    @property
    def asked(self) -> int:
        """How often the backend was asked for a token."""
        count: int = self.engine.sandbox.books["requests"].get("POST /api/auth/anonymous-token", 0)
        return count

    def left_s(self) -> float:
        """The stored token's life."""
        return (int(self.fields["token_expires"]) - self.engine.clock.now_ms()) / 1000

    def token(self, *, paid: bool = False) -> str:
        return self.tokens.token_for(ANONYMOUS_ACCOUNT, paid=paid)

    def other(self, name: str = "w2", **changes: Any) -> Tokens:
        """Another process."""
        return self.engine.worker(name, **changes).tokens

    def with_nemo(self, double: Any) -> Tokens:
        """Another process, whose backend client is a double."""
        parts = self.engine.worker("w3")
        return Tokens(parts.accounts, double, parts.vault, parts.settings, parts.clock)

    def admin(self, path: str, body: Any) -> Any:
        reply = requests.post(f"{self.engine.sandbox.url}/_sandbox/{path}", json=body, timeout=10)
        reply.raise_for_status()
        return reply.json()

    def refuse(self, **rule: Any) -> None:
        """Let the backend fail when it is asked for a token."""
        self.admin("rules", {"endpoint": "token", "status": 429, **rule})

    def expire(self) -> None:
        """Let the backend end the token now, as its web settings can."""
        self.admin(f"accounts/{self.fields['user_id']}/expire", {})

    def pass_time(self, seconds: float) -> None:
        """For us and for the backend."""
        self.engine.clock.advance(seconds)
        self.admin("clock", {"now_s": self.engine.clock.now_ms() / 1000})

    def look(self) -> None:
        """Do what is due on the account's own row."""
        due_ms = dict(self.engine.due())[ROW]
        self.pass_time(max(0.0, (due_ms - self.engine.clock.now_ms()) / 1000))
        assert advance(ROW, self.engine.services) is None

    def due_in_s(self) -> float:
        return (dict(self.engine.due())[ROW] - self.engine.clock.now_ms()) / 1000


@pytest.fixture
def world(make_engine) -> World:
    return World(make_engine(balance=0))


class TestSingleFlight:
    @pytest.mark.rule("P-022")
    def test_twenty_threads_of_four_processes_get_one_token(self, world):
        # Given twenty that need a token at the same moment,
        processes = [world.other(f"p{n}") for n in range(4)]
        start = threading.Barrier(20)

        def get(number: int) -> str:
            start.wait()
            until_s = time.monotonic() + 20
            while time.monotonic() < until_s:
                try:
                    return processes[number % 4].token_for(ANONYMOUS_ACCOUNT)
                except TokenPending:
                    time.sleep(0.005)
            raise AssertionError("no token came")

        with ThreadPoolExecutor(20) as pool:
            got = set(pool.map(get, range(20)))
        # Then all have the same, and the backend was asked once.
        assert got == {world.stored}
        assert world.engine.sandbox.books["tokens"] == {world.client_id: 1}
        assert world.asked == 1

    def test_who_comes_while_another_asks_is_told_to_look_again_soon(self, world):
        pending: list[TokenPending] = []

        def come() -> None:
            with pytest.raises(TokenPending) as caught:
                world.token()
            pending.append(caught.value)

        meddler = Meddler(world.engine.services.nemo, "issue_token", come)
        world.with_nemo(meddler).token_for(ANONYMOUS_ACCOUNT)
        assert [each.retry_in_s for each in pending] == [1.0]


class TestStoredBeforeUse:
    @pytest.mark.rule("P-021")
    def test_nothing_readable_is_in_the_store(self, world):
        token, client_id = world.token(), world.client_id
        client = world.engine.client
        hashes = [key for key in client.keys("*") if client.type(key) == "hash"]
        everything = [json.dumps(client.hgetall(key)) for key in hashes]
        assert everything
        assert not [each for each in everything if token in each or client_id in each]
        assert world.fields["user_id"].startswith("anon_")

    @pytest.mark.rule("P-018")
    def test_the_client_id_is_there_before_it_is_shown(self, world):
        seen: list[str] = []
        meddler = Meddler(
            world.engine.services.nemo, "issue_token", lambda: seen.append(world.client_id)
        )
        world.with_nemo(meddler).token_for(ANONYMOUS_ACCOUNT)
        assert list(world.engine.sandbox.books["tokens"]) == seen

    @pytest.mark.rule("P-021")
    def test_a_worker_that_dies_at_its_first_call_leaves_the_token_to_others(
        self, world, small_clip
    ):
        # Given a worker that dies when it would use its new token for the first time,
        job = world.engine.submit(small_clip, "A")
        run_until_dead(world.engine, killed_by(world.engine, Meddler, "create_session"))
        assert world.left_s() > 6 * DAY_S
        # Then another goes on with the same token.
        assert world.engine.run_job(job).status == "succeeded"
        assert world.engine.sandbox.books["tokens"] == {world.client_id: 1}

    def test_a_store_that_is_away_for_a_moment_loses_no_token(self, world):
        # Given a store that takes nothing twice, just after the token was issued,
        class Shaky(AccountStore):
            left = 2

            def put_token(self, *args: Any, **kwargs: Any) -> None:
                if self.left:
                    self.left -= 1
                    raise StoreUnavailable
                super().put_token(*args, **kwargs)

        parts = world.engine.worker("w4")
        shaky = Tokens(
            Shaky(parts.connection), parts.nemo, parts.vault, parts.settings, parts.clock
        )
        # Then the token is stored when it is back.
        assert shaky.token_for(ANONYMOUS_ACCOUNT) == world.stored

    def test_an_answer_that_came_late_is_kept_where_there_is_no_other(self, world):
        # Given a process whose answer takes so long that another asks too and is refused,
        issue = world.engine.services.nemo.issue_token

        def issue_slowly(client_id: str) -> Any:
            token = issue(client_id)
            world.pass_time(61)
            with pytest.raises(TokenRefused):
                world.token()
            return token

        slow = world.with_nemo(SimpleNamespace(issue_token=issue_slowly))
        token = slow.token_for(ANONYMOUS_ACCOUNT)
        # Then the token is not lost.
        assert world.stored == token
        assert world.token(paid=True) == token


class TestALostToken:
    """A process dies between the backend's answer and the store. Nothing can bring it back."""

    def lose(self, world: World) -> None:
        doomed = Follower(world.engine.services.nemo, "issue_token", kill)
        with pytest.raises(Killed):
            world.with_nemo(doomed).token_for(ANONYMOUS_ACCOUNT)

    @pytest.mark.rule("P-025")
    def test_it_is_told_with_the_time_of_the_next_one(self, world):
        self.lose(world)
        # When others ask, then they wait until the dead one's right has ended,
        with pytest.raises(TokenPending):
            world.token()
        world.pass_time(60.1)
        # and learn when the next token is possible and why there is none,
        with pytest.raises(TokenRefused) as caught:
            world.token()
        assert "issued and lost" in caught.value.detail
        assert caught.value.extra["next_possible_at"] in caught.value.hint_text
        # without asking the backend again, however many they are.
        for number in range(5):
            with pytest.raises(TokenRefused):
                world.other(f"n{number}").token_for(ANONYMOUS_ACCOUNT)
        assert world.asked == 2
        assert world.engine.sandbox.books["tokens_refused"] == {world.client_id: 1}
        # When the week is over, then there is one again, for the same client.
        world.pass_time(WEEK_S)
        assert world.token() == world.stored
        assert world.engine.sandbox.books["tokens"] == {world.client_id: 2}
        assert world.fields["token_lost"] == "0"

    def test_a_job_pauses_and_goes_on_when_it_is_resumed_then(self, make_engine, small_clip):
        world = World(make_engine(balance=0, action_required_s=2 * WEEK_S))
        self.lose(world)
        world.pass_time(60.1)
        job = world.engine.submit(small_clip, "A")
        world.engine.run_until_paused(job)
        failure = world.engine.doc(job, "A").failure
        assert failure.extra["next_possible_at"].endswith("Z")
        assert failure.extra["next_possible_at"] in failure.hint
        world.pass_time(WEEK_S)
        world.engine.services.jobs.resume(
            job, an_event("job.resumed"), now_ms=world.engine.clock.now_ms()
        )
        assert world.engine.run_job(job).status == "succeeded"


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


class TestWithoutAClientId:
    @pytest.mark.rule("P-026")
    def test_one_is_made_stored_and_tried_once(self, world):
        # Given a backend that does not take our client id,
        before = world.client_id
        world.refuse(status=400, message="X-Client-Id header is required", times=1)
        # Then the next one is another, and stored.
        assert world.token() == world.stored
        assert world.client_id != before
        assert world.engine.sandbox.books["tokens"] == {world.client_id: 1}
        assert world.asked == 2

    @pytest.mark.rule("P-026")
    def test_a_backend_that_takes_none_is_not_asked_for_ever(self, world):
        world.refuse(status=400, message="X-Client-Id header is required")
        with pytest.raises(ClientIdMissing):
            world.token()
        made = world.client_id
        assert world.asked == 2
        with pytest.raises(ClientIdMissing):
            world.token()
        assert (world.asked, world.client_id) == (3, made)


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

    @pytest.mark.rule("P-027")
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

    @pytest.mark.rule("P-024", "P-030", "P-031")
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


class TestRotation:
    def test_an_old_key_opens_and_the_next_write_seals_with_the_new_one(self, make_engine):
        # Given a token sealed with the first key, and a process with a new one before it,
        world = World(make_engine(balance=0))
        world.engine.sandbox.world.board.set({"early_refresh": "new"})
        old = world.token()
        new_key = new_vault_key()
        rotated = world.other("w2", secret_keys=(new_key, *world.engine.settings.secret_keys))
        assert rotated.token_for(ANONYMOUS_ACCOUNT) == old
        # When the token is renewed, then token and client id open with the new key alone.
        client_id = world.client_id
        world.pass_time(WEEK_S - 600)
        token = rotated.token_for(ANONYMOUS_ACCOUNT, paid=True)
        alone = Vault((new_key,))
        assert alone.open(world.fields["token"]) == token
        assert alone.open(world.fields["client_id"]) == client_id


class TestSecrets:
    def test_no_log_and_no_error_of_all_this_shows_a_token(self, world, small_clip, caplog):
        # Given everything logged, when a job runs, is rejected, refused and renewed,
        caplog.set_level(logging.DEBUG)
        world.engine.sandbox.world.board.set({"client_keeps_user": True})
        job = world.engine.submit(small_clip, "A")
        world.engine.run_cut_to(job, "A", CutState.SESSION_OPEN)
        seen = {world.token(), world.client_id}
        world.expire()
        world.engine.run_job(job)
        seen.add(world.token())
        errors = []
        for rejected in (True, True):
            world.tokens.reject(ANONYMOUS_ACCOUNT)
            with pytest.raises(CaptionAbError) as caught:
                world.token(paid=rejected)
            errors.append(caught.value)
        grant = world.engine.services.accounts.read_account(ANONYMOUS_ACCOUNT)
        # Then none of it shows a token or the client id.
        texts = [json.dumps(vars(each), default=repr) for each in caplog.records]
        texts += [repr(each) + str(each) + repr(each.info) for each in errors]
        texts += [json.dumps(world.engine.services.jobs.events(job)), json.dumps(grant)]
        texts.append(repr(world.engine.services))
        assert any("token_rejected" in each for each in texts)
        assert not [secret for secret in seen for text in texts if secret in text]
