"""The page that others frame, with nothing but the video, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page

from cli.children import free_port
from tests.e2e.page.test_player import (
    Stage,
    context,
    films,
    open_page,
    played_s,
    services,
    settings,
    stage,
    wait_until,
    width_of,
)
from tests.page.shop import WIDTHS, Scene, Shop, opened

__all__ = ["context", "films", "services", "settings", "stage"]

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(180)]


def address_of(scene: Scene) -> str:
    return f"{scene.url}/embed/{scene.audience.job_id}?key={scene.audience.key['key']}"


def play(page: Page) -> None:
    page.locator("video").evaluate("video => { video.muted = true; return video.play(); }")


def test_who_takes_no_part_sees_the_control_in_it(stage: Stage, context: BrowserContext):
    # Given an experiment in which nobody takes part
    scene = stage(coverage=0.0)
    # When somebody opens the page and plays the video
    page = open_page(context, address_of(scene))
    wait_until(page, lambda: width_of(page) > 0, "a video is there")
    play(page)
    wait_until(page, lambda: played_s(page) > 0.5, "it plays")
    # Then it is the control, and they are not counted
    assert width_of(page) == WIDTHS["A"]
    page.goto("about:blank")
    assert scene.sums()["units"] == 0


def test_who_cannot_be_assigned_sees_the_control_in_it(stage: Stage, context: BrowserContext):
    # Given that no assignment can be had
    scene = stage()
    context.route("**/v1/jobs/*/assignment?*", lambda route: route.abort())
    # When somebody opens the page, then the control is there
    page = open_page(context, address_of(scene))
    wait_until(page, lambda: width_of(page) > 0, "a video is there")
    assert width_of(page) == WIDTHS["A"]


def test_who_takes_part_loads_nothing_but_their_variant(stage: Stage, context: BrowserContext):
    # Given a viewer of the other variant
    scene = stage()
    (unit_id,) = scene.audience.units_in("B")
    asked: list[str] = []
    context.on("request", lambda each: asked.append(each.url))
    # When they open the page
    page = open_page(context, f"{address_of(scene)}&unit_id={unit_id}")
    wait_until(page, lambda: width_of(page) > 0, "a video is there")
    # Then it is theirs, and no other was loaded
    assert width_of(page) == WIDTHS["B"]
    assert not [each for each in asked if f"/play/{scene.audience.job_id}/A/" in each]


def test_the_framed_page_shows_the_video_without_scripts(stage: Stage, chromium):
    # Given a browser that runs no scripts
    scene = stage()
    (unit_id,) = scene.audience.units_in("B")
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda each: complaints.append(each.text))
    # When it opens the page of a viewer, and that of somebody without an id
    for query, label in ((f"&unit_id={unit_id}", "B"), ("", "A")):
        key = scene.audience.key["key"]
        page.goto(f"{scene.url}/embed/{scene.audience.job_id}?key={key}{query}")
        video = page.locator("video:visible")
        # Then there is one player, with the video of their variant, or of the control
        wait_until(page, lambda: video.evaluate("each => each.readyState") > 0, "it is there")  # noqa: B023
        assert video.evaluate("each => each.videoWidth") == WIDTHS[label]
    # And nothing is counted, or barred by the page's policy
    assert scene.sums()["units"] == 0
    assert complaints == []
    context.close()


def test_a_page_frames_the_player(stage: Stage, context: BrowserContext):
    # Given a page of one of the key's origins that frames it, and one of another origin
    scene = stage()
    address = f"{scene.url}/embed/{scene.audience.job_id}?key={scene.audience.key['key']}"
    frame = f'<!DOCTYPE html><title>f</title><iframe src="{address}" width="480"></iframe>'
    scene.shop.pages["/"] = frame
    scene.shop.policy = f"default-src 'none'; frame-src {scene.url}"
    elsewhere = Shop("", pages={"/": frame}, policy=scene.shop.policy)
    port = free_port()
    with opened(elsewhere, port):
        page = open_page(context, f"http://127.0.0.1:{port}/")
        page.wait_for_timeout(700)
        assert page.frame_locator("iframe").locator("video").count() == 0
        page.close()
    # When it is played in the frame of the first
    page = open_page(context, f"{scene.shop.url}/")
    video = page.frame_locator("iframe").locator("video")
    video.evaluate("video => { video.muted = true; return video.play(); }")
    wait_until(page, lambda: played_s(page, "iframe") > 1.5, "the video plays in the frame")
    page.goto("about:blank")
    # Then it is counted as anywhere else
    wait_until(page, lambda: scene.sums()["watched"] > 50, "watch time")
    sums = scene.sums()
    assert (sums["units"], sums["impressions"]) == (1, 1)
