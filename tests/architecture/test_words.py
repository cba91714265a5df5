"""The project speaks of itself only: no registry hosts, no paths of one machine."""

from __future__ import annotations

import re

from tests.architecture.tree import relative, tracked_files

_FORBIDDEN = re.compile(
    r"\b(?:pypi\.org|pythonhosted\.org|registry\.npmjs\.org|proxy\.golang\.org)"
    r"|(?<![\w.*~}])/(?:home|root|work|Users)/(?!u/|you/|app/)[a-z.]"  # nobody's home is named u
)


def test_no_words_of_a_workplace():
    found = []
    for path in tracked_files():
        data = path.read_bytes()
        if b"\0" in data[:8000]:
            continue
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            if hit := _FORBIDDEN.search(line):
                found.append(f"{relative(path)}:{number}: {hit.group(0)}")
    assert not found, "\n".join(found)


def test_the_check_sees_them():
    assert _FORBIDDEN.search("see /" + "home/ann/caption-ab")
    assert _FORBIDDEN.search("https://pypi" + ".org/simple")
    assert not _FORBIDDEN.search("~/.cursor/skills, GET /homepage, s3://bucket/work/x")
