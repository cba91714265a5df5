"""The page of a job with any experiment that the engine can judge: it is always drawn."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from api.page_experiment import tell_experiment
from api.page_html import render_job_page
from service.experiments.metrics import Kind, Mean, Proportion, Ratio
from service.experiments.plan import Arm, Better, Method, Metric, Plan, Split
from service.experiments.power import Traffic
from service.experiments.snapshot import Snapshot, Tally
from tests.page import experiments
from tests.page.jobs import make_view

units = st.one_of(st.integers(0, 300), st.integers(0, 10**9))


@st.composite
def snapshots(draw) -> Snapshot:
    """Any experiment that can be planned, at any moment."""
    count = draw(st.integers(2, 4))
    kind = draw(st.sampled_from(list(Kind)))
    primary = Metric("m", kind, better=draw(st.sampled_from(list(Better))), most=100)
    fixed = draw(st.booleans())
    plan = Plan(
        seed="s",
        arms=tuple(Arm("ABCD"[n], 1 / count) for n in range(count)),
        primary=primary,
        secondary=(replace(primary, name="n"),),
        guardrails=(replace(primary, name="g"),),
        split=draw(st.sampled_from(list(Split))),
        method=Method.FIXED if fixed else Method.SEQUENTIAL,
        planned_units=draw(st.integers(100, 10**6)) if fixed else None,
        max_units=draw(st.none() | st.integers(100, 10**6)),
        rope=draw(st.sampled_from([0.0, 0.01, 0.5])),
        mde=draw(st.sampled_from([0.001, 0.1, 10.0])),
    )
    tallies = []
    for _ in range(count):
        n = draw(units)
        sums = {each.name: draw(sums_of(kind, n)) for each in plan.metrics}
        tallies.append(Tally(n, sums))
    return Snapshot(
        plan,
        experiments.START_MS,
        experiments.START_MS + draw(st.integers(0, 20 * experiments.DAY_MS)),
        tuple(tallies),
        multiple=draw(st.sampled_from([0, 1, 10**6])),
        overflowed=draw(st.booleans()),
        recent=Traffic(draw(units), draw(st.sampled_from([0.0, 86_400.0]))),
        independent=draw(st.booleans()),
    )


def sums_of(kind: Kind, n: int):
    """Sums that so many units may have, contradictory ones among them."""
    number = st.integers(0, 100 * n)
    match kind:
        case Kind.PROPORTION:
            return st.builds(Proportion, st.just(n), st.integers(0, n))
        case Kind.MEAN:
            return st.builds(Mean, st.just(n), number, st.integers(0, 10**4 * n), st.booleans())
        case Kind.RATIO:
            return st.builds(Ratio, st.just(n), number, number, number, number, number)


@given(st.lists(snapshots(), min_size=1, max_size=1), snapshots())
@settings(max_examples=60, deadline=None)
def test_no_verdict_breaks_the_page(looks, other) -> None:
    """Given any verdict that the engine gives, the page is drawn, whatever its history is."""
    shown = experiments.show(*looks)
    mixed = replace(shown, looks=(*shown.looks, *experiments.show(other).looks))
    for each in (shown, mixed):
        panel = tell_experiment(make_view(experiment=each))
        assert panel is not None
        assert panel.text
        assert panel.change
        assert "The experiment in figures" in render_job_page(make_view(experiment=each))


def test_a_verdict_with_holes_is_drawn() -> None:
    """Given a frozen verdict in which any one part is missing, its page is drawn."""
    shown = experiments.make_won()
    for name in shown.verdict:
        document = {key: value for key, value in shown.verdict.items() if key != name}
        holed = replace(shown, verdict=document)
        assert "Which variant performs better?" in render_job_page(make_view(experiment=holed)), (
            name
        )


def test_a_p_value_is_explained_where_one_is_told() -> None:
    """Given secondary metrics, the page says what p and adjusted mean; without them nothing."""
    assert "p: how often chance alone would show such" in render_job_page(
        make_view(experiment=experiments.make_won())
    )
    plan = experiments.make_plan(secondary=())
    alone = experiments.show(
        *experiments.make_snapshots(plan, (0.05, 0.06), units=2000, days=2, looks=4)
    )
    assert "how often chance alone" not in render_job_page(make_view(experiment=alone))
