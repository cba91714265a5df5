"""A soak sees what processes take: against real ones that take more and more."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager

import pytest

from tests.soak.trees import Take, measure_tree

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
_CHILD = """
import subprocess, sys, threading
held = []
deeds = {
    "memory": lambda: held.append(bytearray(8 << 20)),
    "descriptor": lambda: held.append(open("/dev/null")),
    "thread": lambda: threading.Thread(target=threading.Event().wait, daemon=True).start(),
    "child": lambda: held.append(subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1)),
}
print("there", flush=True)
for line in sys.stdin:
    deeds[line.strip()]()
    print("done", flush=True)
"""


@contextmanager
def a_taker():
    process = subprocess.Popen(
        [sys.executable, "-c", _CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    assert process.stdout.readline() == "there\n"

    def take(what: str) -> tuple[Take, Take]:
        before = measure_tree(process.pid)
        process.stdin.write(f"{what}\n")
        process.stdin.flush()
        assert process.stdout.readline() == "done\n"
        return before, measure_tree(process.pid)

    try:
        yield take
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def test_memory_that_is_kept_is_seen():
    with a_taker() as take:
        before, after = take("memory")
    for measure in ("own", "shared", "resident"):
        assert 7 < getattr(after, measure) - getattr(before, measure) < 12


def test_a_descriptor_and_a_thread_that_are_kept_are_seen():
    with a_taker() as take:
        before, after = take("descriptor")
        assert after.descriptors == before.descriptors + 1
        before, after = take("thread")
    assert after.threads == before.threads + 1


def test_children_count():
    with a_taker() as take:
        before, after = take("child")
    assert (before.processes, after.processes) == (1, 2)
    assert after.own > before.own


def test_a_process_that_has_ended_takes_nothing():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait(10)
    assert measure_tree(process.pid) == Take()
