"""Directions of imports: import-linter's contracts, and what it cannot see in flow steps."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from tests.architecture.contracts import load_contracts, split_contract
from tests.architecture.tree import PACKAGES, ROOT

#: Modules whose functions run inside the gevent loop of a flow worker.
_FLOW = ("steps", "edits", "renders", "endings", "charges", "progress", "remedies")
_FLOW += ("corrections", "evidence", "revisions", "uploads")
FLOW_MODULES = tuple(f"service/jobs/{name}.py" for name in _FLOW)
_FILE_CALLS = {"open", "read_bytes", "write_bytes", "read_text", "write_text", "file_digest"}
_SLOW_MODULES = {"av", "boto3", "numpy", "PIL", "shutil", "subprocess"}


def test_contracts_are_kept():
    # Given the contracts of pyproject.toml, when import-linter reads the code, then none is broken.
    done = subprocess.run(
        [sys.executable, "-m", "tests.architecture.contracts"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_contracts_cover_every_package():
    settings, _ = load_contracts()
    assert set(settings["root_packages"]) == set(PACKAGES)


def test_a_module_that_is_not_written_is_left_out_and_named():
    contract = {
        "name": "x",
        "type": "forbidden",
        "source_modules": ["service.ids", "service.not_written"],
        "forbidden_modules": ["redis"],
    }
    kept, missing = split_contract(contract)
    assert kept == {**contract, "source_modules": ["service.ids"]}
    assert missing == {"service.not_written"}


@pytest.mark.parametrize("name", FLOW_MODULES)
def test_flow_steps_touch_no_file(name):
    """A blocking call in one step stalls every stream of the process (design 4)."""
    path = ROOT / name
    if not path.is_file():
        pytest.skip(f"{name} is not written yet")
    found = [
        each
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for each in _blocking(node)
    ]
    assert not found, f"{name} blocks the loop: {', '.join(found)}"


def _blocking(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [each.name for each in names if each.name.split(".")[0] in _SLOW_MODULES]
        case ast.ImportFrom(module=str(module)) if module.split(".")[0] in _SLOW_MODULES:
            return [module]
        case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)):
            return [f"line {node.lineno}: {called}()"] if called in _FILE_CALLS else []
        case _:
            return []
