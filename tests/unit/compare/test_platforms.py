"""Which captions run into what a platform covers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.compare.platforms import TABLE, Box, judge_fit, load_platforms, read_platforms
from service.errors import StartupError

PLATFORMS = {each.name: each for each in load_platforms()}
_share = st.floats(0, 1)
_box = st.builds(
    lambda a, b, c, d: Box(min(a, b), min(c, d), max(a, b), max(c, d)),
    _share,
    _share,
    _share,
    _share,
)


def test_every_row_tells_its_source_and_date():
    assert len(PLATFORMS) >= 5
    assert all(each.source and each.as_of for each in PLATFORMS.values())


def test_a_caption_low_in_a_vertical_picture_runs_into_the_buttons():
    fit = judge_fit([Box(0.2, 0.85, 0.8, 0.92)], PLATFORMS["tiktok"], width=1080, height=1920)
    assert (fit.fits, fit.colliding, fit.edges) == (False, (0,), ("bottom",))
    assert fit.deepest == pytest.approx(14.9, abs=0.01)


def test_a_caption_in_the_middle_fits():
    fit = judge_fit([Box(0.2, 0.5, 0.8, 0.6)], PLATFORMS["vertical"], width=1080, height=1920)
    assert fit.fits


def test_another_shape_does_not_fit_and_says_nothing_of_edges():
    fit = judge_fit([Box(0, 0, 1, 1)], PLATFORMS["tiktok"], width=1920, height=1080)
    assert (fit.right_shape, fit.fits, fit.colliding) == (False, False, ())


@given(st.lists(_box, max_size=5))
def test_only_named_boxes_collide(boxes):
    for platform in PLATFORMS.values():
        width = round(1000 * platform.aspect)
        fit = judge_fit(boxes, platform, width=width, height=1000)
        alone = [judge_fit([box], platform, width=width, height=1000).fits for box in boxes]
        assert [n for n, fits in enumerate(alone) if not fits] == list(fit.colliding)


@pytest.mark.parametrize(
    "change",
    [
        {"bottom": 120},
        {"top": 60, "bottom": 60},
        {"aspect": [0, 16]},
        {"aspect": [16]},
        {"left": "wide"},
    ],
)
def test_a_table_that_makes_no_sense_is_refused(change):
    data = json.loads(TABLE.read_text(encoding="utf-8"))
    data["platforms"][0].update(change)
    with pytest.raises(ValueError):  # noqa: PT011 - each change has words of its own
        read_platforms(data)


def test_a_table_of_the_operators_own_is_read(tmp_path):
    mine = tmp_path / "mine.json"
    row = {**json.loads(TABLE.read_text(encoding="utf-8"))["platforms"][0], "name": "mine"}
    mine.write_text(json.dumps({"as_of": "2027-01", "platforms": [row]}), encoding="utf-8")
    assert [(each.name, each.as_of) for each in load_platforms(mine)] == [("mine", "2027-01")]


def test_a_table_that_is_not_there_stops_the_start(tmp_path):
    with pytest.raises(StartupError, match="table of platforms"):
        load_platforms(tmp_path / "none.json")
