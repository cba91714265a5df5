"""The process that draws stills is listened to, and believed no more than it must be."""

from __future__ import annotations

import subprocess
import sys

import pytest

from service.compare.pictures_stills import Drawn, listen


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
