"""Outcomes on a real Valkey: what is counted once, refused, taken back, capped, never spoiled."""

from __future__ import annotations

import pytest

from service.experiments.intake import read_experiment
from service.experiments.ledger import take_snapshot
from service.experiments.metrics import COUNTER_MAX, Mean, Proportion, Ratio
from service.experiments.outcomes import MOST_OF_UNIT
from service.store.experiments import ExperimentStore
from tests.integration.store.test_experiments import attach, send
from tests.outcomes import a_batch, an_outcome, figures


class Counted:
    """An experiment that is filled, and its sums."""

    def __init__(self, store, **settings) -> None:
        self.store = store.with_settings(**settings) if settings else store
        self.experiments = ExperimentStore(self.store.connection, self.store.settings)
        self.job_id = store.accept().id
        attach(self.store, self.experiments, self.job_id)

    def send(self, *items) -> list[str]:
        return send(self.store, self.experiments, self.job_id, *items)

    @property
    def snapshot(self):
        book = read_experiment(self.experiments, self.job_id)
        return take_snapshot(book, now_ms=self.store.now_ms)

    def sums(self, metric: str, arm: int = 0):
        return self.snapshot.tallies[arm].sums[metric]

    @property
    def fields(self) -> dict[str, str]:
        return self.store.client.hgetall(f"cab:job:{self.job_id}:experiment")


def without_zeros(fields: dict[str, str]) -> dict[str, str]:
    """A counter that was never counted is 0."""
    return {name: value for name, value in fields.items() if value != "0"}


@pytest.fixture
def counted(store) -> Counted:
    return Counted(store)


def test_a_unit_is_in_every_metric_of_its_variant(counted):
    counted.send(
        an_outcome("1", "u"),
        an_outcome("2", "v", metric="clicks"),
        an_outcome("3", "w", metric="watch", value=500),
        an_outcome("4", "w", metric="watch", value=700),
        an_outcome("5", "x", "B", metric="per_view", value=900, count=2),
    )
    assert counted.snapshot.tallies[0].exposed == 3
    assert counted.sums("clicks") == Proportion(3, 1)
    assert counted.sums("watch") == Mean(3, 1200, 1200**2)
    assert counted.sums("per_view", 1) == Ratio(1, 900, 900**2, 2, 4, 1800)


def test_an_event_counts_once_and_its_id_is_for_one_content(counted):
    first = an_outcome("1", "u", metric="watch", value=500)
    assert counted.send(first, first) == ["accepted", "duplicate"]
    before = counted.fields
    assert counted.send(first, {**first, "value": 501}) == ["duplicate", "event_id_reused"]
    assert counted.fields == before


def test_the_first_variant_of_a_unit_wins_and_the_unit_is_noted_once(counted):
    counted.send(an_outcome("1", "u", "B", metric="clicks"))
    said = counted.send(*(an_outcome(f"a{n}", "u", "A", metric="clicks") for n in range(3)))
    assert said == ["unit_in_two_variants"] * 3
    assert counted.snapshot.multiple == 1
    assert counted.sums("clicks", 0) == Proportion(0, 0)
    assert counted.send(an_outcome("2", "u", "B", metric="clicks")) == ["accepted"]
    assert counted.sums("clicks", 1) == Proportion(1, 1)


def test_a_click_taken_back_is_none(counted):
    click = an_outcome("1", "u", metric="clicks")
    back = an_outcome("2", "u", metric="clicks", value=-1, correction=True)
    assert counted.send(click, back) == ["accepted"] * 2
    assert counted.sums("clicks") == Proportion(1, 0)


def test_a_viewer_with_too_many_impressions_counts_as_fifty_with_its_average(counted):
    for part in range(2):
        counted.send(
            *(
                an_outcome(f"{part}.{n}", "bot", metric="per_view", value=100, count=1)
                for n in range(100)
            )
        )
    assert counted.sums("per_view") == Ratio(1, 5000, 5000**2, 50, 2500, 250_000)


def test_watch_time_before_its_impression_waits_for_it(counted):
    counted.send(an_outcome("1", "u", metric="per_view", value=100))
    assert counted.sums("per_view") == Ratio(1)
    counted.send(an_outcome("2", "u", metric="per_view", count=1))
    assert counted.sums("per_view") == Ratio(1, 100, 10_000, 1, 1, 100)


