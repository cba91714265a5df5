# size: one table of forms and faults
"""Reading captions of any form."""

from __future__ import annotations

import contextlib

import pytest
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from service.captions.cues import CaptionFormat, Cue, Word, detect_format, parse_captions
from service.errors import InvalidRequest
from tests.growth import is_about_linear
from tests.unit.captions.samples import many_srt, texts

HELLO = (Cue(1000, 2500, "Hello"),)
SRT = "1\n00:00:01,000 --> 00:00:02,500\nHello\n"
VTT = "WEBVTT\n\n00:01.000 --> 00:02.500\nHello\n"


def _fault(kind, text):
    with pytest.raises(InvalidRequest) as caught:
        parse_captions(kind, text)
    (error,) = caught.value.errors
    assert error.pointer == "#/captions/text"
    return error.detail


@pytest.mark.parametrize(
    "text",
    [
        SRT,
        "\ufeff" + SRT,
        SRT.replace("\n", "\r\n"),
        SRT.replace("\n", "\r"),
        "\n\n" + SRT + "\n\n",
        SRT.removeprefix("1\n"),
        SRT.rstrip(),
        SRT.replace(",", "."),
        "7\n0:0:1,0 --> 00:02,5\nHello",
        "1\n00:00:01,000 --> 00:00:02,500  X1:100 X2:200\nHello",
        "1\n00:00:01,000 --> 00:00:02,500\n<font color='red'><b>Hel</b>lo</font>\n",
        "1\n00:00:01,000 --> 00:00:02,500\n{\\an8}Hello\n",
        "1\n00:00:01,000 --> 00:00:02,500\n  Hello\x00\n",
    ],
)
def test_srt_as_it_is_found_in_the_wild(text):
    """Given SRT with a BOM, any line ends, missing numbers or tags, then it reads the same."""
    captions = parse_captions("srt", text)
    assert captions.cues == HELLO
    assert captions.warnings == ()


@pytest.mark.parametrize(
    "words", [r"{\pos(0,0)} here", r"{\b1}", r"C:\new\N {b}", r"{\an} {\an123}", r"\h \n \N"]
)
def test_what_looks_like_a_subtitle_command_is_text(words):
    """Given braces and backslashes in SRT, then they are kept as they are."""
    (cue,) = parse_captions("srt", f"1\n00:00:01,000 --> 00:00:02,500\n{words}\n").cues
    assert cue.text == words


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (
            "1\n00:00:01,000 --> 00:00:02,000\nHi\n\n2\n\n00:00:5,1 -> 00:00:07\nx",
            "line 7: '00:00:5,1 -> 00:00:07' is not a time range.",
        ),
        ("1\n00:00:01 to 00:00:02\nHi", "line 2: '00:00:01 to 00:00:02' is not a time range."),
        ("Hello\nworld", "line 1: 'Hello' is not a time range."),
        (
            "1\n00:00:01,000 --> 00:61:02,000\nHi",
            "line 2: '00:00:01,000 --> 00:61:02,000' is not a time range.",
        ),
        (
            "\r\n1\r\n00:00:02,000 --> 00:00:02,000\r\nHi",
            "line 3: '00:00:02.000 --> 00:00:02.000' does not end after it starts.",
        ),
        (
            "1\n00:00:03,000 --> 00:00:02,000\nHi",
            "line 2: '00:00:03.000 --> 00:00:02.000' does not end after it starts.",
        ),
        (
            "1\n00:00:01,000 --> 00:00:02,000\nHi\n00:00:03,000 -> 4\nHo",
            "line 4: '00:00:03,000 -> 4' is not a time range.",
        ),
        ("1\n999:00:00,000 --> 999:00:01,000\nHi", "line 2: 999:00:01.000 is more than 100 hours."),
        ("1\n00:00:01,000 --> 00:00:02,000\n\n", "there is no caption in them."),
        (" \n\t\n", "there is no text in them."),
        ("", "there is no text in them."),
    ],
)
def test_faults_of_srt_name_the_line(text, detail):
    """Given SRT with a fault, then the error names its line and what was wrong there."""
    assert _fault("srt", text) == detail


def test_srt_that_runs_together():
    """Given cues without blank lines between, and a blank line in a text, then both are read."""
    one, two = "1\n00:00:01,000 --> 00:00:02,000\nOne\n", "2\n00:00:02,000 --> 00:00:03,000\nTwo\n"
    text = one + two + "\nstill two\n"
    assert parse_captions("srt", text).cues == (
        Cue(1000, 2000, "One"),
        Cue(2000, 3000, "Two\nstill two"),
    )


