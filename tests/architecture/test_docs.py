"""Documentation is complete and says what the code says."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from benchmarks.peeking import EQUAL, MORE_EQUAL, UNEQUAL, UNEQUAL_VALUES, VALUES
from service.audit import Act
from service.experiments.outcomes import Rejection
from service.experiments.states import Reason, State
from service.model.lifecycle import CutState
from service.settings import Settings, environment_name
from service.webhooks.events import EventType
from tests.architecture.error_tables import FAILURES, failure_codes, request_errors
from tests.architecture.tree import ROOT
from tests.architecture.write_docs import ADVICE, PAGES, advice, all_errors, meaning


@pytest.mark.parametrize("name", PAGES)
def test_page_is_as_the_code_has_it(name):
    assert (ROOT / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


def test_every_setting_is_named():
    page = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    assert not [each for each in fields(Settings) if f"`{environment_name(each)}`" not in page]


def test_every_setting_is_explained():
    assert not [each.name for each in fields(Settings) if not each.metadata["doc"].endswith(".")]


@pytest.mark.parametrize("kind", EventType)
def test_every_event_is_described(kind):
    assert f"`{kind}`" in (ROOT / "docs/webhooks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("act", Act)
def test_every_act_of_the_audit_log_is_named(act):
    assert f"`{act}`" in (ROOT / "docs/operations.md").read_text(encoding="utf-8")


def test_every_error_has_a_code_of_its_own():
    codes = [cls.code for cls in all_errors() if "code" in vars(cls)]
    assert len(codes) == len(set(codes))
    assert not [cls.__name__ for cls in all_errors() if "code" not in vars(cls)]


def test_every_error_says_what_it_means_and_what_to_do():
    silent = [cls.__name__ for cls in all_errors() if not (meaning(cls) and advice(cls))]
    assert not silent, "give them a `hint`, or a line in ADVICE of tests/architecture/write_docs.py"


def test_advice_is_for_codes_that_exist():
    assert not set(ADVICE) - {cls.code for cls in all_errors()}


def test_every_error_of_a_request_says_what_to_do():
    assert not [cls.__name__ for cls in request_errors() if not cls.hint]


def test_every_code_of_a_cut_is_described():
    # Given the codes that steps give to clips and cuts,
    codes = failure_codes()
    assert {"no_credits", "edit_unconfirmed", "render_timeout"} <= codes
    # Then each is an error's own or described for cuts, and nothing else is.
    errors = {cls.code for cls in all_errors()}
    assert codes - errors == set(FAILURES) - errors - {"captions_past_end"}


def test_every_proof_of_a_guarantee_is_there():
    page = (ROOT / "docs/guarantees.md").read_text(encoding="utf-8")
    proofs = set(re.findall(r"`(tests/[^`:]+\.py)::(?:\w+::)?(test_\w+)`", page))
    assert len(proofs) >= 15
    missing = [
        f"{path}::{name}"
        for path, name in sorted(proofs)
        if f"def {name}(" not in (ROOT / path).read_text(encoding="utf-8")
    ]
    assert not missing


def test_every_state_and_reason_of_a_verdict_and_every_rejection_is_described():
    # Given the tables of the page on statistics,
    page = (ROOT / "docs/statistics.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `([a-z_]+)` \|", page, re.MULTILINE))
    # Then they name the states and reasons that there are, and no other.
    named = {each.value for each in (*State, *Reason, *Rejection)}
    assert rows - {"state", "reason", "rejected"} == named


def test_the_tables_of_the_simulation_have_its_lines():
    page = (ROOT / "docs/statistics.md").read_text(encoding="utf-8")
    settings = (*EQUAL, *MORE_EQUAL, *VALUES, *UNEQUAL, *UNEQUAL_VALUES)
    assert not [each.name for each in settings if f"| {each.name} |" not in page]


def test_the_guide_names_every_status_of_a_cut():
    # Given the guide's paragraph about what becomes of a cut,
    guide = (ROOT / "docs/guide.md").read_text(encoding="utf-8")
    (paragraph,) = [
        line for line in guide.splitlines() if line.startswith("Each variant has a cut")
    ]
    # Then it names the states that there are, and no other.
    named = set(re.findall(r"`([a-z_]+)`", paragraph)) - {"status", "note"}
    assert named == {each.value for each in CutState}
