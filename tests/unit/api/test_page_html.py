"""The page of a job as text: what stands in it for every kind of job, and what never does."""

from __future__ import annotations

import gzip
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.page_choice import SHAPES, choose
from api.page_html import render_job_page, render_report
from api.page_view import PageRights
from tests.page.jobs import JOB, make_cut, make_job, make_report, make_state, make_view

STATIC = Path(__file__).resolve().parents[3] / "api" / "static"
SITE = "https://captions.example"


class Reader(HTMLParser):
    """Tags with their attributes, and the text, of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words += data

    def all(self, tag: str) -> list[dict]:
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def text(self) -> str:
        return " ".join(self.words.split())


def read(view=None, **asked) -> Reader:
    return Reader(render_job_page(view or make_view(), asked))


def test_the_script_is_small() -> None:
    """Given the page's one script, packed it takes at most 6 kB."""
    assert len(gzip.compress((STATIC / "compare.js").read_bytes(), 9, mtime=0)) <= 6000


def test_nothing_is_inline() -> None:
    """Given the page's policy, neither style nor script stands in it: both would be refused."""
    page = read(make_view(make_job("ABC"), make_report("ABC"), notice="Noted."))
    assert all("src" in each for each in page.all("script"))
    assert not page.all("style")
    for tag, attrs in page.tags:
        assert not [name for name in attrs if name == "style" or name.startswith("on")], tag


def test_the_verdict_comes_first_and_never_claims_performance() -> None:
    """Given a compared job, it says in words who is easier to read, and of which kind that is."""
    text = read().text
    order = ["B's captions are easier to read", "Can it be trusted?", "Look for yourself"]
    order += ["Captions Time", "Measures", "More"]
    places = [text.index(each) for each in order]
    assert places == sorted(places)
    assert "This is legibility measured from pixels, not performance" in text


def test_words_of_callers_stay_words() -> None:
    """Given a name, captions and labels that look like HTML, they are shown as they are."""
    job = make_job("AB", name="<script>alert(1)</script>", instruction='"><img src=x>')
    job["variants"][0]["style"] = {"preset": "</style><script>"}
    html = render_job_page(make_view(job, make_report()))
    assert html.count("<script") == 1
    assert "<img" not in html
    assert "<b>" not in html
    assert Reader(html).text.startswith("<script>alert(1)</script>: captions compared")


def test_more_than_captions_differ() -> None:
    """Given a variant with a logo and one with music of its own, both are told with their place."""
    report = make_report()
    report["confounded"] = [{"clip": 0, "label": "B", "only": ["audio: music"]}]
    report["clips"][0] |= {"controlled": False}
    report["clips"][0]["control"] |= {
        "differences": [
            {"kind": "block", "variants": ["A"], "detail": "something stands in the picture"}
            | {"amount": 21.0, "unit": "levels", "at_s": 61.5, "box": [0.9, 0.0, 0.1, 0.1]}
        ],
        "unsure": ["The picture stands still."],
    }
    text = read(make_view(make_job(), report)).text
    assert "No. More than the captions differ" in text
    assert "A: something stands in the picture (at 1:01.50, top right of the picture)" in text
    assert "B alone holds: audio: music" in text
    assert "The picture stands still." in text


@pytest.mark.parametrize(("controlled", "answer"), [(True, "Yes."), (None, "Not sure.")])
def test_trust_is_a_word(controlled, answer) -> None:
    """Given a clip that was or could not be checked, the answer is a word, not a colour alone."""
    report = make_report()
    report["clips"][0]["controlled"] = controlled
    assert f"Can it be trusted? {answer}" in read(make_view(make_job(), report)).text


def test_a_comparison_that_was_not_possible_says_why() -> None:
    """Given a clip that could not be compared, its page has the reason, and both players."""
    report = make_report()
    clip = {"clip": 0, "status": "unavailable", "reason": "B: it is cut off.", "controlled": None}
    report["clips"] = [clip]
    page = read(make_view(make_job(), report))
    assert "The captions could not be compared. B: it is cut off." in page.text
    assert len(page.all("video")) == 2
    assert "Measures" not in page.text


