"""What every answer has in common: content types, tags, headers, methods, and no trace of a bug."""

from __future__ import annotations

import re
from http import HTTPStatus

import pytest
from flask import Flask

from api.app import create_app
from api.conventions import ALSO, deprecated, register_conventions
from api.http_errors import HTTP_HINTS
from api.openapi import ProblemApi, Routes
from api.pages import list_errors
from tests.integration.api.conftest import JOB, Visitor

NO_JOB = "/v1/jobs/job_00000000000000000000000000"


def _filled(field: re.Match[str]) -> str:
    return {"job_id": NO_JOB.rpartition("/")[2], "label": "A", "clip": "0"}.get(field[1], "x")


class TestAccept:
    @pytest.mark.parametrize(
        ("path", "accept", "status"),
        [
            ("/v1/limits", "", 200),
            ("/v1/limits", "*/*", 200),
            ("/v1/limits", "application/*", 200),
            ("/v1/limits", "text/html, application/json;q=0.1", 200),
            ("/v1/limits", "application/problem+json", 200),
            ("/v1/limits", "text/html", 406),
            ("/v1/limits", "application/json;q=0", 406),
            ("/v1/limits", "application/json;q=0, text/csv", 406),
            ("/v1/limits", "application/xml, text/*", 406),
            (f"{NO_JOB}/variants/A/video", "video/*", 404),
            (f"{NO_JOB}/variants/A/video", "audio/ogg", 406),
            (f"{NO_JOB}/events", "text/event-stream", 404),
            (f"{NO_JOB}/comparison/report.html", "text/html", 404),
            (f"{NO_JOB}/comparison/report.html", "image/png", 406),
            (f"{NO_JOB}/comparison/pictures/0/difference", "image/png", 404),
            (f"{NO_JOB}/comparison/pictures/0/difference", "image/jpeg", 404),
            (f"{NO_JOB}/comparison/pictures/0/side_by_side", "video/mp4", 404),
            (NO_JOB, "text/event-stream", 406),
            ("/v1/nowhere", "text/html", 404),
        ],
    )
    def test_who_takes_neither_json_nor_a_problem_is_told(
        self, ann: Visitor, path: str, accept: str, status: int
    ):
        reply = ann.get(path, headers={"Accept": accept})
        assert reply.status_code == status
        if status >= 400:
            assert reply.content_type == "application/problem+json"

    def test_a_post_is_refused_before_it_does_anything(self, ann: Visitor):
        reply = ann.post("/v1/jobs", json=JOB, headers={"Accept": "text/html"})
        assert (reply.status_code, reply.get_json()["code"]) == (406, "not_acceptable")
        assert ann.get("/v1/jobs").get_json()["data"] == []

    def test_a_key_comes_first(self, ann: Visitor):
        assert ann.client.get("/v1/limits", headers={"Accept": "text/html"}).status_code == 401

    def test_exceptions_are_of_routes_that_exist(self, app: Flask):
        assert set(ALSO) <= set(app.view_functions)

    def test_whatever_a_route_is_documented_to_send_may_be_wanted(self, ann: Visitor):
        # Given all kinds of content that the document says a route sends,
        paths = ann.client.get("/openapi.json").get_json()["paths"]
        sent = {
            (path, kind)
            for path, methods in paths.items()
            if path.startswith("/v1/")
            for status, reply in methods.get("get", {}).get("responses", {}).items()
            if status == "200"
            for kind in reply.get("content", {})
        }
        other = {each for each in sent if each[1] != "application/json"}
        assert len(other) >= sum(map(len, ALSO.values()))
        # When nothing but one of them is wanted, then it is not refused.
        for path, kind in sorted(other):
            filled = re.sub(r"\{(\w+)\}", _filled, path)
            assert ann.get(filled, headers={"Accept": kind}).status_code == 404, (path, kind)


