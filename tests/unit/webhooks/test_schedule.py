"""When a delivery is tried again."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.settings import Settings
from service.webhooks.schedule import (
    AsPlanned,
    AttemptOutcome,
    Delivered,
    Disabled,
    Exhausted,
    RetryAt,
    RetryPolicy,
    after_manual,
    next_try,
    parse_retry_after,
)

POLICY = RetryPolicy(Settings().webhook_schedule_s, Settings().webhook_jitter)
NOW_MS = 1_795_461_305_000  # 2026-11-23 19:15:05 UTC
FAILED = AttemptOutcome(500)


@pytest.mark.parametrize(
    ("attempt", "outcome", "decision"),
    [
        (1, AttemptOutcome(200), Delivered()),
        (10, AttemptOutcome(204), Delivered()),
        (1, AttemptOutcome(299), Delivered()),
        (1, AttemptOutcome(301), RetryAt(5.0)),
        (1, AttemptOutcome(307), RetryAt(5.0)),
        (1, AttemptOutcome(199), RetryAt(5.0)),
        (1, AttemptOutcome(404), RetryAt(5.0)),
        (1, AttemptOutcome(None), RetryAt(5.0)),
        (2, FAILED, RetryAt(300.0)),
        (9, FAILED, RetryAt(86_400.0)),
        (10, FAILED, Exhausted()),
        (11, FAILED, Exhausted()),
        (1, AttemptOutcome(410), Disabled()),
        (10, AttemptOutcome(410), Disabled()),
        (1, AttemptOutcome(429, 60.0), RetryAt(60.0)),
        (1, AttemptOutcome(503, 60.0), RetryAt(60.0)),
        (1, AttemptOutcome(500, 60.0), RetryAt(5.0)),
        (1, AttemptOutcome(429), RetryAt(5.0)),
        (1, AttemptOutcome(429, 1.0), RetryAt(5.0)),
        (1, AttemptOutcome(429, 999_999.0), RetryAt(86_400.0)),
        (10, AttemptOutcome(429, 60.0), Exhausted()),
    ],
)
def test_what_follows_a_try(attempt, outcome, decision):
    """Given a try and its outcome, when the dice show the middle, then this follows."""
    assert next_try(POLICY, attempt=attempt, outcome=outcome, random_0_1=0.5) == decision


def test_the_default_schedule_lasts_three_days():
    """Given the default schedule, then it makes ten tries in 75 h 35 min (Standard Webhooks)."""
    assert POLICY.tries == 10
    assert sum(POLICY.schedule_s) == (75 * 60 + 35) * 60 + 5


def test_a_policy_of_one_try_never_retries():
    """Given a schedule with one entry, when the try fails, then that was all."""
    once = RetryPolicy((0.0,))
    assert next_try(once, attempt=1, outcome=FAILED, random_0_1=0.0) == Exhausted()


@given(
    attempt=st.integers(1, 9),
    status=st.sampled_from([None, 302, 400, 429, 500, 503]),
    asked_s=st.none() | st.floats(0, 1e7),
    dice=st.floats(0, 1),
)
def test_a_pause_stays_in_its_bounds(attempt, status, asked_s, dice):
    """Given any failure, then the pause is as scheduled ± 20 %, or up to a day if asked for."""
    outcome = AttemptOutcome(status, asked_s)
    decision = next_try(POLICY, attempt=attempt, outcome=outcome, random_0_1=dice)
    assert isinstance(decision, RetryAt)
    scheduled_s = POLICY.schedule_s[attempt]
    assert decision.delay_s >= scheduled_s * 0.8 - 1e-6
    heeded = status in {429, 503} and asked_s is not None
    assert (
        decision.delay_s <= max(scheduled_s * 1.2, min(asked_s, 86_400.0) if heeded else 0) + 1e-6
    )


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_dice_move_the_pause_in_order(low, high):
    """Given two throws, then the higher one never gives the shorter pause."""
    low, high = sorted((low, high))
    pauses = [
        next_try(POLICY, attempt=3, outcome=FAILED, random_0_1=d).delay_s for d in (low, high)
    ]
    assert pauses[0] <= pauses[1]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("Mon, 23 Nov 2026 19:35:05 GMT", 1200.0),
        ("Monday, 23-Nov-26 19:35:05 GMT", 1200.0),
        ("Mon Nov 23 19:35:05 2026", 1200.0),
        ("Mon, 23 Nov 2026 18:00:00 GMT", 0.0),
        ("", None),
        (None, None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("1e3", None),
        ("٣", None),
        ("9" * 10, 9_999_999_999.0),
        ("9" * 19, None),
        ("Mon, 99 Nov 2026 19:35:05 GMT", None),
        ("x" * 10_000, None),
    ],
)
def test_retry_after_reads(text, seconds):
    """Given a Retry-After header that came at NOW_MS, then it means this many seconds."""
    assert parse_retry_after(text, NOW_MS) == seconds


@given(st.integers(-10_000_000, 10_000_000))
def test_retry_after_dates_count_from_now(ahead_s):
    """Given any date in HTTP form, then it is so many seconds away, and never in the past."""
    text = formatdate(NOW_MS / 1000 + ahead_s, usegmt=True)
    assert parse_retry_after(text, NOW_MS) == max(0, ahead_s)


@given(st.text(max_size=80))
def test_retry_after_never_fails(text):
    """Given any text at all, then it is either a number of seconds or nothing."""
    seconds = parse_retry_after(text, NOW_MS)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    ("status", "ended_before", "decision"),
    [
        (200, True, Delivered()),
        (204, False, Delivered()),
        (410, True, Disabled()),
        (410, False, Disabled()),
        (500, True, Exhausted()),
        (500, False, AsPlanned()),
        (301, True, Exhausted()),
        (429, False, AsPlanned()),
        (None, True, Exhausted()),
        (None, False, AsPlanned()),
    ],
)
def test_a_try_by_hand_starts_no_schedule_and_moves_none(status, ended_before, decision):
    outcome = AttemptOutcome(status, retry_after_s=5.0)
    assert after_manual(outcome, ended_before=ended_before) == decision
