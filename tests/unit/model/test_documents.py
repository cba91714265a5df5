"""Documents: what is written is what is read, small, and forgiving of newer names."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.model.cut import (
    Attempt,
    ClipDoc,
    CutDoc,
    DeliveryDoc,
    Edit,
    EditIntent,
    Failure,
    MediaInfo,
    Recovery,
    RenderIntent,
    ResultFile,
)
from service.model.documents import read_document, write_document
from service.model.job import (
    CaptionsSpec,
    ClipSpec,
    JobSpec,
    OutputSpec,
    VariantSpec,
    WebhookSpec,
)
from service.nemo.wire import Session

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
number = st.integers(0, 2**53)
real = st.floats(0, 1e9)
plain = st.recursive(
    st.none() | st.booleans() | number | real | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=5,
)
words = st.lists(text, max_size=3).map(tuple)

failure = st.builds(
    Failure, text, text, text, st.booleans(), text, st.dictionaries(text, plain, max_size=3)
)
media = st.builds(MediaInfo, real, number, number, number, number, text, text, text)
clip = st.builds(
    ClipDoc, number, text, text, text, text, number, text, st.none() | media, st.none() | failure
)
cut = st.builds(
    CutDoc,
    clip=number,
    label=text,
    revision=number,
    session_id=text,
    bind_id=text,
    uploaded_as=text,
    intent=st.none() | st.builds(EditIntent, text, number, text, text, number, st.none() | number),
    recovery=st.none() | st.builds(Recovery, number, number, text),
    edit=st.none() | st.builds(Edit, text, words, text, st.booleans(), text, st.none() | number),
    render=st.none()
    | st.builds(RenderIntent, text, number, number, number, st.booleans(), number, text, real),
    result=st.none() | st.builds(ResultFile, text, number, text, st.none() | media),
    failure=st.none() | failure,
    resume_state=text,
    warnings=words,
)
attempt = st.builds(Attempt, number, number, number, text)
delivery = st.builds(
    DeliveryDoc, text, number, text, text, text, text, st.lists(attempt, max_size=3).map(tuple)
)
session = st.builds(Session, **{each.name: text for each in fields(Session)})
spec = st.builds(
    JobSpec,
    clips=st.lists(st.builds(ClipSpec, text, text, text, text, number, text), max_size=3).map(
        tuple
    ),
    variants=st.lists(
        st.builds(VariantSpec, text, st.dictionaries(text, plain, max_size=3), text), max_size=3
    ).map(tuple),
    name=text,
    captions=st.none() | st.builds(CaptionsSpec, text, text),
    instruction=text,
    language=text,
    output=st.builds(OutputSpec, text, text, text),
    max_credits=st.none() | number,
    deadline_s=real,
    webhook=st.none() | st.builds(WebhookSpec, text, words),
    metadata=st.dictionaries(text, text, max_size=3),
)


@given(st.one_of(clip, cut, delivery, spec, session))
def test_what_is_written_is_what_is_read(document):
    assert read_document(type(document), write_document(document)) == document


def test_every_field_of_a_document_is_drawn():
    # A field added to a document and forgotten above would go untested.
    assert len(fields(CutDoc)) == 14
    assert len(fields(ClipDoc)) == 9
    assert len(fields(JobSpec)) == 11


def test_defaults_are_left_out():
    assert json.loads(write_document(CutDoc(0, "A"))) == {"clip": 0, "label": "A"}


def test_a_nothing_that_was_said_is_kept():
    # `credits: 0` says that an edit was free; no credits say that nobody knows.
    assert read_document(Edit, write_document(Edit(credits=0))).credits == 0
    assert read_document(Edit, write_document(Edit())).credits is None


def test_names_of_a_newer_release_are_passed_over():
    written = '{"clip":1,"label":"A","edit":{"text":"x","later":[1]},"later":{}}'
    assert read_document(CutDoc, written) == CutDoc(1, "A", edit=Edit("x"))


def test_no_text_is_a_document_of_defaults():
    assert read_document(Recovery, '{"since_ms":1}') == Recovery(1)
    assert read_document(Edit, "") == Edit()


@pytest.mark.parametrize("bad", ["[]", "1", '"x"', "null", "{", '{"clip":1}', '{"edit":3}'])
def test_what_is_no_document_of_its_kind_is_told(bad):
    with pytest.raises(ValueError, match=r".+"):
        read_document(CutDoc, bad)
