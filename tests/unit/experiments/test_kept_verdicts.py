"""Verdicts that were given before are given again."""

from __future__ import annotations

import pytest

from service.experiments.snapshot import FORMAT, canonical, read_snapshot
from service.experiments.verdict import decide
from tests.unit.experiments.kept_verdicts import read_kept
from tests.unit.experiments.scenes import TABLE

KEPT = list(read_kept())


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept["name"])
def test_a_verdict_of_long_ago_is_given_again_to_the_byte(kept):
    # Given a snapshot and its verdict, both written down by an earlier revision,
    assert kept["snapshot"]["format"] == FORMAT
    # when the verdict is made again, then it is the same.
    again = decide(read_snapshot(kept["snapshot"]))
    assert again.as_bytes().decode() == canonical(kept["verdict"]).decode()


def test_each_state_and_reason_is_kept():
    assert [each["name"] for each in KEPT] == [row[0] for row in TABLE]
