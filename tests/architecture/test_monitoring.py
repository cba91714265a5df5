"""Alerts and dashboards ask for metrics that exist, in words that Prometheus understands."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import yaml

from service.metrics import CATALOGUE
from tests.architecture.tree import ROOT

ALERTS = ROOT / "deploy" / "alerts" / "caption-ab.yaml"
ALERT_TESTS = ALERTS.with_name("caption-ab.test.yaml")
DASHBOARDS = sorted((ROOT / "deploy" / "dashboards").glob("*.json"))
LABELS = {label for each in CATALOGUE for label in each.labels} | {"le", "instance", "job"}
_OURS = re.compile(r"\bcaption_ab_[a-z_]+")
_BY = re.compile(r"\bby \(([^)]*)\)")
_MATCHED = re.compile(r"([a-z_]+)\s*(?:=~|!~|!=|=)\s*\"")

promtool = pytest.mark.promtool


@pytest.fixture
def run_promtool():
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("no promtool on the PATH; Debian has it in the package prometheus")

    def run(*arguments: str) -> str:
        done = subprocess.run([found, *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def rules() -> list[dict]:
    return [
        rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
    ]


def panels(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf-8"))["panels"]


def expressions(path: Path) -> list[str]:
    return [target["expr"] for panel in panels(path) for target in panel.get("targets", [])]


def all_expressions() -> list[str]:
    return [rule["expr"] for rule in rules()] + [
        e for path in DASHBOARDS for e in expressions(path)
    ]


def test_every_metric_that_is_asked_for_exists():
    known = {name for each in CATALOGUE for name in each.samples}
    asked = {name for text in all_expressions() for name in _OURS.findall(text)}
    assert len(asked) > 15
    assert not asked - known


def test_every_label_that_is_asked_for_exists():
    found = set()
    for text in all_expressions():
        found.update(name.strip() for part in _BY.findall(text) for name in part.split(","))
        found.update(_MATCHED.findall(text))
    assert not found - LABELS


def test_every_metric_is_on_a_dashboard_or_in_an_alert():
    asked = {name for text in all_expressions() for name in _OURS.findall(text)}
    assert not [each.name for each in CATALOGUE if not asked & set(each.samples)]


class TestDashboards:
    def test_there_is_one(self):
        assert [path.name for path in DASHBOARDS] == ["caption-ab.json"]

    def test_ids_are_unique_and_panels_do_not_overlap(self):
        for path in DASHBOARDS:
            assert len({panel["id"] for panel in panels(path)}) == len(panels(path))
            cells = Counter(
                (x, y)
                for box in (panel["gridPos"] for panel in panels(path))
                for x in range(box["x"], box["x"] + box["w"])
                for y in range(box["y"], box["y"] + box["h"])
            )
            assert max(cells.values()) == 1
            assert max(x for x, _ in cells) < 24
        uids = [json.loads(path.read_text())["uid"] for path in DASHBOARDS]
        assert len(set(uids)) == len(uids)

    @promtool
    def test_every_expression_is_understood(self, run_promtool, tmp_path):
        # Given each expression as a recording rule, with a range where Grafana fills one in
        asked = [
            text.replace("$__rate_interval", "5m") for p in DASHBOARDS for text in expressions(p)
        ]
        recorded = [{"record": f"panel:{n}", "expr": text} for n, text in enumerate(asked)]
        file = tmp_path / "rules.yaml"
        file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}))
        # Then Prometheus' own tool takes them all
        assert f"{len(recorded)} rules found" in run_promtool("check", "rules", str(file))


class TestAlerts:
    @promtool
    def test_rules_are_understood(self, run_promtool):
        assert f"{len(rules())} rules found" in run_promtool("check", "rules", str(ALERTS))

    @promtool
    def test_rules_fire_when_they_should_and_only_then(self, run_promtool):
        assert "SUCCESS" in run_promtool("test", "rules", str(ALERT_TESTS))

    def test_every_rule_is_seen_to_fire_and_seen_to_be_quiet(self):
        fires, quiet = set(), set()
        for scenario in yaml.safe_load(ALERT_TESTS.read_text())["tests"]:
            for check in scenario["alert_rule_test"]:
                (fires if check.get("exp_alerts") else quiet).add(check["alertname"])
        names = {rule["alert"] for rule in rules()}
        assert fires == names
        assert quiet == names

    def test_every_rule_has_an_entry_in_the_runbook(self):
        page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
        headings = re.findall(r"^### (CaptionAb\w+)$", page, re.MULTILINE)
        assert headings == [rule["alert"] for rule in rules()]

    def test_every_rule_says_what_is_wrong_and_whom_it_wakes(self):
        for rule in rules():
            assert rule["labels"]["severity"] in {"page", "ticket"}
            assert rule["annotations"]["summary"].endswith(".")
