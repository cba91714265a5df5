"""Rows of a file by their variants: each taken once, mixed by their shares."""

from __future__ import annotations

import io
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.outcome_rows import Row, read_rows
from cli.piles import MOST_PILES, Piles
from service.experiments.srm import is_mismatched, log_p_value

runs = st.lists(st.tuples(st.sampled_from("ABCDEFGH"), st.integers(1, 200)), max_size=12)


def table(runs: list[tuple[str, int]]) -> list[Row]:
    """Rows of a file: a variant, and how many rows of it stand together."""
    labels = "".join(label * count for label, count in runs)
    return [Row(n, {"variant": label}) for n, label in enumerate(labels)]


def mix(rows: list[Row]) -> list[Row]:
    with Piles() as piles:
        for row in rows:
            piles.add(row)
        piles.flush()
        return list(piles.take())


def variant_of(row: Row) -> str:
    return str(row.item["variant"])


class TestInterleave:
    @given(runs)
    def test_wherever_one_stops_no_variant_is_far_from_its_share(self, runs):
        # Given a file in which rows of a variant may stand together
        rows = table(runs)
        counts = Counter(map(variant_of, rows))
        # When its rows are mixed
        taken: Counter[str] = Counter()
        for most, row in enumerate(mix(rows), 1):
            taken[variant_of(row)] += 1
            # Then the taken ones are hardly less likely by the shares than they can be at all
            due = {each: most * count / len(rows) for each, count in counts.items()}
            apart = sum((taken[each] - due[each]) ** 2 / due[each] for each in counts)
            few = all(abs(taken[each] - due[each]) <= len(counts) for each in counts)
            assert few or apart <= 9 + 1e-6
        assert taken == counts

    @given(st.lists(st.integers(100, 900), min_size=2, max_size=8))
    def test_the_test_of_shares_finds_nothing_on_the_way_through_a_sorted_file(self, counts):
        rows = table([("ABCDEFGH"[n], count) for n, count in enumerate(counts)])
        weights, taken = [each / len(rows) for each in counts], [0] * len(counts)
        for most, row in enumerate(mix(rows), 1):
            taken["ABCDEFGH".index(variant_of(row))] += 1
            if most % 50 == 0:
                assert not is_mismatched(log_p_value(taken, weights), most)

    @pytest.mark.parametrize("together", ["metric", "variant"])
    def test_viewers_keep_their_shares_where_one_variant_has_more_rows(self, together):
        # Given 20,000 viewers of each variant, of whom those of B click twice as often
        seen = [(label, "") for _ in range(20_000) for label in "AB"]
        clicked = [(label, "clicks") for _ in range(2000) for label in "ABB"]
        # When what they did stands behind all who came, or behind those of their variant
        cells = seen + clicked
        if together == "variant":
            cells.sort(key=lambda each: each[0])
        rows = [Row(n, {"variant": a, "metric": b}) for n, (a, b) in enumerate(cells)]
        # Then no look at who came finds wrong shares
        came = [0, 0]
        for row in mix(rows):
            came["AB".index(variant_of(row))] += row.item["metric"] == ""
            assert not is_mismatched(log_p_value(came, [1, 1]), sum(came))

    def test_a_file_that_is_mixed_keeps_its_order(self):
        # Given a file of 20,000 rows in which the variants take turns as they come
        drawn = random.Random(5)
        rows = table([(drawn.choice("AB"), 1) for _ in range(20_000)])
        # When its rows are mixed; then each stands where it stood, or near
        moved = [abs(row.line - place) for place, row in enumerate(mix(rows))]
        assert max(moved) < 1000
        assert moved.count(0) > 18_000


class TestPiles:
    @given(st.lists(st.sampled_from("ABC"), max_size=60), st.booleans())
    def test_each_row_is_taken_once_in_the_order_of_its_variant(self, labels, derived):
        rows = [
            Row(n, {"variant": each, "seconds": n / 3, "unit_id": "你\n\ud83c"}, derived)
            for n, each in enumerate(labels, 2)
        ]
        found = mix(rows)
        # Then those of a variant are as they were, and none is lost or there twice
        for label in "ABC":
            assert [each for each in found if variant_of(each) == label] == [
                each for each in rows if variant_of(each) == label
            ]
        assert len(found) == len(rows)

    def test_rows_of_a_sorted_file_keep_their_lines_and_the_ids_made_for_them(self):
        # Given a file without ids, sorted by variant, with rows that are equal
        text = "unit_id,variant\n" + "u1,A\n" * 50 + "u2,B\n" * 50
        rows = list(read_rows(io.StringIO(text)))
        # When its rows are mixed
        found = mix(rows)
        # Then they stand otherwise, and each is the one of its line
        assert found != rows
        assert sorted(found, key=lambda each: each.line) == rows

    @pytest.mark.parametrize("names", [MOST_PILES, MOST_PILES + 1, 500])
    def test_however_many_names_there_are_all_rows_are_taken(self, names):
        # (a column of other things may stand where the variant should)
        rows = [Row(n, {"variant": f"v{n % names}"}) for n in range(1000)]
        found = mix(rows)
        assert Counter(each.line for each in found) == Counter(range(1000))

    def test_figures_of_a_source_keep_their_order(self):
        rows = [
            Row(n, {"variant": each, "source": "board", "revision": n, "units": n})
            for n, each in enumerate("A" * 40 + "B" * 20, 1)
        ]
        found = mix(rows)
        assert found != rows
        for label in "AB":
            revisions = [each.item["revision"] for each in found if variant_of(each) == label]
            assert revisions == sorted(revisions)