class TestMethods:
    def test_another_method_names_those_there_are(self, ann: Visitor):
        reply = ann.open("/v1/jobs", "PATCH")
        assert (reply.status_code, reply.get_json()["code"]) == (405, "method_not_allowed")
        assert set(reply.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}

    @pytest.mark.parametrize("method", ["GET", "PATCH"])
    def test_what_is_not_there_is_said_in_our_words(self, ann: Visitor, method: str):
        path, code = ("/v1/nowhere", "no_such_route") if method == "GET" else ("/v1/jobs", "")
        problem = ann.open(path, method).get_json()
        assert problem["code"] == (code or "method_not_allowed")
        assert problem["detail"] in {
            "There is no such address.",
            "This address takes GET, HEAD, OPTIONS, POST.",
        }
        assert problem["hint"] == HTTP_HINTS[problem["code"]]

    def test_an_answer_without_content_has_no_type(self, ann: Visitor):
        # Given an upload that is begun, asked for and removed
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "100"}
        begun = ann.post("/v1/uploads/tus", headers=headers)
        place = begun.headers["Location"].removeprefix("https://ab.example.com")
        ended = ann.open(place, "DELETE", headers={"Tus-Resumable": "1.0.0"})
        # Then none of the answers names a type of what it has not got
        for reply, status in ((begun, 201), (ended, 204)):
            assert (reply.status_code, reply.data) == (status, b"")
            assert "Content-Type" not in reply.headers
        assert ann.client.head("/docs").content_type == "text/html; charset=utf-8"

    def test_options_names_them_too(self, ann: Visitor):
        reply = ann.open("/v1/jobs", "OPTIONS")
        assert (reply.status_code, reply.data) == (200, b"")
        assert set(reply.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}

    def test_head_is_a_get_without_its_body(self, ann: Visitor):
        job_id = ann.post("/v1/jobs", json=JOB).get_json()["id"]
        read, head = ann.get(f"/v1/jobs/{job_id}"), ann.open(f"/v1/jobs/{job_id}", "HEAD")
        assert (head.status_code, head.data) == (200, b"")
        for name in ("ETag", "Content-Type", "Content-Length"):
            assert head.headers[name] == read.headers[name]

    def test_a_body_of_another_type_is_refused(self, ann: Visitor):
        reply = ann.post("/v1/jobs", data="clips", content_type="text/plain")
        assert (reply.status_code, reply.get_json()["code"]) == (415, "unsupported_media_type")


class TestTags:
    @pytest.mark.parametrize(
        "path", ["/v1/jobs", "/v1/limits", "/v1/styles", "{job}", "{job}/events"]
    )
    def test_what_is_known_is_not_sent_again(self, ann: Visitor, path: str):
        # Given a resource or a list that was read
        job = f"/v1/jobs/{ann.post('/v1/jobs', json=JOB).get_json()['id']}"
        path = path.format(job=job)
        first = ann.get(path)
        # When it is asked for again with its tag, among others
        tags = f'"other", {first.headers["ETag"]}'
        again = ann.get(path, headers={"If-None-Match": tags})
        # Then nothing is sent but that it is the same
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
        assert first.headers["Cache-Control"] == "private, no-cache"

    def test_a_list_that_has_changed_is_sent(self, ann: Visitor):
        etag = ann.get("/v1/jobs").headers["ETag"]
        ann.post("/v1/jobs", json=JOB)
        assert ann.get("/v1/jobs", headers={"If-None-Match": etag}).status_code == 200

    def test_what_is_no_resource_has_none(self, ann: Visitor):
        assert "ETag" not in ann.post("/v1/jobs", json=JOB).headers
        assert "ETag" not in ann.get(NO_JOB).headers


class TestSecurity:
    @pytest.mark.parametrize(
        ("path", "method"),
        [
            ("/v1/jobs", "GET"),
            ("/v1/jobs", "OPTIONS"),
            ("/v1/jobs", "PATCH"),
            (NO_JOB, "GET"),
            ("/v1/nowhere", "GET"),
            ("/nowhere", "GET"),
            ("/", "GET"),
            ("/livez", "GET"),
            ("/openapi.json", "GET"),
            ("/static/docs.js", "GET"),
            ("/docs", "GET"),
            ("/docs/errors", "GET"),
            ("/docs/errors/gone", "GET"),
            ("/jobs/job_00000000000000000000000000", "GET"),
        ],
    )
    def test_no_answer_may_be_framed_sniffed_or_told_of(self, ann: Visitor, path: str, method: str):
        headers = ann.open(path, method).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        policy = headers.getlist("Content-Security-Policy")
        assert len(policy) == 1
        assert policy[0].startswith("default-src 'none'; ")
        assert "frame-ancestors 'none'" in policy[0]
        assert "unsafe" not in policy[0]

    @pytest.mark.parametrize(
        "path",
        ["/docs", "/docs/errors", "/docs/errors/gone", "/jobs/job_00000000000000000000000000"],
    )
    def test_pages_have_nothing_inline(self, ann: Visitor, path: str):
        page = ann.client.get(path).text
        assert page.count("<script") == page.count("<script src=")
        assert "<style" not in page
        assert " style=" not in page
        assert re.search(r"<[^>]*\son\w+=", page) is None
        assert "javascript:" not in page

    @pytest.mark.parametrize("path", ["/v1/broken", "/broken"])
    def test_a_bug_is_told_without_its_trace(self, services, ann: Visitor, path: str, caplog):
        # Given an app with a bug that has a secret in its hands
        app = create_app(services)

        def fail() -> None:
            secret = "whsec_c2VjcmV0"
            raise KeyError(secret)

        app.add_url_rule(path, view_func=fail, endpoint="broken")
        # When it is met
        headers = {"Authorization": f"Bearer {ann.key}", "X-Request-Id": "find-me"}
        reply = app.test_client().get(path, headers=headers)
        # Then the answer says so in one sentence, and the log has the whole
        assert reply.status_code == 500
        body = reply.get_json()
        assert (body["code"], body["request_id"]) == ("internal", "find-me")
        for word in ("Traceback", "KeyError", "whsec", ".py"):
            assert word not in reply.text
        assert "KeyError" in caplog.text


