"""The pages of a job: who may look, at what, and what they are told who may not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import redis
from flask import Flask

from api.app import create_app
from service.access import create_key
from service.jobs.context import Services
from tests.integration.api.conftest import Visitor
from tests.integration.api.looks import (
    READ,
    SITE,
    Browser,
    a_compared_job,
    browser,
    share,
    token_of,
    with_token,
)

NOBODY = "job_00000000000000000000000000"
each_address = pytest.mark.parametrize("below", READ)


@pytest.fixture
def job(ann: Visitor, services: Services, redis_client: redis.Redis) -> str:
    return a_compared_job(ann, services, redis_client)


@pytest.fixture
def stranger(app: Flask) -> Browser:
    return browser(app)


def same_for(reply: Any, *ids: str) -> tuple[int, str]:
    """What a reply says, whatever it was about."""
    text = reply.get_data(as_text=True).replace(reply.headers["X-Request-Id"], "")
    for each in ids:
        text = text.replace(f"/jobs/{each}", "/jobs/ID")
    return reply.status_code, text


# ---- who may look


@each_address
def test_a_session_opens_all_of_its_job(app: Flask, ann: Visitor, job: str, below: str):
    assert browser(app, ann).get(f"/jobs/{job}{below}").status_code == 200


@each_address
def test_a_link_opens_all_of_its_job(ann: Visitor, stranger: Browser, job: str, below: str):
    token = token_of(share(ann, job, preferences=True))
    assert stranger.get(with_token(f"/jobs/{job}{below}", token)).status_code == 200


@each_address
@pytest.mark.parametrize("job_id", [None, NOBODY, "x"])
def test_nobody_is_told_whether_a_job_is_there(
    stranger: Browser, job: str, below: str, job_id: str | None
):
    # Given a browser without a session, and programs; when they ask for a job, for none, or for
    # nonsense, then all are told the same: to sign in
    asked = job_id or job
    page = stranger.get(f"/jobs/{asked}{below}")
    assert page.status_code == 401
    assert 'action="/jobs/sign-in"' in page.text
    other = stranger.get(f"/jobs/{asked}{below}", headers={"Accept": "*/*"})
    assert (other.status_code, other.get_json()["code"]) == (401, "sign_in_needed")
    assert same_for(other, asked) == same_for(
        stranger.get(f"/jobs/{NOBODY}{below}", headers={"Accept": "*/*"}), NOBODY
    )


@each_address
def test_anothers_job_is_like_none(app: Flask, bob: Visitor, job: str, below: str):
    # Given Bob's session; when he asks for Ann's job, for none and for nonsense
    his = browser(app, bob)
    replies = [his.get(f"/jobs/{each}{below}") for each in (job, NOBODY, "x")]
    # Then he cannot tell them apart
    told = {same_for(reply, job, NOBODY, "x") for reply in replies}
    assert len(told) == 1
    assert replies[0].status_code == 404


@each_address
def test_a_link_that_does_not_open_is_like_no_job(
    ann: Visitor, bob: Visitor, stranger: Browser, services, redis_client, job: str, below: str
):
    # Given links: revoked, of another job, of another tenant's, with another's rights, with another
    # end, in other letters, and none at all
    revoked = share(ann, job, preferences=True)
    assert ann.delete(f"/v1/jobs/{job}/shares/{revoked['id']}").status_code == 204
    good = token_of(share(ann, job, preferences=True))
    head, end, rights, signature = good.split(".")
    wrong = [
        token_of(revoked),
        token_of(share(ann, a_compared_job(ann, services, redis_client), preferences=True)),
        token_of(share(bob, a_compared_job(bob, services, redis_client), preferences=True)),
        f"{head}.{end}.r.{signature}",
        f"{head}.{end}0.{rights}.{signature}",
        good.upper(), good + "A", good[:-1], good + "%00", "", "x", "ё", "x" * 5000,
    ]  # fmt: skip
    # When each is used, then every answer is that of a job that never was
    told = {same_for(stranger.get(with_token(f"/jobs/{NOBODY}{below}", good)), NOBODY)}
    for token in wrong:
        reply = stranger.get(with_token(f"/jobs/{job}{below}", token))
        told.add(same_for(reply, job))
    assert len(told) == 1
    assert told.pop()[0] == 404


def test_a_token_that_was_changed_anywhere_opens_nothing(
    ann: Visitor, stranger: Browser, job: str, redis_client: redis.Redis
):
    token = token_of(share(ann, job))
    for place, letter in enumerate(token):
        for other in {"a" if letter != "a" else "b", chr(ord(letter) ^ 1), "."} - {letter}:
            changed = token[:place] + other + token[place + 1 :]
            reply = stranger.client.get(
                f"/jobs/{job}/state", base_url=SITE, query_string={"share": changed}
            )
            assert reply.status_code == 404, f"{place}: {letter} to {other}"


def test_a_wrong_link_is_refused_without_asking_the_store(
    ann: Visitor, stranger: Browser, services: Services, job: str
):
    token = token_of(share(ann, job))
    wrong = ("B" if token[-1] == "A" else "A").join((token[:-1], ""))
    before = services.connection.client.info("commandstats")
    assert stranger.get(with_token(f"/jobs/{job}", wrong)).status_code == 404
    after = services.connection.client.info("commandstats")
    counts = [
        sum(each["calls"] for name, each in found.items() if name != "cmdstat_info")
        for found in (before, after)
    ]
    assert counts[0] == counts[1]


def test_a_link_that_has_expired_says_so(
    ann: Visitor, stranger: Browser, services: Services, job: str
):
    # Given a link whose time is over; its signature is still good
    link = share(ann, job, expires_in_s=60)
    services.clock.anchor = None  # type: ignore[attr-defined]
    late = services.clock.now_ms() + 61_000
    services.clock.now_ms = lambda: late  # type: ignore[method-assign]
    # When it is opened, then it says that it is over, and nothing of the job
    page = stranger.get(with_token(f"/jobs/{job}", token_of(link)))
    assert page.status_code == 410
    assert "This link has expired." in page.text
    assert "for a new one" in page.text
    assert "Spring" not in page.text


def test_a_link_goes_with_its_job(
    ann: Visitor, stranger: Browser, redis_client: redis.Redis, job: str
):
    token = token_of(share(ann, job))
    redis_client.hset(f"cab:job:{job}", "expires", 1)
    assert stranger.get(with_token(f"/jobs/{job}", token)).status_code == 404


def test_a_link_is_judged_by_itself(app: Flask, ann: Visitor, job: str):
    # Given Ann, who has signed in; when she opens a link that is wrong, then it is refused,
    # and one that is good shows her what others see
    hers = browser(app, ann)
    assert hers.get(with_token(f"/jobs/{job}", "x")).status_code == 404
    seen = hers.get(with_token(f"/jobs/{job}/state", token_of(share(ann, job)))).text
    assert "owners-only" not in seen


def test_a_session_ends_with_its_key(app: Flask, ann: Visitor, services: Services, job: str):
    # Given a session of another key of Ann's
    key, text = create_key(
        services.accounts, tenant_id=ann.tenant_id, account_id="acc_anonymous",
        pepper=services.settings.key_pepper, now_ms=services.clock.now_ms(),
    )  # fmt: skip
    hers = browser(app)
    hers.sign_in(text)
    assert hers.get(f"/jobs/{job}").status_code == 200
    # When the key is revoked, and this process asks for it again
    services.accounts.api_keys.revoke(key.id, now_ms=services.clock.now_ms())
    app.extensions["caption_ab"].keys.forget(ann.tenant_id)
    # Then the session opens nothing
    for below in READ:
        assert hers.get(f"/jobs/{job}{below}").status_code == 401
    form = {"csrf": "x", "preferred": "A"}
    assert hers.post(f"/jobs/{job}/preferences", form).status_code == 401


def test_a_session_opens_nothing_below_v1(app: Flask, ann: Visitor, job: str):
    hers = browser(app, ann)
    for path in (f"/v1/jobs/{job}", "/v1/jobs", f"/v1/jobs/{job}/shares"):
        assert hers.get(path, headers={"Accept": "*/*"}).status_code == 401


def test_a_link_opens_nothing_below_v1(ann: Visitor, stranger: Browser, job: str):
    token = token_of(share(ann, job))
    reply = stranger.get(with_token(f"/v1/jobs/{job}", token), headers={"Accept": "*/*"})
    assert reply.status_code == 401


def test_a_link_and_a_session_have_a_rate_of_their_own(ann: Visitor, services: Services, job: str):
    # Given an installation that lets a key send three requests in a minute
    few = replace(services, settings=replace(services.settings, key_requests_per_minute=3))
    someone = browser(create_app(few))
    path = with_token(f"/jobs/{job}/state", token_of(share(ann, job)))
    # When a link, and then a session, are used more often
    for _ in range(3):
        assert someone.get(path).status_code == 200
    late = someone.get(path)
    someone.sign_in(ann.key)
    own = [someone.get(f"/jobs/{job}/state").status_code for _ in range(4)]
    # Then each is to wait by itself, and the key can still call the API
    assert late.status_code == 429
    assert int(late.headers["Retry-After"]) > 0
    assert own == [200, 200, 200, 429]
    header = {"Authorization": f"Bearer {ann.key}"}
    assert someone.client.get("/v1/jobs", headers=header).status_code == 200
