"""Outcomes again, late, twice, too many, from others: through HTTP on a real socket."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import redis

from api.app import create_app
from service.access import create_key
from service.experiments.metrics import COUNTER_MAX
from service.model.scope import Scope
from tests.integration.api.conftest import Visitor
from tests.integration.api.viewers import (
    FIRST,
    PLAN,
    Running,
    ended_job,
    listening,
    running_experiment,  # noqa: F401  a fixture
    some_time_ago,
)
from tests.outcomes import a_batch, an_outcome, figures


def test_a_thousand_are_counted_and_a_replay_of_them_all_counts_nothing(running):
    # Given as many outcomes as one request may have
    batch = [
        an_outcome(f"e{n}", f"v{n // 2}", "AB"[n // 2 % 2], metric="watch", value=n)
        for n in range(1000)
    ]
    assert running.send(*batch) == ["accepted"] * 1000
    counted = running.tallies()
    assert [each["exposed"] for each in counted] == [251, 251]
    # When all of it is sent again, in order, backwards, and by four at once
    assert running.send(*batch) == ["duplicate"] * 1000
    assert running.send(*batch[::-1]) == ["duplicate"] * 1000
    others = [Running(running.url, running.key) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for said in pool.map(lambda each: each.send(*batch), others):
            assert said == ["duplicate"] * 1000
    # Then the sums are those of once
    assert running.tallies() == counted


def test_an_id_is_for_one_content(running):
    before = running.tallies()
    assert running.send({**FIRST[0], "unit_id": "other"}) == ["event_id_reused"]
    assert running.send(a_batch("b", 5), a_batch("b", 5), a_batch("b", 6)) == [
        "accepted", "duplicate", "batch_id_reused",
    ]  # fmt: skip
    after = running.tallies()
    assert after[0]["exposed"] == before[0]["exposed"] + 5
    assert after[1] == before[1]


def test_a_unit_in_two_variants_counts_in_its_first_alone(running):
    before = running.tallies()
    said = running.send(*(an_outcome(f"x{n}", "ua", "B", metric="clicks") for n in range(3)))
    assert said == ["unit_in_two_variants"] * 3
    assert running.tallies() == before
    # It is noted once, and too many of them spoil the experiment.
    snapshot = running.ask("GET", "/verdict/snapshot").json()
    assert snapshot["multiple"] == 1
    units = [f"m{n}" for n in range(20)]
    running.send(*(an_outcome(each, each, "A") for each in units))
    assert running.send(*(an_outcome(f"{each}.b", each, "B") for each in units)) == [
        "unit_in_two_variants"
    ] * 20  # fmt: skip
    verdict = running.ask("GET", "/verdict").json()
    assert (verdict["state"], verdict["reason"]) == ("invalid_data", "multiple_exposure")
    assert verdict["multiple"] == 21


def test_weights_that_change_while_it_runs_are_refused(running):
    before = running.tallies()
    weights = [{"label": "A", "weight": 0.9}, {"label": "B", "weight": 0.1}]
    for method in ("PUT", "POST"):
        reply = running.ask(method, "/experiment", json={**PLAN, "variants": weights})
        assert (reply.status_code, reply.json()["code"]) == (409, "conflict")
    told = running.ask("GET", "/experiment").json()
    assert [each["weight"] for each in told["plan"]["variants"]] == [0.5, 0.5]
    assert running.tallies() == before


def test_a_sum_beyond_64_bits_is_refused_and_spoils_the_experiment_not_the_sums(running):
    # Given sums that are nearly full
    full = {"spent": {"sum": 3, "sum_squares": COUNTER_MAX - 1}}
    assert running.send(a_batch("1", 10, metrics=full)) == ["accepted"]
    before = running.tallies()
    # When more comes than there is room for, by each way
    said = running.send(
        an_outcome("x", "new", metric="spent", value=2),
        a_batch("2", 10, metrics={"clicks": {"s": 1}, "spent": {"sum": 3, "sum_squares": 2}}),
        figures(1, 10, metrics={"spent": {"sum": 3, "sum_squares": 2}}),
    )
    # Then nothing of it is counted, and the verdict says what happened
    assert said == ["counter_overflow"] * 3
    assert running.tallies() == before
    verdict = running.ask("GET", "/verdict").json()
    assert (verdict["state"], verdict["reason"]) == ("invalid_data", "counter_overflow")


def test_figures_of_a_source_replace_what_it_said(running):
    before = running.tallies()[0]
    first, later = (
        figures(n, 10 * n, metrics={"clicks": {"s": 4 * n}, "watch": {"sum": 40, "stddev": 2.5}})
        for n in (1, 2)
    )
    assert running.send(later, first, later) == ["accepted", "revision_is_old", "duplicate"]
    assert running.send({**later, "units": 21}) == ["revision_reused"]
    less = figures(3, 19, metrics={"clicks": {"s": 8}, "watch": {"sum": 40, "stddev": 2.5}})
    assert running.send(less) == ["decreased"]
    assert running.tallies()[0]["exposed"] == before["exposed"] + 20
    assert running.send({**less, "correction": True}) == ["accepted"]
    after = running.tallies()[0]
    assert after["exposed"] == before["exposed"] + 19
    assert after["sums"]["clicks"]["s"] == before["sums"]["clicks"]["s"] + 8


def test_what_was_counted_can_be_taken_back_and_no_more(running):
    before = running.tallies()
    click = an_outcome("c", "uc", metric="clicks")
    back = an_outcome("c-", "uc", metric="clicks", value=-1, correction=True)
    assert running.send(click, back, {**back, "event_id": "c--"}) == ["accepted"] * 3
    seen = a_batch("s", 10, metrics={"clicks": {"s": 4}})
    unseen = a_batch("s-", -10, metrics={"clicks": {"s": -4}}, correction=True)
    assert running.send(seen, unseen, {**unseen, "batch_id": "s--"}) == [
        "accepted", "accepted", "below_zero",
    ]  # fmt: skip
    after = running.tallies()
    assert after[0]["sums"]["clicks"]["s"] == before[0]["sums"]["clicks"]["s"]
    assert after[0]["exposed"] == before[0]["exposed"] + 1  # who clicked by mistake was there
    assert after[1] == before[1]


def test_data_that_comes_late_or_backwards_is_counted_like_any_other(running):
    # Given one viewer's watch time, the last part first, and some minutes late
    parts = [
        an_outcome(
            f"w{n}", "late", metric="watch", value=100 * n, occurred_at=some_time_ago(minutes=4 - n)
        )
        for n in range(1, 4)
    ]
    assert running.send(*parts[::-1]) == ["accepted"] * 3
    assert running.tallies()[0]["sums"]["watch"] == {
        "n": 2, "s1": 600, "s2": 360_000, "bounded": False,
    }  # fmt: skip
    # When a verdict is given, then what comes after it is counted and changes it no more
    running.send(
        a_batch("a", 10_000, "A", per="viewer", metrics={"clicks": {"s": 500}}),
        a_batch("b", 10_000, "B", per="viewer", metrics={"clicks": {"s": 700}}),
    )
    verdict = running.ask("GET", "/verdict")
    assert verdict.json()["state"] == "winner"
    assert running.send(an_outcome("after", "later", "A", metric="clicks")) == ["accepted"]
    assert running.ask("GET", "/verdict").content == verdict.content
    told = running.ask("GET", "/experiment").json()["variants"]
    assert told == [{"label": "A", "units": 10_003}, {"label": "B", "units": 10_001}]


def test_a_full_experiment_says_so_and_keeps_what_it_has(
    services, ann: Visitor, redis_client: redis.Redis
):
    # Given an installation that keeps little, and an experiment with some of it left
    settings = replace(services.settings, experiment_records=5)
    store = type(services.experiments)(services.connection, settings)
    app = create_app(replace(services, settings=settings, experiments=store))
    job_id = ended_job(ann, redis_client)
    with listening(app) as url:
        running = Running(f"{url}/v1/jobs/{job_id}", ann.key)
        running.ask("PUT", "/experiment", json=PLAN)
        # When more comes than there is room for, then what fits is counted
        said = running.send(*(an_outcome(f"e{n}", f"u{n}") for n in range(4)))
        assert said == ["accepted"] * 2 + ["experiment_full"] * 2
        before = running.tallies()
        # and where nothing fits, the whole request is refused, but not for a while
        more = {"outcomes": [an_outcome("e9", "u9"), an_outcome("x", "u", "C")]}
        reply = running.ask("POST", "/outcomes", json=more)
        problem = reply.json()
        assert (reply.status_code, problem["code"]) == (429, "experiment_full")
        # Waiting makes no room.
        assert "Retry-After" not in reply.headers
        assert problem["retryable"] is False
        assert "aggregates" in problem["hint"]
        # What was counted is a duplicate all the same.
        assert running.send(an_outcome("e0", "u0")) == ["duplicate"]
        assert running.tallies() == before


def test_nobody_else_counts_or_looks(app, running: Running, bob: Visitor, ann: Visitor, services):
    before = running.tallies()
    # Given Bob's key, and one of Ann's that may only read
    _, reader = create_key(
        services.accounts,
        tenant_id=ann.tenant_id,
        account_id="acc_anonymous",
        pepper=services.settings.key_pepper,
        now_ms=services.clock.now_ms(),
        scopes={Scope.JOBS_READ},
    )
    theirs = Running(running.url, bob.key)
    one = {"outcomes": [an_outcome("x", "u")]}
    # When they send outcomes or ask for figures, then they get nowhere
    for path in ("/experiment", "/verdict", "/verdict/snapshot"):
        assert theirs.ask("GET", path).status_code == 404
    assert theirs.ask("POST", "/outcomes", json=one).status_code == 404
    assert theirs.ask("PUT", "/experiment", json=PLAN).status_code == 404
    assert Running(running.url, reader).ask("POST", "/outcomes", json=one).status_code == 403
    assert Running(running.url, "cab_live_x").ask("POST", "/outcomes", json=one).status_code == 401
    assert running.tallies() == before
    # A reader may look.
    assert Running(running.url, reader).tallies() == before


def test_variants_that_are_sent_one_after_another_spoil_it_where_a_look_comes_between(running):
    # Given as many viewers of A as of B, all of A's sent first
    units = [f"bulk-{n}" for n in range(260)]
    running.send(*(an_outcome(each, each, "A") for each in units[:130]))
    # When somebody looks before those of B are there
    first = running.ask("GET", "/verdict").json()
    assert (first["state"], first["reason"]) == ("invalid_srm", "shares")
    # Then the others change it no more
    assert (
        running.send(*(an_outcome(each, each, "B") for each in units[130:])) == ["accepted"] * 130
    )
    assert running.ask("GET", "/verdict").json() == first
    assert running.ask("GET", "/experiment").json()["status"] == "decided"


def test_variants_that_are_sent_mixed_may_be_looked_at_at_any_time(running):
    units = [f"bulk-{n}" for n in range(200)]
    for start in range(0, 200, 20):
        some = units[start : start + 20]
        running.send(*(an_outcome(each, each, "AB"[n % 2]) for n, each in enumerate(some)))
        assert running.ask("GET", "/verdict").json()["state"] == "collecting"
    assert sum(each["exposed"] for each in running.tallies()) >= 200
