"""What needs no key: health, the document, the pages; and the catalog."""

from __future__ import annotations

import json
import re

import pytest
from openapi_spec_validator import validate

from api.pages import known_errors
from tests.architecture.tree import ROOT
from tests.integration.api.conftest import JOB, Visitor


def test_a_living_process_says_so(ann: Visitor):
    assert ann.client.get("/livez").get_json() == {"status": "ok"}


def test_the_document_is_valid_openapi_3_1(ann: Visitor):
    document = ann.client.get("/openapi.json").get_json()
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_every_operation_documents_its_problems_as_they_are_sent(ann: Visitor):
    document = ann.client.get("/openapi.json").get_json()
    responses = document["components"]["responses"]
    assert all(list(each["content"]) == ["application/problem+json"] for each in responses.values())
    for path in document["paths"].values():
        for name, operation in path.items():
            if name in {"get", "post", "delete"}:
                assert "default" in operation["responses"]


def test_requests_are_closed_and_answers_may_grow(ann: Visitor):
    # Given the document, which callers make their clients from
    schemas = ann.client.get("/openapi.json").get_json()["components"]["schemas"]
    closed = {name for name, each in schemas.items() if each.get("additionalProperties") is False}
    # Then a field that we do not know is refused, and one that we add later breaks no client
    assert {"JobRequest", "VariantRequest", "MessageRequest"} <= closed
    assert not [name for name in closed if name.endswith(("Reply", "Data", "Problem"))]


@pytest.mark.parametrize(
    ("path", "method", "names"),
    [
        ("/v1/jobs", "post", {"dry_run", "Idempotency-Key", "Prefer"}),
        (
            "/v1/jobs",
            "get",
            {"limit", "cursor", "status", "created_after", "created_before", "name", "metadata"},
        ),
        ("/v1/jobs/{job_id}/events", "get", {"after", "Last-Event-ID"}),
        (
            "/v1/jobs/{job_id}/variants/{label}/video",
            "get",
            {"clip", "revision", "download", "Range"},
        ),
    ],
)
def test_every_parameter_is_documented(ann: Visitor, path: str, method: str, names: set[str]):
    operation = ann.client.get("/openapi.json").get_json()["paths"][path][method]
    assert {each["name"] for each in operation["parameters"]} == names


def test_both_forms_of_events_are_documented(ann: Visitor):
    paths = ann.client.get("/openapi.json").get_json()["paths"]
    replies = paths["/v1/jobs/{job_id}/events"]["get"]["responses"]
    assert set(replies["200"]["content"]) == {"application/json", "text/event-stream"}
    assert "204" in replies


def test_addresses_are_documented_as_uri(ann: Visitor):
    text = ann.client.get("/openapi.json").text
    assert '"format": "uri"' in text
    assert '"format": "url"' not in text


def test_the_pages_need_nothing_from_elsewhere(ann: Visitor):
    # Given the documentation page
    page = ann.client.get("/docs")
    # When every file that it names is fetched
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    # Then all are ours, no script is inline, and the policy lets nothing else in
    assert named
    assert all(ann.client.get(each).status_code == 200 for each in named)
    assert "<script>" not in page.text
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]


def test_every_problem_leads_to_its_explanation(ann: Visitor):
    page = ann.client.get("/docs/errors").text
    problem = ann.client.get("/v1/jobs").get_json()
    assert f'id="{problem["type"].partition("#")[2]}"' in page
    assert all(f'id="{each.code}"' in page for each in known_errors())
    wrong_route = ann.client.get("/nowhere").get_json()
    assert f'id="{wrong_route["type"].partition("#")[2]}"' in page


def test_code_is_shown_as_code(ann: Visitor):
    # Given advice that names a header; then the pages show it without backticks
    for path in ("/docs/errors", "/docs/errors/unauthorized"):
        page = ann.client.get(path).text
        assert "<code>Authorization: Bearer cab_...</code>" in page
        assert "`" not in page
    assert "<script>" not in ann.client.get("/docs/errors").text
    # And summaries, which are plain text there, have none
    paths = ann.client.get("/openapi.json").get_json()["paths"]
    summaries = [
        each["summary"] for one in paths.values() for each in one.values() if "summary" in each
    ]
    assert len(summaries) > 40
    assert not [each for each in summaries if "`" in each]


def test_the_documentation_leads_to_the_errors(ann: Visitor):
    assert 'href="/docs/errors"' in ann.client.get("/docs").text


def test_events_are_described_as_their_page_has_it(ann: Visitor):
    page = (ROOT / "docs/webhooks.md").read_text("utf-8").partition("## Event types")[2]
    written = dict(re.findall(r"^\| `([a-z._]+)` \| (.+) \|$", page, re.MULTILINE))
    webhooks = ann.client.get("/openapi.json").get_json()["webhooks"]
    assert set(written) == set(webhooks)
    for kind, text in written.items():
        assert text in webhooks[kind]["post"]["description"]


