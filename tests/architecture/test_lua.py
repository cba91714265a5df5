"""A command's header, its body and its caller in Python say the same."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from service.store.scripts import SCRIPTS, Script, script_text
from tests.architecture.tree import ROOT

LUA = ROOT / "service" / "store" / "lua"
_NAMED = re.compile(r"(\d+) (\w+(?:\.\.\.)?)")
_REFUSED = re.compile(r"(-\d+) ([A-Z_]+)")
_FIELDS = ("KEYS", "ARGV", "Returns", "Refuses")


@dataclass(frozen=True, slots=True)
class Header:
    """What the first lines of a command state. `keys` and `args` in the order of their index."""

    name: str
    purpose: str
    keys: tuple[str, ...]
    args: tuple[str, ...]
    refusals: frozenset[tuple[int, str]]


def parse_header(text: str) -> Header:
    """Read the block of comments that a command begins with."""
    lines = text.splitlines()
    name, purpose = re.fullmatch(r"-- (\w+): (.+)", lines[0]).groups()
    fields = {}
    for line, title in zip(lines[1:], _FIELDS, strict=False):
        found = re.fullmatch(rf"-- {title}: (.+)", line)
        assert found, f"{name}: line should begin with '-- {title}: ', is {line!r}"
        fields[title] = found.group(1)
    return Header(
        name,
        purpose,
        _in_order(name, fields["KEYS"]),
        _in_order(name, fields["ARGV"]),
        frozenset((int(n), word) for n, word in _REFUSED.findall(fields["Refuses"])),
    )


def _in_order(name: str, text: str) -> tuple[str, ...]:
    if text.startswith("none"):
        return ()
    named = _NAMED.findall(text)
    assert [int(n) for n, _ in named] == list(range(1, len(named) + 1)), f"{name}: {text}"
    return tuple(word for _, word in named)


def _body(text: str) -> str:
    """A script without its comments."""
    return "\n".join(line.split("--", 1)[0] for line in text.splitlines())


def _used(text: str, table: str) -> set[int]:
    return {int(n) for n in re.findall(rf"\b{table}\[(\d+)\]", _body(text))}


def _header(script: Script) -> Header:
    return parse_header((LUA / f"{script.name}.lua").read_text(encoding="utf-8"))


each_script = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)


def test_every_file_is_a_command_with_a_caller():
    assert {path.stem for path in LUA.glob("*.lua")} == {script.name for script in SCRIPTS}


@each_script
def test_header_matches_the_caller(script):
    header = _header(script)
    assert header.name == script.name
    assert header.keys == script.keys
    assert header.args == script.args
    assert header.refusals == {(int(each), each.name) for each in script.refusals}


@each_script
@pytest.mark.parametrize("table", ["KEYS", "ARGV"])
def test_body_uses_what_the_header_names(script, table):
    header = _header(script)
    names = header.keys if table == "KEYS" else header.args
    used = _used(script_text(script.name), table)
    assert max(used, default=0) <= len(names) or names[-1].endswith("...")
    unused = {names[n - 1] for n in range(1, len(names) + 1) if n not in used}
    assert not unused, f"{script.name} never looks at {', '.join(sorted(unused))}"


@each_script
def test_body_refuses_with_what_the_header_names(script):
    body = _body(script_text(script.name))
    returned = {int(n) for n in re.findall(r"return \{? ?(-\d+)", body)}
    assert returned == {int(each) for each in script.refusals}


@each_script
def test_time_is_an_argument(script):
    assert "'TIME'" not in _body(script_text(script.name)).upper()


def test_a_header_without_refusals_is_told():
    text = "-- x: does it.\n-- KEYS: 1 due\n-- ARGV: 1 now_ms\n-- Returns: 1\n-- Retuses: -1 HELD\n"
    with pytest.raises(AssertionError, match="Refuses"):
        parse_header(text)
