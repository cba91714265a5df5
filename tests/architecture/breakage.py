"""Break the code of rules drawn by a seed, and see whether the rules' tests notice.

`python -m tests.architecture.breakage --seed 7 --count 20` works in a copy of the tree. The code of
each rule is broken in three ways: the very words that hold the rule are changed (breaks.py), the
whole body becomes an exception, and some blind breaks are drawn by the seed too: a condition turned
round, a statement dropped, a value changed. Of the blind ones not all concern the rule.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.breaks import BREAKS
from tests.architecture.holders import HOLDERS
from tests.architecture.rules import all_rules, find_holder, tests_of
from tests.architecture.tree import PACKAGES, ROOT

_TIMEOUT_S = 240
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".hypothesis")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Break:
    """A whole module with one thing broken, and what that is."""

    what: str
    source: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule's tests did: its own words changed, the body gone, broken blindly."""

    rule: str
    holder: str
    own: str
    removed: str
    blind: dict[str, str]

    @property
    def held(self) -> bool:
        """Whether the tests noticed that the rule's code was broken."""
        return "failed" in {self.own, self.removed} and "passed" not in {self.own, self.removed}

    def row(self) -> str:
        noticed = sum(each != "passed" for each in self.blind.values())
        missed = "; ".join(what for what, each in self.blind.items() if each == "passed")
        tests = "<br>".join(tests_of(self.rule))
        cells = (self.rule, f"`{self.holder}`", tests, self.own, self.removed)
        return f"| {' | '.join(cells)} | {noticed} of {len(self.blind)} | {missed} |"


class _Changer(ast.NodeTransformer):
    """Counts the places of a function that can be broken, and breaks the one asked for."""

    def __init__(self, wanted: int = -1) -> None:
        self.seen = 0
        self.what = ""
        self._wanted = wanted

    def _is_it(self, what: str, node: ast.AST) -> bool:
        self.seen += 1
        if self.seen - 1 != self._wanted:
            return False
        self.what = f"line {getattr(node, 'lineno', 0)}: {what}"
        return True

    def visit_If(self, node: ast.If) -> ast.AST:
        self.generic_visit(node)
        if self._is_it("condition turned round", node):
            node.test = ast.UnaryOp(ast.Not(), node.test)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        if self._is_it("condition turned round", node):
            node.test = ast.UnaryOp(ast.Not(), node.test)
        return node

    def visit_Return(self, node: ast.Return) -> ast.AST:
        self.generic_visit(node)
        nothing = node.value is None or isinstance(node.value, ast.Constant)
        if not nothing and self._is_it("nothing returned", node):
            return ast.Return(ast.Constant(None))
        return node

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        return ast.Pass() if self._is_it("error not raised", node) else node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        if isinstance(node.value, ast.Constant):  # a docstring
            return node
        self.generic_visit(node)
        return ast.Pass() if self._is_it("statement dropped", node) else node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if self._is_it("comparison turned round", node):
            return ast.UnaryOp(ast.Not(), node)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        changed = _changed(node.value)
        if changed is not None and self._is_it(f"{node.value!r} changed", node):
            return ast.copy_location(ast.Constant(changed), node)
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return node  # words for a reader

    def visit_arguments(self, node: ast.arguments) -> ast.AST:
        return node


def _changed(value: object) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return f"{value}~" if isinstance(value, str) and " " not in value else None


def own_break(source: str, rule: str, root: Path) -> Break | None:
    """The module with the words changed that hold a rule; none where the table has none.

    Raises:
        ValueError: the words are not in the code any more, or more than once.
    """
    if rule not in BREAKS:
        return None
    old, new = BREAKS[rule]
    holder = HOLDERS[rule][0]
    _, node = _find(source, holder, root)
    lines = source.splitlines(keepends=True)
    start, end = node.lineno - 1, node.end_lineno  # type: ignore[attr-defined]
    body = "".join(lines[start:end])
    if body.count(old) != 1:
        raise ValueError(f"{rule}: {holder} has {old!r} {body.count(old)} times")
    changed = "".join([*lines[:start], body.replace(old, new), *lines[end:]])
    ast.parse(changed)
    return Break("the rule's own words", changed)


