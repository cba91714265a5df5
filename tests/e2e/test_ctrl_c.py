"""Nothing is left running, however the commands end."""

from __future__ import annotations

import os
import signal
import sys

import pytest

pytestmark = pytest.mark.e2e

linux = pytest.mark.skipif(
    sys.platform != "linux", reason="children of a killed parent: Linux only"
)


@pytest.mark.slow
def test_ctrl_c_in_the_middle_of_a_render_stops_everything(desk, footage, tmp_path):
    # Given a demo whose sandbox is rendering
    demo = desk.run("demo", "--out", str(tmp_path / "out"))
    demo.wait_for(" rendering")
    # When Ctrl-C is pressed
    demo.press_ctrl_c()
    # Then it ends by itself, and neither processes nor data are left
    assert demo.wait(40) == 130
    assert "Every process has stopped." in demo.printed()
    assert demo.left_over() == []
    assert not list(tmp_path.glob("caption-ab-demo-*"))


def test_ctrl_c_while_starting_stops_everything(desk, footage, tmp_path):
    # Given a demo that has only begun to start its processes
    demo = desk.run("demo", "--out", str(tmp_path / "out"))
    demo.wait_for("sandbox is ready")
    # When Ctrl-C is pressed; then what was started is stopped
    demo.press_ctrl_c()
    assert demo.wait(40) == 130
    assert demo.left_over() == []


@linux
def test_killed_parent_takes_its_children_along(desk, footage, tmp_path):
    # Given a demo with everything running
    demo = desk.run("demo", "--out", str(tmp_path / "out"))
    demo.wait_for("API is ready")
    # When it is killed without a chance to clean up
    os.kill(demo.process.pid, signal.SIGKILL)
    demo.process.wait()
    # Then its children go by themselves
    assert demo.left_over(20) == []
