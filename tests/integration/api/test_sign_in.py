"""Signing in with a key: what the cookie is, what it opens, what other sites cannot do with it."""

from __future__ import annotations

from dataclasses import replace
from http.cookies import SimpleCookie

import pytest
from flask import Flask

from api.addresses import address_of, network_of
from api.app import create_app
from api.sign_in import pick_following
from service.access import create_key, new_key
from service.jobs.context import Services
from service.model.scope import Scope
from service.sessions import Session, write_session
from tests.integration.api.conftest import JOB, Visitor
from tests.integration.api.looks import SITE, Browser, browser, share, token_of, with_token

CROSS = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "", "Origin": "https://ab.example.com"},
    {"Origin": "https://evil.example"},
    {"Origin": "https://ab.example.com.evil.example"},
    {"Origin": "http://ab.example.com"},
)


@pytest.fixture
def stranger(app: Flask) -> Browser:
    return browser(app)


def key_with(ann: Visitor, services: Services, *scopes: Scope, **wish) -> str:
    _, text = create_key(
        services.accounts, tenant_id=ann.tenant_id, account_id="acc_anonymous",
        pepper=services.settings.key_pepper, now_ms=services.clock.now_ms(),
        scopes=scopes, **wish,
    )  # fmt: skip
    return text


def plain_post(someone: Browser, path: str, form: dict[str, str], headers: dict[str, str]):
    """A form as it comes with just these headers about its origin."""
    return someone.client.post(
        path, base_url=SITE, data=form, headers={"Accept": "text/html", **headers}
    )


def test_a_key_opens_the_list_and_its_jobs(stranger: Browser, ann: Visitor):
    job = ann.post("/v1/jobs", json=JOB).get_json()["id"]
    # Given somebody who is shown the form, with where they wanted to go in it
    form = stranger.get(f"/jobs/{job}")
    assert f'name="next" value="/jobs/{job}"' in form.text
    # When they sign in, then they are led there
    reply = stranger.post("/jobs/sign-in", {"key": f" {ann.key}\n", "next": f"/jobs/{job}"})
    assert (reply.status_code, reply.headers["Location"]) == (303, f"/jobs/{job}")
    assert stranger.get(f"/jobs/{job}").status_code == 200
    assert job in stranger.get("/jobs").text


def test_the_cookie_is_for_this_place_alone_and_holds_no_key(stranger: Browser, ann: Visitor):
    cookie = stranger.sign_in(ann.key).headers["Set-Cookie"]
    (name, morsel) = next(iter(SimpleCookie(cookie).items()))
    assert name.startswith("__Secure-")
    assert (morsel["path"], morsel["samesite"], morsel["max-age"]) == ("/jobs", "Strict", "43200")
    assert morsel["secure"]
    assert morsel["httponly"]
    assert "domain" not in cookie.lower()
    assert ann.key not in cookie
    assert ann.key[-10:] not in cookie


def test_without_tls_the_cookie_is_the_same_but_for_that(services: Services, ann: Visitor):
    plain = replace(services.settings, public_url="http://127.0.0.1:8080")
    client = create_app(replace(services, settings=plain)).test_client()
    headers = {"Origin": "http://localhost", "Accept": "text/html"}
    reply = client.post("/jobs/sign-in", data={"key": ann.key}, headers=headers)
    assert reply.status_code == 303
    cookie = reply.headers["Set-Cookie"]
    assert cookie.startswith("caption_ab_session=")
    assert "Secure" not in cookie
    assert "HttpOnly" in cookie
    assert client.get("/jobs").status_code == 200


def test_signing_out_takes_the_cookie_away(app: Flask, ann: Visitor):
    hers = browser(app, ann)
    reply = hers.post("/jobs/sign-out")
    assert (reply.status_code, reply.headers["Location"]) == (303, "/jobs/sign-in")
    assert hers.get("/jobs").status_code == 401


@pytest.mark.parametrize("key", ["", "x", "cab_live_x", "Bearer x", "cab_live_" + "0" * 36, "ё"])
def test_what_is_no_key_signs_nobody_in(stranger: Browser, key: str):
    reply = stranger.sign_in(key)
    assert reply.status_code == 401
    assert "Set-Cookie" not in reply.headers
    assert "API key" in reply.text


def test_a_key_that_is_unknown_and_one_that_was_revoked_are_told_alike(
    stranger: Browser, ann: Visitor, services: Services
):
    key = key_with(ann, services, Scope.JOBS_READ)
    # both of hers: made in the same millisecond, they are listed in any order
    for each in services.accounts.api_keys.page(ann.tenant_id, before_ms=None, limit=5):
        services.accounts.api_keys.revoke(each.id, now_ms=services.clock.now_ms())
    replies = [stranger.sign_in(each).text for each in (key, new_key("other").text)]
    assert replies[0] == replies[1]


