"""No secret survives in a recording, however it is written there."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from service.nemo.probe_secrets import LEAST_CHARS, WITHHELD, Redactor

# Blanks at the ends are not part of a secret: a header would not carry them.
SECRETS = st.text(min_size=LEAST_CHARS, max_size=20).filter(
    lambda text: len(text.strip()) >= LEAST_CHARS and text == text.strip()
)
TOKENS = st.from_regex(r"\A(nmv_usr_|eyJ)[A-Za-z0-9._/+=-]{6,20}\Z")
AROUND = st.text(max_size=20)


def as_utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def lower_percent(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in as_utf8(text))


ENCODERS = {
    "plain": lambda text: text,
    "url": lambda text: quote(as_utf8(text), safe=""),
    "url, slashes kept": lambda text: quote(as_utf8(text)),
    "url, form": lambda text: quote_plus(as_utf8(text)),
    "url, every byte": lower_percent,
    "url, twice": lambda text: quote(quote(as_utf8(text), safe=""), safe=""),
    "json": lambda text: json.dumps(text)[1:-1],
    "json, as it is": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "json, slashes escaped": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "json in json": lambda text: json.dumps(json.dumps(text))[1:-1],
    "html": html.escape,
    "base64": lambda text: base64.b64encode(as_utf8(text)).decode(),
    "base64, url": lambda text: base64.urlsafe_b64encode(as_utf8(text)).decode().rstrip("="),
    "base64 behind a user": lambda text: base64.b64encode(b"me:" + as_utf8(text) + b"!").decode(),
    "base64 in a url": lambda text: quote(base64.b64encode(as_utf8(text)), safe=""),
    "base64 of json": lambda text: base64.b64encode(json.dumps({"t": text}).encode()).decode(),
}


@pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)
@settings(max_examples=40)  # a pattern is compiled for each secret
@given(secret=SECRETS | TOKENS, before=AROUND, after=AROUND)
def test_no_secret_survives_in_any_encoding(encode, secret, before, after):
    # Given a redactor that knows a secret, when a text holds it in some encoding,
    redactor = Redactor()
    redactor.add("TOKEN", secret)
    written = encode(secret)
    # base64 that runs on into other letters of its alphabet is another text
    found = redactor.redact(f"{before} {written} {after}")
    # then the text that comes out holds neither it nor that form of it.
    assert secret not in found
    assert written not in found


@settings(max_examples=40)
@given(secrets=st.lists(TOKENS, min_size=2, max_size=6, unique=True), data=st.data())
def test_many_secrets_in_one_text(secrets, data):
    redactor = Redactor()
    for secret in secrets:
        redactor.add("TOKEN", secret)
    encoders = [data.draw(st.sampled_from(sorted(ENCODERS))) for _ in secrets]
    pairs = zip(encoders, secrets, strict=True)
    text = json.dumps({"said": [ENCODERS[name](secret) for name, secret in pairs]})
    found = redactor.redact(text)
    assert not [secret for secret in secrets if secret in found]
    assert not redactor.leaks(found)


@given(secret=TOKENS, text=st.text(max_size=200))
def test_a_text_without_secrets_stays_as_it_is(secret, text):
    redactor = Redactor()
    redactor.add("TOKEN", secret)
    assume(not redactor.leaks(text))
    assert redactor.redact(text) == text


def test_placeholders_are_consistent_and_tell_the_kind():
    redactor = Redactor()
    redactor.add("USER", "anon_7c1f0b2e")
    redactor.add("TOKEN", "nmv_usr_abcdef")
    redactor.add("USER", "anon_99999999")
    text = '{"a":"anon_7c1f0b2e","b":"anon%5F7c1f0b2e","c":"anon_99999999","t":"nmv_usr_abcdef"}'
    assert redactor.redact(text) == '{"a":"USER-1","b":"USER-1","c":"USER-2","t":"TOKEN-1"}'


def test_a_longer_secret_wins_over_one_inside_it():
    redactor = Redactor()
    redactor.add("USER", "abcdef")
    redactor.add("FILE", "/abcdef/clip.mp4", "/file-{n}.mp4")
    assert redactor.redact("https://x/abcdef/clip.mp4") == "https://x/file-1.mp4"


def test_a_number_becomes_a_number_as_long():
    """Given a session id that JSON holds as a number, then the JSON still reads."""
    redactor = Redactor()
    redactor.add("SESSION", "5529798700000000001")
    found = json.loads(redactor.redact('{"session_id": 5529798700000000001}'))
    assert found == {"session_id": 9000000000000000001}


def test_short_values_are_no_secrets():
    redactor = Redactor()
    redactor.add("USER", "me")
    assert redactor.redact("me and you") == "me and you"


def test_placeholders_are_no_secrets():
    """Given a recording that was redacted before, then its placeholders stay."""
    redactor = Redactor()
    for each in ("TOKEN-1", "cdn-2.example", "/file-1.mp4", "9000000000000000001", "e=REDACTED"):
        redactor.add("TOKEN", each)
    assert redactor.version == 0


def test_what_cannot_be_cleaned_is_withheld():
    """Given a secret that its own placeholder brings back, then the whole text is withheld."""
    redactor = Redactor()
    redactor.add("X", "hidden", "hidden-{n}")
    assert redactor.redact("it is hidden") == WITHHELD


@pytest.mark.timeout(20)
@pytest.mark.parametrize("char", ["\\", "/", "a", "%", "%25", "\\u005c", "nmv_usr_a"])
def test_hostile_runs_take_linear_time(char):
    """Given a reply of 200 kB that nearly matches everywhere, then redacting it still ends."""
    redactor = Redactor()
    redactor.add("TOKEN", "\\" * 30 + '"x')
    redactor.add("TOKEN", "nmv_usr_abc/def")
    redactor.add("TOKEN", "a" * 30 + "b")
    text = char * (200_000 // len(char))
    assert redactor.redact(text) == text
