"""Formats, told by content."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import UnsupportedFile
from service.media.formats import FORMATS, Kind, check_upload, detect

EBML = b"\x1a\x45\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x1f\x42\x86\x81\x01\x42\xf7\x81\x01"


def boxed(kind, brand=b"", size=32):
    return size.to_bytes(4, "big") + kind + brand + b"\x00" * 24


SAMPLES = {
    "mp4": [boxed(b"ftyp", brand) for brand in (b"isom", b"iso6", b"mp42", b"avc1", b"M4V ")],
    "mov": [boxed(b"ftyp", b"qt  "), boxed(b"moov"), boxed(b"mdat", size=400_000_000)],
    "avi": [b"RIFF\x10\x00\x00\x00AVI LIST"],
    "webm": [EBML + b"\x42\x82\x84webm\x42\x87\x81\x02"],
    "mkv": [EBML + b"\x42\x82\x88matroska\x42\x87\x81\x04"],
    "jpg": [b"\xff\xd8\xff\xe0\x00\x10JFIF"],
    "png": [b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"],
    "gif": [b"GIF89a\x01\x00", b"GIF87a\x01\x00"],
    "webp": [b"RIFF\x10\x00\x00\x00WEBPVP8 "],
    "mp3": [b"ID3\x04\x00\x00", b"\xff\xfb\x90\x64\x00", b"\xff\xf3\x40\xc0"],
    "wav": [b"RIFF\x10\x00\x00\x00WAVEfmt "],
    "m4a": [boxed(b"ftyp", b"M4A ")],
    "aac": [b"\xff\xf1\x50\x80\x00", b"\xff\xf9\x4c\x80"],
}
FOREIGN = {
    "empty": b"",
    "one byte": b"\xff",
    "text": b"This is plain text, not a video at all, whatever its name says.",
    "text with a box word": b"The free lunch, and the moov of it",
    "text with ftyp": b"The ftypisom of it, and so on and on",
    "m3u8": b"#EXTM3U\n#EXT-X-VERSION:3\nfile:///etc/passwd\n",
    "concat": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
    "dash": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011">',
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "html": b"<!DOCTYPE html><html>",
    "utf-16 text": "text".encode("utf-16"),
    "zip": b"PK\x03\x04\x14\x00",
    "pdf": b"%PDF-1.7",
    "elf": b"\x7fELF\x02\x01\x01",
    "gzip": b"\x1f\x8b\x08\x00",
    "heic": boxed(b"ftyp", b"heic"),
    "avif": boxed(b"ftyp", b"avif"),
    "riff of another kind": b"RIFF\x10\x00\x00\x00sfbk",
    "ebml of another kind": EBML + b"\x42\x82\x84mkvx\x42\x87\x81\x02",
    "ogg": b"OggS\x00\x02",
    "flac": b"fLaC\x00\x00\x00\x22",
    "mpeg layer two": b"\xff\xfd\x90\x04",
}


@pytest.mark.rule("P-042")
def test_there_are_samples_of_all_13_formats():
    assert set(SAMPLES) == set(FORMATS)
    assert len(FORMATS) == 13


@pytest.mark.rule("P-042")
@pytest.mark.parametrize(("name", "head"), [(n, h) for n, hs in SAMPLES.items() for h in hs])
def test_a_format_is_told_by_its_content(name, head):
    assert detect(head).name == name
    assert check_upload(head, f"clip.{name}").name == name


@pytest.mark.rule("P-044")
@pytest.mark.parametrize("head", FOREIGN.values(), ids=FOREIGN)
def test_anything_else_is_unsupported_whatever_its_name(head):
    assert detect(head) is None
    with pytest.raises(UnsupportedFile) as caught:
        check_upload(head, "clip.mp4")
    assert "named mp4" in caught.value.detail
    assert "mkv" in caught.value.info.hint


def test_a_name_that_says_another_kind_is_told():
    """Given sound named as a video, when checked, then both are named."""
    with pytest.raises(UnsupportedFile, match=r"named mp4.*content is mp3"):
        check_upload(SAMPLES["mp3"][0], "talk.mp4")


@pytest.mark.parametrize("filename", ["", "clip", "clip.bin", "clip.MOV", "clip.m4v", "a.b.mkv"])
def test_the_content_decides_among_videos(filename):
    assert check_upload(SAMPLES["mp4"][0], filename).name == "mp4"


def test_sound_recorded_under_a_brand_of_mp4_is_m4a_when_named_so():
    found = check_upload(SAMPLES["mp4"][0], "memo.m4a")
    assert (found.kind, found.mime) == (Kind.AUDIO, "audio/mp4")


def test_a_hostile_name_is_shown_short_and_printable():
    with pytest.raises(UnsupportedFile) as caught:
        check_upload(b"text", "\x1b[2J\n" + "x" * 5000)
    assert caught.value.detail.isprintable()
    assert len(caught.value.detail) < 200


@given(st.binary(max_size=64))
def test_any_bytes_are_a_format_or_none(head):
    assert detect(head) is None or detect(head).name in FORMATS


@given(st.text(min_size=1, max_size=64))
def test_text_is_never_a_video(text):
    found = detect(text.encode())
    assert found is None or text.startswith(("GIF8", "ID3", "\x00", "\x01")) or ord(text[0]) < 0x20
