"""Which tests one process runs one after the other, when several processes share them.

xdist's own groups are lost with pytest 9.2, without a word: pytest-dev/pytest-xdist#1386.
"""

from __future__ import annotations

import functools
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).resolve().parents[1]
_SHARED = ('scope="module"', 'scope="class"')


class Spread(LoadScopeScheduling):
    """Hands out groups of tests, the largest first, and at the end what is alone."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def group_of(nodeid: str) -> str:
    """The group of a test by its id; its own id where it is alone.

    Whole systems run one test at a time. So do, beside them, the tests of pages, which share a
    browser, and those of a bucket, whose server takes long to start. What a file's fixtures share
    is made once. Tests that take no time go by files, of which there are fewer.
    """
    path = nodeid.partition("::")[0]
    parts = Path(path).parts
    if {"e2e", "chaos"} & set(parts):
        return "browser" if "page" in parts else "processes"
    if "mark.s3" in _text(path):
        return "bucket"
    if {"unit", "architecture"} & set(parts) or _is_shared(path):
        return path
    return nodeid


def _is_shared(path: str) -> bool:
    around = Path(path).with_name("conftest.py").as_posix()
    return any(word in _text(path) + _text(around) for word in _SHARED)


@functools.cache
def _text(path: str) -> str:
    file = ROOT / path
    return file.read_text(encoding="utf-8") if file.is_file() else ""
