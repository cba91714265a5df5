"""Kinds of jobs and of viewers: running, many variants, revisions, links, no scripts, a file."""

from __future__ import annotations

import pytest

from api.page_html import render_report
from tests.page.jobs import make_cut, make_job, make_report, make_state, make_view
from tests.page.server import Site, serve

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

LABELS = "() => [...document.querySelectorAll('.stage figcaption')].map((each) => each.textContent)"


def test_a_running_job_shows_what_happens_without_being_asked(look):
    # Given a job that is being made
    running = make_job(status="running")
    for variant, state in zip(running["variants"], ("rendering", "captioning"), strict=True):
        variant["cuts"] = [{"id": "x", "clip": 0, "revision": 1, "status": state}]
    page = look(make_view(running, state=make_state("The variants are being made.")))
    shown = " ".join(page.page.inner_text(".stages").split())
    assert "A is being rendered. 42 % Next, at 14:06:00 UTC: The editor is asked" in shown
    # When its state changes
    page.site.view = make_view(running, state=make_state("Variant A is done."))
    page.site.mark = "two"
    # Then the page says so, aloud too, and asks with the mark of what it knows
    page.page.wait_for_selector("text=Variant A is done.")
    page.wait_until("document.querySelector('[data-live=said]').textContent.includes('A is done')")
    for _ in range(100):
        if page.site.unchanged:
            break
        page.page.wait_for_timeout(100)
    assert page.site.unchanged
    # and when it is over the result stands there
    page.site.view, page.site.mark = make_view(), "three"
    page.page.wait_for_selector(".compare", timeout=40_000)
    page.wait_shown()


def test_nobody_is_interrupted_by_what_is_new(look):
    # Given both videos are there and play, while they are compared
    comparing = make_job(status="comparing")
    page = look(make_view(comparing, state=make_state("The videos are compared.")))
    page.wait_shown()
    page.do("play")
    # When the result comes
    page.site.view, page.site.mark = make_view(), "two"
    for _ in range(100):
        if sum("/state" in each for each in page.site.asked) > 1:
            break
        page.page.wait_for_timeout(100)
    page.page.wait_for_timeout(500)
    # Then they play on, and when they stand still it is shown
    assert page.is_playing()
    page.do("play")
    page.page.wait_for_selector("text=B's captions are easier to read", timeout=40_000)
    assert page.wait_shown() > 0


def test_a_video_that_cannot_be_loaded_is_told(chromium, films):
    # Given a link that has expired since: the second video is refused
    with serve(Site(make_view(), {"A": films["A"]})) as site:
        page = chromium.new_page()
        page.goto(site.page)
        # Then the page says so
        page.wait_for_selector("text=A video could not be loaded")
        page.close()


def test_without_scripts_everything_can_be_seen(look):
    # Given a browser without JavaScript
    page = look(java_script_enabled=False)
    # Then both players have their own controls, and what needs a script is not there
    assert page.page.locator("video[controls]").count() == 2
    assert page.page.locator(".transport:visible").count() == 0
    assert page.page.locator("button:visible").count() == 0
    # and verdict, captions and measures are
    told = page.page.inner_text("main")
    for words in ("easier to read than", "Cold brew in under", "Contrast, weakest tenth"):
        assert words in told
    # and a job that runs has a link to look again
    running = make_job(status="running", variants=[])
    page.site.view = make_view(running, state=make_state("The variants are being made."))
    page.page.goto(page.site.page)
    page.page.click("text=Look again")
    assert "The variants are being made." in page.page.inner_text("main")


def test_of_many_variants_any_two_are_chosen(look):
    # Given four variants; then the best and the next are shown, and the order of all
    page = look(make_view(make_job("ABCD"), make_report("ABCD")))
    page.wait_shown()
    assert page.page.evaluate(LABELS) == ["C", "D"]
    places = page.page.locator("section[aria-labelledby=all] tbody th").all_inner_texts()
    assert places == ["D", "C", "B", "A"]
    # When two others are chosen
    page.page.select_option("[name=left]", "A")
    page.page.select_option("[name=right]", "B")
    page.page.click("text=Show these two")
    page.wait_shown()
    # Then they are shown, and the share link they were reached by goes on
    assert page.page.evaluate(LABELS) == ["A", "B"]
    page.page.click("text=C beside D")
    page.wait_shown()
    assert page.page.evaluate(LABELS) == ["D", "C"]


def test_revisions_can_be_looked_at_and_say_that_they_were_not_measured(look):
    # Given a second revision of B, which nobody has measured
    job = make_job()
    job["variants"][1]["cuts"].append(make_cut("B", revision=2))
    page = look(make_view(job, make_report()), after="?left=B.1&right=B.2")
    page.wait_shown()
    # Then both are shown, and the page says which figures are whose
    assert page.page.evaluate(LABELS) == ["B, revision 1", "B, revision 2"]
    assert "B, revision 2 has not been measured" in page.page.inner_text("main")
    assert "revision=2" in page.page.get_attribute("video >> nth=1", "src")


def test_a_share_link_stays_in_every_address(look):
    # Given a page that was opened by a share link
    page = look(make_view(make_job("ABC"), make_report("ABC"), query="share=abc.def"))
    page.wait_shown()
    # When two others are chosen
    page.page.click("text=Show these two")
    page.wait_shown()
    # Then the link is in what was asked for since: pages and videos
    asked = [each for each in page.site.asked if each.startswith("/jobs/")][1:]
    assert asked
    assert all("share=abc.def" in each for each in asked)


def test_the_report_is_one_file_that_needs_no_network(chromium, tmp_path):
    # Given the page as a file, with its pictures
    report = make_report()
    report["clips"][0]["pictures"]["files"] = [
        {"name": f"poster_{label}", "type": "image/gif", "width": 1, "height": 1, "text": label}
        for label in "AB"
    ]
    gif = (
        b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!\xf9\x04\x00\x00\x00\x00\x00,"
    )
    gif += b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
    pictures = {(0, f"poster_{label}"): ("image/gif", gif) for label in "AB"}
    text = render_report(make_view(make_job(), report), pictures, "https://captions.example")
    file = tmp_path / "report.html"
    file.write_text(text, encoding="utf-8")
    # When it is opened from the disk
    page = chromium.new_page()
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(file.as_uri())
    page.wait_for_timeout(300)
    # Then it asked for nothing besides itself and what it holds
    assert [each for each in asked if not each.startswith("data:")] == [file.as_uri()]
    assert complaints == []
    # and has pictures, curve and figures, in the page's own style
    assert page.evaluate("[...document.images].every((each) => each.naturalWidth === 1)")
    assert page.locator("svg path").count() == 2
    assert page.evaluate(
        "getComputedStyle(document.querySelector('.verdict')).borderLeftWidth"
    ) == ("5px")
    links = page.eval_on_selector_all("a", "all => all.map((each) => each.href)")
    assert any(each.startswith("https://captions.example/jobs/") for each in links)
    page.close()
