"""Lock files: complete, checked by hash, and free of addresses."""

from __future__ import annotations

import json
import re
import tomllib

import pytest

from tests.architecture.tree import ROOT

LOCKS = (
    "requirements.lock",
    "requirements-dev.lock",
    "requirements-contract.lock",
    "requirements-deploy.lock",
    "requirements-footage.lock",
    "requirements-footage-apart.lock",
    "requirements-parity.lock",
)
NPM = ("tests/contract/node", "tests/parity/node")
_PIN = re.compile(r"^([a-z0-9.-]+)==(\S+)")
_REGISTRY = re.compile(r"pypi\.|pythonhosted|index-url|find-links|://", re.IGNORECASE)


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _pins(name: str) -> set[tuple[str, str]]:
    found = (_PIN.match(line) for line in _text(name).splitlines())
    return {(pin.group(1), pin.group(2)) for pin in found if pin}


def _wanted(requirements: list[str]) -> set[str]:
    names = (re.match(r"[A-Za-z0-9._-]+", line).group(0) for line in requirements)
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_address(name):
    assert not [line for line in _text(name).splitlines() if _REGISTRY.search(line)]


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_a_hash(name):
    blocks = re.split(r"^(?=[a-z0-9.-]+==)", _text(name), flags=re.MULTILINE)[1:]
    assert blocks
    assert all("--hash=sha256:" in block for block in blocks)


@pytest.mark.parametrize("folder", NPM)
def test_a_lock_of_npm_names_no_address_and_has_every_hash(folder):
    text = _text(f"{folder}/package-lock.json")
    assert not _REGISTRY.search(text)
    assert "npmjs" not in text
    packages = json.loads(text)["packages"]
    wanted = json.loads(_text(f"{folder}/package.json"))["dependencies"]
    assert {f"node_modules/{name}" for name in wanted} < set(packages)
    assert all(name == "" or "integrity" in each for name, each in packages.items())


def test_every_dependency_is_locked():
    whole = tomllib.loads(_text("pyproject.toml"))
    project, groups = whole["project"], whole["dependency-groups"]
    for wanted, lock in (
        (project["dependencies"], "requirements.lock"),
        (project["optional-dependencies"]["otel"], "requirements.lock"),
        (project["optional-dependencies"]["dev"], "requirements-dev.lock"),
        (groups["contract"], "requirements-contract.lock"),
        (groups["deploy-check"], "requirements-deploy.lock"),
        (groups["parity"], "requirements-parity.lock"),
    ):
        assert _wanted(wanted) <= {name for name, _ in _pins(lock)}


def test_what_runs_is_what_is_tested():
    assert _pins("requirements.lock") <= _pins("requirements-dev.lock")
