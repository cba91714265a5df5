"""`caption-ab verdict --from snapshot.json`."""

from __future__ import annotations

import json

import pytest

from cli.main import main
from service.experiments.snapshot import canonical, write_snapshot
from service.experiments.verdict import decide
from tests.unit.experiments.snapshots import a_snapshot


def test_a_frozen_snapshot_gives_its_verdict_again(tmp_path, capfdbinary):
    # Given a verdict and the snapshot that was frozen with it,
    snapshot = a_snapshot((10_000, 500), (10_000, 640))
    path = tmp_path / "snapshot.json"
    path.write_bytes(canonical(write_snapshot(snapshot)))
    # When the command makes it again, then it has the same bytes.
    assert main(["verdict", "--from", str(path)]) == 0
    assert capfdbinary.readouterr().out == decide(snapshot).as_bytes()


def test_the_layout_of_the_file_does_not_matter(tmp_path, capfdbinary):
    snapshot = a_snapshot((10_000, 500), (10_000, 640))
    path = tmp_path / "snapshot.json"
    path.write_text(json.dumps(write_snapshot(snapshot), indent=4))
    main(["verdict", "--from", str(path)])
    assert capfdbinary.readouterr().out == decide(snapshot).as_bytes()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read as JSON"),
        ("[" * 100_000, "cannot be read as JSON"),
        ("{}", "#/plan"),
        ('{"format": "caption-ab.snapshot.v1", "plan": {"alpha": 3}}', "#/plan/alpha"),
    ],
)
def test_what_is_no_snapshot_is_told_place_by_place(tmp_path, capsys, text, said):
    path = tmp_path / "snapshot.json"
    path.write_text(text)
    assert main(["verdict", "--from", str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert "Give a snapshot as `caption-ab experiment JOB --snapshot FILE` keeps it." in err


def test_a_file_that_is_not_there_is_told(tmp_path, capsys):
    assert main(["verdict", "--from", str(tmp_path / "none.json")]) == 1
    assert "none.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("\x1b]0;owned\x07\x1b[2J", "#/ ]0;owned  [2J: There is no such field."),
        ("\x9b2J", "#/ 2J: There is no such field."),
        ("\ud800", "#/ : There is no such field."),
    ],
)
def test_a_strangers_file_moves_no_cursor(tmp_path, capsys, name, said):
    path = tmp_path / "snapshot.json"
    path.write_text(json.dumps({**write_snapshot(a_snapshot((10, 1), (10, 1))), name: 0}))
    assert main(["verdict", "--from", str(path)]) == 1
    err = capsys.readouterr().err
    assert said in err
    assert all(each.isprintable() for each in err.splitlines())


@pytest.mark.parametrize("name", ["\ud800", "", "n" * 201])
def test_a_look_of_a_name_that_none_can_have_is_refused(tmp_path, capsys, name):
    path = tmp_path / "snapshot.json"
    document = {**write_snapshot(a_snapshot((10, 1), (10, 1))), "earlier": {name: -1.0}}
    path.write_text(json.dumps(document))
    assert main(["verdict", "--from", str(path)]) == 1
    assert "#/earlier: Its names must be texts of 1 to 200 characters." in capsys.readouterr().err