def test_a_job_of_an_earlier_release_has_its_summary() -> None:
    """Given a job that ended before there were reports, what it knows is shown and nothing more."""
    clip = {"clip": 0, "variants": ["A", "B"], "same_length_and_audio": False}
    clip["differences"] = ["A: lasts 9.000 s, its clip 10.000 s"]
    page = read(make_view(make_job(comparison={"status": "done", "clips": [clip]})))
    assert "The legibility of these captions was not measured." in page.text
    assert "A: lasts 9.000 s, its clip 10.000 s" in page.text
    (compare,) = [each for each in page.all("div") if "data-fps" in each]
    assert compare["data-approximate"] == "the frames of these videos were not counted"


def test_a_failed_cut_has_code_cause_and_next_step() -> None:
    """Given a variant that failed, its page says why and what to do, and shows the other one."""
    job = make_job(status="partial")
    error = {"code": "no_credits", "detail": "None are left.", "hint": "Add some.", "charged": "no"}
    job["variants"][1]["cuts"] = [make_cut("B", status="failed", error=error, video=None)]
    page = read(make_view(job))
    assert "Variant B: no_credits None are left. Next: Add some. Credits taken: no." in page.text
    assert {"href": "/docs/errors/no_credits"} in page.all("a")
    assert len(page.all("video")) == 1
    assert "There are not two videos to compare." in page.text


def test_a_running_job_says_what_it_does_and_what_comes_next() -> None:
    """Given a job under way, every part has its state, the next step, and when that is."""
    job = make_job(status="running", variants=[])
    rights = PageRights(owner=True, may_cancel=True)
    state = make_state("The variants are being made.")
    page = read(make_view(job, state=state, rights=rights))
    assert "There is no result yet" in page.text
    assert "42 % Next, at 14:06:00 UTC: The editor is asked whether it is done." in page.text
    assert "B is being captioned. Next: The editor answers" in page.text
    assert {"method": "post", "action": f"/jobs/{JOB}/cancel"} in page.all("form")
    assert [each for each in page.all("section") if "data-state" in each]


def test_who_has_only_a_link_has_neither_forms_nor_ways_to_other_jobs() -> None:
    """Given rights to look alone, the page has no form that changes anything."""
    view = make_view(rights=PageRights(), query="share=abc.def")
    page = read(view)
    assert not [each for each in page.all("form") if each.get("method") == "post"]
    links = [each["href"] for each in page.all("a") if each["href"].startswith("/jobs")]
    assert links
    assert all("share=abc.def" in each for each in links)
    assert all("share=abc.def" in each["src"] for each in page.all("video"))


def test_revisions_are_offered_and_those_not_measured_say_so() -> None:
    """Given B was revised after the comparison, both revisions are there, one without figures."""
    job = make_job()
    job["variants"][1]["cuts"].append(make_cut("B", revision=2, message="larger, please"))
    page = read(make_view(job, make_report()))
    assert [each["value"] for each in page.all("option") if "value" in each] == (
        ["A", "B.1", "B.2"] * 2
    )
    assert "B, revision 2 has not been measured" in page.text
    assert "Revision 2: larger, please" in page.text
    chosen = read(make_view(job, make_report()), revision="1")
    assert "has not been measured" not in chosen.text
    hrefs = [each.get("href") for each in page.all("a")]
    assert f"/jobs/{JOB}?clip=0&revision=1" in hrefs


def test_several_clips_are_a_choice() -> None:
    """Given two clips, the second one is shown when it is asked for."""
    view = make_view(make_job(clips=2), make_report(clips=2))
    page = read(view, clip="1")
    assert all("clip=1" in each["src"] for each in page.all("video"))
    (here,) = [each for each in page.all("a") if each.get("aria-current")]
    assert here["href"] == f"/jobs/{JOB}?clip=1"