class TestErrorPages:
    @pytest.mark.parametrize("code", sorted(list_errors()))
    def test_every_type_leads_to_text_about_its_code(self, ann: Visitor, code: str):
        status, meaning, advice, _ = list_errors()[code]
        listed = ann.client.get("/docs/errors").text
        row = listed.partition(f'<tr id="{code}">')[2].partition("</tr>")[0]
        page = ann.client.get(f"/docs/errors/{code}")
        assert page.status_code == 200
        for text in (row, page.text):
            assert code in text
            assert status in text
            assert meaning.replace("`", "") in _plain(text)
            assert advice.replace("`", "") in _plain(text)

    def test_a_code_that_is_none_has_no_page(self, ann: Visitor):
        assert ann.client.get("/docs/errors/<script>").status_code == 404

    def test_statuses_of_the_server_are_named(self):
        statuses = {status for status, *_ in list_errors().values()}
        for status in (400, 401, 403, 404, 405, 406, 409, 410, 413, 414, 415, 416, 417, 422, 429):
            assert str(status) in statuses, HTTPStatus(status).phrase


def _plain(text: str) -> str:
    for entity, sign in (("&#x27;", "'"), ("&quot;", '"'), ("&lt;", "<"), ("&gt;", ">")):
        text = text.replace(entity, sign)
    return re.sub("</?code>", "", text).replace("&amp;", "&")


class TestDeprecation:
    @pytest.fixture
    def old(self) -> Flask:
        """An app with one route that will go."""
        app = Flask("old")
        app.config.update(API_TITLE="t", API_VERSION="1", OPENAPI_VERSION="3.1.0")
        app.config["PUBLIC_URL"] = "https://ab.example.com"
        register_conventions(app)
        api = ProblemApi(app)
        routes = Routes("things", __name__, url_prefix="/v1/things")

        @routes.route("/<name>")
        @deprecated("2027-01-01", sunset="2027-07-01", see="https://ab.example.com/docs/old")
        @routes.response(200, {"type": "object"})
        def read_thing(name: str) -> dict[str, str]:
            return {"name": name}

        @routes.route("")
        @routes.response(200, {"type": "object"})
        def read_things() -> dict[str, str]:
            return {}

        api.register_blueprint(routes)
        app.extensions["document"] = api.spec.to_dict()
        return app

    def test_a_route_that_will_go_says_since_when_and_until_when(self, old: Flask):
        headers = old.test_client().get("/v1/things/a").headers
        assert headers["Deprecation"] == "@1798761600"
        assert headers["Sunset"] == "Thu, 01 Jul 2027 00:00:00 GMT"
        assert headers["Link"].startswith('<https://ab.example.com/docs/old>; rel="deprecation"')
        assert old.extensions["document"]["paths"]["/v1/things/{name}"]["get"]["deprecated"]

    def test_others_say_nothing(self, old: Flask):
        headers = old.test_client().get("/v1/things").headers
        assert not {"Deprecation", "Sunset", "Link"} & set(headers.keys())
        assert "deprecated" not in old.extensions["document"]["paths"]["/v1/things"]["get"]

    def test_none_is_deprecated_today(self, ann: Visitor):
        assert '"deprecated"' not in ann.client.get("/openapi.json").text
