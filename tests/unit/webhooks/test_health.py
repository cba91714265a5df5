"""When an endpoint is switched off: at once by 410, or after days of failures alone."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.model.endpoint import Endpoint, OffReason, Secrets
from service.webhooks.health import HealthPolicy, Verdict, judge_failure

DAY_MS = 86_400_000
NOW_MS = 1_800_000_000_000
POLICY = HealthPolicy(disable_s=5 * 86_400, quiet_s=2 * 86_400)
HEALTHY = Endpoint(
    id="whe_1", tenant_id="ten_1", url="https://you.example/", events=("*",), description="",
    enabled=True, concurrency=1, created_ms=1, updated_ms=1, generation=1, secrets=Secrets("s"),
)  # fmt: skip


def failing(since_days: float, last_days: float) -> Endpoint:
    """An endpoint that began to fail so many days ago and failed last so many days ago."""
    return replace(
        HEALTHY,
        failing_since_ms=int(NOW_MS - since_days * DAY_MS),
        failed_last_ms=int(NOW_MS - last_days * DAY_MS),
    )


def judge(endpoint: Endpoint, *, now_ms: int = NOW_MS, gone=False, manual=False) -> Verdict:
    return judge_failure(POLICY, endpoint, now_ms=now_ms, gone=gone, manual=manual)


def test_the_first_failure_begins_the_row():
    assert judge(HEALTHY) == Verdict(NOW_MS)


@pytest.mark.parametrize(
    ("since_days", "last_days", "ends"),
    [(0.1, 0.1, False), (4.99, 1, False), (5, 1, True), (9, 1.9, True)],
)
def test_days_of_failures_end_it(since_days, last_days, ends):
    endpoint = failing(since_days, last_days)
    want = Verdict(endpoint.failing_since_ms, OffReason.FAILING if ends else None)
    assert judge(endpoint) == want


def test_a_failure_of_last_week_is_not_a_week_of_failures():
    assert judge(failing(8, 2.1)) == Verdict(NOW_MS)


def test_gone_ends_it_at_once_also_by_hand():
    assert judge(HEALTHY, gone=True) == Verdict(NOW_MS, OffReason.GONE)
    assert judge(HEALTHY, gone=True, manual=True).off is OffReason.GONE
    assert judge(HEALTHY, gone=True).at_once
    assert not judge(failing(6, 1)).at_once


def test_a_try_by_hand_does_not_count():
    assert judge(failing(6, 1), manual=True) == Verdict(0)


def run(steps: list[tuple[int, bool]]) -> tuple[int, list[int], int]:
    """Play tries (minutes since the last, whether it fails); when it ended, the failures since."""
    endpoint, now_ms, row, last_ms = HEALTHY, NOW_MS, [], 0
    for minutes, fails in steps:
        now_ms += minutes * 60_000
        if not fails:
            endpoint, row = replace(endpoint, failing_since_ms=0), []
            continue
        verdict = judge(endpoint, now_ms=now_ms)
        row = [*row, now_ms] if now_ms - last_ms <= 2 * DAY_MS else [now_ms]
        last_ms = now_ms
        endpoint = replace(endpoint, failing_since_ms=verdict.since_ms, failed_last_ms=now_ms)
        if verdict.off:
            return now_ms, row, endpoint.failing_since_ms
    return 0, row, endpoint.failing_since_ms


STEPS = st.lists(st.tuples(st.integers(1, 3 * 1440), st.booleans()), max_size=40)
FAILURES = st.lists(st.integers(1, 2 * 1440), min_size=1, max_size=40)


@given(STEPS)
def test_it_ends_only_after_five_days_of_failures_alone(steps):
    ended_ms, row, since_ms = run(steps)
    if ended_ms:
        assert ended_ms - row[0] >= 5 * DAY_MS
        assert since_ms == row[0]
        assert all(b - a <= 2 * DAY_MS for a, b in pairwise(row))


@given(FAILURES)
def test_it_ends_at_the_first_failure_after_five_days(minutes):
    ended_ms, _, _ = run([(each, True) for each in minutes])
    lasted = sum(minutes[1:])
    assert bool(ended_ms) == (lasted >= 5 * 1440)


@given(STEPS, FAILURES)
def test_a_success_starts_it_anew(before, after):
    # Whatever came before a success, five days have to pass after it.
    alive = [(minutes, False) for minutes, _ in before]
    ended_ms, row, _ = run([*alive, (1, True), (1, False), *((each, True) for each in after)])
    assert bool(ended_ms) == (sum(after[1:]) >= 5 * 1440)
    if ended_ms:
        assert ended_ms - row[0] >= 5 * DAY_MS
