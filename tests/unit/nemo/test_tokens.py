"""When tokens end, and when a refused one is asked for again: pure decisions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.nemo.accounts import (
    ASSUMED_LIFE_MS,
    LONGEST_WAIT_S,
    WINDOW_MS,
    TokenDelayed,
    TokenRefused,
    expiry_ms,
    hash_token,
    iso_time,
    own_account,
    put_off,
    refusal,
)

NOW_MS = 1_800_000_000_000
RETRY_S = 30.0
HOUR_MS = 3_600_000


def decide(fields: dict[str, str], retry_after_s: float | None = None):
    return put_off(fields, retry_after_s=retry_after_s, retry_s=RETRY_S, now_ms=NOW_MS)


def a_token(left_ms: int, **more: str) -> dict[str, str]:
    return {"token": "sealed", "token_expires": str(NOW_MS + left_ms), **more}


class TestExpiry:
    """What the backend says is believed as far as it can be true."""

    def test_a_time_within_seven_days_is_taken(self):
        assert expiry_ms(NOW_MS + HOUR_MS, NOW_MS) == NOW_MS + HOUR_MS

    @pytest.mark.rule("P-020")
    @pytest.mark.parametrize("said", [None, 0, NOW_MS - HOUR_MS, NOW_MS])
    def test_without_one_or_with_one_that_has_passed_an_hour_less_than_seven_days(self, said):
        assert expiry_ms(said, NOW_MS) == NOW_MS + ASSUMED_LIFE_MS

    @pytest.mark.rule("P-031")
    def test_a_backend_whose_clock_is_ahead_gives_no_longer_life(self):
        assert expiry_ms(NOW_MS + WINDOW_MS + 3 * HOUR_MS, NOW_MS) == NOW_MS + WINDOW_MS

    @given(st.none() | st.integers(-(10**15), 10**15))
    def test_a_new_token_always_lives_and_never_longer_than_seven_days(self, said):
        assert NOW_MS < expiry_ms(said, NOW_MS) <= NOW_MS + WINDOW_MS


class TestTheFirstRefusal:
    """SEED: wait 30 s, try once more."""

    @pytest.mark.rule("P-027")
    def test_it_is_repeated_after_thirty_seconds(self):
        decided = decide({})
        assert (decided.retry_ms, decided.final) == (NOW_MS + 30_000, False)

    @pytest.mark.parametrize(("said", "waits"), [(1.0, 30_000), (45.0, 45_000), (600.0, 600_000)])
    def test_not_before_retry_after_has_passed(self, said, waits):
        decided = decide({}, said)
        assert (decided.retry_ms - NOW_MS, decided.final) == (waits, False)

    def test_a_long_retry_after_is_told_instead_of_waited_for(self):
        decided = decide({}, LONGEST_WAIT_S + 1)
        assert decided.final
        assert decided.retry_ms == decided.possible_ms == NOW_MS + 601_000


class TestTheSecondRefusal:
    """Then we stop, and say when."""

    def test_the_window_since_the_last_token_says_when(self):
        issued = NOW_MS - 2 * 24 * HOUR_MS
        decided = decide({"token_refusals": "1", "token_issued": str(issued)})
        assert decided.final
        assert decided.possible_ms == issued + WINDOW_MS

    def test_without_a_known_window_it_is_seven_days_and_one_try_an_hour(self):
        decided = decide({"token_refusals": "1"})
        assert decided.possible_ms == NOW_MS + WINDOW_MS
        assert decided.retry_ms == NOW_MS + HOUR_MS

    def test_retry_after_says_when(self):
        decided = decide({"token_refusals": "1"}, 90.0)
        assert (decided.possible_ms, decided.retry_ms) == (NOW_MS + 90_000, NOW_MS + 90_000)


class TestAnEarlyRefresh:
    """A token that lives: its refusal is normal."""

    @pytest.mark.rule("P-030")
    def test_the_next_try_is_right_after_expiry(self):
        decided = decide(a_token(20 * 60_000))
        assert decided.retry_ms == decided.possible_ms == NOW_MS + 20 * 60_000 + 1000
        assert decided.final

    def test_a_backend_that_names_a_short_time_is_asked_then(self):
        assert decide(a_token(20 * 60_000), 5.0).retry_ms == NOW_MS + 30_000

    def test_but_only_once(self):
        decided = decide(a_token(20 * 60_000, token_refusals="1"), 5.0)
        assert decided.retry_ms == NOW_MS + 20 * 60_000 + 1000

    def test_an_expired_token_is_as_none(self):
        assert not decide(a_token(-1)).final


@given(st.integers(0, 3), st.none() | st.floats(0, 1e6), st.none() | st.integers(-(10**9), 10**9))
def test_nobody_is_asked_again_before_thirty_seconds_or_what_it_said(refusals, said, left_ms):
    fields = {"token_refusals": str(refusals)} | ({} if left_ms is None else a_token(left_ms))
    decided = decide(fields, said)
    least_ms = max(0 if left_ms is not None and left_ms > 0 else 30_000, int((said or 0) * 1000))
    assert decided.retry_ms >= NOW_MS + least_ms
    assert decided.final or decided.retry_ms <= NOW_MS + LONGEST_WAIT_S * 1000


class TestWhatIsSaid:
    def test_a_short_wait_is_retried_by_itself(self):
        error = refusal(
            {"token_retry": str(NOW_MS + 12_000), "token_possible": "0", "token_final": "0"}, NOW_MS
        )
        assert isinstance(error, TokenDelayed)
        assert (error.retryable, error.retry_in_s) == (True, 12.0)
        assert TokenDelayed.retry_in_s is None

    def test_a_long_one_says_when_the_next_token_is_possible(self):
        fields = {"token_retry": "0", "token_possible": str(NOW_MS + 1), "token_final": "1"}
        error = refusal(fields, NOW_MS)
        assert isinstance(error, TokenRefused)
        assert not error.retryable
        assert error.info.extra == {"next_possible_at": "2027-01-15T08:00:01Z"}
        assert "2027-01-15T08:00:01Z" in error.hint_text
        assert "lost" not in error.detail

    def test_a_token_that_may_have_been_lost_is_told_of(self):
        fields = {
            "token_retry": "0", "token_possible": "0", "token_final": "1", "token_lost": "17",
        }  # fmt: skip
        assert "issued and lost" in refusal(fields, NOW_MS).detail


def test_names_and_hashes():
    assert own_account("ten_1") == "acc_ten_1"
    assert hash_token("a") != hash_token("b")
    assert "nmv" not in hash_token("nmv_usr_x")
    assert iso_time(1000) == "1970-01-01T00:00:01Z"
