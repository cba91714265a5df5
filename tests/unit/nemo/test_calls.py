"""A call to the backend has one short name, with no id in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.clock import FakeClock
from service.metrics import BACKEND_ERRORS, BACKEND_SECONDS, install
from service.nemo.calls import call_name, watched
from service.nemo.errors import CreditsSpent

NAMES = {"token", "claim", "session", "upload", "credits", "state", "edit", "render", "poll"}
NAMES |= {"cancel", "download", "other"}


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/api/auth/anonymous-token", "token"),
        ("POST", "/api/auth/claim-token", "claim"),
        ("POST", "/api/tasks/me/with-session/nemo_agent", "session"),
        ("POST", "/api/upload-video/nemo_agent/me/ses_1", "upload"),
        ("GET", "/api/credits/balance/simple", "credits"),
        ("GET", "/api/state/nemo_agent/me/ses_1/latest", "state"),
        ("POST", "/run_sse", "edit"),
        ("POST", "/api/render/proxy/lambda", "render"),
        ("GET", "/api/render/proxy/lambda/render_1", "poll"),
        ("POST", "/api/render/proxy/lambda/render_1/cancel", "cancel"),
        ("GET", "/api/render/proxy/render_1/download", "download"),
        ("GET", "/api/something/new", "other"),
    ],
)
def test_each_call_of_the_protocol_has_its_name(method, path, name):
    assert call_name(method, path) == name


@given(st.sampled_from(["GET", "POST"]), st.text())
def test_no_path_makes_a_name_of_its_own(method, path):
    assert call_name(method, f"/api/render/proxy/lambda/{path}") in NAMES
    assert call_name(method, path) in NAMES


def test_a_refusal_is_counted_by_its_code_with_the_time_it_took():
    # Given a recorder that keeps what it is told
    told = []

    class Kept:
        def add(self, metric, amount, labels):
            told.append((metric, amount, labels))

        put = observe = add

    def refuse(clock: FakeClock) -> None:
        with watched("edit", clock):
            clock.advance(2)
            raise CreditsSpent

    install(Kept())
    try:
        with pytest.raises(CreditsSpent):
            refuse(FakeClock())
    finally:
        install(None)
    # Then both are there
    assert told == [
        (BACKEND_ERRORS, 1.0, {"call": "edit", "code": "credits_spent"}),
        (BACKEND_SECONDS, 2.0, {"call": "edit"}),
    ]