def test_a_key_must_be_able_to_read_jobs(stranger: Browser, ann: Visitor, services: Services):
    reply = stranger.sign_in(key_with(ann, services, Scope.WEBHOOKS, Scope.JOBS_WRITE))
    assert reply.status_code == 401
    assert "jobs:read" in reply.text


def test_tries_are_counted_by_address(services: Services, ann: Visitor):
    # Given an installation that takes three tries in a minute
    few = replace(services, settings=replace(services.settings, sign_ins_per_minute=3))
    someone = browser(create_app(few))
    replies = [someone.sign_in("cab_live_x") for _ in range(3)]
    assert [each.status_code for each in replies] == [401] * 3
    # When a fourth comes, though with a good key, then it is to wait
    late = someone.sign_in(ann.key)
    assert late.status_code == 429
    assert 0 < int(late.headers["Retry-After"]) <= 60
    assert "Set-Cookie" not in late.headers


@pytest.mark.parametrize(("proxies", "status"), [(0, 429), (1, 401)])
def test_behind_a_proxy_each_visitor_has_tries_of_their_own(services: Services, proxies, status):
    # Given an installation behind so many proxies that takes one try in a minute,
    settings = replace(services.settings, sign_ins_per_minute=1, trusted_proxies=proxies)
    someone = browser(create_app(replace(services, settings=settings)))
    base = someone.client.environ_base
    base["HTTP_X_FORWARDED_FOR"] = "203.0.113.7"
    assert someone.sign_in("cab_live_x").status_code == 401
    # When another visitor tries, then that counts apart where the proxy is believed;
    base["HTTP_X_FORWARDED_FOR"] = "203.0.113.8"
    assert someone.sign_in("cab_live_x").status_code == status
    # and what the visitor has written before the proxy's word changes nothing.
    base["HTTP_X_FORWARDED_FOR"] = "198.51.100.1, 203.0.113.8"
    assert someone.sign_in("cab_live_x").status_code == 429


@pytest.mark.parametrize(
    ("forwarded", "proxies", "address"),
    [
        ("192.0.2.9", 0, "10.0.0.1"),
        ("192.0.2.9", 1, "192.0.2.9"),
        ("1.1.1.1, 192.0.2.9", 1, "192.0.2.9"),
        ("1.1.1.1,192.0.2.9 , 10.0.0.2", 2, "192.0.2.9"),
        ("192.0.2.9", 2, "10.0.0.1"),
        ("", 1, "10.0.0.1"),
        ("unknown", 1, "10.0.0.1"),
        ("2001:DB8::0001", 1, "2001:db8::1"),
        ("192.0.2.9", -1, "10.0.0.1"),
    ],
)
def test_no_more_is_believed_than_the_proxies_have_added(forwarded, proxies, address):
    assert address_of("10.0.0.1", forwarded, proxies) == address


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.9", "192.0.2.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.9", "192.0.2.9"),
        ("", ""),
    ],
)
def test_who_has_many_addresses_is_counted_once(address, counted):
    assert network_of(address) == counted


def test_a_session_that_was_changed_or_made_elsewhere_opens_nothing(
    app: Flask, ann: Visitor, services: Services
):
    hers = browser(app, ann)
    name = "__Secure-caption_ab_session"
    text = hers.client.get_cookie(name, domain="ab.example.com", path="/jobs").value
    (key,) = services.accounts.api_keys.page(ann.tenant_id, before_ms=None, limit=5)
    later = Session(key.id, ann.tenant_id, 9_999_999_999_999, "0" * 16)
    changed = [
        text[:place] + ("a" if letter != "a" else "b") + text[place + 1 :]
        for place, letter in enumerate(text)
    ]
    for each in (*changed, write_session("another pepper", later), "", text + "A", text[:-1]):
        other = app.test_client()
        other.set_cookie(name, each, domain="ab.example.com", path="/jobs", secure=True)
        assert other.get("/jobs", base_url=SITE).status_code == 401, each


def test_a_session_ends(app: Flask, ann: Visitor, services: Services):
    (key,) = services.accounts.api_keys.page(ann.tenant_id, before_ms=None, limit=5)
    for left_ms, status in ((60_000, 200), (-1, 401)):
        ends_ms = services.clock.now_ms() + left_ms
        session = Session(key.id, ann.tenant_id, ends_ms, "0" * 16)
        text = write_session(services.settings.key_pepper, session)
        client = app.test_client()
        name = "__Secure-caption_ab_session"
        client.set_cookie(name, text, domain="ab.example.com", path="/jobs", secure=True)
        assert client.get("/jobs", base_url=SITE).status_code == status


