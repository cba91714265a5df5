"""How values of a metric are written on a page."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.page_html import render_job_page, render_report
from api.page_interval import draw_intervals
from api.page_sizing import offer_sizing
from api.page_values import say_difference, say_value
from api.page_view import ShownExperiment
from service.experiments.looks import PairPoint, Point
from service.experiments.plan import Unit
from tests.page.experiments import CLICKS, START_MS, WATCH, make_plan, make_snapshots, show
from tests.page.jobs import make_view
from tests.unit.api.test_page_html import SITE, Reader

PLAIN = replace(WATCH, unit=Unit.NUMBER)
OWN_UNITS = "hundredths of a second"


@pytest.mark.parametrize(
    ("metric", "value", "small", "said"),
    [
        (WATCH, 780.6, False, "7.81 s"),
        (WATCH, 0, False, "0.00 s"),
        (WATCH, 2534.9, False, "25.3 s"),
        (WATCH, 123_456.0, False, "1,234.6 s"),
        (WATCH, -12.34, True, "\u22120.12 s"),
        (WATCH, -0.3, True, "0.00 s"),
        (WATCH, float("nan"), False, "–"),
        (WATCH, None, False, "–"),
        (PLAIN, 780.6, False, "780.6"),
        (CLICKS, 0.0781, False, "7.81 %"),
    ],
)
def test_a_value_is_written_as_its_metric_says(metric, value, small, said) -> None:
    assert say_value(metric, value, small=small) == said


@given(st.floats(0, 1e9))
def test_seconds_are_the_hundredth_of_what_was_counted(value) -> None:
    """Given any value, what is read from the page is near to it."""
    number, unit = say_value(WATCH, value).split()
    assert unit == "s"
    assert float(number.replace(",", "")) == pytest.approx(value / 100, abs=0.051)


def test_a_difference_of_times_has_its_sign() -> None:
    assert say_difference(119.4, Unit.SECONDS) == "+1.19 s"
    assert say_difference(-119.4, Unit.SECONDS) == "\u22121.19 s"
    assert say_difference(-119.4, Unit.NUMBER) == "\u2212119"
    assert say_difference(None, Unit.SECONDS) == "–"


def watched(metric=WATCH, **changes) -> ShownExperiment:
    """Two days of an experiment that watch time decides."""
    plan = make_plan(primary=metric, secondary=(CLICKS,), **changes)
    return show(*make_snapshots(plan, (0.05, 0.05), units=2000, days=2, looks=4))


def test_times_on_the_page_are_seconds() -> None:
    """Given watch time that decides, its values, differences and losses are in seconds."""
    shown = watched()
    values = [each["metrics"]["watch"]["value"] for each in shown.verdict["variants"]]
    text = Reader(render_job_page(make_view(experiment=shown))).text
    for each in values:
        assert 700 < each < 1000
        assert f"{each / 100:.2f} s" in text
        assert f"{each:.4g}" not in text
    assert say_value(WATCH, shown.verdict["pairs"][0]["deviation"], small=True) in text
    assert OWN_UNITS not in text


def test_the_file_says_seconds_too() -> None:
    shown = watched()
    value = shown.verdict["variants"][0]["metrics"]["watch"]["value"]
    file = Reader(render_report(make_view(experiment=shown), {}, SITE))
    assert f"{value / 100:.2f} s" in file.text


def test_values_of_an_unknown_unit_are_explained() -> None:
    """Given a plan that does not say the unit of its mean, the page says what it may be."""
    text = Reader(render_job_page(make_view(experiment=watched(PLAIN)))).text
    assert OWN_UNITS in text


def test_a_difference_that_has_no_lift_is_drawn_in_seconds() -> None:
    """Given no lift can be told, scale, table and words are in seconds with steps told apart."""
    pair = PairPoint("A", "B", 3.0, (-4.0, 9.0), None)
    look = Point(START_MS + 3_600_000, "collecting", (500, 500), (pair,))
    plan = make_plan(primary=WATCH, secondary=())
    shown = ShownExperiment(
        status="running", plan=plan, verdict={}, looks=(look,), started_ms=START_MS
    )
    (plot,) = draw_intervals(shown)
    assert "lies between \u22120.04 s and +0.09 s." in plot.now
    assert (plot.rows[0].low, plot.rows[0].high) == ("\u22120.04 s", "+0.09 s")
    assert all(each == "0" or each.endswith(" s") for each in plot.ticks)
    assert len(set(plot.ticks)) == len(plot.ticks)
    assert plot.notes[0].startswith("The difference is shown in seconds:")


def test_the_form_takes_seconds() -> None:
    """Given a time in seconds and the same in hundredths, each plan needs the same viewers."""

    def ask(metric, value: str, deviation: str):
        plan = make_plan(primary=metric, secondary=())
        view = make_view(experiment=ShownExperiment(status="waiting", plan=plan, attached_ms=1))
        asked = {"value": value, "deviation": deviation, "effect": "5", "per_day": "10"}
        return offer_sizing(view, asked)

    timed, plain = ask(WATCH, "9", "8"), ask(PLAIN, "900", "800")
    assert [each.title for each in timed.entries[:2]] == [
        "The watch time of a viewer today, in seconds",
        "Standard deviation of the watch time, in seconds",
    ]
    assert timed.answer is not None
    assert timed.answer == plain.answer
