"""The media types under which files travel, as the vendor's own client sends them."""

from __future__ import annotations

import pytest

from service.media.formats import FORMATS
from service.nemo.wire import State


@pytest.mark.rule("P-043")
@pytest.mark.parametrize(
    ("name", "mime"),
    [
        ("mp4", "video/mp4"),
        ("mov", "video/quicktime"),
        ("avi", "video/x-msvideo"),
        ("webm", "video/webm"),
        ("mkv", "video/x-matroska"),
        ("jpg", "image/jpeg"),
        ("png", "image/png"),
        ("gif", "image/gif"),
        ("webp", "image/webp"),
        ("mp3", "audio/mpeg"),
        ("wav", "audio/wav"),
        ("m4a", "audio/mp4"),
        ("aac", "audio/aac"),
    ],
)
def test_each_format_travels_under_its_media_type(name, mime):
    assert FORMATS[name].mime == mime


@pytest.mark.rule("P-097")
def test_a_session_has_its_upload_when_video_infos_is_not_empty():
    assert not State(draft=None).uploaded
    assert State(draft=None, video_infos=[{"filename": "a.mp4"}]).uploaded
