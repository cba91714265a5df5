"""What holds for every keyed route there is: a key, its scope, and nothing of another tenant's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from service.access import create_key
from service.ids import new_id
from service.model.scope import Scope
from tests.integration.api.audience import an_experiment_of
from tests.integration.api.conftest import JOB, Visitor
from tests.integration.api.routes import BODIES, PLAIN, Route, keyed_routes, options_of

KEYS = "/v1/jobs/{job_id}/experiment/keys"
NOW_MS = 1_800_000_000_000
#: Parameters that name a thing of a tenant's: the prefix of its ids.
OWNED = {
    "job_id": "job",
    "upload_id": "upl",
    "key_id": "key",
    "tenant_id": "ten",
    "endpoint_id": "whe",
    "delivery_id": "",
    "share_id": "shr",
    "public_key_id": "pub",
}


@pytest.fixture
def routes(app: Flask) -> list[Route]:
    return keyed_routes(app)


@pytest.fixture
def with_scopes(ann: Visitor, services) -> Callable[[set[Scope]], Visitor]:
    """Ann with another key, which has just these scopes."""

    def make(scopes: set[Scope]) -> Visitor:
        _, text = create_key(
            services.accounts,
            tenant_id=ann.tenant_id,
            account_id="acc_anonymous",
            pepper=services.settings.key_pepper,
            now_ms=services.clock.now_ms(),
            scopes=scopes,
        )
        return replace(ann, key=text)

    return make


def never(name: str) -> str:
    """An id of this kind that nothing has."""
    if name == "delivery_id":
        return f"{new_id('job', NOW_MS)}.1.{new_id('whe', NOW_MS)}"
    return new_id(OWNED[name], NOW_MS)


def named_scope(operations: dict, method: str) -> Scope:
    """The scope that the document names; HEAD and OPTIONS, which it leaves out, only read."""
    named = {
        name: Scope(each["security"][0]["key"][0])
        for name, each in operations.items()
        if name != "parameters" and each["security"]
    }
    if method.lower() in named:
        return named[method.lower()]
    own = set(named.values()) & {Scope.WEBHOOKS, Scope.ADMIN}
    return own.pop() if own else Scope.JOBS_READ


def test_every_route_is_in_the_document_with_its_scope(ann: Visitor, routes):
    document = ann.client.get("/openapi.json").get_json()
    shown = [each for each in routes if each.method not in {"HEAD", "OPTIONS"}]
    assert len(shown) >= 20
    for route in shown:
        operation = document["paths"][route.path][route.method.lower()]
        (named,) = operation["security"]
        assert set(named["key"]) <= set(Scope), f"{route} names no scope"


def test_every_parameter_and_body_is_known_here(ann: Visitor, routes):
    """A new route with an id or a body of its own must be taught to the tests below."""
    named = {name for each in routes for name in each.parameters}
    assert named <= OWNED.keys() | PLAIN.keys()
    document = ann.client.get("/openapi.json").get_json()
    for path, operations in document["paths"].items():
        for method in operations.keys() - {"parameters"}:
            operation = operations[method]
            if "application/json" in operation.get("requestBody", {}).get("content", {}):
                assert (method.upper(), path) in BODIES, f"{method} {path} has a body"


def test_no_route_answers_without_a_key(ann: Visitor, routes):
    unasked = {name: never(name) for name in OWNED}
    for route in routes:
        for headers in ({}, {"Authorization": "Bearer cab_live_x"}, {"Authorization": "Basic eA="}):
            reply = ann.client.open(route.address(unasked), method=route.method, headers=headers)
            assert reply.status_code == 401, f"{route} answers {reply.status_code}"
            assert reply.headers["WWW-Authenticate"].startswith("Bearer")


def test_no_route_answers_a_key_without_its_scope(ann: Visitor, routes, with_scopes):
    # Given the scope that the document names for each route, and a key with all but that one
    document = ann.client.get("/openapi.json").get_json()
    lacking = {each: with_scopes(set(Scope) - {each}) for each in Scope}
    for route in routes:
        scope = named_scope(document["paths"][route.path], route.method)
        ids = {name: never(name) for name in route.parameters if name in OWNED}
        # When the route is called, then it is refused and says what is lacking
        reply = lacking[scope].open(route.address(ids), route.method, **options_of(route))
        assert reply.status_code == 403, f"{route} without {scope} answers {reply.status_code}"
        assert f'scope="{scope}"' in reply.headers["WWW-Authenticate"]
        if route.method != "HEAD":
            body = reply.get_json()
            assert (body["code"], body["scope"]) == ("key_scope_missing", scope)


def test_one_scope_opens_its_routes(routes, with_scopes, ann: Visitor):
    document = ann.client.get("/openapi.json").get_json()
    having = {each: with_scopes({each}) for each in Scope}
    for route in routes:
        if route.method in {"HEAD", "OPTIONS"}:
            continue
        scope = named_scope(document["paths"][route.path], route.method)
        ids = {name: never(name) for name in route.parameters if name in OWNED}
        reply = having[scope].open(route.address(ids), route.method, **options_of(route))
        assert reply.status_code != 401, f"{route} with {scope}: {reply.get_json()}"
        assert b"key_scope_missing" not in reply.data, f"{route} with {scope}: {reply.get_json()}"


def test_what_is_anothers_does_not_exist(ann, bob, routes, with_scopes, services):
    # Given things of Bob's, and a key of Ann's that opens every route
    upload, ann = bob.upload().get_json()["id"], with_scopes(set(Scope))
    (key,) = services.accounts.api_keys.page(bob.tenant_id, before_ms=None, limit=9)
    hook = {"url": "https://hooks.example.com/in"}
    endpoint = bob.post("/v1/webhook-endpoints", json=hook).get_json()["id"]
    job = bob.post("/v1/jobs", json=JOB).get_json()["id"]
    an_experiment_of(services, job)
    keys = f"/v1/jobs/{job}/experiment/keys"
    theirs = {
        "job_id": job,
        "public_key_id": bob.post(keys, json=BODIES["POST", KEYS]).get_json()["id"],
        "share_id": bob.post(f"/v1/jobs/{job}/shares", json={}).get_json()["id"],
        "upload_id": upload,
        "key_id": key.id,
        "tenant_id": bob.tenant_id,
        "endpoint_id": endpoint,
        "delivery_id": bob.post(f"/v1/webhook-endpoints/{endpoint}/test").get_json()["id"],
    }
    begun = {"Upload-Length": "9", "Upload-Metadata": "filename Y2xpcC5tcDQ="}
    place = bob.post("/v1/uploads/tus", headers={"Tus-Resumable": "1.0.0", **begun})
    arrival = place.headers["Location"].rpartition("/")[2]
    assert theirs.keys() == OWNED.keys()
    asked = [each for each in routes if set(each.parameters) & OWNED.keys()]
    assert len(asked) >= 15
    for route in asked:
        # When Ann names each of them, and one that never existed
        answers = []
        own = {**theirs, "upload_id": arrival} if "/tus/" in route.path else theirs
        for ids in (own, {name: never(name) for name in theirs}):
            reply = ann.open(route.address(ids), route.method, **options_of(route))
            body = reply.get_data(as_text=True)
            for value in ids.values():
                body = body.replace(value, "ID")
            answers.append((reply.status_code, body.replace(reply.headers["X-Request-Id"], "")))
        # Then she cannot tell them apart
        assert answers[0] == answers[1], f"{route} tells that it exists"
        if route.method != "OPTIONS":
            assert answers[0][0] == 404, f"{route} answers {answers[0]}"
    # And nothing of Bob's has changed
    assert bob.get(f"/v1/jobs/{theirs['job_id']}").get_json()["status"] == "queued"
    assert bob.get(f"/v1/uploads/{upload}").status_code == 200
