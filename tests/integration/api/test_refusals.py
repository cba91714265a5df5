"""How requests are refused: rules first, hints that help, places of each fault."""

from __future__ import annotations

import pytest

from tests.integration.api.conftest import JOB, Visitor


@pytest.mark.parametrize(
    ("url", "detail"),
    [
        (
            "http://127.0.0.1:9000/hook",
            "Only public https addresses are called: this one is http.",
        ),
        (
            "https://127.0.0.1:9000/hook",
            "Only public https addresses are called: 127.0.0.1 is not one (loopback).",
        ),
        (
            "https://10.0.0.8/hook",
            "Only public https addresses are called: 10.0.0.8 is not one (private).",
        ),
        (
            "https://hooks.localhost/",
            "Only public https addresses are called: names that end in .localhost are none.",
        ),
    ],
)
def test_an_address_that_is_not_public_is_refused_alike_in_jobs_and_endpoints(
    ann: Visitor, url: str, detail: str
):
    # When such an address is given to a job and to an endpoint,
    job = ann.post("/v1/jobs", json={**JOB, "webhook": {"url": url}}).get_json()
    endpoint = ann.post("/v1/webhook-endpoints", json={"url": url, "events": ["*"]}).get_json()
    # Then both say the rule first, and who can open more.
    assert job["errors"] == [{"pointer": "#/webhook/url", "detail": detail}]
    assert endpoint["errors"] == [{"pointer": "#/url", "detail": detail}]
    assert job["hint"] == endpoint["hint"]
    assert "CAPTION_AB_CALLER_LOOPBACK_PORTS" in job["hint"]
    assert "CAPTION_AB_CALLER_HTTP" in job["hint"]


def test_an_address_among_other_faults_leaves_the_usual_hint_in_front(ann: Visitor):
    wrong = {"webhook": {"url": "https://10.0.0.8/"}, "variants": [{"style": {"preset": "none"}}]}
    hint = ann.post("/v1/jobs", json={**JOB, **wrong}).get_json()["hint"]
    assert hint.startswith("Correct the fields named in `errors`")
    assert "CAPTION_AB_CALLER_LOOPBACK_PORTS" in hint


@pytest.mark.parametrize(
    ("wrong", "pointer", "detail"),
    [
        (
            {"variants": [{"style": "outline"}]},
            "#/variants/0/style",
            'Must be an object such as {"preset": "outline"}.',
        ),
        (
            {"captions": "hello"},
            "#/captions",
            'Must be an object such as {"format": "srt", "text": "..."}.',
        ),
        (
            {"clips": ["upl_1"]},
            "#/clips/0",
            'Must be an object such as {"upload_id": "upl_..."}.',
        ),
        ({"output": 1080}, "#/output", "Must be an object."),
        (
            {"variants": [{"style": {"colour": "red"}}]},
            "#/variants/0/style/colour",
            "Unknown field; did you mean `color`?",
        ),
        ({"caption": {}}, "#/caption", "Unknown field; did you mean `captions`?"),
        ({"zzz": 1}, "#/zzz", "Unknown field."),
    ],
)
def test_a_fault_of_form_says_what_is_expected(ann: Visitor, wrong, pointer: str, detail: str):
    problem = ann.post("/v1/jobs", json={**JOB, **wrong}).get_json()
    assert problem["code"] == "invalid_request"
    assert problem["errors"] == [{"pointer": pointer, "detail": detail}]


def test_a_body_that_is_a_list_says_so(ann: Visitor):
    problem = ann.post("/v1/jobs", json=[JOB]).get_json()
    assert problem["errors"] == [{"pointer": "#", "detail": "Must be an object."}]


def test_an_unknown_parameter_of_a_query_names_the_known_one(ann: Visitor):
    problem = ann.get("/v1/jobs?limits=3").get_json()
    assert problem["errors"] == [
        {"pointer": "query:/limits", "detail": "Unknown field; did you mean `limit`?"}
    ]


def test_faults_of_form_and_of_styles_come_in_one_answer(ann: Visitor):
    # Given a request whose form is wrong in two places, and one style of no known preset
    wrong = {
        "deadline_s": "soon",
        "variants": [
            {"style": {"preset": "none", "size": 99}},
            {"style": "boxed"},
            {"label": "Z", "style": {"preset": "boxed", "color": "octarine"}},
        ],
    }
    problem = ann.post("/v1/jobs", json={**JOB, **wrong}).get_json()
    # Then each is named
    assert {each["pointer"] for each in problem["errors"]} == {
        "#/deadline_s",
        "#/variants/0/style/preset",
        "#/variants/0/style/size",
        "#/variants/1/style",
        "#/variants/2/label",
        "#/variants/2/style/color",
    }


@pytest.mark.parametrize("variants", [{}, [3], [{"style": []}], [{}] * 9, None, [[{}]]])
def test_variants_of_any_form_are_refused_in_order(ann: Visitor, variants):
    assert ann.post("/v1/jobs", json={**JOB, "variants": variants}).status_code == 422
