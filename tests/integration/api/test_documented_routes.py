"""The pages of `docs/` name the routes and the limits that there are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest
from flask import Flask

from tests.architecture.tree import ROOT
from tests.integration.api.conftest import Visitor

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_QUOTED = re.compile(r"`([^`]+)`")


def read_routes(page: str) -> list[tuple[str, str]]:
    """Methods and addresses of the first cells of a page's table of routes.

    In a cell a method alone goes with the next address, an address alone has the methods before it,
    and `...` stands for the last address that was written out.
    """
    _, _, table = page.lower().partition("| route | does |\n|---|---|\n")
    found, base = [], ""
    for line in page[len(page) - len(table) :].splitlines():
        if not line.startswith("|"):
            break
        for method, address in _read_cell(line.split("|")[1]):
            if not address.startswith("..."):
                base = address
            full = address.replace("...", base, 1)
            found.append((method, re.sub(r"\{[^}]*\}", "{}", full.partition("?")[0])))
    return found


def _read_cell(cell: str) -> Iterator[tuple[str, str]]:
    waiting: list[str] = []
    methods: list[str] = []
    for text in _QUOTED.findall(cell):
        method, _, address = text.rpartition(" ")
        if address in _METHODS:
            waiting.append(address)
            continue
        methods = [*waiting, method] if method else waiting or methods
        waiting = []
        yield from ((each, address) for each in methods)


@pytest.fixture
def documented() -> list[tuple[str, str]]:
    pages = [(ROOT / "docs" / name).read_text("utf-8") for name in ("api.md", "webhooks.md")]
    return [each for page in pages for each in read_routes(page)]


def test_no_route_is_described_twice(documented):
    assert [each for each, times in Counter(documented).items() if times > 1] == []


def test_every_route_is_described(documented, app: Flask):
    paths = app.test_client().get("/openapi.json").get_json()["paths"]
    there = {
        (method.upper(), re.sub(r"\{[^}]*\}", "{}", path))
        for path, operations in paths.items()
        for method in operations
        if method.upper() in _METHODS
    }
    assert len(there) > 40
    assert there - set(documented) == set()


def test_every_route_described_is_there(documented, app: Flask):
    there = {
        (method, re.sub(r"<[^>]*>", "{}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }
    assert set(documented) - there == set()


def test_every_limit_that_a_text_names_is_one(ann: Visitor):
    limits = ann.get("/v1/limits").get_json()
    texts = [*(ROOT / "docs").glob("*.md"), *(ROOT / "api").glob("*.py"), ROOT / "README.md"]
    named = {
        name
        for path in texts
        for name in re.findall(r"`(\w+)` of\s+`?(?:GET )?/v1/limits", path.read_text("utf-8"))
    }
    assert named >= {"wait_s", "upload_bytes", "key_cache_s"}
    assert named - set(limits) == set()
