"""The experiment on the page of a job: what is told in which state, and what never is."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from api.page_change import CHANGES, SHARED, tell_change
from api.page_html import render_job_page, render_report
from api.page_view import PageRights, ShownExperiment
from service.experiments.metrics import Kind, Proportion
from service.experiments.plan import Arm, Metric, Plan
from service.experiments.snapshot import Snapshot, Tally
from service.experiments.states import State
from service.experiments.verdict import decide
from service.experiments.words import SENTENCES
from tests.page import experiments
from tests.page.jobs import JOB, make_job, make_report, make_view
from tests.unit.api.test_page_html import SITE, Reader
from tests.unit.experiments.scenes import FIXED, TABLE


def scene(name: str) -> Snapshot:
    return next(snapshot for known, snapshot, *_ in TABLE if known == name)


def read(shown: ShownExperiment | None, **more) -> Reader:
    return Reader(render_job_page(make_view(experiment=shown, **more)))


def section(page: Reader) -> str:
    """The words of the card that speaks of performance."""
    return page.text.partition("Which variant performs better?")[2].partition("Look for")[0]


def test_every_state_of_a_verdict_has_its_sentence_and_what_would_change_it() -> None:
    """Given each state with each reason, the page says both, with no gap left in the words."""
    seen = set()
    for _, snapshot, state, reason, _ in TABLE:
        verdict = decide(snapshot)
        text = section(read(experiments.show(snapshot)))
        change = tell_change(snapshot.plan, verdict.document)
        assert verdict.sentence.en in text
        assert verdict.sentence.zh in text
        for told in (change.en, change.zh):
            assert told in text
            assert not re.search(r"[{}]|None|nan|unknown|未知|若干", told)
        assert change.en.endswith(".")
        assert change.zh.endswith("。")
        assert not re.search("[\u4e00-\u9fff]", change.en)
        seen.add(f"{state}/{reason}")
    assert seen == set(CHANGES) - set(SHARED) == set(SENTENCES) - {"leaning"}


@pytest.mark.parametrize(
    ("name", "badge"),
    [
        ("nobody", "No viewers yet"),
        ("undecided", "Collecting"),
        ("B", "Winner: B"),
        ("elsewhere", "Leading: B"),
        ("alike", "No difference"),
        ("late", "No clear result"),
        ("skewed", "Not to be trusted"),
        ("too large", "Not to be trusted"),
    ],
)
def test_a_state_is_a_word_and_not_a_colour(name, badge) -> None:
    """Given a verdict in each of the eight states, a badge names it."""
    shown = experiments.show(scene(name))
    assert shown.verdict["state"] in set(State)
    assert f"Which variant performs better? {badge}" in read(shown).text


def test_a_verdict_that_is_given_says_that_nothing_changes_it() -> None:
    """Given a winner and viewers who came later, these are told and change nothing."""
    shown = experiments.show(scene("B"), counted=(10_400, 10_100))
    text = section(read(shown))
    assert "This verdict is final." in text
    assert "Nothing: it is frozen with its snapshot." in text
    assert "Since then 500 more, which change nothing" in text
    assert "Viewers at the verdict 20,000" in text
    assert "Look again" not in text


def test_the_size_of_a_win_is_told_with_care() -> None:
    """Given a winner, it is said that the difference seen is larger than the truth, and a guess."""
    text = section(read(experiments.make_won()))
    (own,) = [each for each in experiments.make_won().verdict["variants"] if each["label"] == "B"]
    assert "usually a little larger than the true one." in text
    guess = f"A careful guess is +{100 * own['shrunk_lift']['lift']:.1f} % against A."
    assert guess in text
    assert "larger than the true one" not in read(experiments.make_running()).text


def test_a_test_that_goes_on_says_how_far_it_is() -> None:
    """Given nothing is clear yet, viewers so far and needed and the days left are told."""
    page = read(experiments.make_running())
    text = section(page)
    (bar,) = page.all("progress")
    verdict = experiments.make_running().verdict
    assert bar["value"] == "12000"
    assert bar["max"] == str(verdict["needed_units"])
    assert f"Viewers needed about {verdict['needed_units']:,}, to see 10 %" in text
    assert f"Days left about {verdict['days_left']} days" in text
    assert "Ends at the latest in 11 days" in text
    assert "Look again" in text


def test_legibility_and_performance_are_told_apart() -> None:
    """Given B is easier to read and A wins, each says what it is."""
    page = read(experiments.show(scene("A")))
    legible, _, performing = page.text.partition("Performance: counted among viewers")
    assert "Legibility: measured in the videos" in legible
    assert "B's captions are easier to read" in legible
    assert "not performance" in legible
    assert "A wins" in performing
    assert "It does not say which captions are easier to read" in performing
    assert "easier to read than" not in performing.partition("Look for yourself")[0]
    assert "A wins" not in legible


def test_spoiled_data_hides_its_figures_and_says_why() -> None:
    """Given wrong shares, no winner is named, and trust says no, however good captions are."""
    page = read(experiments.make_spoiled())
    text = page.text
    assert "Winner" not in text
    assert "Shares: wrong." in text
    assert "Shares of viewers: wrong." in text
    assert text.index("Figures that cannot be trusted") < text.index("B compared with A")
    (trust,) = [each for each in page.all("section") if each.get("class", "").startswith("trust")]
    assert trust["class"] == "trust no"
    assert "Chances" not in text


@pytest.mark.parametrize(
    ("shown", "word"),
    [
        (experiments.show(scene("B")), "Shares: as planned."),
        (experiments.show(scene("elsewhere")), "Shares: not tested."),
        (experiments.show(replace(scene("B"), independent=True)), "Impressions were counted"),
        (experiments.show(scene("nobody")), "Shares: too early."),
        (experiments.show(scene("in both")), "Shares: spoiled."),
    ],
)
def test_shares_of_viewers_are_a_word(shown, word) -> None:
    """Given shares that are as planned, not tested, too few or spoiled, a word says which."""
    assert word in read(shown).text


def test_viewers_of_a_second_variant_are_told_before_they_spoil_anything() -> None:
    """Given one viewer in both variants, that is told beside the shares."""
    text = read(experiments.show(replace(scene("undecided"), multiple=1))).text
    assert "1 viewer was seen in a second variant, and not counted there." in text


def test_one_metric_decides_and_the_others_say_what_they_are_for() -> None:
    """Given three metrics, one is marked as deciding, one for exploring, one as a guardrail."""
    text = read(experiments.make_won()).text
    assert "click rate Decides B is" in text
    assert "watch time For exploring B is" in text
    assert "completion rate Guardrail B is" in text
    assert "no harm shown" in text
    assert read(experiments.make_won()).text.count("Decides") == 2  # in the plan too


def test_harm_to_a_guardrail_is_named_beside_the_win() -> None:
    """Given a winner that makes a guardrail worse, both are told."""
    text = read(experiments.show(scene("harm"))).text
    assert "Winner: B, with harm" in text
    assert "B is 4.8 % to 11.8 % lower than A: harm, worse than the plan allows." in text
    assert "is for you to weigh" in text


def test_chances_are_marked_as_not_deciding() -> None:
    """Given chances to be the best, expected loss and credible intervals, their title says it."""
    text = read(experiments.make_won()).text
    chances = text.partition("Chances and expected loss: shown, and never deciding")[2]
    assert "Nothing in this table decides." in chances
    assert "Chance to be the best" in chances


def test_a_test_for_one_look_shows_nothing_before() -> None:
    """Given a test that is read once and has not been, no interval and no chance is shown."""
    page = read(experiments.show(scene("before its look")))
    assert "This test is read once. Its interval is drawn from then on." in page.text
    assert not [each for each in page.all("path") if each.get("class") == "band"]
    assert "Chance to be the best" not in page.text
    assert scene("before its look").plan is FIXED


def test_an_experiment_that_waits_says_for_what() -> None:
    """Given a plan whose job has no videos yet, or never will, that is told with the plan."""
    waiting = ShownExperiment(status="waiting", plan=experiments.make_plan(), attached_ms=1)
    text = read(waiting).text
    assert "it does when the job has ended with a video of every variant" in text
    assert "Effect that matters 10 %, found in 80 % of tests" in text
    dropped = read(replace(waiting, status="dropped")).text
    assert "the job has ended without a video of each variant" in dropped
    assert "Send the job again" in dropped


def test_a_job_without_an_experiment_says_so() -> None:
    """Given no experiment, nothing of one stands there but one line."""
    text = read(None).text
    assert "Viewers: none are counted, as this job has no experiment." in text
    assert "performs better?" not in text
    assert "Performance" not in text


def test_who_is_asked_for_an_opinion_learns_nothing_of_the_outcome() -> None:
    """Given a hidden experiment, the page says that it is, and the same file says it too."""
    view = make_view(experiment=ShownExperiment("hidden"), rights=PageRights(may_prefer=True))
    for page in (Reader(render_job_page(view)), Reader(render_report(view, {}, SITE))):
        assert "This link asks for your own opinion." in page.text
        assert "Viewers: not shown by this link." in page.text
        assert "Winner" not in page.text
        assert "The experiment in figures" not in page.text


def test_counters_that_are_away_take_nothing_else_with_them() -> None:
    """Given the experiment cannot be read, the comparison is there and says so."""
    text = read(ShownExperiment("away")).text
    assert "Whether viewers were counted cannot be read just now." in text
    assert "B's captions are easier to read" in text


def test_its_owner_may_see_it_as_a_viewer() -> None:
    """Given a publishable key, the page leads to the player and says that whoever looks counts."""
    page = read(experiments.show(scene("undecided"), key="cab_pub_x"))
    assert {"class": "button", "href": f"/embed/{JOB}?key=cab_pub_x"} in page.all("a")
    assert "Whoever sees it as a viewer is counted as one." in page.text
    assert "/embed/" not in render_job_page(make_view(experiment=experiments.show(scene("B"))))


def test_overrides_show_each_variant_without_being_counted() -> None:
    """Given units that always see a variant, there is a link for each, which counts nobody."""
    plan = experiments.make_plan(overrides={"qa & co": "B", "me": "A"})
    looks = experiments.make_snapshots(plan, (0.05, 0.05), units=600, days=2, looks=2)
    page = read(experiments.show(*looks, key="cab_pub_x"))
    hrefs = [each["href"] for each in page.all("a") if "/embed/" in each["href"]]
    assert hrefs == [
        f"/embed/{JOB}?key=cab_pub_x&unit_id=me",
        f"/embed/{JOB}?key=cab_pub_x&unit_id=qa+%26+co",
    ]
    assert "is counted as one" not in page.text


def test_where_nobody_is_assigned_there_is_nothing_to_see() -> None:
    """Given viewers whom somebody else divides, no address would show a viewer's variant."""
    assert "/embed/" not in render_job_page(
        make_view(experiment=experiments.show(scene("elsewhere"), key="cab_pub_x"))
    )


