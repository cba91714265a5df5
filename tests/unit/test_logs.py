"""Logs are JSON lines with the fields that were given."""

from __future__ import annotations

import json
import logging

from service.logs import JsonLines


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