def test_the_largest_unit_has_an_exact_square(counted):
    counted.send(an_outcome("1", "u", metric="spent", value=MOST_OF_UNIT - 1))
    assert counted.sums("spent").s2 == (MOST_OF_UNIT - 1) ** 2
    counted.send(an_outcome("2", "u", metric="spent", value=2))
    assert counted.sums("spent") == Mean(1, MOST_OF_UNIT, MOST_OF_UNIT**2)
    counted.send(an_outcome("3", "u", metric="spent", value=-2, correction=True))
    assert counted.sums("spent") == Mean(1, MOST_OF_UNIT - 1, (MOST_OF_UNIT - 1) ** 2)


def test_squares_of_many_in_one_batch_add_up_exactly(counted):
    total = 7 * MOST_OF_UNIT**2
    assert int(float(total)) != total
    said = counted.send(
        *(an_outcome(f"{n}", f"u{n}", metric="spent", value=MOST_OF_UNIT) for n in range(7))
    )
    assert said == ["accepted"] * 7
    assert counted.sums("spent") == Mean(7, 7 * MOST_OF_UNIT, total)


def test_a_counter_fills_up_to_its_last_bit_by_viewers_alone(counted):
    # Given more than so many of the largest values than a counter can hold, in batches
    most, sent = COUNTER_MAX // MOST_OF_UNIT**2, 0
    while sent < most + 300:
        count = min(1000, most + 300 - sent)
        said = counted.send(
            *(
                an_outcome(f"{n}", f"u{n}", metric="spent", value=MOST_OF_UNIT)
                for n in range(sent, sent + count)
            )
        )
        # When it is full, then the rest is refused one by one
        room = min(count, max(0, most - sent))
        assert said == ["accepted"] * room + ["counter_overflow"] * (count - room)
        sent += count
    assert counted.sums("spent") == Mean(most, most * MOST_OF_UNIT, most * MOST_OF_UNIT**2)


def test_sums_beyond_what_a_double_holds_stay_exact(counted):
    odd = 2**53 + 1
    assert int(float(odd)) != odd
    for squares in (odd, COUNTER_MAX - 2 - odd):
        batch = a_batch(str(squares), 10, metrics={"spent": {"sum": 3, "sum_squares": squares}})
        assert counted.send(batch) == ["accepted"]
        assert counted.sums("spent").s2 in {odd, COUNTER_MAX - 2}
    assert counted.send(an_outcome("1", "u", metric="spent", value=1)) == ["accepted"]
    assert counted.sums("spent") == Mean(21, 7, COUNTER_MAX - 1)


def test_a_sum_of_more_than_64_bits_is_refused_with_all_sums_intact(counted):
    # Given a sum that is one below the largest
    full = {"spent": {"sum": 3, "sum_squares": COUNTER_MAX - 1}}
    counted.send(a_batch("1", 10, metrics=full))
    before = counted.fields
    # When an event and a batch come that would go beyond, in the last of their counters
    said = counted.send(
        an_outcome("1", "u", metric="spent", value=2),
        a_batch("2", 10, metrics={"clicks": {"s": 1}, "spent": {"sum": 3, "sum_squares": 2}}),
        figures(1, 10, metrics={"spent": {"sum": 3, "sum_squares": 2}}),
    )
    # Then they are refused, nothing is half done, and the experiment says what happened
    assert said == ["counter_overflow"] * 3
    assert without_zeros(counted.fields) == {**without_zeros(before), "overflowed": "1"}
    assert counted.snapshot.overflowed
    # And what still fits is counted.
    assert counted.send(an_outcome("1", "u", metric="spent", value=1)) == ["accepted"]
    assert counted.sums("spent").s2 == COUNTER_MAX


def test_a_batch_counts_once_and_can_be_taken_back(counted):
    one = a_batch("1", 10, metrics={"clicks": {"s": 4}})
    assert counted.send(one, one, {**one, "units": 11}) == [
        "accepted",
        "duplicate",
        "batch_id_reused",
    ]
    back = a_batch("2", -3, metrics={"clicks": {"s": -1}}, correction=True)
    assert counted.send(back) == ["accepted"]
    assert counted.sums("clicks") == Proportion(7, 3)
    assert counted.snapshot.tallies[0].exposed == 7
    assert counted.snapshot.independent