def test_the_limits_are_the_settings(ann: Visitor):
    body = ann.get("/v1/limits").get_json()
    assert (body["upload_bytes"], body["variants"]) == (2_000_000, 8)


def test_every_operation_on_a_job_is_linked_from_the_answer_that_makes_one(ann: Visitor):
    # Given the operations whose path names a job or an upload
    document = ann.client.get("/openapi.json").get_json()
    found = {"{share_id}": set(), "{public_key_id}": set(), "{job_id}": set(), "{upload_id}": set()}
    for path, operations in document["paths"].items():
        if path.startswith("/v1/uploads/tus"):
            continue  # what begins such an upload answers with an address, not with an id
        for parameter, names in found.items():
            if parameter in path:
                names.update(o["operationId"] for o in operations.values() if "operationId" in o)
                break
    # Then links lead to them all, so that a client and a tester find their way
    made = document["paths"]["/v1/jobs"]["post"]["responses"]["202"]["links"]
    sent = document["paths"]["/v1/uploads"]["post"]["responses"]["201"]["links"]
    shared = document["paths"]["/v1/jobs/{job_id}/shares"]["post"]["responses"]["201"]["links"]
    keys = document["paths"]["/v1/jobs/{job_id}/experiment/keys"]["post"]["responses"]
    assert set(made) == found["{job_id}"]
    assert set(keys["201"]["links"]) == found["{public_key_id}"]
    assert set(shared) == found["{share_id}"]
    assert set(sent) == found["{upload_id}"]


def test_every_operation_has_a_name_of_its_own(ann: Visitor):
    document = ann.client.get("/openapi.json").get_json()
    names = [
        operation["operationId"]
        for path in document["paths"].values()
        for method, operation in path.items()
        if method != "parameters"
    ]
    assert len(names) == len(set(names)) > 15


def test_the_document_is_kept_and_told_only_when_it_is_new(ann: Visitor):
    first = ann.client.get("/openapi.json")
    again = ann.client.get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code) == (200, 304)


def test_every_operation_is_in_the_postman_collection(ann: Visitor):
    # Given the collection and the document
    collection = ann.client.get("/docs/postman.json").get_json()
    document = ann.client.get("/openapi.json").get_json()
    asked = [item for folder in collection["item"] for item in folder["item"]]
    # Then it has every operation once, with a first body that can be sent as it is
    methods = {"get", "post", "put", "patch", "delete"}
    wanted = sum(len(methods & set(path)) for path in document["paths"].values())
    assert len(asked) == wanted
    create = next(
        i
        for i in asked
        if i["request"]["url"]["raw"] == "{{baseUrl}}/v1/jobs" and i["request"]["method"] == "POST"
    )
    assert json.loads(create["request"]["body"]["raw"])["clips"]
    assert collection["auth"]["bearer"][0]["value"] == "{{key}}"


def test_every_limit_is_documented_and_none_is_missing(ann: Visitor):
    # Given the limits as they are answered and as the document has them
    body = ann.get("/v1/limits").get_json()
    schemas = ann.client.get("/openapi.json").get_json()["components"]["schemas"]
    # Then they are the same, and each says what it bounds
    documented = schemas["LimitsReply"]["properties"]
    assert set(documented) == set(body) == set(schemas["LimitsReply"]["required"])
    for name, each in documented.items():
        assert each.get("description") or "$ref" in each or name == "upload_formats", name


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("name_chars", lambda most: {"name": "x" * (most + 1)}),
        ("clips", lambda most: {"clips": JOB["clips"] * (most + 1)}),
        ("variants", lambda most: {"variants": [{}] * (most + 1)}),
        ("instruction_chars", lambda most: {"instruction": "x" * (most + 1)}),
        ("max_credits", lambda most: {"max_credits": most + 1}),
        ("url_chars", lambda most: {"clips": [{"url": "https://a.example/" + "x" * most}]}),
        ("captions_cues", lambda most: {"captions": {"text": _cues(most + 1)}}),
        ("script_chars", lambda most: {"captions": {"format": "text", "text": "x " * most}}),
    ],
)
def test_a_limit_is_where_it_says(ann: Visitor, name: str, change):
    most = ann.get("/v1/limits").get_json()[name]
    assert ann.post("/v1/jobs", json={**JOB, **change(most)}).status_code == 422


def _cues(count: int) -> str:
    times = ((n // 3600, n // 60 % 60, n % 60) for n in range(count))
    return "\n\n".join(
        f"{h:02}:{m:02}:{s:02},000 --> {h:02}:{m:02}:{s:02},900\nx" for h, m, s in times
    )
