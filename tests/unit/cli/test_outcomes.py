"""A file of outcomes: checked as a whole before anything is sent, and what is told of it."""

from __future__ import annotations

import io
import json
import resource

import pytest

from cli.client import Problem
from cli.main import main
from cli.outcome_rows import Fault, Row, read_rows
from cli.outcomes import Tally, batches, open_table, pile_rows, rows_of
from cli.piles import Piles


def rows(count: int) -> list[Row]:
    return [Row(n + 2, {"event_id": f"e{n}"}) for n in range(count)]


def import_file(path) -> int:
    # (nothing listens there: a request would be told as such)
    return main(["outcomes", "job_1", str(path), "--key", "k", "--url", "http://127.0.0.1:9"])


@pytest.fixture(autouse=True)
def no_handlers(monkeypatch):
    monkeypatch.setattr("signal.signal", lambda *_: None)


class TestCheck:
    def test_every_faulty_line_is_told_and_nothing_is_sent(self, tmp_path, capsys):
        # Given a file with two faulty lines, one of them behind the first thousand
        path = tmp_path / "o.csv"
        good = "".join(f"u{n},A\n" for n in range(1500))
        path.write_text(f"unit_id,variant\n,A\n{good}u,\n", encoding="utf-8")
        # When it is imported
        assert import_file(path) == 1
        # Then both are told, and nobody was asked
        assert capsys.readouterr().err.splitlines() == [
            f"error: {path} cannot be sent as it is, and nothing of it was.",
            "  line 2: unit_id is empty.",
            "  line 1503: variant is empty.",
            "  Correct it and run this again.",
        ]

    def test_of_many_faults_the_first_are_told(self):
        with Piles() as piles, pytest.raises(Problem) as caught:
            pile_rows([Fault(n, "x") for n in range(25)], piles, "o.csv")
        assert len(caught.value.fields) == 20
        assert caught.value.hint.startswith("5 more lines are wrong.")

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (b"unit_id,variant\r\n", "has no rows"),
            (b"", "line 1: The file is empty."),
            (b"\xff\xfe\x00", "line 1: It is no UTF-16 text"),
            (b"\x1f\x8b\x08\x00\x00", "line 1: "),
            (b"unit_id,variant\nM\xfcller,A\n", "line 2: unit_id is no UTF-8 text"),
        ],
    )
    def test_what_is_no_table_is_told(self, tmp_path, capsys, data, said):
        path = tmp_path / "o.csv"
        path.write_bytes(data)
        assert import_file(path) == 1
        assert said in capsys.readouterr().err

    def test_a_file_that_is_not_there_is_told(self, tmp_path, capsys):
        assert import_file(tmp_path / "none.csv") == 1
        assert "none.csv cannot be read: No such file or directory." in capsys.readouterr().err

    @pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_codings_of_table_programs_are_read(self, tmp_path, coding):
        path = tmp_path / "o.csv"
        path.write_bytes("unit_id\tvariant\r\n你好\tA\r\n".encode(coding))
        with Piles() as piles:
            with open_table(path) as table:
                assert pile_rows(rows_of(table), piles, "o.csv") == 1
            [row] = piles.take()
        assert row.item["unit_id"] == "你好"

    def test_a_file_for_which_there_is_no_room_is_told(self, tmp_path, capsys):
        # Given a file, where no program may write one as large
        path = tmp_path / "o.csv"
        path.write_text("unit_id,variant\n" + "".join(f"u{n},A\n" for n in range(5000)))
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
        # When it is imported
        try:
            code = import_file(path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        # Then that is told, and how to help it
        assert code == 1
        assert capsys.readouterr().err.splitlines() == [
            f"error: {path} cannot be laid aside for sending: File too large.",
            "  It takes a few times the room of the file. TMPDIR names another folder.",
        ]


class TestBatches:
    def test_rows_go_in_thousands(self):
        assert [len(each) for each in batches(iter(rows(2500)))] == [1000, 1000, 500]
        assert list(batches(iter([]))) == []

    def test_long_rows_go_in_smaller_groups_of_what_a_request_may_have(self):
        # Given ids of 200 Chinese characters, each of them six bytes of JSON
        long = [Row(n, {"event_id": "长" * 200, "unit_id": "长" * 200}) for n in range(1000)]
        groups = list(batches(iter(long)))
        # Then no request is too large, none empty, and no row lost
        sizes = [len(json.dumps({"outcomes": [row.item for row in each]})) for each in groups]
        assert max(sizes) <= 1_000_000
        assert [row for each in groups for row in each] == long
        assert len(groups) == 3


class TestTally:
    def test_rejected_rows_are_told_with_their_lines(self):
        # Given a file and what the API says of its rows
        text = "unit_id,variant,event_id\nu1,A,\nu2,X,e2\n\nu3,A,e3\n"
        batch = list(read_rows(io.StringIO(text)))
        rejected = {"status": "rejected", "reason": "unknown_variant", "detail": "No such."}
        tally = Tally()
        lines = list(tally.note(batch, [{"status": "accepted"}, rejected, {"status": "duplicate"}]))
        # Then the line is that of the file, and the sum has all of them
        assert lines == ["line 3: unknown_variant: No such."]
        summed, noted = tally.tell()
        assert summed == "Rows: 3, of which 1 counted, 1 counted before, 1 rejected."
        assert noted.startswith("Without event_id: 1. Each got one from its cells")

    def test_rejected_rows_of_a_batch_are_told_in_the_order_of_the_file(self):
        # Given a batch in which rows of two variants are mixed
        batch = [Row(line, {"event_id": f"e{line}"}) for line in (2, 9, 3, 10)]
        answer = {"status": "rejected", "reason": "invalid", "detail": "No."}
        lines = list(Tally().note(batch, [answer] * 4))
        assert [line.split(":")[0] for line in lines] == ["line 2", "line 3", "line 9", "line 10"]

    def test_words_of_a_file_do_not_move_the_cursor(self):
        answer = {"status": "rejected", "reason": "unknown_metric", "detail": "No 'a\x1b[2Jb'."}
        assert list(Tally().note(rows(1), [answer])) == ["line 2: unknown_metric: No 'a [2Jb'."]

    @pytest.mark.parametrize(
        ("pointer", "told"),
        [
            ("#/outcomes/0/seconds", "seconds: No."),
            ("#/outcomes/0/metrics/watch/sxx", "watch.sxx: No."),
            ("#/outcomes/0", "No."),
        ],
    )
    def test_of_a_value_that_is_wrong_the_column_is_told(self, pointer, told):
        wrong = {"status": "rejected", "reason": "invalid", "pointer": pointer, "detail": "No."}
        assert list(Tally().note(rows(1), [wrong])) == [f"line 2: invalid: {told}"]

    def test_of_many_the_first_are_told_and_the_others_counted(self):
        tally = Tally()
        no, late = (
            {"status": "rejected", "reason": why, "detail": "."} for why in ("invalid", "in_future")
        )
        assert len(list(tally.note(rows(30), [no] * 18 + [late] * 12))) == 20
        assert list(tally.tell())[1] == (
            "Rejected: 18 invalid, 12 in_future; the first 20 are told above."
        )