def test_one_request_may_take_back_what_it_has_just_brought(counted):
    click = an_outcome("1", "u", metric="clicks")
    back = a_batch("2", 0, metrics={"clicks": {"s": -1}}, correction=True)
    again = an_outcome("3", "u", metric="clicks", value=-1, correction=True)
    assert counted.send(click, back, again) == ["accepted", "accepted", "below_zero"]
    assert counted.sums("clicks") == Proportion(1, 0)


def test_more_than_there_is_cannot_be_taken_back(counted):
    counted.send(a_batch("1", 10, metrics={"clicks": {"s": 4}}))
    before = counted.fields
    back = a_batch("2", -1, metrics={"clicks": {"s": -5}}, correction=True)
    assert counted.send(back) == ["below_zero"]
    assert counted.fields == before
    assert counted.sums("clicks") == Proportion(10, 4)


def test_figures_of_a_source_replace_what_it_said_before(counted):
    counted.send(an_outcome("1", "u", metric="clicks"))
    assert counted.send(figures(1, 10, metrics={"clicks": {"s": 4}})) == ["accepted"]
    assert counted.send(figures(2, 30, metrics={"clicks": {"s": 9}})) == ["accepted"]
    assert counted.sums("clicks") == Proportion(31, 10)
    assert counted.send(figures(2, 30, metrics={"clicks": {"s": 9}})) == ["duplicate"]
    assert counted.send(figures(2, 31, metrics={"clicks": {"s": 9}})) == ["revision_reused"]
    assert counted.send(figures(1, 10, metrics={"clicks": {"s": 4}})) == ["revision_is_old"]
    assert counted.sums("clicks") == Proportion(31, 10)


def test_figures_decrease_only_as_a_correction(counted):
    counted.send(figures(1, 10, metrics={"clicks": {"s": 9}}))
    less, without = figures(2, 10, metrics={"clicks": {"s": 8}}), figures(3, 10)
    assert counted.send(less, without) == ["decreased", "decreased"]
    assert counted.send({**less, "correction": True}) == ["accepted"]
    assert counted.sums("clicks") == Proportion(10, 8)
    assert counted.send({**without, "correction": True}) == ["accepted"]
    assert counted.sums("clicks") == Proportion(0, 0)
    assert counted.snapshot.tallies[0].exposed == 10


def test_revisions_are_told_apart_beyond_what_a_double_holds(counted):
    assert counted.send(figures(2**53 - 1, 10), figures(2**53, 12)) == ["accepted"] * 2
    assert counted.send(figures(2**53 - 1, 10)) == ["revision_is_old"]
    assert counted.snapshot.tallies[0].exposed == 12


def test_sources_and_variants_are_apart(counted):
    counted.send(figures(1, 10), figures(1, 20, "B"), {**figures(1, 5), "source": "other"})
    assert [each.exposed for each in counted.snapshot.tallies] == [15, 20]


def test_a_bound_in_place_of_squares_is_told_until_it_is_replaced(counted):
    counted.send(figures(1, 10, metrics={"watch": {"sum": 40}}))
    assert counted.sums("watch") == Mean(10, 40, 120_000, bounded=True)
    measured = figures(2, 10, metrics={"watch": {"sum": 40, "sum_squares": 200}}, correction=True)
    counted.send(measured)
    assert counted.sums("watch") == Mean(10, 40, 200)


def test_a_faulty_item_keeps_no_other_from_being_counted(counted):
    said = counted.send(
        an_outcome("1", "u", metric="watch", value=-1),
        an_outcome("2", "v"),
        7,
        an_outcome("3", "w"),
    )
    assert said == ["negative_value", "accepted", "invalid", "accepted"]
    assert counted.snapshot.units == 2


def test_more_than_a_chunk_is_answered_in_its_order(counted):
    items = [an_outcome(str(n), f"u{n}") for n in range(1000)]
    items[501] = items[3]
    items[777] = an_outcome("x", "u", "Z")
    said = counted.send(*items)
    assert (said[501], said[777]) == ("duplicate", "unknown_variant")
    assert said.count("accepted") == 998