def without_body(source: str, holder: str, root: Path) -> Break | None:
    """The module with the function's body replaced by an exception; none for a class."""
    tree, node = _find(source, holder, root)
    if not isinstance(node, _FUNCTIONS):
        return None
    node.body = ast.parse("raise RuntimeError('broken on purpose')").body
    return Break("body removed", ast.unparse(tree))


def small_breaks(source: str, holder: str, root: Path) -> Iterator[Break]:
    """Every small break of the function, one after the other."""
    node = _find(source, holder, root)[1]
    counter = _Changer()
    counter.visit(node)
    for number in range(counter.seen):
        tree, node = _find(source, holder, root)
        changer = _Changer(number)
        changer.visit(node)
        yield Break(changer.what, ast.unparse(ast.fix_missing_locations(tree)))


def _find(source: str, holder: str, root: Path) -> tuple[ast.Module, ast.AST]:
    """The module's tree, and the holder's node inside it."""
    found = find_holder(holder, root)
    tree = ast.parse(source)
    same = (n for n in ast.walk(tree) if type(n) is type(found) and n.lineno == found.lineno)  # type: ignore[union-attr]
    return tree, next(same)


def copy_tree(to: Path) -> Path:
    """A copy of what tests need, so that nothing here is broken."""
    for name in (*PACKAGES, "tests", "docs", "deploy"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, to / name, ignore=_LEFT_OUT)
    for name in ("pyproject.toml", "README.md", "Makefile"):
        shutil.copy(ROOT / name, to / name)
    (to / ".cache").symlink_to(ROOT / ".cache")
    return to


def run_tests(tree: Path, tests: list[str], *options: str, quiet: bool = True) -> str:
    """Whether tests fail there: `passed`, `failed`, `hung`; anything else did not run."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    command += [*options, *tests]
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(tree)}
    try:
        done = subprocess.run(command, cwd=tree, env=env, capture_output=True, timeout=_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return "hung"
    if done.returncode and not quiet:
        print(done.stdout.decode(errors="replace")[-3000:])
    return {0: "passed", 1: "failed"}.get(done.returncode, f"exit {done.returncode}")


def examine(rule: str, tree: Path, seed: int, count: int) -> Finding:
    """Break the first holder of a rule in a copy of the tree, and mend it again."""
    holder, tests = HOLDERS[rule][0], tests_of(rule)
    path = tree / holder.partition(":")[0]
    source = path.read_text(encoding="utf-8")
    smaller = list(small_breaks(source, holder, tree))
    chance = random.Random(f"{seed}:{rule}")
    drawn = chance.sample(smaller, min(count, len(smaller)))
    gone = without_body(source, holder, tree) if count else None

    def outcome(broken: Break | None) -> str:
        if broken is None:
            return "-"
        path.write_text(broken.source, encoding="utf-8")
        try:
            return run_tests(tree, tests)
        finally:
            path.write_text(source, encoding="utf-8")

    own = outcome(own_break(source, rule, tree))
    return Finding(rule, holder, own, outcome(gone), {each.what: outcome(each) for each in drawn})


def main() -> int:
    """Print a table; 1 when a rule's tests passed although its code was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--count", type=int, default=20, help="rules to draw; 0 takes all")
    parser.add_argument("--breaks", type=int, default=3, help="blind ones; 0: own words only")
    parser.add_argument("rules", nargs="*", help="these instead of drawn ones")
    options = parser.parse_args()
    proved = [rule.id for rule in all_rules()]
    count = options.count or len(proved)
    drawn = options.rules or sorted(random.Random(options.seed).sample(proved, count))
    with tempfile.TemporaryDirectory(prefix="breakage-") as folder:
        tree = copy_tree(Path(folder))
        whole = sorted({test for rule in drawn for test in tests_of(rule)})
        if (sound := run_tests(tree, whole, "--maxfail=0", quiet=False)) != "passed":
            print(f"The tests of these rules do not pass unbroken: {sound}")
            return 2
        print("| rule | code | tests | own words | no body | blind breaks seen | not seen |")
        print("|---|---|---|---|---|---|---|")
        held = True
        for rule in drawn:
            finding = examine(rule, tree, options.seed, options.breaks)
            print(finding.row(), flush=True)
            held &= finding.held
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
