"""Tokens of share links and of sessions: only what was made here for this is known again."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st

from service.ids import new_id
from service.sessions import (
    Session,
    is_form_mark,
    read_session,
    write_form_mark,
    write_session,
)
from service.shares import Ticket, read_token, write_token
from service.signatures import Purpose, is_signed, sign

NOW_MS = 1_800_000_000_000
JOB = new_id("job", NOW_MS)
KEY, TENANT = new_id("key", NOW_MS), new_id("ten", NOW_MS)
TICKET = Ticket(new_id("shr", NOW_MS), NOW_MS + 1000, preferences=True)
SESSION = Session(KEY, TENANT, NOW_MS + 1000, "0123456789abcdef")
tickets = st.builds(
    Ticket,
    st.builds(new_id, st.just("shr"), st.integers(0, 2**45)),
    st.integers(0, 4_000_000_000_000),
    st.booleans(),
)


@given(tickets, st.text(min_size=1, max_size=20))
def test_a_token_says_what_it_was_made_of(ticket: Ticket, pepper: str):
    assert read_token(pepper, JOB, write_token(pepper, JOB, ticket)) == ticket


@given(tickets)
def test_a_token_is_for_one_job_and_one_installation(ticket: Ticket):
    token = write_token("pepper", JOB, ticket)
    assert read_token("pepper", new_id("job", NOW_MS), token) is None
    assert read_token("another", JOB, token) is None


@given(st.data())
def test_one_changed_character_is_noticed(data):
    token = write_token("pepper", JOB, TICKET)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from(string.printable).filter(lambda each: each != token[place]))
    assert read_token("pepper", JOB, token[:place] + other + token[place + 1 :]) is None


@given(st.text(max_size=200))
def test_other_texts_are_no_tokens(text: str):
    assert read_token("pepper", JOB, text) is None
    assert read_session("pepper", text, now_ms=NOW_MS) is None


def test_a_token_fits_into_an_address_as_it_is():
    token = write_token("pepper", JOB, TICKET)
    assert set(token) <= set(string.ascii_letters + string.digits + "-_.")
    assert len(token) < 100


def test_a_session_is_known_until_its_end():
    text = write_session("pepper", SESSION)
    assert read_session("pepper", text, now_ms=NOW_MS + 999) == SESSION
    assert read_session("pepper", text, now_ms=NOW_MS + 1000) is None
    assert read_session("another", text, now_ms=NOW_MS) is None


@given(st.data())
def test_one_changed_character_of_a_session_is_noticed(data):
    text = write_session("pepper", SESSION)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(string.printable).filter(lambda each: each != text[place]))
    changed = text[:place] + other + text[place + 1 :]
    assert read_session("pepper", changed, now_ms=NOW_MS) is None


def test_the_mark_of_a_form_is_of_one_session():
    mark = write_form_mark("pepper", SESSION)
    other = Session(KEY, TENANT, NOW_MS + 1000, "f" * 16)
    assert is_form_mark("pepper", SESSION, mark)
    assert not is_form_mark("pepper", other, mark)
    # Neither is the signature of the session itself its mark
    assert not is_form_mark("pepper", SESSION, write_session("pepper", SESSION).rpartition(".")[2])


@given(st.lists(st.text(max_size=5), max_size=4), st.lists(st.text(max_size=5), max_size=4))
def test_parts_cannot_be_divided_otherwise(parts: list[str], others: list[str]):
    same = parts == others
    assert (sign("p", Purpose.SHARE, *parts) == sign("p", Purpose.SHARE, *others)) == same


@given(st.text(max_size=60))
def test_any_text_may_stand_in_the_place_of_a_signature(text: str):
    assert not is_signed("p", Purpose.SHARE, text, "part")


def test_what_was_signed_for_one_thing_counts_for_no_other():
    made = [sign("p", each, "part") for each in Purpose]
    assert len(set(made)) == len(Purpose)
