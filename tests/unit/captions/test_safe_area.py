"""The part of a frame that captions keep to."""

from __future__ import annotations

import pytest

from service.captions.look import describe_look, describe_look_zh
from service.captions.parameters import PARAMETERS
from service.captions.platforms import Platform
from service.captions.safe_area import PLATFORMS, SafeArea, areas_of
from service.captions.style import Style, build_style, name_no_area
from service.errors import InvalidRequest
from service.jobs.rehearsed import resolve_request
from service.model.job import ClipSpec, JobSpec, VariantSpec


@pytest.mark.parametrize(
    ("values", "area"),
    [
        ({"platform": "tiktok"}, SafeArea(7.8, 22.9, 0.0, 13.9)),
        ({"platform": "tiktok", "bottom": 30, "left": None}, SafeArea(7.8, 30, 0.0, 13.9)),
        ({"top": 0, "right": 12.5}, SafeArea(0, 5.0, 5.0, 12.5)),
        ({}, SafeArea(5.0, 5.0, 5.0, 5.0)),
    ],
)
def test_an_area_is_a_platforms_or_edges_or_both(values, area):
    """Given a platform and edges, then a number goes before the platform's, and 5 % before none."""
    assert build_style({"safe_area": values}).safe_area == area


@pytest.mark.parametrize(
    ("values", "pointer", "words"),
    [
        ({"platform": "myspace"}, "/platform", "Must be one of broadcast, youtube, tiktok"),
        ({"bottom": 81}, "/bottom", "Must be between 0 and 80 percent of the frame."),
        ({"left": -0.1}, "/left", "Must be between 0 and 80"),
        ({"right": float("nan")}, "/right", "Must be between 0 and 80"),
        ({"middle": 5}, "/middle", "There is no such edge"),
        ({"top": 50, "bottom": 40}, "", "`top` and `bottom` may be 80 percent together"),
        ({"platform": "reels", "top": 60}, "", "`top` and `bottom`"),
    ],
)
def test_faults_point_into_the_area(values, pointer, words):
    """Given an area that cannot be, then the error points at its edge, or at the whole."""
    with pytest.raises(InvalidRequest) as caught:
        build_style({"safe_area": values}, pointer="#/variants/0/style")
    (fault,) = caught.value.errors
    assert fault.pointer == f"#/variants/0/style/safe_area{pointer}"
    assert words in fault.detail


def test_all_faults_of_an_area_come_together():
    """Given two wrong edges and a wrong colour, then all three are told."""
    with pytest.raises(InvalidRequest) as caught:
        build_style({"safe_area": {"top": 99, "left": 99}, "color": "puce"})
    assert len(caught.value.errors) == 3


def test_the_instruction_says_where_the_area_is():
    """Given an area, then both languages name each edge, and that outline and box belong in it."""
    style = build_style({"safe_area": {"platform": "vertical"}})
    assert "at the bottom of the safe area" in describe_look(style)
    assert "outline and box inside the safe area" in describe_look(style)
    assert "top 14% / bottom 35% / left 6% / right 15%" in describe_look(style)
    assert "位于安全区底部" in describe_look_zh(style)
    assert "上边距14%、下边距35%、左边距6%、右边距15%" in describe_look_zh(style)
    assert "safe area" not in describe_look(build_style({}))


def test_an_area_in_a_resolved_request_makes_the_same_style():
    """Given a platform's name, then the request that a dry run answers has its edges."""
    asked = {"preset": "shorts", "safe_area": {"platform": "shorts"}}
    spec = JobSpec((ClipSpec(upload_id="upl_x"),), (VariantSpec("A", asked),))
    (variant,) = resolve_request(spec)["variants"]
    assert variant["style"]["safe_area"] == {"top": 0.0, "bottom": 25.0, "left": 0.0, "right": 0.0}
    assert build_style(variant["style"]) == build_style(asked)


def test_an_operators_table_goes_before_ours():
    """Given a table of the operator's, then its names are those that styles take."""
    areas = areas_of([Platform("kiosk", "Kiosk", 0.5, 1, 40, 2, 3, "measured", "2026-11")])
    asked = {"safe_area": {"platform": "kiosk", "left": 10}}
    assert build_style(asked, areas=areas).safe_area == SafeArea(1, 40, 10, 3)
    with pytest.raises(InvalidRequest, match="not valid"):
        build_style({"safe_area": {"platform": "tiktok"}}, areas=areas)
    # And what a job keeps of it no longer needs the table
    kept = name_no_area(asked, areas)
    assert build_style(kept) == build_style(asked, areas=areas)
    assert name_no_area({"color": "red"}, areas) == {"color": "red"}


def test_every_platform_leaves_room():
    """Given the table of platforms, then each is an area that a style takes."""
    for name in PLATFORMS:
        assert build_style({"safe_area": {"platform": name}}).safe_area == PLATFORMS[name]


def test_every_field_of_a_style_is_described():
    """Given the fields of a style, then each has a description, and nothing else has one."""
    named = [each.name for each in PARAMETERS]
    assert ["preset", *named] == list(Style.__dataclass_fields__)
    assert all(each.text.endswith(".") for each in PARAMETERS)
