"""Which error a reply is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import BackendError
from service.nemo import errors
from service.nemo.refusals import classify, retry_after_s

JSON_TYPE = {"Content-Type": "application/json"}
HTML_TYPE = {"content-type": "text/html; charset=utf-8"}


def error_of(status, payload, headers=JSON_TYPE, **kwargs):
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return classify(status, headers, content, **kwargs)


CODES = [
    (1001, errors.TokenRejected),
    (1010, errors.TokenRejected),
    (1011, errors.TokenRejected),
    (1002, errors.SessionLost),
    (2001, errors.CreditsSpent),
    (4001, errors.FormatRefused),
    (4002, errors.SizeRefused),
    (429, errors.RateLimited),
    (402, errors.PlanBlocked),
    (9999, errors.BackendConfused),
]


@pytest.mark.rule("P-008", "P-128", "P-154", "P-167")
@pytest.mark.parametrize(("code", "kind"), CODES)
def test_codes_under_http_200(code, kind):
    """A code counts as a number and as a text."""
    for value in (code, str(code)):
        assert type(error_of(200, {"code": value, "message": "m"})) is kind


@pytest.mark.rule("P-009")
@pytest.mark.parametrize("status", [400, 401, 404, 500, 503])
def test_a_known_code_outranks_the_status(status):
    assert type(error_of(status, {"code": 2001, "message": "m"})) is errors.CreditsSpent


@pytest.mark.parametrize(
    "payload",
    [
        {"code": 0, "data": {}},
        {"code": "0"},
        {"code": 200},
        {"success": True},
        {},
        [],
        {"error": None},
    ],
)
def test_success_is_no_error(payload):
    assert error_of(200, payload) is None


STATUSES = [
    (400, {"detail": "bad"}, errors.MalformedRequest),
    (400, {"message": "X-Client-Id is required"}, errors.ClientIdMissing),
    (400, {"error": "duplicate render id"}, errors.DuplicateRender),
    (401, {}, errors.TokenRejected),
    (402, {"message": "Free plan export blocked"}, errors.PlanBlocked),
    (403, {"detail": "scope render missing"}, errors.ScopeMissing),
    (403, {"message": "token has been revoked"}, errors.TokenRejected),
    (404, {"detail": "Session not found: nope"}, errors.SessionLost),
    (404, {"detail": "Session not found"}, errors.SessionLost),
    (404, {"detail": "Not Found"}, errors.BackendConfused),
    (404, {"message": "render not found"}, errors.RenderUnknown),
    (405, {"detail": "Method Not Allowed"}, errors.BackendConfused),
    (408, {}, errors.BackendUnavailable),
    (409, {"error": "exists"}, errors.DuplicateRender),
    (413, {}, errors.SizeRefused),
    (415, {}, errors.FormatRefused),
    (
        422,
        {"detail": [{"type": "missing", "loc": ["body", "userId"], "msg": "Field required"}]},
        errors.MalformedRequest,
    ),
    (429, {}, errors.RateLimited),
    (302, {}, errors.BackendConfused),
    (500, {"detail": "boom"}, errors.BackendUnavailable),
    (502, b"<html>Bad Gateway</html>", errors.BackendUnavailable),
]


@pytest.mark.rule("P-013", "P-107", "P-124", "P-154", "P-158", "P-165")
@pytest.mark.parametrize(("status", "payload", "kind"), STATUSES)
def test_statuses(status, payload, kind):
    assert type(error_of(status, payload)) is kind


@pytest.mark.rule("P-011")
@pytest.mark.parametrize("status", [200, 403, 404, 500, 502])
def test_a_web_page_means_away(status):
    error = error_of(status, b"<!doctype html><h1>Just a moment", HTML_TYPE)
    assert type(error) is errors.BackendUnavailable
    assert error.retryable


@pytest.mark.rule("P-010", "P-013")
@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("invalid authentication token", errors.TokenRejected),
        ("Invalid token", errors.TokenRejected),
        ("invalid or expired", errors.TokenRejected),
        ("token not found", errors.TokenRejected),
        ("token has been revoked", errors.TokenRejected),
        ("token has expired", errors.TokenRejected),
        ("render id already exists", errors.DuplicateRender),
        ("duplicate id", errors.DuplicateRender),
        ("the moon is full", errors.BackendConfused),
    ],
)
def test_success_false_is_read_by_its_words(said, kind):
    assert type(error_of(200, {"success": False, "error": said})) is kind


@pytest.mark.rule("P-012")
@pytest.mark.parametrize(
    "payload",
    [
        {"message": "Why"},
        {"detail": "Why"},
        {"reason": "Why"},
        {"error": "Why"},
        {"error": {"message": "Why"}},
    ],
)
def test_the_reason_is_passed_on(payload):
    assert "Why" in error_of(403, payload).detail


@pytest.mark.rule("P-012", "P-165")
def test_field_faults_name_the_field():
    payload = {"detail": [{"type": "missing", "loc": ["body", "userId"], "msg": "Field required"}]}
    assert "body.userId Field required" in error_of(422, payload).detail


@pytest.mark.rule("P-014")
def test_no_token_is_ever_in_a_message():
    """Tokens of the known form, after Bearer, and the very secret in use are cut out."""
    said = "invalid token nmv_usr_Zk81abc (Bearer abcdef) or my-own-secret or eyJhbGciOi.x.y"
    error = error_of(401, {"message": said}, secrets=("my-own-secret",))
    for secret in ("Zk81", "abcdef", "my-own-secret", "eyJhbGciOi"):
        assert secret not in error.detail
        assert secret not in str(error.info.as_dict())


@pytest.mark.rule("P-028")
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry-After": "30"}, 30.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        (
            {
                "Retry-After": "Fri, 01 May 2026 10:00:30 GMT",
                "Date": "Fri, 01 May 2026 10:00:00 GMT",
            },
            30.0,
        ),
        (
            {
                "Retry-After": "Fri, 01 May 2026 09:00:00 GMT",
                "Date": "Fri, 01 May 2026 10:00:00 GMT",
            },
            0.0,
        ),
        (
            {
                "Retry-After": "Fri, 01 May 2026 10:00:30 -0000",  # no zone
                "Date": "Fri, 01 May 2026 10:00:00 GMT",
            },
            30.0,
        ),
        ({"Retry-After": "Fri, 01 May 2026 10:00:30 GMT"}, None),
    ],
)
def test_retry_after(headers, expected):
    assert retry_after_s(headers) == expected


@pytest.mark.rule("P-028")
def test_rate_limited_says_how_long():
    assert error_of(429, {}, {"Retry-After": "12"}).retry_after_s == 12.0


@given(
    st.integers(100, 599),
    st.dictionaries(st.sampled_from(["Retry-After", "Date", "Content-Type"]), st.text(max_size=20)),
    st.binary(max_size=30)
    | st.dictionaries(
        st.sampled_from(["code", "success", "error", "message", "detail", "reason"]),
        st.none() | st.integers() | st.text(max_size=9) | st.lists(st.none() | st.text(max_size=3)),
    ).map(lambda d: json.dumps(d).encode()),
)
def test_every_reply_is_classified(status, headers, content):
    """Whatever comes, it is one of our errors or none; from 300 on it is one."""
    error = classify(status, headers, content)
    assert error is None or isinstance(error, BackendError)
    assert status < 300 or error is not None
