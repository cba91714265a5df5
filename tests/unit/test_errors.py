"""Errors carry a stable code, a text for people and no more."""

from __future__ import annotations

import pytest

from service import errors
from service.errors import CaptionAbError, ErrorInfo, FieldError, InvalidRequest, QuotaExceeded

CLASSES = [
    each
    for each in vars(errors).values()
    if isinstance(each, type) and issubclass(each, CaptionAbError)
]


@pytest.mark.parametrize("cls", CLASSES)
def test_without_a_text_the_docstring_speaks(cls):
    error = cls()
    assert error.detail == (cls.__doc__ or "").splitlines()[0]
    assert str(error) == error.detail


@pytest.mark.parametrize("cls", CLASSES)
def test_the_value_of_an_error_is_what_the_class_says(cls):
    info = cls("It broke.").info
    assert (info.code, info.detail, info.retryable) == (cls.code, "It broke.", cls.retryable)


def test_a_hint_of_the_moment_replaces_that_of_the_class():
    assert QuotaExceeded().info.hint == QuotaExceeded.hint
    assert QuotaExceeded(hint="Come back at noon.").info.hint == "Come back at noon."


def test_extra_fields_stand_beside_the_others():
    body = QuotaExceeded("Full.", limit=100).info.as_dict()
    assert body["limit"] == 100
    assert body["code"] == "quota_exceeded"
    assert body["retryable"] is True


def test_an_error_without_a_hint_has_no_empty_one():
    assert ErrorInfo("gone", "It is gone.").as_dict() == {
        "code": "gone",
        "detail": "It is gone.",
        "retryable": False,
    }


def test_an_invalid_request_names_its_fields():
    faults = [FieldError("#/clips/0/url", "Not a URL.")]
    assert InvalidRequest("No.", faults).errors == tuple(faults)
    assert InvalidRequest().errors == ()


def test_the_tree_in_the_docstring_is_complete():
    assert not [cls.__name__ for cls in CLASSES if cls.__name__ not in (errors.__doc__ or "")]
