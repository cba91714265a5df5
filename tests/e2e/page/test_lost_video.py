"""What viewers see, and what is counted, where the video of their variant cannot be had."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Route

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
)

__all__ = ["context", "films", "services", "settings", "stage"]

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.mark.parametrize("status", [404, 429, 503, None])
def test_without_the_video_of_the_variant_the_usual_one_is_shown(
    stage: Stage, context: BrowserContext, status: int | None
):
    # Given an address of the experiment's video that answers with no video, or not at all
    scene = stage()
    scene.shop.pages["/"] = scene.page_of()
    refused: list[str] = []

    def refuse(route: Route) -> None:
        refused.append(route.request.url)
        if status:
            route.fulfill(status=status, content_type="application/problem+json", body="{}")
        else:
            route.abort("blockedbyresponse")

    context.route("**/v1/jobs/*/play?*", refuse)
    context.add_init_script(
        "window.told = []; addEventListener('caption-ab', (event) => told.push(event.detail));"
    )
    # When somebody watches
    page = open_page(context, f"{scene.shop.url}/")
    wait_until(page, lambda: played_s(page) > 1, "the usual video plays")
    # Then it is the page's own, as before
    assert refused
    assert page.locator("video").evaluate("video => video.getAttribute('src')") == "/usual.mp4"
    assert page.locator("video").evaluate("video => video.currentSrc").endswith("/usual.mp4")
    # And the page is told what was shown at last
    first, last = page.evaluate("told")
    assert first["variant"] in {"A", "B"}
    assert "failed" not in first
    assert (last["variant"], last["failed"], last["unit_id"]) == (None, "video", first["unit_id"])
    # And nothing of this visit is counted, whatever they do
    page.evaluate("captionAB.count(document.querySelector('video'), 'clicks')")
    page.locator("video").evaluate("video => video.pause()")
    page.goto("about:blank")
    page.wait_for_timeout(700)
    assert scene.sums() == {"units": 0, "impressions": 0, "watched": 0}
