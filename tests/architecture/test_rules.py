"""Every rule of docs/protocol.md has code and a test that proves it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.breakage import own_break
from tests.architecture.breaks import BREAKS
from tests.architecture.holders import HOLDERS
from tests.architecture.rules import (
    CERTAINTIES,
    COVERAGE,
    PAGE,
    Mark,
    all_marks,
    all_rules,
    coverage_page,
    find_holder,
    read_marks,
    read_rules,
)
from tests.architecture.tree import ROOT, python_files

IDS = [rule.id for rule in all_rules()]


def test_rules_are_numbered_without_gaps():
    assert [f"P-{number:03d}" for number in range(1, len(IDS) + 1)] == IDS


def test_every_rule_says_where_it_is_from_and_how_sure_it_is():
    assert not [rule.id for rule in all_rules() if rule.certainty not in CERTAINTIES]
    assert not [rule.id for rule in all_rules() if not rule.source.strip()]


def test_no_two_rules_say_the_same():
    assert len({rule.text for rule in all_rules()}) == len(IDS)


def test_every_rule_has_a_test():
    proved = {mark.rule for mark in all_marks()}
    assert not [each for each in IDS if each not in proved]


def test_every_mark_names_a_rule():
    assert not [f"{mark.rule} in {mark.test}" for mark in all_marks() if mark.rule not in IDS]


def test_no_test_is_marked_twice_with_a_rule():
    marks = all_marks()
    assert len(set(marks)) == len(marks)


def test_every_rule_that_is_proved_has_code():
    assert not [each for each in IDS if each not in HOLDERS]
    assert not set(HOLDERS) - set(IDS)


def test_the_code_of_every_rule_is_there():
    named = {holder for holders in HOLDERS.values() for holder in holders}
    assert not [each for each in sorted(named) if find_holder(each) is None]


def test_the_coverage_page_is_as_the_marks_have_it():
    assert (ROOT / COVERAGE).read_text(encoding="utf-8") == coverage_page(), "run `make docs`"


@pytest.mark.rule("P-006")
def test_only_paths_of_this_page_are_called():
    """Every path in the client's code is, as far as it goes, one of the page."""
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    written = {each for path in python_files("service/nemo") for each in _paths(path.read_text())}
    assert len(written) >= 9
    assert not [each for each in sorted(written) if each not in page]


def _paths(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and text.startswith(("/api/", "/run_sse")):
            yield text


class TestTheReaders:
    """What reads page and marks sees what is wrong with them."""

    def test_a_rule_is_read_with_its_section(self):
        page = "## 4. Messages\n- **P-001** One. Two. *(SEED, V19; seen)*\n"
        (rule,) = read_rules(page)
        assert (rule.id, rule.text, rule.section) == ("P-001", "One. Two.", "4. Messages")
        assert (rule.source, rule.certainty) == ("SEED, V19", "seen")

    @pytest.mark.parametrize("line", ["- **P-1** One. *(a; seen)*", "- **P-001** One."])
    def test_a_line_that_is_nearly_a_rule_is_refused(self, line):
        with pytest.raises(ValueError, match="not of the form"):
            read_rules(line)

    def test_marks_of_a_class_count_for_its_tests(self):
        source = (
            '@pytest.mark.rule("P-001", "P-002")\nclass TestX:\n'
            '    @pytest.mark.rule("P-003")\n    def test_a(self): ...\n    def help(self): ...\n'
        )
        found = [mark.rule for mark in read_marks(source, "t.py")]
        assert found == ["P-001", "P-002", "P-003"]
        assert next(read_marks(source, "t.py")) == Mark("P-001", "t.py::TestX::test_a")

    @pytest.mark.parametrize(
        "source",
        [
            '@pytest.mark.rule("P-001")\ndef helper(): ...',
            "@pytest.mark.rule()\ndef test_a(): ...",
            "@pytest.mark.rule(ID)\ndef test_a(): ...",
        ],
        ids=["no test", "no id", "no text"],
    )
    def test_a_mark_that_proves_nothing_is_refused(self, source):
        with pytest.raises(ValueError, match=r"no test|write"):
            list(read_marks(source, "t.py"))

    def test_code_that_is_not_there_is_told(self):
        assert find_holder("tests/architecture/rules.py:Rule") is not None
        assert find_holder("tests/architecture/rules.py:Rule.nothing") is None
        assert find_holder("tests/architecture/nothing.py:Rule") is None


@pytest.mark.parametrize("rule", BREAKS)
def test_the_words_that_hold_a_rule_are_still_in_its_code(rule):
    """Given code that has changed, then `breakage` can still break what holds the rule."""
    path = ROOT / HOLDERS[rule][0].partition(":")[0]
    source = path.read_text(encoding="utf-8")
    broken = own_break(source, rule, ROOT)
    assert broken is not None
    assert broken.source != source
