"""Headers and cursors: read strictly, written and read alike."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cursors import read_cursor, write_cursor
from api.headers import read_idempotency_key, read_upload_metadata, read_wait_s, tell_applied
from api.listing import is_job_id
from service.errors import InvalidRequest
from service.ids import new_id

PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=255)


@given(PRINTABLE)
def test_a_quoted_key_is_what_was_quoted(key: str):
    quoted = '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert read_idempotency_key(quoted) == key


@given(st.from_regex(r"[\x21\x23-\x7e][\x21-\x7e]{0,254}", fullmatch=True))
def test_a_bare_key_is_taken_as_it_is(key: str):
    assert read_idempotency_key(key) == key


@given(st.text(max_size=600))
def test_any_header_is_a_key_or_refused(header: str):
    try:
        key = read_idempotency_key(header)
    except InvalidRequest:
        return
    assert 1 <= len(key) <= 255
    assert key.isascii()


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        (None, 0),
        ("", 0),
        ("respond-async", 0),
        ("wait=5", 5),
        ("WAIT = 5", 5),
        ('wait="5"', 5),
        ("respond-async, wait=10", 10),
        ("wait=10;x=1", 10),
        ("wait=1000", 30),
        ("wait=-1", 0),
        ("await=5", 0),
        ("wait=5s", 0),
        ("wait=9999999", 0),
    ],
)
def test_a_wish_to_wait(header: str | None, wait_s: float):
    assert read_wait_s(header, 30) == wait_s


@pytest.mark.parametrize(
    ("header", "applied"),
    [
        (None, ""),
        ("respond-async", "respond-async"),
        ("wait=99, Respond-Async", "respond-async, wait=30"),
        ("wait=2", "wait=2"),
        ("respond-asynchronously, handling=strict", ""),
    ],
)
def test_only_what_is_kept_is_called_applied(header: str | None, applied: str):
    assert tell_applied(header, read_wait_s(header, 30)) == applied


@given(st.integers(0, 2**44))
def test_a_cursor_is_read_as_it_was_written(at_ms: int):
    job_id = new_id("job", at_ms)
    assert read_cursor(write_cursor(at_ms, job_id), is_job_id) == (at_ms, job_id)


@given(st.text(max_size=100))
def test_any_other_cursor_is_refused(text: str):
    with pytest.raises(InvalidRequest):
        read_cursor(text, is_job_id)


NAMES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=","))


@given(st.dictionaries(NAMES.filter(bool), st.text(max_size=50), max_size=5))
def test_metadata_reads_back(pairs: dict[str, str]):
    written = [f"{n} {base64.b64encode(v.encode()).decode()}" for n, v in pairs.items()]
    assert read_upload_metadata(",".join(written)) == pairs
    assert read_upload_metadata(" , ".join(written)) == pairs


def test_a_name_without_a_value_is_empty():
    assert read_upload_metadata("is_draft,filename YQ==") == {"is_draft": "", "filename": "a"}


@given(st.text(max_size=200))
def test_any_metadata_is_read_or_refused(header: str):
    try:
        found = read_upload_metadata(header)
    except InvalidRequest:
        return
    assert len(found) <= header.count(",") + 1
