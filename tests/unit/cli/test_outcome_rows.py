"""A CSV file of outcomes, read as the API takes them."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.outcome_rows import Fault, Row, read_rows

VIEWERS = "event_id,unit_id,variant,metric,value,seconds,count,occurred_at,correction"

# (Python's own writer leaves a lone CR without quotes)
letters = st.characters(exclude_categories=["Cs"], exclude_characters="\r")
texts = st.text(letters, min_size=1, max_size=12).filter(str.strip)
moments = st.datetimes(timezones=st.timezones()).map(lambda each: each.isoformat())
viewer = st.fixed_dictionaries(
    {"event_id": texts, "unit_id": texts, "variant": texts},
    optional={
        "metric": texts,
        "value": st.integers(-(10**12), 10**12),
        "seconds": st.decimals(-1000, 1000, places=2).map(float),
        "count": st.integers(0, 99),
        "occurred_at": moments,
        "correction": st.booleans(),
    },
)
WITHOUT_ID = "unit_id,variant,metric,seconds\nu1,A,watch,3\nu2,B,watch,4\nu1,A,watch,3.0"


def read(text: str) -> list[Row | Fault]:
    return list(read_rows(io.StringIO(text, newline="")))


def items(text: str) -> list[dict]:
    found = read(text)
    assert not [each for each in found if isinstance(each, Fault)]
    return [dict(each.item) for each in found]


def named(text: str) -> dict[str, tuple]:
    """What the rows of a file say, by their ids."""
    return {each.pop("event_id"): tuple(each.items()) for each in items(text)}


def fault(text: str) -> tuple[int, str]:
    [found] = [each for each in read(text) if isinstance(each, Fault)]
    return found.line, found.detail


class TestForms:
    @given(
        st.lists(viewer, min_size=1, max_size=8),
        st.sampled_from(",;\t"),
        st.sampled_from(["\r\n", "\n"]),
        st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        st.sampled_from(["", "\ufeff"]),
        st.permutations(VIEWERS.split(",")),
    )
    def test_what_any_program_has_written_is_read_as_it_was(
        self, rows, delimiter, end, quoting, mark, columns
    ):
        out = io.StringIO(newline="")
        writer = csv.DictWriter(
            out, columns, delimiter=delimiter, lineterminator=end, quoting=quoting
        )
        writer.writeheader()
        writer.writerows(rows)
        assert items(mark + out.getvalue()) == rows

    def test_empty_cells_are_left_out_and_empty_lines_and_columns_are_none(self):
        assert items("unit_id,variant,event_id,metric,,\r\n\r\nu1,A,e1,,,\n,,,,,\nu2,B,e2,x\n") == [
            {"unit_id": "u1", "variant": "A", "event_id": "e1"},
            {"unit_id": "u2", "variant": "B", "event_id": "e2", "metric": "x"},
        ]

    def test_a_file_of_excel_with_semicolons_has_commas_in_its_numbers(self):
        text = 'sep=;\r\nevent_id;unit_id;variant;metric;seconds\r\n"e;1";u1;A;watch;3,5\r\n'
        assert items(text) == [
            {"event_id": "e;1", "unit_id": "u1", "variant": "A", "metric": "watch", "seconds": 3.5}
        ]

    def test_whole_numbers_that_became_decimal_are_whole(self):
        text = "event_id,unit_id,variant,metric,value\ne1,u1,A,clicked,1.0\n"
        assert items(text)[0]["value"] == 1

    def test_figures_of_many_units_have_their_sums_by_metric(self):
        text = (
            "source,revision,variant,units,per,finished.s,watch.time.sx,watch.time.sxx\n"
            "board,3,A,9223372036854775807,viewer,40,,7\n"
        )
        assert items(text) == [
            {
                "source": "board",
                "revision": 3,
                "variant": "A",
                "units": 9223372036854775807,
                "per": "viewer",
                "metrics": {"finished": {"s": 40}, "watch.time": {"sxx": 7}},
            }
        ]


class TestIds:
    def test_a_row_without_id_has_the_same_one_each_time_and_equal_rows_are_two(self):
        first, again = read(WITHOUT_ID), read(WITHOUT_ID)
        assert first == again
        assert all(each.derived for each in first)
        assert len({each.item["event_id"] for each in first}) == 3

    @given(st.permutations(WITHOUT_ID.splitlines()[1:]), st.integers(0, 3))
    def test_neither_order_nor_more_rows_change_ids(self, rows, at):
        # Given the same rows in another order, with another one between
        head, *usual = WITHOUT_ID.splitlines()
        rows = [*rows[:at], "u3,B,watch,1", *rows[at:]]
        found = named("\n".join([head, *rows]))
        # Then each row of before has the id that it had, and there is one more
        before = named("\n".join([head, *usual]))
        assert before.items() < found.items()
        assert len(found) == len(before) + 1

    def test_an_id_of_the_file_is_kept(self):
        [row] = read("event_id,unit_id,variant\n 7 ,u1,A\n")
        assert (row.item["event_id"], row.derived) == (" 7 ", False)


class TestFaults:
    @pytest.mark.parametrize(
        ("text", "line", "said"),
        [
            ("", 1, "The file is empty."),
            ("\ufeff\n\n", 1, "The file is empty."),
            ("unit_id,varient\n", 1, "The column 'varient' is unknown. Is variant meant?"),
            ("unit_id,variant,unit_id\n", 1, "The column 'unit_id' is there twice."),
            ("event_id,variant\ne,A\n", 1, "There is no column unit_id."),
            ("units,batch_id\n1,2\n", 1, "There is no column variant."),
            ("units,variant,finished.total\n", 1, "The column 'finished.total' is unknown."),
            ("units,variant,.s\n", 1, "The column '.s' is unknown."),
            ("units,variant\n5,A\n", 2, "It needs a batch_id, or source and revision."),
            ("units,variant,source\n5,A,x\n", 2, "It needs a batch_id, or source and revision."),
            ("units,variant,batch_id\n,A,x\n", 2, "units is empty."),
            ("\nunit_id,variant\nu1,A\n\n,B\n", 5, "unit_id is empty."),
            ("unit_id,variant\nu1,A,,7\n", 2, "The cell '7' has no column"),
            ("unit_id,,variant\nu1,7,A\n", 2, "The cell '7' has no column"),
            ('unit_id,variant\n"u\n1",A\nu2,"A\n', 4, "Is a quote not closed?"),
            ('unit_id,variant\n"u1"x,A\nu2,A', 2, "Is a quote not closed?"),
            ("unit_id,variant\nu\udcff,A\n", 2, "unit_id is no UTF-8 text"),
            ("unit_id,variant,value\nu,A,1.5\n", 2, "value must be a whole number, not '1.5'."),
            ('unit_id,variant,value\nu,A,"1,000"\n', 2, "value must be a whole number"),
            ("unit_id;variant;value\nu;A;1.000\n", 2, "value must be a whole number"),
            ("unit_id,variant,value\nu,A,１\n", 2, "value must be a whole number"),
            ('unit_id,variant,seconds\nu,A,"3,5"\n', 2, "seconds must be a number, not '3,5'."),
            ("unit_id,variant,seconds\nu,A,nan\n", 2, "seconds must be a number"),
            ("unit_id,variant,seconds\nu,A,1e3\n", 2, "seconds must be a number"),
            ("unit_id,variant,correction\nu,A,perhaps\n", 2, "correction must be true or false"),
            ("unit_id,variant,occurred_at\nu,A,2026-01-31 12:00\n", 2, "a time with its zone"),
            ("unit_id,variant,occurred_at\nu,A,\x1b[2J\n", 2, "not '?[2J'."),
        ],
    )
    def test_a_fault_is_told_with_its_line(self, text, line, said):
        found = fault(text)
        assert found[0] == line
        assert said in found[1]

    def test_a_faulty_row_keeps_no_other_from_being_read(self):
        found = read("unit_id,variant\n,A\nu2,\nu3,C\n")
        assert [(each.line, type(each)) for each in found] == [(2, Fault), (3, Fault), (4, Row)]

    @given(st.text(st.sampled_from('unit_id,variant;\t"\r\n 1.x\ufeff'), max_size=80))
    def test_any_text_is_read_or_told(self, text):
        lines = len(text) + 1
        assert all(1 <= each.line <= lines for each in read(text))
