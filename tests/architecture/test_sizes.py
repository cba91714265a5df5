"""Files and functions stay small enough to be read in one go.

A longer one carries a comment `# size: <reason>`. For a function neither its docstring counts nor
the functions inside it, which are measured by themselves.
"""

from __future__ import annotations

import ast

from tests.architecture.tree import PACKAGES, python_files, relative

FILE_LINES = 300
FUNCTION_LINES = 40
_MARK = "# size: "
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def test_no_file_is_longer_than_300_lines():
    long = {}
    for path in python_files(*PACKAGES, "tests", "benchmarks"):
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) > FILE_LINES and not any(line.startswith(_MARK) for line in lines[:5]):
            long[relative(path)] = len(lines)
    assert not long


def test_no_function_is_longer_than_40_lines():
    long = {}
    for path in python_files(*PACKAGES, "benchmarks"):
        source = path.read_text(encoding="utf-8")
        lines = source.splitlines()
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, _FUNCTIONS):
                continue
            body = lines[node.lineno - 1 : node.end_lineno]
            if code_lines(node) > FUNCTION_LINES and not any(_MARK in line for line in body):
                long[f"{relative(path)}:{node.lineno} {node.name}"] = code_lines(node)
    assert not long


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function from its `def` on, without its docstring and inner functions."""
    total = _span(node) - sum(_span(each) for each in node.body if isinstance(each, _FUNCTIONS))
    return total - (_span(node.body[0]) if ast.get_docstring(node) is not None else 0)


def _span(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_inner_functions_and_docstrings_do_not_count():
    source = 'def outer():\n    """Why."""\n    def inner():\n        pass\n    return inner\n'
    outer = ast.parse(source).body[0]
    assert code_lines(outer) == 2
