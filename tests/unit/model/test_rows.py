"""Names of rows tell the kind of work and the job it belongs to."""

from __future__ import annotations

import pytest

from service.model.job import clip_rows, cut_rows
from service.model.lifecycle import RowKind
from service.model.rows import (
    clip_row,
    cut_row,
    delivery_row,
    event_row,
    finish_row,
    is_delivery_id,
    row_id,
    row_kind,
    token_row,
)
from tests.builders import a_spec


@pytest.mark.parametrize(
    ("row", "kind", "name"),
    [
        (clip_row("job_1", 2), RowKind.CLIP, "job_1.2"),
        (cut_row("job_1", 0, "B", 3), RowKind.CUT, "job_1.0.B.3"),
        (finish_row("job_1"), RowKind.FINISH, "job_1"),
        (event_row("job_1", 7), RowKind.EVENT, "job_1.7"),
        (delivery_row("job_1", 7, "job"), RowKind.DELIVERY, "job_1.7.job"),
        (token_row("acc_1"), RowKind.TOKEN, "acc_1"),
    ],
)
def test_a_row_tells_its_kind_and_id(row, kind, name):
    assert (row_kind(row), row_id(row)) == (kind, name)


@pytest.mark.parametrize("text", ["", "cut", "Cut:1", "job:1", ":1"])
def test_what_is_no_row_is_told(text):
    if text == "cut":
        assert row_id(text) == ""
    else:
        with pytest.raises(ValueError, match=r".+"):
            row_kind(text)


def test_the_rows_of_a_job_are_by_clip_then_by_variant():
    spec = a_spec(clips=2)
    assert clip_rows("j", spec) == ["clip:j.0", "clip:j.1"]
    assert cut_rows("j", spec) == ["cut:j.0.A.1", "cut:j.0.B.1", "cut:j.1.A.1", "cut:j.1.B.1"]


ENDPOINT = "whe_" + "1" * 26
JOB, NOTICE = "job_" + "2" * 26, "evt_" + "3" * 26


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (f"{JOB}.7.{ENDPOINT}", True),
        (f"{NOTICE}.0.{ENDPOINT}", True),
        (f"{JOB}.7.job", False),
        (f"{JOB}.7.whe_" + "4" * 26, False),
        (f"{JOB}.x.{ENDPOINT}", False),
        (f"{JOB}.7.8.{ENDPOINT}", False),
        (f"{JOB}:rows.7.{ENDPOINT}", False),
        (f"{JOB}.7.{ENDPOINT}\n", False),
        (ENDPOINT, False),
        ("", False),
    ],
)
def test_only_a_delivery_to_this_endpoint_is_one(text, named):
    assert is_delivery_id(text, ENDPOINT) is named