def test_cues_come_sorted_and_overlaps_are_told():
    """Given cues out of order that overlap, then they are sorted, kept, and a warning says so."""
    text = (
        "1\n00:00:05,000 --> 00:00:08,000\nB\n\n2\n00:00:01,000 --> 00:00:06,000\nA\n\n"
        "3\n00:00:08,000 --> 00:00:09,000\nC\n"
    )
    captions = parse_captions("srt", text)
    assert [cue.text for cue in captions.cues] == ["A", "B", "C"]
    assert captions.warnings == (
        "1 of the captions start before an earlier one has ended: 00:00:05.000.",
    )


def test_captions_without_text_are_left_out_with_a_warning():
    """Given an empty caption among others, then it is left out and named."""
    captions = parse_captions("srt", SRT + "\n2\n00:00:03,000 --> 00:00:04,000\n<i></i>\n")
    assert captions.cues == HELLO
    assert captions.warnings == ("line 6: a caption without text; left out.",)


@pytest.mark.parametrize(
    "text", ["👩‍👩‍👧 🏳️‍🌈", "שלום עולם", "مرحبا\u200f!", "a < b & c > d", "I <3 you", "你好"]
)
def test_foreign_scripts_and_signs_stay_as_they_are(text):
    """Given emoji, right-to-left text or signs, then not a character is changed."""
    (cue,) = parse_captions("srt", f"1\n00:00:01,000 --> 00:00:02,000\n{text}\n").cues
    assert cue.text == text


MARKED_UP = (
    "WEBVTT - a title\nKind: captions\n\nNOTE\n00:00.000 --> 00:01.000\n\n"
    "STYLE\n::cue { color: red }\n\nintro\n00:00:01.000 --> 00:00:02.500 line:0 position:20%\n"
    "<v Bob>Hel<b>lo</b></v>\n"
)


@pytest.mark.parametrize(
    "text",
    [
        VTT,
        "\ufeff" + VTT.replace("\n", "\r\n"),
        MARKED_UP,
        "WEBVTT\n00:01.000 --> 00:02.500\n<c.yellow.bg_blue>Hello</c>",
    ],
)
def test_webvtt_loses_tags_voices_notes_and_styles(text):
    """Given WebVTT with markup, then only what is said is left."""
    captions = parse_captions("vtt", text)
    assert captions.cues == HELLO
    assert captions.warnings == ()


def test_webvtt_entities_are_read():
    """Given entities, then they are the characters they stand for."""
    (cue,) = parse_captions("vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\na &lt;b&gt; &amp; c\n").cues
    assert cue.text == "a <b> & c"


def test_webvtt_inline_times_become_words():
    """Given inline times, then words have times; several between two times share by length."""
    text = (
        "WEBVTT\n\n00:01.000 --> 00:04.000\n<v Bob>Hi <00:00:01.200>to <00:02.000><c>you</c> all\n"
    )
    (cue,) = parse_captions("vtt", text).cues
    assert cue == Cue(
        1000,
        4000,
        "Hi to you all",
        (
            Word(1000, 1200, "Hi"),
            Word(1200, 2000, "to"),
            Word(2000, 3000, "you"),
            Word(3000, 4000, "all"),
        ),
    )


def test_webvtt_inline_times_out_of_order_are_left_out():
    """Given an inline time outside its cue, then it is left out with a warning."""
    captions = parse_captions("vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\nHi <00:09.000>you\n")
    assert captions.cues == (Cue(1000, 2000, "Hi you"),)
    assert captions.warnings == ("line 3: the word time 00:00:09.000 is out of order; left out.",)


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("00:01.000 --> 00:02.000\nHi", "line 1: '00:01.000 --> 00:02.000' is not 'WEBVTT'."),
        (
            "WEBVTT\n\n00:01.000 -> 00:02.000\nHi",
            "line 3: '00:01.000 -> 00:02.000' is not a time range.",
        ),
        ("WEBVTT\n\nHello", "there is no caption in them."),
    ],
)
def test_faults_of_webvtt_name_the_line(text, detail):
    """Given WebVTT with a fault, then the error names its line and what was wrong there."""
    assert _fault("vtt", text) == detail


