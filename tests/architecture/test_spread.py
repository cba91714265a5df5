"""Several processes share the tests: what may run at the same time, and what is made once."""

from __future__ import annotations

import pytest

from tests.conftest import pytest_xdist_make_scheduler
from tests.spread import Spread, group_of


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/e2e/test_demo.py::test_a", "processes"),
        ("tests/chaos/test_points.py::test_a[1]", "processes"),
        ("tests/e2e/page/test_kinds.py::test_a", "browser"),
        ("tests/integration/files/test_swift.py::test_a", "bucket"),
        ("tests/unit/test_ids.py::test_a", "tests/unit/test_ids.py"),
    ],
)
def test_whole_systems_a_browser_and_a_server_are_each_used_by_one_process(nodeid, group):
    assert group_of(nodeid) == group


@pytest.mark.parametrize("path", ["nemo/test_matrix.py", "sandbox/test_sandbox_run.py"])
def test_what_a_file_or_its_conftest_makes_once_keeps_it_together(path):
    assert group_of(f"tests/integration/{path}::test_a") == f"tests/integration/{path}"


def test_what_shares_nothing_is_alone():
    nodeid = "tests/integration/store/test_claim.py::test_a[x::y]"
    assert group_of(nodeid) == nodeid


def test_it_is_what_xdist_goes_by(pytestconfig, monkeypatch):
    monkeypatch.setattr(pytestconfig.option, "tx", ["2*popen"])
    assert isinstance(pytest_xdist_make_scheduler(pytestconfig, None), Spread)
