"""Tokens of accounts on a real Valkey and the sandbox: got once, sealed before use, never shown."""

from __future__ import annotations

import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from service.errors import CaptionAbError, StoreUnavailable
from service.model.lifecycle import CutState
from service.nemo.accounts import TokenPending, TokenRefused
from service.nemo.errors import BackendUnavailable, ClientIdMissing
from service.nemo.tokens import ANONYMOUS_ACCOUNT, Tokens
from service.store.accounts import AccountStore
from service.vault import Vault, new_vault_key
from tests.builders import an_event
from tests.integration.jobs.account import DAY_S, WEEK_S, World, world
from tests.integration.jobs.harness import (
    Follower,
    Killed,
    Meddler,
    kill,
    killed_by,
    run_until_dead,
)

__all__ = ["world"]


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

    @pytest.mark.rule("P-024", "P-025")
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

    def test_an_answer_that_never_came_may_have_been_one(self, world):
        # Given a connection that breaks after the backend has issued a token,
        world.refuse(status=0, drop="after", times=1)
        with pytest.raises(BackendUnavailable):
            world.token()
        # Then the refusal that follows says what may have become of it.
        with pytest.raises(TokenRefused) as caught:
            world.token()
        assert "issued and lost" in caught.value.detail
        assert world.engine.sandbox.books["tokens"] == {world.client_id: 1}

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