def test_webvtt_agrees_with_an_independent_reader():
    """Given well-formed WebVTT, then webvtt-py reads the same times and texts."""
    text = (
        "WEBVTT\n\nNOTE hi\n\none\n00:00:01.000 --> 00:00:02.500 align:start\nFirst\nsecond line\n"
        "\n00:03.250 --> 01:00:04.000\n<v Ann><i>Third</i></v>\n"
    )
    theirs = [
        (cue.start_in_seconds, cue.end_in_seconds, cue.text) for cue in webvtt.from_string(text)
    ]
    ours = parse_captions(None, text).cues
    assert [(cue.start_ms // 1000, cue.end_ms // 1000, cue.text) for cue in ours] == theirs


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (SRT, "srt"),
        ("\ufeff\n" + SRT, "srt"),
        ("1\n00:00:5,1 -> 00:00:07\nx", "srt"),
        (VTT, "vtt"),
        ("\n\ufeffWEBVTT\n", "text"),
        ("<?xml version='1.0'?><tt/>", "ttml"),
        ("\n<tt:tt xmlns:tt='http://www.w3.org/ns/ttml'/>", "ttml"),
        ("Hello world.\nThis is <b>my</b> script at 10:30.", "text"),
    ],
)
def test_the_format_is_found_out(text, kind):
    """Given no format, then the look of the text decides."""
    assert detect_format(text) == kind


def test_a_script_keeps_its_lines():
    """Given plain text, then it is a script without cues."""
    captions = parse_captions(None, "\ufeffHello  world.\r\n\r\n  Second line. \r\n")
    assert captions.format is CaptionFormat.TEXT
    assert captions.script == "Hello  world.\nSecond line."
    assert captions.cues == captions.warnings == ()


def test_times_in_a_script_are_warned_of():
    """Given SRT that is called text, then it is taken as it says, with a warning."""
    (warning,) = parse_captions("text", SRT).warnings
    assert "is it meant as `srt`?" in warning


def test_an_unknown_format_lists_the_known_ones():
    """Given a format we do not know, then the error lists those we do."""
    with pytest.raises(InvalidRequest) as caught:
        parse_captions("ass", SRT)
    (error,) = caught.value.errors
    assert error.pointer == "#/captions/format"
    assert "srt, vtt, ttml, text" in error.detail


def test_ten_thousand_captions_are_read_in_time_that_grows_with_them():
    """Given the most captions allowed, then all are read, at a cost that is about linear."""
    assert len(parse_captions(None, many_srt(10_000)).cues) == 10_000
    assert is_about_linear(lambda count: parse_captions(None, many_srt(count)), 8_000)


@pytest.mark.parametrize(
    ("kind", "text", "detail"),
    [
        ("srt", many_srt(10_001), "line 40002: 10,000 captions are the most that is taken."),
        ("srt", SRT + "x" * 900_000, "900,038 characters; at most 900,000 are taken."),
        ("text", "x" * 50_001, "a script of 50,001 characters; at most 50,000 are taken."),
        (
            "srt",
            SRT.replace("Hello", "x" * 1001),
            "line 2: a caption of 1,001 characters; at most 1,000 are taken.",
        ),
    ],
    ids=["cues", "characters", "script", "one caption"],
)
def test_bounds(kind, text, detail):
    """Given more than is allowed, then it is refused with the number."""
    assert _fault(kind, text) == detail


@pytest.mark.parametrize(
    "shape",
    ["-", "1:1" + "-", "<", "{\\", "<tt", "1:1 ", "&", "\n", "00:00:01,000 --> ", "<00:01.000>"],
)
def test_hostile_text_is_read_in_time(shape):
    """Given text made to slow a reader down, then its cost is about linear."""

    def read(size: int) -> None:
        text = (shape * size)[:size]
        for source in (text, f"WEBVTT\n\n00:01.000 --> 00:02.000\n{text}"[:size]):
            with contextlib.suppress(InvalidRequest):
                parse_captions(kind, source)

    for kind in ("srt", "vtt", "ttml", "text"):
        assert is_about_linear(read, 100_000), kind


@given(st.sampled_from([None, *CaptionFormat]), texts)
def test_whatever_comes_is_read_or_refused(kind, text):
    """Given any text as any format, then there are sound cues, a script, or an InvalidRequest."""
    try:
        captions = parse_captions(kind, text)
    except InvalidRequest:
        return
    assert bool(captions.cues) != bool(captions.script)
    for cue in captions.cues:
        assert 0 <= cue.start_ms < cue.end_ms
        assert cue.text == cue.text.strip()
        "".join(cue.text).encode("utf-8")


def test_text_above_a_time_is_told():
    """Given a line before a time range that is not a number, then it is left out and named."""
    captions = parse_captions("srt", f"A title\n{SRT.removeprefix('1')[1:]}")
    assert captions.cues == HELLO
    assert captions.warnings == ("line 1: 'A title' is above a time; left out.",)
