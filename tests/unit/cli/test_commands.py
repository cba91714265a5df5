"""The commands' arguments and what they tell."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet

from cli import up
from cli.client import Problem
from cli.credentials import ask_keys
from cli.interrupt import Interrupt
from cli.main import main
from cli.run import find_key
from cli.system import Plan, System
from cli.terminal import warn
from service.errors import StartupError
from tests.conftest import ROOT


def test_problem_is_told_with_its_fields_example_and_hint(capsys):
    # Given a problem as the API sends it
    warn(
        Problem(
            {
                "detail": "The job is not valid.",
                "hint": "Correct it.",
                "errors": [{"pointer": "#/clips/0/url", "detail": "is not https"}],
                "example": {"captions": {"text": "é"}},
            }
        )
    )
    # Then each part has its line
    said = capsys.readouterr().err
    assert said.splitlines() == [
        "error: The job is not valid.",
        "  #/clips/0/url: is not https",
        '  for example: {"captions": {"text": "é"}}',
        "  Correct it.",
    ]


def test_missing_clip_ends_with_1_and_one_line(capsys, monkeypatch):
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert main(["run", "/nowhere/a.mp4", "--key", "k"]) == 1
    assert capsys.readouterr().err == "error: There is no file /nowhere/a.mp4.\n"


def test_a_secret_key_is_one(capsys):
    assert main(["keys", "secret"]) == 0
    Fernet(capsys.readouterr().out.strip())


def test_key_comes_from_the_argument_then_the_environment(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CAPTION_AB_KEY", "from-environment")
    assert find_key("given") == "given"
    assert find_key("") == "from-environment"
    monkeypatch.delenv("CAPTION_AB_KEY")
    with pytest.raises(Problem, match="no API key"):
        find_key("")


def options(tmp_path, **changes):
    return argparse.Namespace(
        **{"data": tmp_path, "port": 8080, "sandbox_credits": 1_000_000, **changes}
    )


def test_up_takes_the_sandbox_with_a_registered_account(tmp_path):
    plan = up.plan(options(tmp_path))
    assert plan.with_sandbox
    assert plan.own["NEMO_TOKEN"] == "nmv_usr_sbx_up_1000000"


def test_up_takes_the_backend_that_the_environment_names(tmp_path, monkeypatch):
    # Given a real backend; then no sandbox, and nobody's token is replaced
    monkeypatch.setenv("NEMO_API_URL", "https://backend.example")
    plan = up.plan(options(tmp_path))
    assert not plan.with_sandbox
    assert "NEMO_TOKEN" not in plan.own
    assert "CAPTION_AB_POLL_EVERY_S" not in plan.defaults


def test_own_settings_win_and_defaults_give_way(tmp_path, monkeypatch):
    # Given a setting of the user's, one of the plan's own, and a name of the client's
    monkeypatch.setenv("CAPTION_AB_DRAIN_S", "99")
    monkeypatch.setenv("CAPTION_AB_KEY", "cab_x")
    plan = Plan(tmp_path, 1, own={"NEMO_TOKEN": "t"}, defaults={"CAPTION_AB_DRAIN_S": "20"})
    env = System(plan, Interrupt(), lambda _: None)._base_env()
    assert env["CAPTION_AB_DRAIN_S"] == "99"
    assert env["NEMO_TOKEN"] == "t"
    assert "CAPTION_AB_KEY" not in env
    assert env["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize("named", [True, False], ids=["in PYTHONPATH", "where it was started"])
def test_folders_of_others_that_are_called_as_ours_are_not_taken(tmp_path, monkeypatch, named):
    # Given a project with folders of the same names, in which a command is started
    for name in ("api", "cli", "sandbox", "service", "workers"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('of another project')\n")
    monkeypatch.chdir(tmp_path)
    if named:
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    # When it starts a process; then that is ours
    plan = Plan(tmp_path / "data", 1)
    plan.folder.mkdir()
    env = System(plan, Interrupt(), lambda _: None)._base_env()
    code = "import api, sandbox, service, workers; print(api.__path__[0])"
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.stdout == f"{ROOT / 'api'}\n", done.stderr
    # and so is what makes keys, which says that there is no store
    with pytest.raises(StartupError, match="Redis"):
        ask_keys({**os.environ, "CAPTION_AB_REDIS_URL": "unix:///nowhere.sock"}, "list")


def test_streams_that_are_closed_are_empty():
    # Given a shell that starts a command with neither input nor output
    command = [sys.executable, "-m", "cli", "probe", "pyproject.toml", "--anonymous"]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&- >&-', "sh", *command],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    # Then it ends as where nobody answers
    assert (done.returncode, "There is nobody to ask." in done.stderr) == (1, True), done.stderr


def test_isolated_plan_takes_nothing_of_ours_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("NEMO_API_URL", "https://backend.example")
    monkeypatch.setenv("CAPTION_AB_LEASE_S", "1")
    env = System(Plan(tmp_path, 1, isolated=True), Interrupt(), lambda _: None)._base_env()
    assert "NEMO_API_URL" not in env
    assert "CAPTION_AB_LEASE_S" not in env


def test_two_ups_cannot_share_a_folder(tmp_path):
    lock = up.lock_folder(tmp_path)
    with pytest.raises(StartupError, match="Another"):
        up.lock_folder(tmp_path)
    lock.close()
    up.lock_folder(tmp_path).close()
