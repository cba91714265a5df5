"""The player in a real browser, on pages of other origins, against a real API and its sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest
import redis
from playwright.sync_api import BrowserContext, Page

from api.app import create_app
from cli.children import free_port
from service.access import create_tenant_with_key
from service.jobs.context import Services
from service.settings import Settings
from tests.integration.api.audience import an_audience
from tests.integration.api.conftest import Visitor, services, settings
from tests.page.footage import make_film
from tests.page.shop import STRICT, WIDTHS, Scene, Shop, opened, serving

__all__ = ["services", "settings"]

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def films(tmp_path_factory) -> dict[str, bytes]:
    """Twelve seconds for each variant, told apart by their width."""
    folder = tmp_path_factory.mktemp("films")
    return {
        label: make_film(folder / f"{label}.mp4", frames=300, size=(width, 180)).read_bytes()
        for label, width in WIDTHS.items()
    }


Stage = Callable[..., Scene]


@pytest.fixture
def stage(
    services: Services, settings: Settings, redis_client: redis.Redis, films
) -> Iterator[Stage]:
    """Begin an experiment, serve it and open the shop."""
    with ExitStack() as kept:

        def make(lives_s: float = 900.0, long: dict[str, bytes] | None = None, **plan) -> Scene:
            port, shop_port = free_port(), free_port()
            url, shop_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{shop_port}"
            own = replace(services, settings=replace(settings, public_url=url, play_link_s=lives_s))
            app = create_app(own)
            kept.enter_context(serving(app, port))
            tenant = create_tenant_with_key(
                own.accounts,
                own.vault,
                name="ann",
                account_id="acc_anonymous",
                pepper=own.settings.key_pepper,
                now_ms=own.clock.now_ms(),
            )
            owner = Visitor(app.test_client(), tenant.api_key, tenant.tenant_id)
            audience = an_audience(owner, own, redis_client, key=False, films=long or films, **plan)
            audience.key = audience.new_key(shop_url)
            shop = Shop(shop_url, policy=STRICT.format(url), film=films["A"])
            return Scene(audience, kept.enter_context(opened(shop, shop_port)), url)

        yield make


@pytest.fixture
def context(chromium) -> Iterator[BrowserContext]:
    """One person's browser: what it stores stays while pages come and go."""
    context = chromium.new_context()
    yield context
    context.close()


def open_page(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(address)
    return page


def wait_until(page: Page, true: Callable[[], bool], what: str, seconds: float = 20) -> None:
    for _ in range(int(seconds * 20)):
        if true():
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"not so after {seconds} s: {what}")


def played_s(page: Page, frame: str = "") -> float:
    place = page.frame_locator(frame) if frame else page
    return float(place.locator("video").evaluate("video => video.currentTime"))


def width_of(page: Page) -> int:
    return int(page.locator("video").evaluate("video => video.videoWidth"))


def test_a_page_of_another_origin_plays_and_is_counted(stage: Stage, context: BrowserContext):
    # Given the example of the documentation on a page of somebody else, with a strict policy
    scene = stage()
    scene.shop.pages["/"] = scene.page_of()
    page = open_page(context, f"{scene.shop.url}/")
    complaints: list[str] = []
    page.on("console", lambda each: complaints.append(each.text))
    # When a person watches it for some seconds
    wait_until(page, lambda: played_s(page) > 2, "the video plays")
    unit = page.evaluate("localStorage.getItem('caption-ab-unit')")
    arm = scene.audience.place_of(unit)
    assert width_of(page) == WIDTHS["AB"[arm]]
    # Then one impression is counted at once
    assert scene.sums() == {"units": 1, "impressions": 1, "watched": 0}
    # When they pause, and leave after a while
    page.locator("video").evaluate("video => video.pause()")
    stopped_s = played_s(page)
    wait_until(page, lambda: scene.sums()["watched"] > 0, "watch time comes on pause")
    told_s = scene.sums()["watched"] / 100
    assert abs(told_s - stopped_s) < 0.7, f"{told_s} s of {stopped_s} s"
    page.wait_for_timeout(1500)
    page.close()
    # Then the pause counts for nothing
    rest = context.new_page()
    rest.wait_for_timeout(500)
    sums = scene.sums()
    assert (sums["units"], sums["impressions"]) == (1, 1)
    assert sums["watched"] / 100 < told_s + 0.3
    assert complaints == []


def test_a_picture_that_stands_still_is_not_watched(stage: Stage, context: BrowserContext):
    scene = stage()
    scene.shop.pages["/"] = scene.page_of()
    page = open_page(context, f"{scene.shop.url}/")
    wait_until(page, lambda: played_s(page) > 1, "the video plays")
    # When the clock of the video stands still, though the video says that it plays
    stopped_s = page.locator("video").evaluate(
        """video => {
          const at = video.currentTime;
          Object.defineProperty(video, "currentTime", { get: () => at });
          return at;
        }"""
    )
    page.wait_for_timeout(2500)
    page.locator("video").evaluate("video => video.pause()")
    wait_until(page, lambda: scene.sums()["watched"] > 0, "watch time comes on pause")
    # Then only what moved is counted
    assert scene.sums()["watched"] / 100 < stopped_s + 0.3


