"""Units of systemd on one machine: ports of their own, and time to start before health is asked."""

from __future__ import annotations

import re
import subprocess

import pytest

from cli.system import QUEUES
from service.settings import load_settings
from tests.deploy.manifests import ROOT
from tests.deploy.test_compose import read_env

DEPLOY = ROOT / "deploy"
SYSTEMD = DEPLOY / "systemd"
UNITS = ("api", *QUEUES)


def values(unit: str, name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", (SYSTEMD / unit).read_text(), re.MULTILINE)


def write_settings(folder) -> dict[str, str]:
    subprocess.run([DEPLOY / "unit-settings", folder], check=True)
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_each_process_of_a_machine_has_a_port_of_metrics_of_its_own(tmp_path):
    # Given the settings that the installation writes for each unit
    found = write_settings(tmp_path)
    # Then their ports are those of `caption-ab up`, from its first port on
    assert set(found) == {f"{unit}.environment" for unit in UNITS}
    ports = [load_settings(read_env(found[f"{unit}.environment"])).metrics_port for unit in UNITS]
    assert ports == list(range(9464, 9464 + len(UNITS)))


def test_what_an_operator_has_changed_is_kept(tmp_path):
    write_settings(tmp_path)
    (tmp_path / "flow.environment").write_text("CAPTION_AB_METRICS_PORT=9999\n")
    assert write_settings(tmp_path)["flow.environment"] == "CAPTION_AB_METRICS_PORT=9999\n"


@pytest.mark.parametrize(
    ("unit", "own"), [("caption-ab-api.service", "api"), ("caption-ab-worker@.service", "%i")]
)
def test_a_unit_reads_its_own_settings_after_those_of_all(unit, own):
    folder = "/etc/caption-ab"
    assert values(unit, "EnvironmentFile") == [
        f"{folder}/environment",
        f"-{folder}/{own}.environment",
    ]


def test_installing_writes_the_settings_of_units():
    text = (DEPLOY / "install.sh").read_text()
    assert 'deploy/unit-settings "$SETTINGS"' in text


def test_a_worker_that_has_just_started_is_given_time():
    # Given the unit that kills a worker which takes no work
    (command,) = values("caption-ab-health@.service", "ExecStart")
    # Then a worker without a heartbeat has longer than it may wait for Redis at its start
    starting_s = int(re.search(r"workers\.health --starting-s (\d+) ", command).group(1))
    assert starting_s >= 120
    # and the folder of its heartbeat, whose age counts, is made anew by each start
    (beat,) = re.findall(r"BEAT_FILE=(\S+)", (SYSTEMD / "caption-ab-worker@.service").read_text())
    (made,) = values("caption-ab-worker@.service", "RuntimeDirectory")
    assert beat == f"/run/{made}/beat"
    assert values("caption-ab-worker@.service", "RuntimeDirectoryPreserve") == []
