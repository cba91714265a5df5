"""The curve of legibility as a picture, and the moments worth a look."""

from __future__ import annotations

import re

from api.page_choice import choose
from api.page_curve import draw_curve, find_opening, list_moments
from tests.page.jobs import make_job, make_report, make_view


def test_the_curve_is_broken_between_captions_and_scaled_by_contrast() -> None:
    """Given samples of captions with pauses, each caption has a piece of its own."""
    curve = draw_curve(choose(make_view(), {}))
    first, second = curve.lines
    # Four captions, and a last sample of each by itself where the pause begins.
    assert first.path.count("M") >= 4
    heights = [float(each) for each in re.findall(r"[ML][\d.]+ ([\d.]+)", first.path)]
    others = [float(each) for each in re.findall(r"[ML][\d.]+ ([\d.]+)", second.path)]
    assert all(0 <= each <= 140 for each in heights + others)
    # B has more contrast everywhere, and more is higher up.
    assert all(one > other for one, other in zip(heights, others, strict=True))
    assert [round(each.y) for each in curve.guides] == [89, 71]


def test_moments_lead_to_frames() -> None:
    """Given a report's moments, each has its frame and says what it is."""
    moments = list_moments(choose(make_view(), {}))
    assert [(each.frame, each.text) for each in moments] == [
        (80, "Weakest moment of A (2.1:1)"),
        (80, "Weakest moment of B (2.1:1)"),
        (140, "Largest difference"),
    ]


def test_of_more_than_two_the_largest_difference_is_that_of_the_pair() -> None:
    """Given three variants, the moment is where the two that are shown differ most."""
    report = make_report("ABC")
    lines = report["clips"][0]["curve"]["variants"]
    at = report["clips"][0]["curve"]["at_s"].index(1.2)
    lines["B"][at], lines["C"][at] = 1.0, 21.0
    moments = list_moments(choose(make_view(make_job("ABC"), report), {}))
    assert (moments[-1].frame, moments[-1].text) == (30, "Largest difference")


def test_the_players_open_where_the_two_differ_most() -> None:
    """Given a report with a largest difference, its frame is the first that is seen."""
    assert find_opening(choose(make_view(), {}), [(10, 20)]) == 140


def test_where_nothing_differs_the_players_open_amid_the_first_caption() -> None:
    """Given no difference is known, a frame with a caption is shown; without captions the first."""
    choice = choose(make_view(make_job("AB"), {}), {})
    assert find_opening(choice, [(10, 21), (30, 40)]) == 15
    assert find_opening(choice, []) == 0
