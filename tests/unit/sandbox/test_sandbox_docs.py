"""docs/sandbox.md names everything the sandbox can be told, with its true default."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from sandbox.__main__ import _parse
from sandbox.config import SandboxConfig
from sandbox.faults import BODIES, CODES, ENDPOINTS, Rule
from sandbox.routes_admin import RESETS
from sandbox.scenario import read_scenario
from sandbox.server import build_app
from sandbox.switches import CHOICES, Switches
from sandbox.world import build_world

PAGE = Path(__file__).resolve().parents[3] / "docs" / "sandbox.md"
TEXT = PAGE.read_text(encoding="utf-8")


def rows(columns: int) -> dict[str, list[str]]:
    """Returns the page's table rows of so many columns by the name in the first one."""
    found = {}
    for line in TEXT.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == columns and cells[0].startswith("`"):
            found[cells[0].strip("`")] = cells[1:]
    return found


SWITCHES, OTHERS = rows(3), rows(2)


@pytest.mark.parametrize("switch", fields(Switches), ids=lambda switch: switch.name)
def test_every_switch_is_on_the_page_with_its_default(switch: Any) -> None:
    default = switch.default
    shown = json.dumps(default) if isinstance(default, bool) else str(default)
    assert SWITCHES[switch.name][0] == f"`{shown}`"


def test_the_page_names_no_switch_that_is_not_there() -> None:
    assert set(SWITCHES) == {switch.name for switch in fields(Switches)}


@pytest.mark.parametrize("name", CHOICES)
def test_every_word_of_a_switch_is_in_its_row(name: str) -> None:
    row = " ".join(SWITCHES[name])
    assert [word for word in CHOICES[name] if not re.search(rf"\b{word}\b", row)] == []


def test_every_rule_field_is_on_the_page_and_no_other() -> None:
    heading, following = TEXT.index("## Rules"), TEXT.index("## Scenarios")
    named = re.findall(r"^\| `(\w+)` \|", TEXT[heading:following], re.MULTILINE)
    assert sorted(named) == sorted(field.name for field in fields(Rule))


@pytest.mark.parametrize(
    ("field", "words"), [("endpoint", (*ENDPOINTS, "*")), ("body", BODIES), ("code", CODES)]
)
def test_every_word_of_a_rule_is_in_its_row(field: str, words: tuple[object, ...]) -> None:
    assert [word for word in words if str(word) not in OTHERS[field][0]] == []


def test_every_admin_route_is_on_the_page_and_no_other(tmp_path: Path) -> None:
    world = build_world(SandboxConfig(tmp_path))
    try:
        routes = {
            f"{method} {re.sub('<[a-z]+:', '<', rule.rule)}"
            for rule in build_app(world).url_map.iter_rules()
            if rule.rule.startswith("/_sandbox")
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        }
    finally:
        world.renders.close()
    assert {name for name in OTHERS if "/_sandbox" in name} == routes


def test_every_option_is_on_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        _parse(["--help"])
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help"}
    assert {name.split()[0] for name in OTHERS if name.startswith("--")} == options


def test_everything_that_can_be_reset_is_on_the_page() -> None:
    row = OTHERS["POST /_sandbox/reset"][0]
    assert [name for name in RESETS if name not in row] == []


def test_the_scenario_on_the_page_is_a_good_one() -> None:
    example = re.search(r"```json\n(.*?)```", TEXT, re.DOTALL)
    assert example
    scenario = read_scenario(json.loads(example.group(1)))
    assert scenario.sessions["#2"]["edit_applied"] == "late"
    assert len(scenario.rules) == 3
