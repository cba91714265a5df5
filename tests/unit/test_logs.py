"""Logs are JSON lines with the fields that were given."""

from __future__ import annotations

import json
import logging
import threading

from service.logs import JsonLines, about, begin_anew, learn


def line(**extra):
    record = logging.makeLogRecord(
        {"name": "service.jobs", "levelname": "INFO", "msg": "step_failed", **extra}
    )
    return json.loads(JsonLines().format(record))


def test_extra_fields_stand_beside_the_fixed_ones():
    # Given a record with fields of its own
    body = line(row="cut:job_1.0.A.1", code="outbound_timeout")
    # Then the line has them, and the job that the row belongs to
    assert body["event"] == "step_failed"
    assert body["code"] == "outbound_timeout"
    assert body["job"] == "job_1"


def test_every_line_is_one_line():
    # Given a message and a field with line breaks
    text = JsonLines().format(logging.makeLogRecord({"msg": "a\nb", "why": "c\nd"}))
    # Then it is still one line of JSON
    assert "\n" not in text
    assert json.loads(text)["why"] == "c\nd"


def test_exception_is_told():
    error = ValueError("seen")
    record = logging.makeLogRecord({"msg": "row_broken", "exc_info": (ValueError, error, None)})
    assert "ValueError: seen" in json.loads(JsonLines().format(record))["trace"]


class TestSubject:
    def test_lines_say_what_the_work_is_about_as_it_becomes_known(self):
        # Given work on a row whose request becomes known on the way
        with about(row="cut:job_1.0.A.1"):
            assert "request_id" not in line()
            learn(request_id="order-4711", job=None)
            body = line(code="expired")
        # Then its lines have both, and what follows has neither
        assert (body["request_id"], body["cut"]) == ("order-4711", "job_1.0.A.1")
        assert body["code"] == "expired"
        assert not {"row", "request_id"} & set(line())

    def test_work_beside_it_is_about_something_else(self):
        seen = []
        with about(row="cut:job_1.0.A.1"):
            learn(request_id="order-4711")
            other = threading.Thread(target=lambda: seen.append(line()))
            other.start()
            other.join()
        assert "request_id" not in seen[0]

    def test_a_new_request_in_the_same_greenlet_begins_anew(self):
        with about():
            begin_anew()
            learn(request_id="first")
            begin_anew()
            assert "request_id" not in line()

    def test_a_token_row_is_no_job(self):
        assert "job" not in line(row="token:acc_1")

    def test_only_a_cut_names_a_cut(self):
        body = line(row="delivery:job_1.7.job")
        assert body["job"] == "job_1"
        assert "cut" not in body
