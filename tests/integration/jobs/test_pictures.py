"""The pictures of a job that runs through the engine: made, listed, told of, and never its end."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from service.compare import pictures
from service.errors import StoreError
from service.jobs import comparison
from service.jobs.advance import advance
from service.jobs.comparison import read_report
from service.jobs.drafts import keep_draft, name_videos, read_draft
from service.jobs.gallery import find_picture
from service.model.lifecycle import CutState
from service.model.rows import finish_row
from tests.integration.jobs.harness import Killed

NAMES = {"side_by_side", "contact_sheet", "poster_A", "poster_B", "difference"}


def report_of(engine, job):
    return json.loads(read_report(job, engine.services.files))


def progress_of(engine, job):
    events = engine.services.jobs.events(job)
    return [each["data"] for each in events if each["type"] == "job.progress"]


def test_a_job_has_its_pictures_and_says_how_far_they_are(make_engine, small_clip):
    # Given a job whose videos are compared, when it has run,
    engine = make_engine(compare_deadline_s=100.0, public_url="https://ab.example.com/")
    job = engine.submit(small_clip)
    ended = engine.run_job(job)
    assert ended.status == "succeeded"
    # Then its report lists the pictures, with an address each,
    (clip,) = report_of(engine, job)["clips"]
    assert (clip["pictures"]["status"], clip["pictures"]["reason"]) == ("done", None)
    listed = {each["name"]: each for each in clip["pictures"]["files"]}
    assert listed.keys() >= NAMES
    assert listed["poster_A"]["url"] == (
        f"https://ab.example.com/v1/jobs/{job}/comparison/pictures/0/poster_A"
    )
    # and each lies among the job's files as it is listed.
    for name, each in listed.items():
        found = find_picture(job, 0, name, engine.services.files)
        assert (found.size, found.sha256) == (each["size"], each["sha256"])
        assert engine.services.files.size(found.file) == each["size"]
    # And whoever names progress was told of both stages, from beginning to end.
    told = [(each["stage"], each["done"], each["total"]) for each in progress_of(engine, job)]
    assert told[:2] == [("comparing", 0, 1), ("comparing", 1, 1)]
    assert told[2] == ("pictures", 0, len(listed))
    assert told[-1] == ("pictures", len(listed), len(listed))
    # And none of this is in what travels with the job.
    assert "poster_A" not in json.dumps(ended.result)


def test_pictures_that_are_switched_off_leave_the_comparison(make_engine, small_clip):
    engine = make_engine(compare_deadline_s=100.0, pictures_deadline_s=0.0)
    job = engine.submit(small_clip)
    engine.run_job(job)
    (clip,) = report_of(engine, job)["clips"]
    assert clip["pictures"] == {
        "status": "unavailable", "reason": "Pictures are switched off here.", "files": []
    }  # fmt: skip
    assert clip["controlled"] is True


def test_where_nothing_is_measured_nothing_is_pictured(engine, small_clip):
    job = engine.submit(small_clip)
    engine.run_job(job)
    (clip,) = report_of(engine, job)["clips"]
    assert clip["pictures"]["status"] == "unavailable"


def test_a_video_that_is_gone_leaves_the_job_a_success(make_engine, small_clip):
    # Given a job whose finished video is lost before its pictures are made,
    engine = make_engine(compare_deadline_s=100.0)
    job = engine.submit(small_clip)
    for label in "AB":
        engine.run_cut_to(job, label, CutState.SUCCEEDED)
    key = engine.doc(job, "B").result.file
    engine.services.files.delete(key)
    # When it ends, then it has succeeded and says why there are none.
    ended = engine.run_job(job)
    assert ended.status == "succeeded"
    (clip,) = report_of(engine, job)["clips"]
    assert clip["pictures"]["status"] == "unavailable"
    assert clip["pictures"]["reason"] == "One of its videos is not there any more."
    assert ended.result["reason"] == "Clip 1: One of its videos is not there any more."
    # And nobody is told under which name it was kept.
    assert key not in json.dumps([ended.result, clip, engine.services.jobs.events(job)])


def test_progress_that_cannot_be_told_ends_nothing(make_engine, small_clip, monkeypatch):
    # Given a store that refuses every word of progress, when a job runs,
    engine = make_engine(compare_deadline_s=100.0)
    refused = []

    def refuse(*_args, **_options):
        refused.append(1)
        raise StoreError("refused")

    monkeypatch.setattr(type(engine.services.commands), "note", refuse)
    ended = engine.run_job(engine.submit(small_clip))
    # Then it ends as it would have.
    assert refused
    assert ended.status == "succeeded"


@pytest.mark.parametrize("error", [RuntimeError("anything"), MemoryError()])
def test_whatever_goes_wrong_the_job_succeeds(make_engine, small_clip, monkeypatch, error):
    engine = make_engine(compare_deadline_s=100.0)

    def fail(*_args, **_options):
        raise error

    monkeypatch.setattr(pictures, "draw_stills", fail)
    job = engine.submit(small_clip)
    assert engine.run_job(job).status == "succeeded"
    (clip,) = report_of(engine, job)["clips"]
    assert type(error).__name__ in clip["pictures"]["reason"]


def test_a_fault_of_ours_in_the_comparison_is_its_reason_at_once(engine, small_clip, monkeypatch):
    # Given a comparison that always raises what nobody expected,
    tried = []

    def fail(*_args, **_options):
        tried.append(1)
        raise KeyError("anything")

    monkeypatch.setattr("service.jobs.finish.compare", fail)
    # When the job's videos are there, then it ends with them, without being tried again and again,
    ended = engine.run_job(engine.submit(small_clip))
    assert (ended.status, tried) == ("succeeded", [1])
    # and says so.
    assert ended.result["status"] == "unavailable"
    assert ended.result["reason"] == "The videos could not be compared (KeyError)."
    assert ended.result["verdict"]["result"] == "unknown"
    assert ended.result["clips"] == []


def test_what_a_dead_worker_has_measured_is_not_measured_again(
    make_engine, small_clip, monkeypatch
):
    # Given a worker that has measured a job's videos, and is killed while it makes pictures,
    engine = make_engine(compare_deadline_s=100.0)
    job = engine.submit(small_clip)
    measure, draw, measured = comparison.measure_clip, pictures.draw_stills, []

    def count(*args, **options):
        measured.append(1)
        return measure(*args, **options)

    def die(*_args, **_options):
        monkeypatch.setattr(pictures, "draw_stills", draw)
        raise Killed

    monkeypatch.setattr(comparison, "measure_clip", count)
    monkeypatch.setattr(pictures, "draw_stills", die)
    with pytest.raises(Killed):
        engine.run_job(job)
    assert read_report(job, engine.services.files) is None
    # When another one ends the job, then it has its figures and pictures, measured once,
    ended = engine.run_job(job, engine.worker("other"))
    assert (ended.status, ended.result["controlled"], measured) == ("succeeded", True, [1])
    assert report_of(engine, job)["clips"][0]["pictures"]["status"] == "done"
    # and nothing is left of the draft.
    left = [each.key for each in engine.services.files.find_all(f"jobs/{job}")]
    assert not [key for key in left if "draft" in key]


def test_a_draft_of_other_videos_is_not_taken(make_engine, small_clip):
    # Given a job's draft,
    engine = make_engine(compare_deadline_s=100.0)
    job = engine.submit(small_clip)
    engine.run_cut_to(job, "A", CutState.SUCCEEDED)
    clips, cuts = engine.services.jobs.read_units(engine.read(job))
    cuts = [cut for cut in cuts if cut.doc.label == "A"]
    files, videos = engine.services.files, name_videos(clips, cuts)
    keep_draft(job, videos, {"object": "comparison"}, files)
    assert read_draft(job, videos, files) == {"object": "comparison"}
    # When one of its videos is another one, then the draft says nothing of it.
    doc = replace(cuts[0].doc, result=replace(cuts[0].doc.result, sha256="0" * 64))
    other = name_videos(clips, [replace(cuts[0], doc=doc)])
    assert read_draft(job, other, files) is None
    assert name_videos(clips, []) not in {videos, other}


def test_who_has_lost_the_end_of_a_job_makes_no_pictures(make_engine, small_clip, monkeypatch):
    # Given a worker that stands still while it measures, until another one has taken its row,
    engine = make_engine(compare_deadline_s=100.0)
    job, other = engine.submit(small_clip), engine.worker("other")
    for label in "AB":
        engine.run_cut_to(job, label, CutState.SUCCEEDED)
    measure, draw, drawn = comparison.measure_clip, pictures.draw_stills, []

    def stand_still(*args, **options):
        monkeypatch.setattr(comparison, "measure_clip", measure)
        engine.clock.advance(engine.settings.lease_s + engine.settings.lease_grace_s + 1)
        assert advance(finish_row(job), other) is None
        return measure(*args, **options)

    def count(*args):
        drawn.append(engine.read(job).status)
        return draw(*args)

    monkeypatch.setattr(comparison, "measure_clip", stand_still)
    monkeypatch.setattr(pictures, "draw_stills", count)
    # When it goes on, then the job has the other's end, and only the other's pictures.
    assert engine.run_job(job).status == "succeeded"
    assert drawn == ["comparing"]
    assert report_of(engine, job)["clips"][0]["pictures"]["status"] == "done"
