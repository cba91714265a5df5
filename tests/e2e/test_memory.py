"""Large uploads and memory: the short form of `benchmarks/memory.py`, which takes 500 MB."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.memory import GOAL_MB, measure

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_no_process_grows_with_the_size_of_an_upload(tmp_path: Path):
    # Given the whole system, which has served a small clip
    # When one of 50 MB comes plainly, comes by tus with an interruption, and is used by a job
    grown = measure(tmp_path, 50).growth_mb
    # Then the memory of neither process has risen by more than a few pieces of it
    assert set(grown) == {"API, plain upload", "API, tus, interrupted", "transfer worker, job"}
    assert max(grown.values()) < GOAL_MB, grown