# ---- other sites


@pytest.mark.parametrize("headers", [*CROSS, {}, {"Origin": "null"}])
def test_no_other_site_can_sign_somebody_in_or_out(
    app: Flask, ann: Visitor, stranger: Browser, headers: dict[str, str]
):
    reply = plain_post(stranger, "/jobs/sign-in", {"key": ann.key}, headers)
    assert reply.status_code == 403
    assert "Set-Cookie" not in reply.headers
    assert plain_post(browser(app, ann), "/jobs/sign-out", {}, headers).status_code == 403


@pytest.mark.parametrize("below", ["preferences", "cancel"])
@pytest.mark.parametrize("headers", CROSS)
def test_no_other_site_can_send_a_form(
    app: Flask, ann: Visitor, headers: dict[str, str], below: str
):
    # Given Ann's session, and a form that even has its mark
    job = ann.post("/v1/jobs", json=JOB).get_json()["id"]
    hers = browser(app, ann)
    form = {"csrf": hers.mark(job), "preferred": "A"}
    # When another site sends it, then nothing is done
    assert plain_post(hers, f"/jobs/{job}/{below}", form, headers).status_code == 403
    assert ann.get(f"/v1/jobs/{job}").get_json()["status"] == "queued"
    assert hers.get(f"/jobs/{job}/preferences").get_json()["total"] == 0


@pytest.mark.parametrize("below", ["preferences", "cancel"])
def test_a_form_needs_the_mark_of_its_session(app: Flask, ann: Visitor, bob: Visitor, below: str):
    job = ann.post("/v1/jobs", json=JOB).get_json()["id"]
    hers, other, his = browser(app, ann), browser(app, ann), browser(app, bob)
    his_job = bob.post("/v1/jobs", json=JOB).get_json()["id"]
    for mark in ("", "x", "A" * 43, other.mark(job), his.mark(his_job)):
        form = {"csrf": mark, "preferred": "A"}
        assert hers.post(f"/jobs/{job}/{below}", form).status_code == 403
    good = {"csrf": hers.mark(job), "preferred": "A"}
    assert hers.post(f"/jobs/{job}/{below}", good).status_code == 303


def test_a_page_that_hides_its_origin_may_send_its_form(app: Flask, ann: Visitor):
    """Browsers send `Origin: null` with a form of a page that has no referrer."""
    job = ann.post("/v1/jobs", json=JOB).get_json()["id"]
    hers = browser(app, ann)
    form = {"csrf": hers.mark(job), "preferred": "A"}
    reply = plain_post(hers, f"/jobs/{job}/preferences", form, {"Origin": "null"})
    assert reply.status_code == 303


def test_no_other_site_can_use_a_link_for_a_form(ann: Visitor, stranger: Browser):
    job = ann.post("/v1/jobs", json=JOB).get_json()["id"]
    token = token_of(share(ann, job, preferences=True))
    path = with_token(f"/jobs/{job}/preferences", token)
    for headers in CROSS:
        assert plain_post(stranger, path, {"preferred": "A"}, headers).status_code == 403


@pytest.mark.parametrize(
    "text",
    ["//evil.example", "https://evil.example/jobs", "/\\evil.example", "/jobs//evil.example",
     "/jobs/../v1", "/jobs\r\nX: y", "javascript:alert(1)", "/jobsx", "/jobs@evil.example", "/docs",
     "/jobs?x=\x00", "/jobs/job_1/cancel", "/jobs?share=x", " /jobs", "/jobs?a=//evil", "/jobs?\n",
     "/jobs/job_00000000000000000000000000?share=shr_x", "\u2028/jobs"],
)  # fmt: skip
def test_signing_in_leads_nowhere_else(stranger: Browser, ann: Visitor, text: str):
    assert pick_following(text) == "/jobs"
    reply = stranger.post("/jobs/sign-in", {"key": ann.key, "next": text})
    assert reply.headers["Location"] == "/jobs"


@pytest.mark.parametrize(
    "text", ["/jobs", "/jobs?status=failed&name=a", "/jobs/job_00000000000000000000000000"]
)
def test_signing_in_leads_where_somebody_wanted_to_go(text: str):
    assert pick_following(text) == text


def test_a_form_is_bounded(app: Flask, ann: Visitor, stranger: Browser):
    assert stranger.post("/jobs/sign-in", {"key": "x" * 100_000}).status_code == 413
    job = ann.post("/v1/jobs", json=JOB).get_json()["id"]
    hers = browser(app, ann)
    form = {"csrf": hers.mark(job), "note": "x" * 100_000}
    assert hers.post(f"/jobs/{job}/preferences", form).status_code == 413
