"""Without an adversary all books agree: what the other chaos tests measure is the adversary's."""

from __future__ import annotations

import pytest

from tests.chaos.judge import judge, unknowns
from tests.chaos.run import open_run

pytestmark = [pytest.mark.chaos, pytest.mark.slow]


def test_undisturbed_jobs_agree_in_all_books(tmp_path, small_clip):
    # Given the whole system; when jobs are sent and nothing is disturbed
    with open_run(tmp_path, small_clip) as run:
        run.customer.send_many(4)
        facts = run.gather(60)
    # Then every book says the same, nothing is in doubt, and no process has died
    assert judge(facts) == []
    assert unknowns(facts) == 0
    assert run.fleet.journal.deaths == []
