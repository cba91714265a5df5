"""Settings are read once, parsed strictly, and never show a secret."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import StartupError
from service.settings import Settings, environment_name, load_settings
from service.signatures import Purpose, sign


@pytest.mark.rule("P-001")
def test_an_empty_environment_gives_the_defaults_of_production():
    assert load_settings({}) == Settings()


def test_an_empty_value_means_the_default():
    assert load_settings({"CAPTION_AB_LEASE_S": ""}).lease_s == Settings().lease_s


@pytest.mark.rule("P-001")
@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("CAPTION_AB_LEASE_S", "2.5", "lease_s", 2.5),
        ("CAPTION_AB_TICK_BATCH", "7", "tick_batch", 7),
        ("CAPTION_AB_CALLER_HTTP", "true", "caller_http", True),
        ("CAPTION_AB_CALLER_HTTP", "0", "caller_http", False),
        ("CAPTION_AB_CALLER_LOOPBACK_PORTS", "80, 8080", "caller_loopback_ports", (80, 8080)),
        ("CAPTION_AB_RETRY_BACKOFF_S", "0.1,0.2", "retry_backoff_s", (0.1, 0.2)),
        ("CAPTION_AB_SECRET_KEYS", "one,two", "secret_keys", ("one", "two")),
        ("NEMO_TOKEN", "tok", "nemo_token", "tok"),
        ("NEMO_API_URL", "http://127.0.0.1:9", "nemo_api_url", "http://127.0.0.1:9"),
    ],
)
def test_a_value_is_read_as_its_kind(name, text, field, value):
    assert getattr(load_settings({name: text}), field) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("CAPTION_AB_LEASE_S", "soon"),
        ("CAPTION_AB_LEASE_S", "-1"),
        ("CAPTION_AB_TICK_BATCH", "1.5"),
        ("CAPTION_AB_CALLER_HTTP", "maybe"),
        ("CAPTION_AB_CALLER_LOOPBACK_PORTS", "80,http"),
        ("CAPTION_AB_RETRY_BACKOFF_S", "1,-2"),
    ],
)
def test_a_value_of_the_wrong_kind_names_its_setting(name, text):
    with pytest.raises(StartupError, match=name):
        load_settings({name: text})


def test_a_misspelt_name_stops_the_process():
    # Given a typing error, when the settings are read, then it is named and not passed over.
    with pytest.raises(StartupError, match="CAPTION_AB_LEASES_S"):
        load_settings({"CAPTION_AB_LEASES_S": "60"})


def test_names_of_others_are_left_alone():
    assert load_settings({"PATH": "x", "NEMO_SOMETHING_ELSE": "y"}) == Settings()


def test_secrets_stay_out_of_reprs():
    secret = "s3cr3t-value"
    names = [environment_name(each) for each in fields(Settings) if each.metadata["secret"]]
    settings = load_settings(dict.fromkeys(names, secret))
    assert len(names) >= 3
    assert secret not in repr(settings)


def test_a_bad_value_is_not_repeated_in_the_error():
    # A secret pasted into the wrong variable must not reach a log.
    with pytest.raises(StartupError) as raised:
        load_settings({"CAPTION_AB_LEASE_S": "s3cr3t-value"})
    assert "s3cr3t" not in str(raised.value)


def test_every_name_is_ours_or_the_vendors():
    names = [environment_name(each) for each in fields(Settings)]
    assert len(set(names)) == len(names)
    assert all(name.startswith(("CAPTION_AB_", "NEMO_")) for name in names)


def test_every_duration_carries_its_unit():
    # Given a float or a tuple of floats, then its name ends in a unit (or it is a share).
    shares = {"webhook_jitter"}
    floats = [
        each.name
        for each in fields(Settings)
        if isinstance(each.default, float)
        or (isinstance(each.default, tuple) and each.default and type(each.default[0]) is float)
    ]
    assert not [name for name in floats if not name.endswith("_s") and name not in shares]


@pytest.mark.parametrize("text", ["nan", "NAN", "inf", "-1", "1e999"])
def test_a_duration_is_a_finite_number(text):
    for name in ("CAPTION_AB_LEASE_S", "CAPTION_AB_RETRY_BACKOFF_S"):
        with pytest.raises(StartupError):
            load_settings({name: text})


@given(st.floats(min_value=0, max_value=1e9, allow_nan=False))
def test_any_duration_survives_the_environment(seconds):
    assert load_settings({"CAPTION_AB_LEASE_S": repr(seconds)}).lease_s == seconds


@given(st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=20))
def test_any_text_is_read_or_refused(text):
    try:
        value = load_settings({"CAPTION_AB_LEASE_S": text}).lease_s
    except StartupError:
        return
    assert value >= 0


def test_links_are_signed_by_the_pepper_or_by_the_oldest_secret_key_and_never_by_nothing():
    keys = ("new", "old")
    assert Settings(secret_keys=keys, key_pepper="salt").signing_secret == "salt"
    assert Settings(secret_keys=keys).signing_secret == "old"
    with pytest.raises(ValueError, match="secret"):
        sign(Settings().signing_secret, Purpose.SESSION, "key_1")