def test_a_page_that_the_key_does_not_name_is_told_so(stage: Stage, context: BrowserContext):
    scene = stage()
    scene.shop.pages["/"] = scene.page_of()
    port = free_port()
    elsewhere = Shop("", pages=scene.shop.pages, policy=scene.shop.policy, film=scene.shop.film)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda each: complaints.append(each.text))
    with opened(elsewhere, port):
        page.goto(f"http://127.0.0.1:{port}/")
        wait_until(page, lambda: played_s(page) > 0.5, "the usual video plays")
    told = f"Does the key name http://127.0.0.1:{port}?"
    assert any(told in each for each in complaints)


def test_who_leaves_while_it_plays_is_counted_too(stage: Stage, context: BrowserContext):
    scene = stage()
    scene.shop.pages["/"] = scene.page_of()
    page = open_page(context, f"{scene.shop.url}/")
    wait_until(page, lambda: played_s(page) > 1.5, "the video plays")
    # When they go to another page, and come back
    page.goto("about:blank")
    wait_until(page, lambda: scene.sums()["watched"] > 0, "watch time comes when they leave")
    first_s = scene.sums()["watched"] / 100
    assert 1.0 < first_s < 4.0
    page.goto(f"{scene.shop.url}/")
    wait_until(page, lambda: scene.sums()["impressions"] == 2, "the second impression")
    # Then they are the same viewer, who has seen it twice
    assert scene.sums()["units"] == 1
    book = scene.audience.book()
    assert sorted(book.count(f"units:{arm}") for arm in range(2)) == [0, 1]


def test_a_video_out_of_view_is_no_impression(stage: Stage, context: BrowserContext):
    scene = stage()
    far = "<div><br></div>" * 200
    scene.shop.pages["/"] = scene.page_of().replace("<body>", f"<body>{far}")
    page = open_page(context, f"{scene.shop.url}/")
    # (a browser begins nothing by itself that nobody sees; a page may)
    page.locator("video").evaluate("video => { video.play(); }")
    wait_until(page, lambda: played_s(page) > 1, "the video plays")
    assert scene.sums() == {"units": 0, "impressions": 0, "watched": 0}
    page.locator("video").scroll_into_view_if_needed()
    wait_until(page, lambda: scene.sums()["impressions"] == 1, "it is seen")


def test_who_takes_no_part_sees_the_usual_video(stage: Stage, context: BrowserContext):
    scene = stage(coverage=0.0)
    scene.shop.pages["/"] = scene.page_of()
    page = open_page(context, f"{scene.shop.url}/")
    wait_until(page, lambda: played_s(page) > 0.5, "the usual video plays")
    assert page.locator("video").evaluate("video => video.currentSrc") == (
        f"{scene.shop.url}/usual.mp4"
    )
    page.close()
    assert scene.sums()["units"] == 0


def test_without_the_api_the_usual_video_is_shown(stage: Stage, context: BrowserContext):
    scene = stage()
    revoked = scene.audience.key["id"]
    scene.audience.owner.delete(f"{scene.audience.base}/experiment/keys/{revoked}")
    scene.shop.pages["/"] = scene.page_of()
    page = open_page(context, f"{scene.shop.url}/")
    wait_until(page, lambda: played_s(page) > 0.5, "the usual video plays")
    assert page.locator("video").evaluate("video => video.currentSrc").endswith("/usual.mp4")


def test_what_a_viewer_does_is_counted(stage: Stage, context: BrowserContext):
    scene = stage()
    scene.shop.pages["/"] = scene.page_of()
    page = open_page(context, f"{scene.shop.url}/")
    wait_until(page, lambda: scene.sums()["impressions"] == 1, "it is seen")
    page.evaluate("captionAB.count(document.querySelector('video'), 'clicks')")

    def clicks() -> int:
        return sum(scene.audience.book().count(f"sum:{arm}:1:s") for arm in range(2))

    wait_until(page, lambda: clicks() == 1, "the click")


def test_who_watches_for_longer_than_an_address_lives_goes_on(
    stage: Stage, context: BrowserContext, tmp_path
):
    # Given a film that is too large to be held ahead, and addresses that work for four seconds
    film = make_film(tmp_path / "long.mp4", frames=3000, size=(320, 180), noise=200).read_bytes()
    scene = stage(lives_s=4.0, long={"A": film, "B": film})
    scene.shop.pages["/"] = scene.page_of()
    answers: list[int] = []
    context.on("response", lambda each: answers.append(each.status))
    page = open_page(context, f"{scene.shop.url}/")
    wait_until(page, lambda: played_s(page) > 0.5, "the video plays")
    page.wait_for_timeout(8_000)
    # When they jump to what has not come yet, then they see it
    page.locator("video").evaluate("video => { video.currentTime = 110; }")
    wait_until(page, lambda: played_s(page) > 111, "it plays where they jumped")
    assert answers.count(302) == 2, "they were led to the next address once"
