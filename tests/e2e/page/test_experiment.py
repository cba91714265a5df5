"""The experiment on the page, in a browser: for everybody, without scripts, hidden when blind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from api.page_html import render_report
from api.page_view import ShownExperiment
from tests.e2e.page.test_access import DESKTOP, PHONE, check
from tests.page import experiments
from tests.page.jobs import make_job, make_report, make_view
from tests.unit.experiments.scenes import TABLE

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

OPEN = "document.querySelectorAll('details').forEach((each) => each.open = true)"
SIZES = "?value=5&effect=10&per_day=1000"


def make_views() -> dict:
    harmed = next(snapshot for name, snapshot, *_ in TABLE if name == "harm")
    waiting = ShownExperiment(status="waiting", plan=experiments.make_plan(), attached_ms=1)
    three = make_view(make_job("ABC"), make_report("ABC"), experiment=experiments.make_won("ABC"))
    return {
        "running": make_view(experiment=experiments.make_running()),
        "won": make_view(experiment=experiments.make_won()),
        "three": three,
        "harmed": make_view(experiment=experiments.show(harmed)),
        "spoiled": make_view(experiment=experiments.make_spoiled()),
        "waiting": make_view(experiment=waiting),
        "long": make_view(experiment=make_long()),
        "hidden": make_view(experiment=ShownExperiment("hidden")),
    }


def make_long() -> ShownExperiment:
    """One whose words are as long as they may be, without a place to break."""
    names = tuple(letter * 64 for letter in "AB")
    plan = experiments.make_plan()
    arms = tuple(replace(arm, label=name) for arm, name in zip(plan.arms, names, strict=True))
    plan = replace(plan, arms=arms, primary=replace(plan.primary, title="m" * 100))
    return experiments.show(
        *experiments.make_snapshots(plan, (0.05, 0.09), units=5000, days=2, looks=4)
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing(look, scheme, size):
    # Given an experiment in each kind of state, in this light and on this screen
    views = make_views()
    if (scheme, size) not in (("light", DESKTOP), ("dark", PHONE)):
        views = {name: views[name] for name in ("won", "spoiled")}
    for name, view in views.items():
        page = look(view, after=SIZES, color_scheme=scheme, viewport=size).page
        page.evaluate(OPEN)
        # Then axe finds nothing to complain of
        assert check(page) == [], name


def test_axe_finds_nothing_in_the_file(chromium, tmp_path):
    file = tmp_path / "report.html"
    view = make_view(experiment=experiments.make_won())
    file.write_text(render_report(view, {}, "https://captions.example"), encoding="utf-8")
    page = chromium.new_page()
    page.goto(file.as_uri())
    page.evaluate(OPEN)
    assert check(page) == []
    # and the picture has its colours: the file's policy lets its style in
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.decision')).strokeWidth") == "3px"
    )
    page.close()


def test_nothing_is_wider_than_the_smallest_screen(look):
    # Given a screen of 320 pixels
    for name, view in make_views().items():
        page = look(view, after=SIZES, viewport={"width": 320, "height": 640}).page
        page.evaluate(OPEN)
        # Then no page has to be moved sideways
        assert page.evaluate("document.documentElement.scrollWidth") == 320, name


@pytest.mark.parametrize("width", [320, 390])
def test_no_value_is_hidden_on_a_small_screen(look, width):
    # Given a phone
    for name in ("won", "three", "harmed", "long"):
        page = look(make_views()[name], viewport={"width": width, "height": 640}).page
        page.evaluate(OPEN)
        cells = page.locator(".metrics tbody tr > *")
        # Then all of each metric is on the screen, and each value says whose it is
        assert cells.count() > 0
        boxes = [cells.nth(at).bounding_box() for at in range(cells.count())]
        assert min(each["x"] for each in boxes) >= 0, name
        assert max(each["x"] + each["width"] for each in boxes) <= width, name
        region = page.locator("[aria-label='All metrics of the experiment']")
        assert region.evaluate("each => each.scrollWidth <= each.clientWidth"), name
        told = "each => getComputedStyle(each, '::before').content"
        labels = page.locator(".metrics tbody tr").first.locator("[data-of]")
        assert all(labels.nth(at).evaluate(told) != "none" for at in range(labels.count()))
        page.close()


def test_it_needs_no_script(look):
    # Given a browser that runs none, and a plan that waits
    page = look(make_views()["waiting"], java_script_enabled=False).page
    # When its owner asks how many viewers it takes
    page.click("summary:has-text('Tell by what you expect')")
    page.fill("[name=value]", "5")
    page.fill("[name=per_day]", "1000")
    page.click("text=Tell me")
    # Then the same page answers, at its place, with what was asked still in the form
    assert "119,608" in page.inner_text("#sizing")
    assert page.url.endswith("value=5&effect=10&per_day=1000#sizing")
    assert page.input_value("[name=value]") == "5"


def test_the_picture_shows_where_it_was_decided(look):
    # Given B has won
    page = look(make_views()["won"]).page
    boxes = {
        name: page.locator(f".interval .{name}").bounding_box() for name in ("decision", "last")
    }
    svg = page.locator(".interval svg").bounding_box()
    # Then the last interval lies above the decision line, at the right end of the picture
    bottom = boxes["last"]["y"] + boxes["last"]["height"]
    middle = boxes["decision"]["y"] + boxes["decision"]["height"] / 2
    assert bottom <= middle + 4
    assert boxes["last"]["x"] > svg["x"] + 0.9 * svg["width"]
    # and the words beside it stand at the heights of its lines
    zero = page.locator(".axis span", has_text="0").filter(has_not_text="%").bounding_box()
    assert abs(zero["y"] + zero["height"] / 2 - middle) < 3


def test_it_can_be_read_in_black_and_white(look):
    # Given a printed page, which has no colours of its own behind the shapes
    page = look(make_views()["running"]).page
    page.emulate_media(media="print")
    seen = page.evaluate(
        """() => Object.fromEntries(['edge', 'decision', 'last', 'grid'].map((name) => {
          const style = getComputedStyle(document.querySelector(`.interval .${name}`));
          return [name, [style.stroke, style.strokeWidth]];
        }))"""
    )
    # Then what decides, the interval and the grid differ in width, not in colour alone
    assert len({width for _, width in seen.values()}) >= 3
    assert all(stroke != "none" for stroke, _ in seen.values())


def test_blind_hides_who_wins(look):
    # Given the page of a won experiment
    page = look(make_views()["won"])
    page.wait_shown()
    assert page.page.is_visible("text=Winner: B")
    # When its viewer chooses blind, then no word of the outcome is left to be seen
    page.do("blind")
    for words in ("Winner: B", "The experiment in figures", "Shares of viewers"):
        assert not page.page.is_visible(f"text={words}"), words


def test_titles_of_callers_run_nothing(look):
    # Given a metric whose title is a script; then it is read as words, and nothing complains
    plan = experiments.make_plan()
    title = "<img src=x onerror=document.title='gone'>"
    hostile = replace(plan, primary=replace(plan.primary, title=title))
    shown = experiments.show(
        *experiments.make_snapshots(hostile, (0.05, 0.06), units=2000, days=2, looks=4)
    )
    page = look(make_view(experiment=shown)).page
    assert title in page.inner_text(".interval")
    assert page.title() == "spring teaser: captions compared"
