"""The page for everybody: axe finds nothing, nothing overflows, nothing jumps."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from api.page_html import render_report
from tests.page.jobs import make_job, make_report, make_state, make_view

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


def check(page) -> list[str]:
    """What axe finds, with the elements."""
    page.evaluate(f"() => {{ {AXE} }}")
    found = page.evaluate(f"axe.run(document, {{runOnly: {json.dumps(RULES)}}})")
    assert len(found["passes"]) > 15
    return [
        f"{each['id']}: {node['html'][:120]}: {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


def make_views() -> dict:
    running = make_job(status="running", variants=[])
    failed = make_job(status="partial")
    failed["variants"][1]["cuts"] = [
        {"id": "x", "clip": 0, "revision": 1, "status": "failed"}
        | {"error": {"code": "no_credits", "detail": "None are left.", "hint": "Add some."}}
    ]
    apart = make_report("ABC", clips=2)
    apart["clips"][0] |= {"controlled": False}
    apart["clips"][0]["control"] |= {
        "differences": [
            {"kind": "block", "variants": ["B"], "detail": "a block of 21 levels"}
            | {"at_s": 1.2, "box": [0.8, 0.1, 0.1, 0.1]}
        ],
        "unsure": ["No moment without captions was found."],
    }
    return {
        "done": make_view(),
        "many": make_view(make_job("ABC", clips=2), apart),
        "running": make_view(running, state=make_state("The variants are being made.")),
        "failed": make_view(failed),
        "earlier": make_view(make_job(comparison={"status": "done", "clips": []})),
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing(look, scheme, size):
    # Given each kind of page, in this light and on this screen
    # (two of the four see them all; colours and widths are the same for each)
    views = make_views()
    if (scheme, size) not in (("light", DESKTOP), ("dark", PHONE)):
        views = {"done": views["done"]}
    for name, view in views.items():
        page = look(view, color_scheme=scheme, viewport=size)
        if name in {"done", "many"}:
            page.wait_shown()
            page.page.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
        # Then axe finds nothing to complain of
        assert check(page.page) == [], name
        if name == "done":
            page.do("blind")
            assert check(page.page) == [], "blind"


def test_axe_finds_nothing_in_the_report(chromium, tmp_path):
    file = tmp_path / "report.html"
    file.write_text(render_report(make_view(), {}, "https://captions.example"), encoding="utf-8")
    page = chromium.new_page()
    page.goto(file.as_uri())
    assert check(page) == []
    page.close()


def test_axe_would_find_something(chromium):
    # Given a page that hides what a picture shows; then axe says so
    page = chromium.new_page()
    page.set_content("<html><body><img src='data:,'><p style='color:#ccc'>pale</p></body></html>")
    page.evaluate(f"() => {{ {AXE} }}")
    found = page.evaluate("axe.run(document)")["violations"]
    assert {"image-alt", "color-contrast"} <= {each["id"] for each in found}
    page.close()


def test_nothing_is_wider_than_the_smallest_screen(look):
    # Given a screen of 320 pixels
    for name, view in make_views().items():
        page = look(view, viewport={"width": 320, "height": 640})
        page.page.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
        # Then no page has to be moved sideways
        assert page.page.evaluate("document.documentElement.scrollWidth") == 320, name


def test_targets_are_large_enough(look):
    # Given the page on a phone; then no control of it is under 24 pixels (WCAG 2.2, 2.5.8)
    page = look(viewport=PHONE)
    page.wait_shown()
    small = page.page.evaluate(
        """() => [...document.querySelectorAll('button, select, input, summary, nav a')]
          .filter((each) => each.offsetParent)
          .map((each) => [each.outerHTML.slice(0, 80), each.getBoundingClientRect()])
          .filter(([, box]) => box.width < 24 || box.height < 24)"""
    )
    assert small == []


def test_nothing_jumps_while_it_loads(look):
    # Given what moved by itself is counted from the beginning
    page = look(after="#f=40")
    page.wait_shown(40)
    moved, what = page.page.evaluate(
        """() => new Promise((done) => {
          let sum = 0, what = [];
          new PerformanceObserver((list) => {
            for (const each of list.getEntries()) {
              sum += each.value;
              what.push(...each.sources.map((one) => one.node?.outerHTML?.slice(0, 60)));
            }
          }).observe({type: 'layout-shift', buffered: true});
          setTimeout(() => done([sum, what]), 300);
        })"""
    )
    # Then it is as good as nothing
    assert moved < 0.01, what
