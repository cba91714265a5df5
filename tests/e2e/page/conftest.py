"""A page of a job in a real Chromium: films that say their frames, a site, an opened page."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from api.page_view import PageView
from tests.browser import FLAGS, find_chromium
from tests.page.footage import READ_FRAMES, make_film
from tests.page.jobs import make_view
from tests.page.server import Site, serve

#: Playwright adds its own where these would be told twice.
_FLAGS = [each for each in FLAGS if not each.startswith(("--headless", "--autoplay"))]


class Look:
    """An opened page, and what a viewer finds out about it."""

    def __init__(self, page: Page, site: Site) -> None:
        self.page = page
        self.site = site
        self.complaints: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def frames(self) -> list[int]:
        """The frames that both videos really show."""
        return self.page.evaluate(READ_FRAMES)

    def wait_shown(self, frame: int | None = None) -> int:
        """Wait until the page says that a frame is shown; which one."""
        wanted = "" if frame is None else f'="{frame}"'
        found = self.page.wait_for_selector(f"[data-shown{wanted}]", timeout=20_000)
        return int(found.get_attribute("data-shown"))

    def wait_until(self, true: str, seconds: float = 20) -> None:
        """Wait until it holds. Playwright's own way needs an eval, which the CSP bars."""
        until = time.monotonic() + seconds
        while not self.page.evaluate(true):
            assert time.monotonic() < until, f"not so after {seconds} s: {true}"
            self.page.wait_for_timeout(50)

    def scrub(self, frame: int) -> None:
        """Put the slider on a frame, as a hand does."""
        self.page.locator(".scrub").evaluate(
            "(slider, n) => { slider.value = n; slider.dispatchEvent(new Event('input')); }", frame
        )
        self.wait_shown(frame)

    def do(self, name: str) -> None:
        """Click a button of the comparison."""
        self.page.click(f"[data-do={name}]")

    def said(self) -> str:
        """What was announced last."""
        return self.page.inner_text("[data-said]")

    def view(self) -> str:
        """How the two videos are shown."""
        return self.page.get_attribute(".stage", "data-view")

    def is_playing(self) -> bool:
        return self.page.inner_text("[data-do=play]") == "Pause"


@pytest.fixture(scope="session")
def films(tmp_path_factory) -> dict[str, Path]:
    """Ten seconds at 25 frames a second, for A to D."""
    folder = tmp_path_factory.mktemp("films")
    shades = {"A": 60, "B": 120, "C": 90, "D": 30}
    return {
        label: make_film(folder / f"{label}.mp4", shade=shade) for label, shade in shades.items()
    }


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The Chromium on the PATH."""
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def look(chromium, films) -> Iterator[Callable[..., Look]]:
    """Open a page; in the end no page may have complained on its console."""
    looks = []
    with ExitStack() as kept:

        def open_page(
            view: PageView | None = None,
            *,
            after: str = "",
            own: dict[str, Path] | None = None,
            halted: dict[str, int] | None = None,
            **context,
        ) -> Look:
            site = Site(view or make_view(), own or films)
            site.halted.update(halted or {})
            kept.enter_context(serve(site))
            size = {"width": 1280, "height": 900}
            opened = chromium.new_context(**{"viewport": size, **context})
            kept.callback(opened.close)
            opened.set_default_timeout(20_000)
            found = Look(opened.new_page(), site)
            looks.append(found)
            found.page.goto(site.page + after)
            return found

        yield open_page
    assert [each.complaints for each in looks] == [[] for _ in looks]
