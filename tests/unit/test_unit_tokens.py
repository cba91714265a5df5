"""What browsers show us: unit tokens, publishable keys, origins, addresses of videos."""

from __future__ import annotations

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.access import is_well_formed
from service.ids import new_id
from service.origins import read_origin
from service.public_keys import read_public_key, write_public_key
from service.unit_tokens import Stage, read_unit_token, write_unit_token
from service.video_links import Showing, end_of_showing, read_showing, write_showing

NOW_MS = 1_800_000_000_000
JOB = new_id("job", NOW_MS)
STAGE = Stage(JOB, "d" * 64, ("A", "B", "C"))
# Lone surrogates are refused where ids are read: no UTF-8 holds them.
units = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
showings = st.builds(
    Showing,
    st.just(JOB),
    st.sampled_from("ABH"),
    st.integers(0, 20),
    st.integers(1, 50),
    st.integers(NOW_MS // 1000 + 1, NOW_MS // 1000 + 10**6),
)


@given(units, st.integers(0, 2))
def test_a_token_tells_its_viewers_variant_each_time(unit: str, arm: int):
    token = write_unit_token("pepper", STAGE, unit, arm)
    assert token == write_unit_token("pepper", STAGE, unit, arm)
    assert read_unit_token("pepper", STAGE, unit, token) == arm


@given(units, units, st.integers(0, 2))
def test_a_token_is_for_one_viewer(unit: str, other: str, arm: int):
    assume(unit != other)
    token = write_unit_token("pepper", STAGE, unit, arm)
    assert read_unit_token("pepper", STAGE, other, token) is None


@given(units, st.integers(0, 2), st.integers(0, 2))
def test_a_token_is_for_one_variant(unit: str, arm: int, other: int):
    assume(arm != other)
    signature = write_unit_token("pepper", STAGE, unit, arm)[1:]
    assert read_unit_token("pepper", STAGE, unit, f"{other}{signature}") is None


@pytest.mark.parametrize(
    "other",
    [
        Stage(new_id("job", NOW_MS), STAGE.plan_digest, STAGE.labels),
        Stage(JOB, "e" * 64, STAGE.labels),
        Stage(JOB, STAGE.plan_digest, ("B", "A", "C")),
        Stage(JOB, STAGE.plan_digest, ()),
    ],
)
def test_a_token_is_for_one_experiment(other: Stage):
    token = write_unit_token("pepper", STAGE, "someone", 0)
    assert read_unit_token("pepper", other, "someone", token) is None
    assert read_unit_token("another pepper", STAGE, "someone", token) is None


@given(st.data())
def test_one_changed_character_of_a_token_is_noticed(data):
    token = write_unit_token("pepper", STAGE, "someone", 1)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from(string.printable).filter(lambda each: each != token[place]))
    changed = token[:place] + other + token[place + 1 :]
    assert read_unit_token("pepper", STAGE, "someone", changed) is None


@given(st.text(max_size=100))
def test_other_texts_are_no_tokens_keys_or_videos(text: str):
    assert read_unit_token("pepper", STAGE, "someone", text) is None
    assert read_public_key(text) is None
    assert read_showing("pepper", JOB, "A", text, now_ms=NOW_MS) is None


@given(st.integers(0, 2**45))
def test_a_publishable_key_names_its_id_and_is_no_api_key(at_ms: int):
    key_id = new_id("pub", at_ms)
    text = write_public_key(key_id)
    assert read_public_key(text) == key_id
    assert not is_well_formed(text)


#: Made once: what is drawn must not hang on chance.
KEY = write_public_key(new_id("pub", NOW_MS))


@given(st.data())
def test_one_wrong_character_of_a_key_is_noticed(data):
    text = KEY
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(string.printable).filter(lambda each: each != text[place]))
    assert read_public_key(text[:place] + other + text[place + 1 :]) is None


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://shop.example.com", "https://shop.example.com"),
        ("HTTPS://Shop.Example.COM", "https://shop.example.com"),
        ("https://shop.example.com:443", "https://shop.example.com"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("https://127.0.0.1:8443", "https://127.0.0.1:8443"),
        ("http://[::1]:5173", "http://[::1]:5173"),
        ("https://xn--fiqs8s.example", "https://xn--fiqs8s.example"),
    ],
)
def test_an_origin_is_spelled_as_browsers_do(text: str, origin: str):
    assert read_origin(text) == origin
    assert read_origin(origin) == origin


@pytest.mark.parametrize(
    "text",
    ["", "null", "*", "https://*", "https://*.example.com", "https://shop.example.com/",
     "https://shop.example.com/path", "https://a@shop.example.com", "shop.example.com",
     "//shop.example.com", "ftp://shop.example.com", "file://", "https://", "https://a..b",
     "https://-a.example", "https://a.example:0", "https://a.example:65536", "https://a.example:",
     "https://中国.example", "https://1.2.3", "https://256.1.1.1", "https://a b", "http://[::1",
     "http://[0:0::1]", "https://a.example\n", "https://a.example;x", "https://a.example 'self'",
     "https://a_b.example"],
)  # fmt: skip
def test_what_is_no_origin(text: str):
    assert read_origin(text) is None


@given(st.text(max_size=60))
def test_an_origin_can_stand_in_a_header(text: str):
    found = read_origin(f"https://{text}")
    assert found is None or set(found) <= set(string.ascii_lowercase + string.digits + ".-:/[]")


@given(showings)
def test_the_address_of_a_video_tells_which_until_it_ends(showing: Showing):
    token = write_showing("pepper", showing)
    assert read_showing("pepper", JOB, showing.label, token, now_ms=NOW_MS) == showing
    last_ms = showing.ends_s * 1000
    assert read_showing("pepper", JOB, showing.label, token, now_ms=last_ms - 1) == showing
    assert read_showing("pepper", JOB, showing.label, token, now_ms=last_ms) is None


@given(showings, st.data())
def test_an_address_shows_nothing_else(showing: Showing, data):
    token = write_showing("pepper", showing)
    assert read_showing("pepper", JOB, "C", token, now_ms=NOW_MS) is None
    assert read_showing("pepper", new_id("job", 1), showing.label, token, now_ms=NOW_MS) is None
    assert read_showing("another", JOB, showing.label, token, now_ms=NOW_MS) is None
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from(string.printable).filter(lambda each: each != token[place]))
    changed = token[:place] + other + token[place + 1 :]
    assert read_showing("pepper", JOB, showing.label, changed, now_ms=NOW_MS) is None


@given(st.integers(0, 2**45), st.integers(0, 2**20), st.floats(1, 10**5))
def test_addresses_end_in_time_and_seldom_differ(now_ms: int, later_ms: int, life_s: float):
    first, second = (end_of_showing(each, life_s) for each in (now_ms, now_ms + later_ms))
    assert int(life_s) * 1000 <= first * 1000 - now_ms <= life_s * 1500 + 2001
    assert first <= second
    if later_ms == 0:
        assert first == second