@given(
    st.dictionaries(
        st.sampled_from(["clip", "revision", "left", "right"]),
        st.one_of(st.text(max_size=12), st.sampled_from(["0", "1", "9", "A", "B.1", "C.7", "."])),
    )
)
@settings(max_examples=60, deadline=None)
def test_nothing_that_is_asked_for_breaks_the_page(asked) -> None:
    """Given any query, the page is drawn and shows two videos that there are."""
    view = make_view(make_job("ABC"), make_report("ABC"))
    sides = choose(view, asked).sides
    assert len(sides) == 2
    assert render_job_page(view, asked)


def _holes():
    """Every place of a report that may be missing, as the keys that lead there."""
    found = []

    def walk(value, path):
        if isinstance(value, dict):
            for name, each in value.items():
                found.append((*path, name))
                walk(each, (*path, name))
        elif isinstance(value, list):
            for at, each in enumerate(value[:2]):
                walk(each, (*path, at))

    walk(make_report()["clips"][0], ())
    return found


@pytest.mark.parametrize("hole", [None, "other", []])
def test_no_part_that_is_missing_breaks_the_page(hole) -> None:
    """Given a report in which any one part is null, of another type or away, it is drawn."""
    for path in _holes():
        report = make_report()
        place = report["clips"][0]
        for name in path[:-1]:
            place = place[name]
        if hole == []:
            del place[path[-1]]
        else:
            place[path[-1]] = hole
        view = make_view(make_job(), report)
        assert "Look for yourself" in render_job_page(view), path
        if hole == []:
            assert "Look for yourself" in render_report(view, {}, SITE), path


def test_every_shape_has_a_width() -> None:
    """Given the shapes that pages name, the style has each of them."""
    style = (STATIC / "compare.css").read_text(encoding="utf-8")
    named = {int(each) for each in re.findall(r"^\.shape(\d+) ", style, re.MULTILINE)}
    assert named == set(SHAPES)


def test_the_report_links_videos_and_holds_pictures() -> None:
    """Given pictures, the file has them inside; videos and the page are whole addresses."""
    report = make_report()
    report["clips"][0]["pictures"]["files"] = [
        {"name": name, "type": "image/png", "width": 9, "height": 9, "text": f"<{name}>"}
        | {"url": f"/jobs/{JOB}/pictures/0/{name}"}
        for name in ("poster_A", "worst_A", "gone")
    ]
    pictures = {(0, name): ("image/png", b"\x89PNG") for name in ("poster_A", "worst_A")}
    page = Reader(render_report(make_view(make_job(), report), pictures, SITE))
    assert [each["src"] for each in page.all("img")] == ["data:image/png;base64,iVBORw=="] * 2
    assert not page.all("script")
    assert not page.all("video")
    assert all(each["href"].startswith((SITE, "#")) for each in page.all("a"))
    assert "B's captions are easier to read" in page.text


def test_the_report_has_every_clip() -> None:
    """Given two clips, the one file has both, and no two things in it have the same name."""
    report = make_report(clips=2)
    report["verdict"] = {"text": "Of both clips, B reads better."}
    page = Reader(render_report(make_view(make_job(clips=2), report), {}, SITE))
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert page.text.count("Contrast, weakest tenth") == 2
    assert "All clips together: Of both clips, B reads better." in page.text
    assert "Video of B, clip 2" in page.text


def test_what_was_warned_of_and_which_style_is_which_stand_on_the_page() -> None:
    """Given a job with a warning, whoever has its link is told, and what A and B are."""
    job = {**make_job("AB"), "warnings": [{"code": "glyphs_missing", "detail": "Inter has no 🐰."}]}
    page = read(make_view(job, make_report("AB")))
    assert "Inter has no 🐰." in page.text
    for each in job["variants"]:
        assert f"{each['label']}: {each['style']['preset']}" in page.text
