"""Documents: what is written is what is read, small, and forgiving of newer names."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Mapping
from dataclasses import is_dataclass
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.model.cut import (
    ClipDoc,
    CutDoc,
    Edit,
    Recovery,
)
from service.model.delivery import DeliveryDoc
from service.model.documents import read_document, write_document
from service.model.job import (
    JobSpec,
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
_PLAIN = {str: text, int: number, float: real, bool: st.booleans(), Any: plain}


def drawn(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type, with every field of a document drawn, also those yet to be added."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return st.one_of(*(st.none() if each is type(None) else drawn(each) for each in inner))
    if origin is tuple:
        return st.lists(drawn(inner[0]), max_size=3).map(tuple)
    if origin is Mapping:
        return st.dictionaries(text, drawn(inner[1]), max_size=3)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return st.sampled_from(list(hint))
    if is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        return st.builds(hint, **{name: drawn(each) for name, each in hints.items()})
    return _PLAIN[hint]


@given(st.one_of(*map(drawn, (ClipDoc, CutDoc, DeliveryDoc, JobSpec, Session))))
def test_what_is_written_is_what_is_read(document):
    assert read_document(type(document), write_document(document)) == document


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
