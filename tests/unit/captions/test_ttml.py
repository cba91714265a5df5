"""TTML: times, nesting, line breaks, words, and what is refused."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.captions.cues import Cue, Word, parse_captions
from service.captions.ttml_time import Rates, read_rates, read_time
from service.errors import InvalidRequest
from tests.growth import is_about_linear

NAMESPACES = (
    'xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" '
    'xmlns:ttm="http://www.w3.org/ns/ttml#metadata"'
)


def _tt(body, attributes=""):
    head = f'<?xml version="1.0" encoding="utf-8"?>\n<tt {NAMESPACES} {attributes}>'
    return f"{head}\n<body>{body}</body></tt>"


def _read(body, attributes=""):
    return parse_captions("ttml", _tt(body, attributes)).cues


@pytest.mark.parametrize(
    ("text", "time_ms"),
    [
        ("00:00:01", 1000),
        ("01:02:03.5", 3_723_500),
        ("00:00:01:12", 1480),
        ("00:00:01:12.1", 1500),
        ("1.5s", 1500),
        ("500ms", 500),
        ("36f", 1440),
        ("50t", 5000),
        ("0.5h", 1_800_000),
        ("2m", 120_000),
        (" 2s ", 2000),
    ],
)
def test_time_expressions(text, time_ms):
    """Given 25 frames of two parts and 10 ticks a second, then an expression means this."""
    assert read_time(text, Rates(Fraction(25), 2, Fraction(10))) == time_ms


@pytest.mark.parametrize(
    "text", ["", "1", "1:2:3", "00:00:5,1", "-1s", "00:61:00", "1e3s", "٣s", "1.s", "s"]
)
def test_what_is_no_time(text):
    """Given something else, then it is refused."""
    with pytest.raises(ValueError, match="is not a time"):
        read_time(text, Rates())


@pytest.mark.parametrize(
    ("parameters", "rates"),
    [
        ({}, Rates(Fraction(30), 1, Fraction(1))),
        ({"frameRate": "25"}, Rates(Fraction(25), 1, Fraction(25))),
        (
            {"frameRate": "30", "frameRateMultiplier": "1000 1001", "subFrameRate": "2"},
            Rates(Fraction(30000, 1001), 2, Fraction(60000, 1001)),
        ),
        ({"tickRate": "10000000"}, Rates(Fraction(30), 1, Fraction(10_000_000))),
    ],
)
def test_rates(parameters, rates):
    """Given parameters of a document, then frames and ticks follow TTML2 6.2."""
    assert read_rates(parameters) == rates


@given(st.integers(0, 10**12))
def test_ticks_of_netflix_are_exact(ticks):
    """Given ten million ticks a second, then a time is right to the millisecond."""
    assert abs(read_time(f"{ticks}t", Rates(tick=Fraction(10_000_000))) - ticks / 10_000) <= 0.5


def test_paragraphs_breaks_and_spans():
    """Given a paragraph over several lines, then white space folds and br breaks the line."""
    cues = _read(
        '<div><p begin="1s" end="2.5s">\n  Hello <span>big</span>\n  <br/>\n world </p></div>'
    )
    assert cues == (Cue(1000, 2500, "Hello big\nworld"),)


def test_preserved_space_keeps_lines():
    """Given xml:space="preserve", then line ends of the source are kept."""
    cues = _read('<p begin="1s" end="2s">One\nTwo</p>', 'xml:space="preserve"')
    assert cues == (Cue(1000, 2000, "One\nTwo"),)


def test_nested_times_count_from_the_parent():
    """Given times on div and p, then p's count from the div's begin and end with it."""
    cues = _read(
        '<div begin="10s" end="14s"><p begin="1s" end="2s">A</p><p begin="3s" dur="5s">B</p></div>'
    )
    assert cues == (Cue(11_000, 12_000, "A"), Cue(13_000, 14_000, "B"))


def test_children_in_sequence_count_from_the_one_before():
    """Given timeContainer="seq", then each begins where the last one ended."""
    cues = _read(
        '<div timeContainer="seq" begin="1s"><p dur="2s">A</p><p begin="500ms" dur="1s">B</p></div>'
    )
    assert cues == (Cue(1000, 3000, "A"), Cue(3500, 4500, "B"))


def test_the_shorter_of_end_and_dur_holds():
    """Given both end and dur, then the earlier end holds (TTML2 12.2)."""
    assert _read('<p begin="1s" end="9s" dur="2s">A</p>') == (Cue(1000, 3000, "A"),)


def test_frames_by_the_rate_of_the_document():
    """Given NTSC rates, then frames are not whole milliseconds."""
    attributes = 'ttp:frameRate="30" ttp:frameRateMultiplier="1000 1001"'
    assert _read('<p begin="30f" end="00:00:02:15">A</p>', attributes) == (Cue(1001, 2500, "A"),)


def test_timed_spans_are_words():
    """Given spans with times, then they are the words of their paragraph."""
    cues = _read(
        '<p begin="10s" end="12s"><span begin="0s" end="0.5s">So</span> '
        '<span begin="0.5s" end="1.5s">it goes</span></p>'
    )
    words = (Word(10_000, 10_500, "So"), Word(10_500, 10_833, "it"), Word(10_833, 11_500, "goes"))
    assert cues == (Cue(10_000, 12_000, "So it goes", words),)


def test_a_paragraph_takes_its_times_from_its_spans():
    """Given a paragraph without times, then it shows from its first word to its last."""
    cues = _read('<p><span begin="1s" end="2s">A</span> <span begin="2s" end="3s">b</span></p>')
    assert cues == (Cue(1000, 3000, "A b", (Word(1000, 2000, "A"), Word(2000, 3000, "b"))),)


def test_words_out_of_order_lose_their_times():
    """Given spans that run backwards, then the text stays, the times go, and a warning says so."""
    text = _tt(
        '<p begin="0s" end="9s"><span begin="5s" end="6s">A</span> '
        '<span begin="1s" end="2s">b</span></p>'
    )
    captions = parse_captions("ttml", text)
    assert captions.cues == (Cue(0, 9000, "A b"),)
    assert captions.warnings == ("line 3: word times out of order; left out.",)


def test_metadata_is_not_shown():
    """Given metadata and styling in the head and in a paragraph, then none of it is text."""
    body = (
        "<metadata><ttm:title>no</ttm:title></metadata>"
        '<p begin="1s" end="2s"><ttm:desc>no</ttm:desc>yes</p>'
    )
    assert _read(body) == (Cue(1000, 2000, "yes"),)


def test_older_namespaces_and_prefixes_are_read():
    """Given DFXP of 2006 with a prefix, then it reads as well."""
    text = (
        '<t:tt xmlns:t="http://www.w3.org/2006/10/ttaf1">'
        '<t:body><t:p begin="1s" end="2s">A</t:p></t:body></t:tt>'
    )
    assert parse_captions(None, text).cues == (Cue(1000, 2000, "A"),)


def test_a_declared_encoding_does_not_matter():
    """Given text that says it is UTF-16, then it is read as the text it is."""
    text = _tt('<p begin="1s" end="2s">é 你 👋</p>').replace("utf-8", "UTF-16")
    assert parse_captions("ttml", "\ufeff" + text).cues == (Cue(1000, 2000, "é 你 👋"),)


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (_tt('<p begin="1s">A</p>'), "line 3: a caption without an end."),
        (_tt('\n<p begin="1" end="2s">A</p>'), "line 4: begin: '1' is not a time."),
        (
            _tt('<p begin="3s" end="2s">A</p>'),
            "line 3: '00:00:03.000 --> 00:00:02.000' does not end after it starts.",
        ),
        (_tt("", 'ttp:frameRate="0"'), "line 2: '0' is not a frameRate."),
        (_tt('<p begin="1s" end="2s">A'), "line 3: this is not well-formed XML (mismatched tag)."),
        (_tt("<p>A &nbsp; B</p>"), "line 3: this is not well-formed XML (undefined entity)."),
        ("<html/>", "line 1: the root element is 'html', not 'tt'."),
        (_tt(""), "there is no caption in them."),
        (_tt("<div>" * 50 + "</div>" * 50), "line 3: elements more than 40 deep."),
        (
            '<!DOCTYPE tt [\n<!ENTITY a "aaaa">\n<!ENTITY b "&a;&a;">]>\n<tt>&b;</tt>',
            "line 1: document types and entities are not taken.",
        ),
        (
            '<!DOCTYPE tt SYSTEM "file:///etc/passwd"><tt/>',
            "line 1: document types and entities are not taken.",
        ),
        ("<tt>\ud800</tt>", "this is not well-formed XML."),
    ],
)
def test_faults_name_the_line(text, detail):
    """Given TTML with a fault, then the error names its line and what was wrong there."""
    with pytest.raises(InvalidRequest) as caught:
        parse_captions("ttml", text)
    assert [error.detail for error in caught.value.errors] == [detail]


def test_ten_thousand_paragraphs_are_read_in_time_that_grows_with_them():
    """Given the most captions allowed, then all are read, at a cost that is about linear."""

    def paragraphs(count: int) -> str:
        return _tt(
            "".join(
                f'<p begin="{n}s" end="{n}.9s">Hello <span>{n}</span></p>\n' for n in range(count)
            )
        )

    assert len(parse_captions(None, paragraphs(10_000)).cues) == 10_000
    assert is_about_linear(lambda count: parse_captions(None, paragraphs(count)), 4_000)
