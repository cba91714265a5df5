"""A job as the commands show it."""

from __future__ import annotations

import pytest

from cli.client import Problem
from cli.jobs import Changes, captions_of, errors_of, job_request, warnings_of


def a_job(status="running", clip="ready", a="queued", b="queued", **cut):
    return {
        "id": "job_1",
        "status": status,
        "clips": [{"index": 0, "status": clip}],
        "variants": [
            {"label": "A", "cuts": [{"clip": 0, "status": a, **cut}]},
            {"label": "B", "cuts": [{"clip": 0, "status": b}]},
        ],
    }


def seen(changes, job):
    return [(each.what, each.status) for each in changes.since_last(job)]


def test_only_what_has_changed_is_told():
    # Given a job seen once
    changes = Changes()
    assert seen(changes, a_job()) == [
        ("job", "running"), ("clip", "ready"), ("A", "queued"), ("B", "queued"),
    ]  # fmt: skip
    # When one variant goes on; then only that is told, and nothing the next time
    assert seen(changes, a_job(b="captioning")) == [("B", "captioning")]
    assert seen(changes, a_job(b="captioning")) == []


def test_clips_are_numbered_when_there_are_several():
    job = a_job()
    job["clips"].append({"index": 1, "status": "pending"})
    names = [each.what for each in Changes().since_last(job)]
    assert names == ["job", "clip 1", "clip 2", "A 1", "B 1"]


def test_an_error_is_the_note_of_its_unit():
    error = {"code": "expired", "detail": "The deadline passed."}
    [_, _, cut, _] = Changes().since_last(a_job(a="failed", error=error))
    assert cut.note == "The deadline passed."


def test_the_same_error_of_two_cuts_is_told_once():
    error = {"detail": "The clip is text."}
    job = a_job(a="failed", error=error)
    job["variants"][1]["cuts"][0]["error"] = error
    assert list(errors_of(job)) == [error]


def test_warnings_move_no_cursor():
    assert list(warnings_of(a_job(warnings=["\x1b[2Jlost\x9b1A"]))) == ["A:  [2Jlost 1A"]


def test_warnings_of_the_job_and_of_its_cuts_are_told_once():
    job = a_job(warnings=["Late captions.", "Late captions."])
    job["warnings"] = [{"code": "glyphs_missing", "detail": "Anton has no Ж."}] * 2
    assert list(warnings_of(job)) == ["Anton has no Ж.", "A: Late captions."]
    assert list(warnings_of(a_job())) == []


def test_request_has_only_what_was_given():
    # Given no captions; then the request has none, so that the API can say they are needed
    request = job_request("upl_1", None, {"A": "outline", "B": "boxed"})
    assert "captions" not in request
    assert [each["style"]["preset"] for each in request["variants"]] == ["outline", "boxed"]


@pytest.mark.parametrize(
    ("name", "known"),
    [("a.srt", "srt"), ("a.VTT", "vtt"), ("a.ttml", "ttml"), ("a.txt", None), ("a", None)],
)
def test_format_comes_from_a_known_ending(tmp_path, name, known):
    path = tmp_path / name
    path.write_text("Hello", encoding="utf-8-sig")
    assert captions_of(path) == {"text": "Hello", **({"format": known} if known else {})}


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"], ids=["missing", "binary"])
def test_unreadable_captions_are_one_clear_problem(tmp_path, content):
    path = tmp_path / "a.srt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Problem, match=r"a\.srt"):
        captions_of(path)
