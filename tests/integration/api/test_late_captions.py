"""Dry runs compare the times of captions with the length of an upload."""

from __future__ import annotations

from pathlib import Path

from tests.integration.api.conftest import Visitor

ADDRESS = "/v1/jobs?dry_run=true"


def test_captions_after_the_end_of_an_upload_are_named(ann: Visitor, small_clip: Path):
    # Given an upload of two seconds, and captions after its end
    upload = ann.upload(small_clip.read_bytes()).get_json()["id"]
    late = "1\n00:01:00,000 --> 00:01:02,000\nLate\n"
    job = {"clips": [{"upload_id": upload}], "captions": {"format": "srt", "text": late}}
    # When it is tried out, then the captions are at fault, with both times
    reply = ann.post(ADDRESS, json=job)
    assert (reply.status_code, reply.get_json()["code"]) == (422, "unrehearsed")
    [error] = reply.get_json()["errors"]
    assert error["pointer"] == "#/captions/text"
    assert "00:01:00.000" in error["detail"]
    assert "00:00:02.000" in error["detail"]
    # and where only some are late, it is a warning
    job["captions"]["text"] += "\n2\n00:00:00,000 --> 00:00:01,000\nIn time\n"
    warned = ann.post(ADDRESS, json=job)
    assert warned.status_code == 200
    assert "captions_past_end" in [each["code"] for each in warned.get_json()["warnings"]]