def test_the_file_has_no_way_to_the_player() -> None:
    """Given an experiment with a key, the file, which needs no network, links it not."""
    shown = experiments.show(scene("undecided"), key="cab_pub_x")
    page = Reader(render_report(make_view(experiment=shown), {}, SITE))
    assert all(each["href"].startswith((SITE, "#")) for each in page.all("a"))
    assert "No clear difference yet" in page.text


def test_the_file_has_the_experiment_once_however_many_clips_there_are() -> None:
    """Given two clips, sentence and figures stand there once, and no id twice."""
    view = make_view(make_job(clips=2), make_report(clips=2), experiment=experiments.make_running())
    page = Reader(render_report(view, {}, SITE))
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert page.text.count("Which variant performs better?") == 1
    assert page.text.count("The experiment in figures") == 1


HOSTILE = '</title><script>alert("x")</script><b>&'


def test_words_of_a_plan_stay_words() -> None:
    """Given titles, names and labels of a plan that look like HTML, they are shown as they are."""
    bad = [Metric(f"m{at}", Kind.PROPORTION, HOSTILE, HOSTILE) for at in range(3)]
    arms = (Arm("A", 0.5), Arm("</p><script>", 0.5))
    plan = Plan("seed", arms, bad[0], (bad[1],), (bad[2],))
    tallies = [
        Tally(10_000, {each.name: Proportion(10_000, did) for each in bad}) for did in (500, 640)
    ]
    taken = experiments.START_MS + 3 * experiments.DAY_MS
    shown = experiments.show(Snapshot(plan, experiments.START_MS, taken, tuple(tallies)))
    html = render_job_page(make_view(experiment=shown))
    assert html.count("<script") == 1
    assert "<b>&" not in html
    assert html.count("<title>") == 1
    assert HOSTILE in Reader(html).text
    assert "<script" not in render_report(make_view(experiment=shown), {}, SITE)


def test_nothing_of_it_is_inline() -> None:
    """Given the page's policy, no shape or table of the experiment has a style of its own."""
    for tag, attrs in read(experiments.make_won("ABC")).tags:
        assert not [name for name in attrs if name == "style" or name.startswith("on")], tag
