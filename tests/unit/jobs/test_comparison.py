"""How long the measuring of a job's videos may take."""

from __future__ import annotations

import pytest

from service.jobs.comparison import scale_deadline


@pytest.mark.parametrize(
    ("video_s", "deadline_s"),
    [(0, 600), (90, 600), (360, 600), (720, 1200), (1800, 3000), (90_000, 3600)],
)
def test_longer_videos_have_longer_and_none_has_for_ever(video_s, deadline_s):
    assert scale_deadline(600, video_s) == pytest.approx(deadline_s)


def test_a_deadline_of_nothing_stays_nothing():
    assert scale_deadline(0, 90_000) == 0
