"""The rules of docs/protocol.md, the tests that prove them and the code that holds them.

`python -m tests.architecture.rules` writes docs/protocol-coverage.md; `make docs` does it too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.architecture.holders import HOLDERS
from tests.architecture.tree import ROOT, relative

PAGE = "docs/protocol.md"
COVERAGE = "docs/protocol-coverage.md"
CERTAINTIES = frozenset({"seen", "inferred", "measured"})
_RULE = re.compile(r"^- \*\*(P-\d{3})\*\* (.+\.) \*\((.+); (\w+)\)\*$")
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the page. `section` is the heading it stands under."""

    id: str
    text: str
    source: str
    certainty: str
    section: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A test, named as pytest names it, that claims to prove a rule."""

    rule: str
    test: str


def read_rules(page: str) -> list[Rule]:
    """The rules of a page in their order; a line that begins like one must be one.

    Raises:
        ValueError: it is not.
    """
    rules, section = [], ""
    for line in page.splitlines():
        if line.startswith("#"):
            section = line.lstrip("# ")
        elif found := _RULE.match(line):
            rules.append(Rule(*found.groups(), section=section))
        elif line.startswith("- **P-"):
            raise ValueError(f"not of the form `- **P-001** Text. *(source; certainty)*`: {line}")
    return rules


def read_marks(source: str, path: str) -> Iterator[Mark]:
    """The marks in a test file; one on a class counts for each test in it.

    Raises:
        ValueError: a mark that pytest would never collect, or one whose ids are not plain texts.
    """
    yield from _marks_below(ast.parse(source).body, path, ())


def _marks_below(body: list[ast.stmt], path: str, outer: tuple[str, ...]) -> Iterator[Mark]:
    for node in body:
        if not isinstance(node, _DEFINITIONS):
            continue
        name, ids = f"{path}::{node.name}", (*outer, *_ids(node))
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            yield from _marks_below(node.body, name, ids)
        elif not isinstance(node, ast.ClassDef) and node.name.startswith("test_"):
            yield from (Mark(each, name) for each in ids)
        elif ids != outer:
            raise ValueError(f"{name} is marked but is no test")


def _ids(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> list[str]:
    calls = [
        each
        for each in node.decorator_list
        if isinstance(each, ast.Call) and ast.unparse(each.func) == "pytest.mark.rule"
    ]
    ids = [each for call in calls for each in call.args]
    texts = [each.value for each in ids if isinstance(each, ast.Constant)]
    if len(texts) < len(ids) or any(call.keywords or not call.args for call in calls):
        raise ValueError(f'{node.name}: write @pytest.mark.rule("P-001")')
    return [str(each) for each in texts]


@cache
def all_rules() -> tuple[Rule, ...]:
    return tuple(read_rules((ROOT / PAGE).read_text(encoding="utf-8")))


@cache
def all_marks() -> tuple[Mark, ...]:
    """The marks of all tests, file by file."""
    found: list[Mark] = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        source = path.read_text(encoding="utf-8")
        if "mark.rule(" in source:
            found += read_marks(source, relative(path))
    return tuple(found)


def tests_of(rule: str) -> list[str]:
    """The tests that are marked with a rule."""
    return [mark.test for mark in all_marks() if mark.rule == rule]


def find_holder(holder: str, root: Path = ROOT) -> ast.AST | None:
    """The definition that `path.py:Class.function` or `path.py:TABLE` names, or none."""
    path, _, name = holder.partition(":")
    if not (root / path).is_file():
        return None
    node: ast.AST | None = ast.parse((root / path).read_text(encoding="utf-8"))
    for part in name.split("."):
        body = getattr(node, "body", [])
        node = next((each for each in body if _name(each) == part), None)
    return node


def _name(node: ast.stmt) -> str:
    if isinstance(node, _DEFINITIONS):
        return node.name
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return next((each.id for each in targets if isinstance(each, ast.Name)), "")


def coverage_page() -> str:
    """docs/protocol-coverage.md: every rule with the code that holds it and the tests."""
    rules = all_rules()
    lines = [
        "# The protocol's rules, their code and their tests",
        "",
        "`make docs` writes this page from `docs/protocol.md`, the marks in `tests/` and the table",
        f"in `tests/architecture/holders.py`. {len(rules)} rules, each with code and tests.",
    ]
    section = ""
    for rule in rules:
        if rule.section != section:
            section = rule.section
            lines += ["", f"## {section}", "", "| rule | code | tests |", "|---|---|---|"]
        lines.append(_row(rule))
    return "\n".join(lines) + "\n"


def _row(rule: Rule) -> str:
    code = "<br>".join(f"`{each}`" for each in HOLDERS.get(rule.id, ()))
    tests = "<br>".join(f"`{each.removeprefix('tests/')}`" for each in tests_of(rule.id))
    return f"| {rule.id} | {code} | {tests} |"


def main() -> None:
    """Write the page if it has changed."""
    path, text = ROOT / COVERAGE, coverage_page()
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
        print(f"{COVERAGE} written")


if __name__ == "__main__":
    main()
