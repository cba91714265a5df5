"""Run import-linter with the contracts of pyproject.toml.

`lint-imports` stops at the first module it does not find. A module that a contract names and that
is not written yet is left out here and listed, so that the other contracts hold from the first day.
"""

from __future__ import annotations

import sys
import tempfile
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parents[2]
_LISTS = ("source_modules", "forbidden_modules", "modules", "layers")
_LEAST = {"source_modules": 1, "forbidden_modules": 1, "modules": 2, "layers": 2}


def exists(module: str) -> bool:
    """Whether a module of ours is there; what others wrote counts as there."""
    top, *rest = module.split(".")
    if not (ROOT / top).is_dir():
        return find_spec(top) is not None or top in {"boto3", "valkey"}
    place = ROOT.joinpath(top, *rest)
    return place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()


def split_contract(contract: dict[str, Any]) -> tuple[dict[str, Any] | None, set[str]]:
    """A contract without the modules that are not there (None when nothing is left), and these."""
    missing: set[str] = set()
    kept = dict(contract)
    for key in _LISTS:
        if key not in contract:
            continue
        lines = []
        for line in contract[key]:
            names = [name.strip() for name in line.split("|")]
            missing.update(name for name in names if not exists(name))
            lines.append(" | ".join(name for name in names if exists(name)))
        kept[key] = [line for line in lines if line]
        if len(kept[key]) < _LEAST[key]:
            return None, missing
    return kept, missing


def write_ini(settings: dict[str, Any], contracts: list[dict[str, Any]]) -> str:
    """The configuration in the form that `lint-imports --config` reads."""

    def block(title: str, values: dict[str, Any]) -> list[str]:
        lines = [f"[{title}]"]
        for key, value in values.items():
            if isinstance(value, list):
                lines += [f"{key} =", *(f"    {part}" for part in value)]
            else:
                lines.append(f"{key} = {value}")
        return lines

    lines = block("importlinter", settings)
    for number, contract in enumerate(contracts):
        lines += block(f"importlinter:contract:{number}", contract)
    return "\n".join(lines) + "\n"


def load_contracts() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The settings and the contracts as pyproject.toml has them."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    settings = tomllib.loads(text)["tool"]["importlinter"]
    return settings, settings.pop("contracts")


def main() -> int:
    """Check the contracts; 0 when all that can be checked are kept."""
    settings, contracts = load_contracts()
    missing = {name for name in settings["root_packages"] if not exists(name)}
    settings["root_packages"] = [n for n in settings["root_packages"] if n not in missing]
    kept = []
    for contract in contracts:
        rest, absent = split_contract(contract)
        missing |= absent
        if rest:
            kept.append(rest)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "importlinter.ini")
        config.write_text(write_ini(settings, kept), encoding="utf-8")
        status = lint_imports(config_filename=str(config), no_cache=True, no_logo=True)
    if missing:
        print(f"Named in contracts and not written yet: {', '.join(sorted(missing))}.")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
