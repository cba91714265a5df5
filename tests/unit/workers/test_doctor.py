"""What is said of a machine, of numbers that no test can make on a real one."""

from __future__ import annotations

import pytest

from workers.doctor import Verdict, judge_room

GB = 10**9


@pytest.mark.parametrize(
    ("free", "verdict"), [(0, "warn"), (9 * GB, "warn"), (10 * GB, "ok"), (200 * GB, "ok")]
)
def test_a_disk_with_less_than_a_twentieth_free_is_told(free: int, verdict: str):
    found = judge_room("disk", free, 200 * GB)
    assert (found.name, found.verdict) == ("disk", verdict)
    assert found.text == f"{free / GB:.1f} GB free"
    assert found.hint.startswith("Free space") == (found.verdict is Verdict.WARN)
