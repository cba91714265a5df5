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
