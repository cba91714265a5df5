"""Replies of every documented shape become the same typed values."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.nemo.errors import BackendConfused
from service.nemo.fingerprints import fingerprint
from service.nemo.wire import (
    Credits,
    Session,
    State,
    parse_credits,
    parse_session,
    parse_state,
    parse_token,
    parse_uploaded,
    to_camel,
)


def body(value) -> bytes:
    return json.dumps(value).encode()


def wrappings(data):
    yield body(data)
    yield body({"code": 0, "message": "ok", "data": data})
    yield body({"success": True, "data": data, "extra": [1]})


def camel(value):
    if isinstance(value, dict):
        return {to_camel(key): camel(inner) for key, inner in value.items()}
    return value


TOKEN = {
    "token": "nmv_usr_1",
    "user_id": "anon_7",
    "expires_at": "2026-05-02T10:00:00Z",
    "credits": 100,
}


@pytest.mark.rule("P-007", "P-127", "P-129")
@pytest.mark.parametrize("convert", [lambda d: d, camel], ids=["snake", "camel"])
def test_token_in_every_wrapping(convert):
    for reply in wrappings(convert(TOKEN)):
        token = parse_token(reply)
        assert (token.token, token.user_id, token.credits) == ("nmv_usr_1", "anon_7", 100)
        assert token.expires_at_ms == 1777716000000


def test_token_is_not_in_its_repr():
    assert "nmv_usr_1" not in repr(parse_token(body(TOKEN)))


@pytest.mark.rule("P-019")
@pytest.mark.parametrize(
    ("expires_at", "expected"),
    [
        (None, None),
        ("soon", None),
        (True, None),
        ([], None),
        ("2026-05-02T10:00:00.123456789Z", 1777716000123),
        ("2026-05-02T12:00:00+02:00", 1777716000000),
        ("2026-05-02T10:00:00", 1777716000000),
        (1777716000, 1777716000000),
        (1777716000000, 1777716000000),
        ("1777716000", 1777716000000),
    ],
    ids=repr,
)
def test_expiry_is_optional_and_tolerant(expires_at, expected):
    assert parse_token(body({"token": "t", "expires_at": expires_at})).expires_at_ms == expected


@pytest.mark.rule("P-019", "P-130")
@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"[]",
        b"null",
        b"<html>",
        body({"data": None}),
        body({"data": {"token": ""}}),
        body({"token": 5}),
    ],
)
def test_no_token_is_confusion(reply):
    with pytest.raises(BackendConfused):
        parse_token(reply)


@pytest.mark.rule("P-033")
def test_session_ids_keep_all_digits():
    """Given a 19-digit id as text or number, then no digit is lost; as a float it is refused."""
    digits = "5529798700000000001"
    for value in (digits, int(digits)):
        for reply in wrappings({"task_id": 5, "session_id": value, "user_id": "u"}):
            assert parse_session(reply) == Session(digits, "5", "u")
    with pytest.raises(BackendConfused):
        parse_session(b'{"session_id": 5.529798700000000001e18}')


@pytest.mark.rule("P-041", "P-130", "P-131")
def test_uploaded():
    file = {
        "filename": "demo.mp4",
        "file_type": "video",
        "cdn_url": "https://c/demo.mp4",
        "duration": 30.5,
        "width": 1920,
        "height": "1080",
        "fps": 30,
        "hash": "ab12",
    }
    for reply in wrappings({"files": [file, None], "session_state_applied": True}):
        uploaded = parse_uploaded(reply)
        assert uploaded.session_state_applied is True
        [stored] = uploaded.files
        assert (stored.filename, stored.duration_s, stored.height) == ("demo.mp4", 30.5, 1080)
    assert parse_uploaded(body({"code": 0, "data": None})).files == ()


@pytest.mark.rule("P-007", "P-090", "P-131")
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"available": 60, "frozen": 40, "total": 100}, Credits(60, 40, 100)),
        ({"available": "60", "frozen": 40.0}, Credits(60, 40, 100)),
        ({"available": 60, "total": 100}, Credits(60, 40, 100)),
        ({"total": 100, "frozen": 40}, Credits(60, 40, 100)),
        ({"available": 0, "frozen": 0, "total": 0}, Credits(0, 0, 0)),
        ({"available": 7}, Credits(7, 0, 7)),
    ],
)
def test_credits(data, expected):
    for reply in wrappings(data):
        assert parse_credits(reply) == expected


@pytest.mark.rule("P-090")
def test_no_figures_are_confusion():
    with pytest.raises(BackendConfused):
        parse_credits(body({"code": 0, "data": {"frozen": 1}}))


DRAFT = {
    "d": 30500,
    "m": {"title": "project"},
    "t": [{"tt": 0, "sg": [{"x": 1}]}, {"tt": 7, "sg": []}],
}


def state_body(draft, **more):
    inner = {
        "video_infos": [{"filename": "a.mp4"}],
        "draft": draft,
        "canvas_config": {"width": 9},
        "video_analyses": {},
        "generated_media": [],
    }
    data = {"session_id": "1", "task_id": "t", "state": {**inner, **more}}
    return body({"code": 0, "data": data})


@pytest.mark.rule("P-095", "P-098")
def test_state_keeps_the_draft_untouched():
    draft = {**DRAFT, "unknown_key": {"Nested": [None, 1.5, "字"]}}
    state = parse_state(state_body(draft))
    assert state.draft == draft
    assert state.uploaded
    assert state.exportable
    assert state.session_id == "1"


@pytest.mark.rule("P-099")
def test_a_draft_may_be_a_json_text():
    assert parse_state(state_body(json.dumps(DRAFT))).draft == DRAFT


@pytest.mark.rule("P-099")
@pytest.mark.parametrize("empty", [None, {}, "", "{}", "null", [], "not json"])
def test_every_empty_draft_is_none(empty):
    state = parse_state(state_body(empty))
    assert state.draft is None
    assert not state.exportable
    assert fingerprint(state) == fingerprint(parse_state(state_body(None)))


@pytest.mark.rule("P-098")
@pytest.mark.parametrize("tracks", [None, {}, [], [None], [{"tt": 0}], [{"tt": 0, "sg": []}]])
def test_a_draft_without_segments_is_not_exportable(tracks):
    assert not parse_state(state_body({"d": 1, "t": tracks})).exportable


@pytest.mark.rule("P-096", "P-129")
@pytest.mark.parametrize(
    "data",
    [
        {"user_id": "u", "state": {}},
        {"userId": "u", "state": {}},
        {"state": {"user_id": "u"}},
        {"state": {"userId": "u"}},
    ],
)
def test_the_user_id_is_found_wherever_it_is(data):
    assert parse_state(body({"code": 0, "data": data})).user_id == "u"


@pytest.mark.rule("P-095")
def test_state_without_an_inner_state():
    assert parse_state(body({"draft": DRAFT, "videoInfos": [{}]})).uploaded


@pytest.mark.rule("P-100")
def test_fingerprint_ignores_order_and_analyses_and_nothing_else():
    base = parse_state(state_body(DRAFT))
    shuffled = parse_state(
        state_body(dict(reversed(DRAFT.items())), video_analyses={"a": 1}, updated_at=5)
    )
    assert fingerprint(base) == fingerprint(shuffled)
    others = [
        state_body({**DRAFT, "d": 1}),
        state_body(DRAFT, video_infos=[]),
        state_body(DRAFT, canvas_config={"width": 8}),
        state_body(DRAFT, generated_media=[{"id": 1}]),
    ]
    prints = {fingerprint(parse_state(other)) for other in others}
    assert len(prints | {fingerprint(base)}) == 5


def test_fingerprint_takes_an_address_by_its_path():
    """The same file has another host or signature the next time it is asked for."""
    infos = [
        [{"filename": "a.mp4", "cdn_url": url}]
        for url in ("https://cdn-1.test/a/1.mp4?sig=1", "http://127.0.0.1:81/a/1.mp4#t=2")
    ]
    first, again = (fingerprint(parse_state(state_body(DRAFT, video_infos=each))) for each in infos)
    assert first == again
    other = [{"filename": "a.mp4", "cdn_url": "https://cdn-1.test/a/2.mp4?sig=1"}]
    assert fingerprint(parse_state(state_body(DRAFT, video_infos=other))) != first
    said, unsaid = ({**DRAFT, "text": f"see https://a.test/{n}?q={n}"} for n in (1, 2))
    assert fingerprint(State(draft=said)) != fingerprint(State(draft=unsaid))


def test_fingerprint_takes_lone_surrogates():
    assert fingerprint(State(draft={"text": "\ud800"}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "data",
                    "token",
                    "session_id",
                    "state",
                    "draft",
                    "files",
                    "t",
                    "sg",
                    "available",
                    "total",
                    "expires_at",
                    "video_infos",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@pytest.mark.rule("P-127")
@given(JSON)
def test_only_confusion_is_raised(value):
    """Whatever JSON comes, a parser answers or is confused; it never breaks otherwise."""
    for parse in (parse_token, parse_session, parse_uploaded, parse_credits, parse_state):
        try:
            result = parse(json.dumps(value).encode())
        except BackendConfused:
            continue
        if isinstance(result, State):
            fingerprint(result)
