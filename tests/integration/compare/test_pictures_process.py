"""The process that draws stills is listened to, and believed no more than it must be."""

from __future__ import annotations

import subprocess
import sys

import pytest

from service.compare.pictures_plan import Plan
from service.compare.pictures_stills import Drawn, listen

MADE = {
    "name": "poster_A",
    "file": "poster_A.jpg",
    "type": "image/jpeg",
    "width": 1,
    "height": 1,
    "text": "",
    "variant": "A",
}


@pytest.mark.parametrize(
    "said",
    [
        "print('x' * 300_000)",
        "print('{}')",
        "print('[1]')",
        'print(\'{"made": {"name": "../x"}}\')',
        "import sys; [sys.stdout.write('x') for _ in iter(int, 1)]",
        'while True: print(\'{"fault": "x"}\')',
    ],
)
def test_a_process_that_says_anything_is_ended_and_not_believed(said):
    # Given a process of stills that a file has taken over, when it says what ours never says,
    process = subprocess.Popen(
        [sys.executable, "-c", said], stdout=subprocess.PIPE, start_new_session=True
    )
    drawn = Drawn()
    with process:
        listen(process, drawn, lambda _done, _total: None)
        # Then it is heard no more, and nothing of it is a picture.
        assert process.wait(20) is not None
    assert drawn.pictures == []
    assert drawn.faults[-1] == "What the process of the stills said cannot be read."


@pytest.mark.parametrize(
    "other",
    [
        {"file": "/proc/self/environ"},
        {"file": "../poster_A.jpg"},
        {"file": "poster_A.png"},
        {"type": "text/html"},
        {"name": "poster_B", "file": "poster_B.jpg"},
    ],
)
def test_a_picture_is_read_under_its_own_name_alone(other):
    # Given a process that has planned a picture and tells where it is,
    drawn = Drawn(Plan(("A",)))
    drawn.hear({"made": MADE})
    assert [each.file for each in drawn.pictures] == ["poster_A.jpg"]
    # When it names another file, kind or picture, then it is not believed.
    with pytest.raises(ValueError, match="not planned"):
        drawn.hear({"made": {**MADE, **other}})


def test_a_picture_whose_name_is_a_path_is_not_believed_even_if_it_was_planned():
    name = "poster_../x"
    drawn = Drawn(Plan(("../x",)))
    assert name in drawn.plan.names
    with pytest.raises(ValueError, match="not planned"):
        drawn.hear({"made": {**MADE, "name": name, "file": f"{name}.jpg"}})
