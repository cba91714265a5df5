"""The account behind a tenant: its token, its credits; the sandbox is the backend."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from api.app import create_app
from sandbox.config import SandboxConfig
from sandbox.server import RunningSandbox, start_sandbox
from service.access import KeyCache
from service.clock import FakeClock
from service.jobs.context import Services
from service.nemo.tokens import ANONYMOUS_ACCOUNT, ENV_ACCOUNT
from service.settings import Settings
from service.wiring import build_services
from tests.integration.api.conftest import JOB, Visitor

OWN = "nmv_usr_sbx_carol_500"
DEAD = "nmv_usr_deadbeefdeadbeef"
Visit = Callable[[str], Visitor]


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[RunningSandbox]:
    running = start_sandbox(SandboxConfig(tmp_path / "sbx"))
    yield running
    running.stop()


@pytest.fixture
def settings(settings: Settings, sandbox: RunningSandbox) -> Settings:
    port = int(sandbox.url.rpartition(":")[2])
    return replace(
        settings,
        nemo_api_url=sandbox.url,
        backend_loopback_ports=(port,),
        retry_backoff_s=(0.0,),
        connect_timeout_s=2.0,
    )


@pytest.fixture
def services(services: Services) -> Services:
    services.tokens.ensure_account()
    return services


def put(visitor: Visitor, token: Any, **more: Any):
    return visitor.open("/v1/account/nemo-token", "PUT", json={"token": token, **more})


def set_credits(sandbox: RunningSandbox, name: str, available: int) -> None:
    url = f"{sandbox.url}/_sandbox/accounts/{name}/credits"
    assert requests.post(url, json={"available": available}, timeout=10).ok


def account_of(services: Services, visitor: Visitor) -> str:
    tenant = services.accounts.read_tenant(visitor.tenant_id)
    assert tenant is not None
    return tenant.account_id


class TestAnonymous:
    def test_before_its_first_token_it_is_empty(self, ann, sandbox):
        shown = ann.get("/v1/account").json
        assert shown == {
            "object": "account",
            "id": ANONYMOUS_ACCOUNT,
            "kind": "anonymous",
            "has_token": False,
            "user_id": None,
            "token_expires_at": None,
            "next_possible_at": None,
            "register_url": None,
        }
        assert sandbox.books["tokens"] == {}

    def test_then_it_comes_with_its_end_and_the_link_that_registers_it(self, ann, services):
        assert ann.get("/v1/credits").json == {
            "object": "credits",
            "available": 100,
            "frozen": 0,
            "total": 100,
            "reserved_by_jobs": 0,
            "account_kind": "anonymous",
        }
        shown = ann.get("/v1/account")
        assert shown.json["has_token"]
        assert shown.json["user_id"].startswith("anon_")
        assert shown.json["token_expires_at"].endswith("Z")
        bind = f"/register?bind={shown.json['user_id']}"
        assert shown.json["register_url"].endswith(bind)
        assert services.tokens.token_for(ANONYMOUS_ACCOUNT) not in shown.text

    def test_too_few_credits_come_with_the_link(self, ann, sandbox):
        ann.get("/v1/credits")
        user_id = ann.get("/v1/account").json["user_id"]
        set_credits(sandbox, user_id, 99)
        told = ann.get("/v1/credits").json
        assert told["total"] == 99
        assert told["register_url"].endswith(f"/register?bind={user_id}")

    def test_what_jobs_have_set_aside_counts(self, ann, services):
        ann.get("/v1/credits")
        services.connection.client.hset(f"cab:account:{ANONYMOUS_ACCOUNT}", "reserved", 50)
        told = ann.get("/v1/credits").json
        assert told["reserved_by_jobs"] == 50
        assert "register_url" in told

    def test_a_token_that_the_backend_ended_is_renewed_once(self, ann, services, sandbox):
        first = services.tokens.token_for(ANONYMOUS_ACCOUNT)
        user_id = ann.get("/v1/account").json["user_id"]
        requests.post(f"{sandbox.url}/_sandbox/accounts/{user_id}/expire", timeout=10)
        assert ann.get("/v1/credits").status_code == 200
        assert services.tokens.token_for(ANONYMOUS_ACCOUNT) != first

    def test_a_backend_that_gives_no_token_is_503_and_says_when(self, ann, sandbox):
        rule = {"endpoint": "token", "status": 429, "retry_after": "86400"}
        requests.post(f"{sandbox.url}/_sandbox/rules", json=rule, timeout=10)
        told = ann.get("/v1/credits")
        assert (told.status_code, told.json["code"]) == (503, "token_refused")
        assert told.json["next_possible_at"] == ann.get("/v1/account").json["next_possible_at"]

    def test_a_short_refusal_names_the_time_to_come_back(self, ann, sandbox):
        rule = {"endpoint": "token", "status": 429, "times": 1}
        requests.post(f"{sandbox.url}/_sandbox/rules", json=rule, timeout=10)
        told = ann.get("/v1/credits")
        assert (told.status_code, told.json["code"]) == (503, "token_delayed")
        assert told.headers["Retry-After"] == "30"


class TestOwn:
    def test_a_tenants_own_token_is_used_from_then_on(self, ann, bob, services):
        # Given a tenant that has called before, so that its key is known to this process,
        ann.get("/v1/account")
        # When it attaches a token,
        reply = put(ann, OWN)
        # Then the answer says so without the token, which the store holds only sealed,
        assert (reply.status_code, reply.json["kind"]) == (200, "own")
        assert reply.json["has_token"]
        assert reply.json["register_url"] is None
        assert OWN not in reply.text + ann.get("/v1/account").text
        account = services.accounts.read_account(account_of(services, ann))
        assert OWN not in json.dumps(account)
        assert services.vault.open(account["token"]) == OWN
        # its credits are those of the token,
        told = ann.get("/v1/credits").json
        assert (told["total"], told["account_kind"]) == (500, "own")
        assert "register_url" not in told
        # its next job spends them,
        job = ann.post("/v1/jobs", json=JOB).json["id"]
        assert services.jobs.read(job).account_id == account_of(services, ann)
        # and another tenant has not changed.
        assert bob.get("/v1/account").json["kind"] == "anonymous"
        job = bob.post("/v1/jobs", json=JOB).json["id"]
        assert services.jobs.read(job).account_id == ANONYMOUS_ACCOUNT
        assert bob.get("/v1/credits").json["total"] == 100

    def test_a_bad_token_names_its_field_and_changes_nothing(self, ann, services):
        reply = put(ann, DEAD)
        assert reply.status_code == 422
        assert [each["pointer"] for each in reply.json["errors"]] == ["#/token"]
        assert DEAD not in reply.text
        assert ann.get("/v1/account").json["kind"] == "anonymous"
        assert not services.accounts.read_account(f"acc_{ann.tenant_id}")

    def test_a_bad_token_leaves_the_good_one(self, ann):
        put(ann, OWN)
        assert put(ann, DEAD).status_code == 422
        assert ann.get("/v1/credits").json["total"] == 500

    @pytest.mark.parametrize("status", [500, 502, 429])
    def test_a_backend_that_cannot_say_is_503_and_changes_nothing(self, ann, sandbox, status):
        rule = {"endpoint": "credits", "status": status}
        requests.post(f"{sandbox.url}/_sandbox/rules", json=rule, timeout=10)
        reply = put(ann, OWN)
        assert reply.status_code == 503
        assert reply.json["retryable"]
        assert "Retry-After" in reply.headers
        assert ann.get("/v1/account").json["kind"] == "anonymous"

    def test_a_backend_that_is_away_is_503_and_changes_nothing(self, ann, sandbox):
        sandbox.stop()
        assert put(ann, OWN).status_code == 503
        assert ann.get("/v1/account").json["kind"] == "anonymous"

    @pytest.mark.parametrize(
        "token",
        [
            "",
            "short",
            "with a space in it",
            "x" * 5000,
            "caf\u00e9-caf\u00e9",
            "two\nlines\n",
            7,
            None,
        ],
    )
    def test_what_is_no_token_never_reaches_the_backend(self, ann, sandbox, token):
        reply = put(ann, token)
        assert reply.status_code == 422
        assert reply.json["errors"][0]["pointer"] == "#/token"
        if isinstance(token, str) and token:
            assert token.strip() not in reply.text
        assert sandbox.books["requests"] == {}

    def test_nothing_else_is_taken(self, ann):
        assert put(ann, OWN, kind="env").status_code == 422
        path = "/v1/account/nemo-token"
        assert ann.open(f"{path}?token={OWN}", "PUT", json={"token": OWN}).status_code == 422
        assert ann.open(path, "PUT", data=OWN).status_code == 415
        assert ann.open(path, "GET").status_code == 405

    def test_removing_it_goes_back_to_the_default_account(self, ann, services):
        put(ann, OWN)
        own = account_of(services, ann)
        for _ in range(2):
            assert ann.delete("/v1/account/nemo-token").status_code == 204
            assert ann.get("/v1/account").json["kind"] == "anonymous"
        assert "token" not in services.accounts.read_account(own)
        job = ann.post("/v1/jobs", json=JOB).json["id"]
        assert services.jobs.read(job).account_id == ANONYMOUS_ACCOUNT

    def test_a_new_own_token_goes_into_the_same_account(self, ann, services):
        put(ann, OWN)
        first = account_of(services, ann)
        put(ann, "nmv_usr_sbx_carol-two_70")
        assert account_of(services, ann) == first
        assert ann.get("/v1/credits").json["total"] == 70

    def test_an_own_token_that_dies_is_never_replaced(self, ann, sandbox):
        # Given an own token that the backend has revoked,
        put(ann, OWN)
        requests.post(f"{sandbox.url}/_sandbox/accounts/user_carol/expire", timeout=10)
        # Then a person is told to act, again and again, and no anonymous one is asked for.
        for _ in range(2):
            told = ann.get("/v1/credits")
            assert (told.status_code, told.json["code"]) == (409, "token_rejected")
            assert "PUT /v1/account/nemo-token" in told.json["hint"]
        assert sandbox.books["tokens"] == {}
        assert ann.get("/v1/account").json["kind"] == "own"

    def test_no_log_shows_a_token(self, ann, caplog, services):
        caplog.set_level(logging.DEBUG)
        put(ann, OWN)
        put(ann, DEAD)
        put(ann, "token with spaces")
        ann.get("/v1/credits")
        ann.delete("/v1/account/nemo-token")
        ann.get("/v1/credits")
        secrets = [OWN, DEAD, "token with spaces", services.tokens.token_for(ANONYMOUS_ACCOUNT)]
        texts = [json.dumps(vars(each), default=repr) for each in caplog.records]
        assert texts
        assert not [secret for secret in secrets for text in texts if secret in text]


def test_another_process_follows_within_the_time_of_its_cache(ann, services):
    # Given another API process that knows the tenant's key,
    clock = FakeClock()
    cache = KeyCache(services.accounts.api_keys, services.settings, clock)
    header = f"Bearer {ann.key}"
    assert cache.resolve(header).account_id == ANONYMOUS_ACCOUNT
    # When the tenant attaches a token elsewhere, then it follows after ten seconds.
    put(ann, OWN)
    assert cache.resolve(header).account_id == ANONYMOUS_ACCOUNT
    clock.advance(services.settings.key_cache_s + 0.1)
    assert cache.resolve(header).account_id == account_of(services, ann)


def test_nemo_token_is_an_account_of_its_own(settings, new_visitor: Visit, services, ann):
    # Given an installation with NEMO_TOKEN,
    parts = build_services(replace(settings, nemo_token=OWN), name="env", connections=4)
    parts.tokens.ensure_account()
    parts.connection.client.hset(f"cab:tenant:{ann.tenant_id}", "account", ENV_ACCOUNT)
    visitor = Visitor(create_app(parts).test_client(), ann.key, ann.tenant_id)
    # Then it is used as it is, stored nowhere, and never shown.
    shown = visitor.get("/v1/account")
    assert (shown.json["kind"], shown.json["has_token"]) == ("env", True)
    assert shown.json["register_url"] is None
    assert visitor.get("/v1/credits").json["total"] == 500
    assert services.accounts.read_account(ENV_ACCOUNT) == {"kind": "env"}
    assert OWN not in shown.text
    parts.connection.client.connection_pool.disconnect()


@pytest.mark.parametrize("call", ["GET account", "GET credits", "PUT account/nemo-token"])
def test_there_is_no_account_without_a_key(app, call):
    method, path = call.split()
    assert app.test_client().open(f"/v1/{path}", method=method).status_code == 401
