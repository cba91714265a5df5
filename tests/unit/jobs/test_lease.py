"""A lease says whether a paid call may still start."""

from __future__ import annotations

import pytest

from service.jobs.leases import Lease
from service.model.lifecycle import Queue
from service.store.commands import Claim

CLAIM = Claim("cut:j.0.A.1", 1, "queued", Queue.FLOW, "{}", "j", "acc", 0, 1, cancel_asked=False)


@pytest.mark.parametrize(
    ("gone_s", "may"), [(0, True), (19.9, True), (20, True), (20.1, False), (3600, False)]
)
def test_a_paid_call_starts_in_the_first_third_of_a_lease(gone_s, may):
    assert Lease(CLAIM, renewed_at_s=100.0).may_send(100.0 + gone_s, lease_s=60.0) is may


def test_a_lost_lease_never_sends():
    assert not Lease(CLAIM, 100.0, lost=True).may_send(100.0, 60.0)
