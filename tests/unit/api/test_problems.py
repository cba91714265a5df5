"""Every error has a status, and every fault a pointer."""

from __future__ import annotations

import pytest

from api.pages import known_errors
from api.problems import _walk, status_of
from service.errors import CaptionAbError, FileTooLarge, StoreUnavailable, UnsupportedFile
from service.media.files import FilesUnavailable


def test_every_error_of_the_product_has_a_status():
    assert len(known_errors()) > 20
    assert all(400 <= status_of(each) < 600 for each in known_errors())


def test_every_refusal_says_what_to_do():
    # Given our errors that are the caller's to mend, but two that no route answers,
    ours = [each for each in known_errors() if not each.__module__.startswith("tests.")]
    told = [each for each in ours if status_of(each) < 500]
    assert len(told) > 20
    silent = {each.code for each in told if not each.hint}
    # Then each has a hint.
    assert silent <= {"media", "file_missing"}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UnsupportedFile(), 422),
        (FileTooLarge(), 413),
        (StoreUnavailable(), 503),
        (FilesUnavailable(), 503),
        (CaptionAbError(), 500),
    ],
)
def test_a_status_follows_from_the_class(error: CaptionAbError, status: int):
    assert status_of(error) == status


def test_messages_become_pointers():
    messages = {
        "json": {
            "variants": {1: {"label": ["is wrong", "is long"]}},
            "_schema": ["is odd"],
            "metadata": {"a/b~c": ["is long"]},
        },
        "query": {"limit": ["is too high"]},
    }
    assert [(each.pointer, each.detail) for each in _walk(messages)] == [
        ("#/variants/1/label", "is wrong"),
        ("#/variants/1/label", "is long"),
        ("#", "is odd"),
        ("#/metadata/a~1b~0c", "is long"),
        ("query:/limit", "is too high"),
    ]
