"""Identifiers sort by time, are never guessed and say what they name."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.ids import id_time_ms, is_id, new_client_id, new_id, new_render_id

PREFIXES = ("job", "upl", "evt", "edt", "ten", "acc", "key", "whe")
times = st.integers(min_value=0, max_value=2**48 - 1)


@given(st.sampled_from(PREFIXES), times)
def test_a_new_id_is_one_of_its_prefix_only(prefix, now_ms):
    made = new_id(prefix, now_ms)
    assert is_id(made, prefix)
    assert not any(is_id(made, other) for other in PREFIXES if other != prefix)


@given(times, times)
def test_ids_sort_as_their_times(one, other):
    if one != other:
        assert (new_id("job", one) < new_id("job", other)) == (one < other)


@given(st.sampled_from(PREFIXES), times)
def test_an_id_tells_when_it_was_made(prefix, now_ms):
    assert id_time_ms(new_id(prefix, now_ms)) == now_ms


def test_what_is_no_id_was_made_at_no_time():
    assert id_time_ms("ten_1") == 0


def test_ids_of_one_millisecond_differ():
    assert len({new_id("job", 1) for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "job_",
        "job_0123",
        "job_" + "0" * 27,
        "job_" + "u" * 26,  # not in the alphabet
        "JOB_" + "0" * 26,
        "job_" + "0" * 26 + "\n",
        "../job_" + "0" * 26,
    ],
)
def test_what_is_no_id_is_told(text):
    assert not is_id(text, "job")


@pytest.mark.rule("P-102")
def test_render_and_client_ids_are_uuids():
    prefix, _, rest = new_render_id().partition("_")
    assert prefix == "render"
    assert uuid.UUID(rest).version == uuid.UUID(new_client_id()).version == 4
