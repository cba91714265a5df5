"""Folders of work under way do not outlive whoever made them."""

from __future__ import annotations

import subprocess
import sys
import tempfile

import pytest

from service.media.child import ENVIRONMENT
from service.media.workspaces import open_workspace, sweep_workspaces

HOLD = """
import time
from service.media.workspaces import open_workspace
with open_workspace() as folder:
    (folder / "video.mp4").write_bytes(b"half a video")
    print(folder.name, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_workspace_is_gone_with_its_block(temporary):
    with open_workspace() as folder:
        (folder / "a").write_text("b")
    assert list(temporary.iterdir()) == []


def test_what_a_killed_process_left_is_swept_and_nothing_else(temporary):
    # Given a process at work in a folder, another folder in use, and others' files,
    env = {**ENVIRONMENT, "TMPDIR": str(temporary)}
    process = subprocess.Popen([sys.executable, "-c", HOLD], env=env, stdout=subprocess.PIPE)
    name = process.stdout.readline().decode().strip()
    (temporary / "caption-ab-demo-1").mkdir()
    (temporary / "caption-ab-work-link").symlink_to(temporary / "caption-ab-demo-1")
    with open_workspace() as own:
        # When a worker starts while both work, then both folders stay.
        assert sweep_workspaces() == 0
        assert (temporary / name / "video.mp4").is_file()
        # When the process was killed, then its folder is swept, and nothing else.
        process.kill()
        process.wait()
        process.stdout.close()
        assert sweep_workspaces() == 1
        left = {each.name for each in temporary.iterdir()}
        assert left == {own.name, "caption-ab-demo-1", "caption-ab-work-link"}
