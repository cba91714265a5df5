"""The form that tells how many viewers a test would need, and who is shown it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.page_html import render_job_page, render_report
from api.page_sizing import offer_sizing
from api.page_view import PageRights, ShownExperiment
from tests.page import experiments
from tests.page.jobs import make_job, make_report, make_view
from tests.unit.api.test_page_html import SITE, Reader

ASKED = {"value": "5", "effect": "10", "per_day": "1000"}


def waiting(**changes) -> ShownExperiment:
    return ShownExperiment(status="waiting", plan=experiments.make_plan(**changes), attached_ms=1)


def test_a_rate_and_traffic_give_viewers_and_days() -> None:
    """Given 5 %, an effect of 10 % and 1,000 viewers a day, both ways to look are told."""
    page = Reader(render_job_page(make_view(), ASKED))
    assert "needs about 119,608 viewers, which takes 120 days at 1,000 a day" in page.text
    assert "looked at whenever you like 119,608 59,804 59,804 120 days" in page.text
    assert "looked at once, at the end 62,462 31,231 31,231 63 days" in page.text


def test_without_traffic_no_days_are_told() -> None:
    """Given no viewers a day, the viewers are told and the days are not known."""
    text = Reader(render_job_page(make_view(), {**ASKED, "per_day": ""})).text
    assert "looked at whenever you like 119,608 59,804 59,804 not known" in text


def test_the_form_needs_no_script_and_keeps_what_is_looked_at() -> None:
    """Given clip and sides in the address, the form is a plain GET that keeps them."""
    view = make_view(make_job(clips=2), make_report(clips=2))
    page = Reader(render_job_page(view, {"clip": "1", "left": "A", "right": "B"}))
    forms = [each for each in page.all("form") if each.get("action", "").endswith("#sizing")]
    assert [each["method"] for each in forms] == ["get"]
    hidden = {
        each["name"]: each["value"] for each in page.all("input") if each.get("type") == "hidden"
    }
    assert {"clip": "1", "left": "A", "right": "B"}.items() <= hidden.items()


def test_a_plan_that_waits_is_sized_by_its_own_metric() -> None:
    """Given a plan on watch time, its average and deviation are asked, not a rate."""
    view = make_view(experiment=waiting(primary=experiments.WATCH, secondary=()))
    form = offer_sizing(view, {"value": "9", "deviation": "8", "effect": "5", "per_day": "10"})
    assert [each.name for each in form.entries] == ["value", "deviation", "effect", "per_day"]
    assert "a difference of 5 % in the watch time" in form.answer.text


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"value": "many"}, "Give a number."),
        ({"value": "-1"}, "It must be more than 0."),
        ({"value": "5", "effect": "0"}, "It must be more than 0."),
        ({"value": "nan"}, "Give a number."),
        ({"value": "95"}, "With these numbers nothing can be told."),
        ({"value": "500"}, "With these numbers nothing can be told."),
        ({"value": '"><script>'}, "Give a number."),
    ],
)
def test_numbers_that_cannot_be_are_told(asked, said) -> None:
    """Given a value that is none or cannot be, the form says so and shows what was given."""
    html = render_job_page(make_view(), asked)
    assert said in Reader(html).text
    assert html.count("<script") == 1


def test_others_are_not_shown_it() -> None:
    """Given a link, one variant, a running experiment or the file, there is no form."""
    assert offer_sizing(make_view(rights=PageRights()), ASKED) is None
    assert offer_sizing(make_view(make_job("A"), make_report("AB")), ASKED) is None
    assert offer_sizing(make_view(experiment=experiments.make_running()), ASKED) is None
    assert offer_sizing(make_view(experiment=ShownExperiment("away")), ASKED) is None
    assert "How many viewers would it take" not in render_report(make_view(), {}, SITE)


numbers = st.one_of(
    st.text(max_size=12),
    st.floats().map(str),
    st.integers(-(10**30), 10**30).map(str),
    st.floats(0, 100).map(str),
)


@given(
    st.dictionaries(st.sampled_from(["value", "effect", "per_day", "deviation"]), numbers),
    st.booleans(),
)
def test_nothing_that_is_asked_breaks_it(asked, watch) -> None:
    """Given anything in the form, it answers or says what is wrong."""
    plan = {"primary": experiments.WATCH, "secondary": ()} if watch else {}
    form = offer_sizing(make_view(experiment=waiting(**plan)), asked)
    told = form.answer or form.fault or any(each.fault for each in form.entries)
    assert bool(told) == ("value" in asked)
