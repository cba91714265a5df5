"""`workers.doctor` finds what is wrong, says what to do, and changes nothing."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from cli.doctor import examine as examine_system
from cli.doctor import look_at_fonts, report
from sandbox.config import SandboxConfig
from sandbox.server import start_sandbox
from service.store.keys import Keys
from service.store.look import find_sealed
from tests.integration.workers.conftest import SECRET_KEY, wait_for


@pytest.fixture(scope="module")
def backend(tmp_path_factory):
    running = start_sandbox(SandboxConfig(tmp_path_factory.mktemp("sandbox")))
    yield running
    running.stop()


@pytest.fixture
def examine(site, backend):
    """Runs the doctor; its exit code, and its findings by name."""
    port = backend.url.rpartition(":")[2]
    own = {"NEMO_API_URL": backend.url, "CAPTION_AB_BACKEND_LOOPBACK_PORTS": port}

    def run(**env: str):
        done = subprocess.run(
            [sys.executable, "-m", "workers.doctor"],
            env={**os.environ, **site.env, **own, **env},
            capture_output=True,
            text=True,
            timeout=60,
        )
        findings: dict[str, list[dict]] = {}
        for line in done.stdout.splitlines():
            finding = json.loads(line)
            findings.setdefault(finding["name"], []).append(finding)
        return done.returncode, findings

    return run


def verdict(findings, name: str) -> str:
    verdicts = {each["verdict"] for each in findings[name]}
    return next(each for each in ("fail", "warn", "ok") if each in verdicts)


def test_a_good_machine_without_workers_gets_warnings_only(examine, site):
    # Given a store on which nothing runs; when it is examined
    code, found = examine(CAPTION_AB_KEY_PEPPER="p")
    # Then what is missing is named with what to do, and it is no failure
    assert code == 0
    bad = {name for name in found if verdict(found, name) != "ok"}
    assert bad - {"disk"} == {"workers"}  # how full this machine's disk is, is its own matter
    assert found["disk"][0]["text"].endswith(" GB free")
    assert found["workers"][0]["hint"] == "Start one: python -m workers flow"
    # and nothing was written
    assert site.client.keys("*") == []


def test_workers_at_work_are_seen(examine, site):
    site.worker("hooks")
    wait_for(lambda: site.client.hlen("cab:rooms") == 1, 10)
    _, found = examine()
    texts = [each["text"] for each in found["workers"]]
    assert "hooks: 1 worker(s), 200 free places, 0 bells" in texts
    assert "flow: 0 worker(s), 0 free places, 0 bells" in texts


def test_redis_that_forgets_is_a_failure(examine, site):
    site.client.config_set("appendfsync", "no")
    try:
        code, found = examine()
    finally:
        site.client.config_set("appendfsync", "always")
    assert code == 1
    assert "appendfsync" in found["redis"][0]["text"]


def test_redis_that_is_nearly_full_is_a_failure(examine, site):
    used = site.client.info("memory")["used_memory"]
    site.client.config_set("maxmemory", int(used * 1.05))
    try:
        apart = site.url.removesuffix("/0") + "/1"
        code, found = examine(CAPTION_AB_EXPERIMENTS_REDIS_URL=apart)
    finally:
        site.client.config_set("maxmemory", 0)
    assert code == 1
    assert "new jobs and messages are refused" in found["redis"][1]["text"]
    # And so is one that counts outcomes, which is told by its place.
    assert found["experiments redis"][0]["text"].endswith("answers")
    assert "outcomes are answered with 503" in found["experiments redis"][1]["text"]


def test_another_redis_than_the_one_that_counted_is_a_failure(examine, site):
    # Given processes that have counted elsewhere than where the settings now lead
    site.client.set(Keys().counting_id, "of the right one")
    apart = site.url.removesuffix("/0") + "/1"
    code, found = examine(CAPTION_AB_EXPERIMENTS_REDIS_URL=apart)
    assert code == 1
    [counting] = found["experiments redis"]
    assert "not the one that has counted so far" in counting["text"]
    assert "CaptionAbCountingAway" in counting["hint"]


def test_settings_that_have_lost_the_redis_that_counted_are_a_failure(examine, site):
    # Given processes that have counted elsewhere, and settings that name no such place
    site.client.set(Keys().counting_id, "of the right one")
    code, found = examine()
    assert code == 1
    [counting] = found["experiments redis"]
    assert "not the one that has counted so far" in counting["text"]
    # And nothing is said of it where nothing was.
    site.client.delete(Keys().counting_id)
    assert "experiments redis" not in examine()[1]


def test_redis_that_is_away_is_a_failure_and_the_rest_is_examined(examine, site):
    Path(site.env["CAPTION_AB_FILES"]).mkdir()
    # Given an address, with a password in it, at which nothing listens
    code, found = examine(CAPTION_AB_REDIS_URL="redis://user:hunter2@127.0.0.1:1/0")
    assert code == 1
    assert verdict(found, "ffmpeg") == verdict(found, "backend") == "ok"
    assert found["disk"][0]["text"].endswith(" GB free")
    # Then it says where it looked and what an operator does, once, and shows no password
    [redis] = found["redis"]
    assert redis["verdict"] == "fail"
    assert "127.0.0.1:1" in redis["text"]
    assert "CAPTION_AB_REDIS_URL" in redis["hint"]
    for name in ("clock", "workers", "secret keys", "files"):
        assert found[name] == [
            {"name": name, "verdict": "warn", "text": "not looked at without Redis", "hint": ""}
        ]
    assert "hunter2" not in json.dumps(found)


def test_time_that_ran_ahead_is_a_failure(examine, site):
    # Given a Redis that has seen a time an hour above its own clock
    site.client.set(Keys().clock, site.connection.server_ms() + 3_600_000)
    code, found = examine()
    assert code == 1
    assert "behind the time that it has seen" in found["clock"][1]["text"]


def test_keys_that_do_not_open_what_is_stored_are_a_failure(examine, site):
    other = Fernet(Fernet.generate_key())
    sealed = other.encrypt(b"whsec_x").decode()
    site.client.hset(Keys().tenant("ten_1"), mapping={"webhook_secret": sealed})
    code, found = examine()
    assert code == 1
    assert "Put the key that sealed it back" in found["secret keys"][0]["hint"]


def test_every_sealed_thing_is_tried_not_only_the_first(examine, site):
    # Given secrets and tokens that open, and one token of another key among them
    own, other = Fernet(SECRET_KEY), Fernet(Fernet.generate_key())
    for number in range(20):
        secret = own.encrypt(b"whsec_x").decode()
        site.client.hset(Keys().tenant(f"ten_{number}"), mapping={"webhook_secret": secret})
        site.client.hset(Keys().account(f"own:ten_{number}"), mapping={"token": secret})
    lost = other.encrypt(b"nmv_usr_x").decode()
    site.client.hset(Keys().account("own:ten_7"), mapping={"token": lost})
    # When it is examined, then it says how many do not open
    code, found = examine()
    assert code == 1
    assert found["secret keys"][0]["text"] == "1 of 40 stored secrets cannot be decrypted"


def test_secrets_that_all_open_are_counted(examine, site):
    sealed = Fernet(SECRET_KEY).encrypt(b"whsec_x").decode()
    site.client.hset(Keys().tenant("ten_1"), mapping={"webhook_secret": sealed})
    _, found = examine()
    assert found["secret keys"][0]["text"] == "open all 1 stored secrets"


def test_a_look_for_secrets_ends_in_a_large_store(site):
    # Given a store with more keys than one examination goes through, and a bound of a few
    pipeline = site.client.pipeline(transaction=False)
    for number in range(3000):
        pipeline.set(f"cab:filler:{number}", "")
    pipeline.execute()
    # Then it ends at the bound, and says that it has not seen all
    found = find_sealed(site.connection, most_rounds=2, keys_a_round=100)
    assert (found.whole, found.texts) == (False, ())
    # and has seen all when it was let
    assert find_sealed(site.connection).whole


def test_rows_that_are_late_are_seen_without_any_worker(examine, site):
    # Given work that has been due for ten minutes, and no worker that would look
    row = site.accept("http://127.0.0.1:1/clip.mp4")
    due_ms = site.connection.server_ms() - 600_000
    site.client.zadd(Keys().due, {row: due_ms})
    # When it is examined, then it says how late work is
    _, found = examine()
    late = found["workers"][-1]
    assert late["verdict"] == "warn"
    assert late["text"] in {f"the latest due row has waited {s} s" for s in range(600, 630)}


def test_an_examination_that_does_not_end_says_how_far_it_came(examine, site):
    # Given a Redis that takes a connection and never answers
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        env = {**os.environ, **site.env, "CAPTION_AB_REDIS_URL": url}
        found = examine_system(env, longest_s=8)
    # Then what was found is told, and after what it stood
    assert found[0]["name"] == "configuration"
    assert found[-1]["verdict"] == "fail"
    assert found[-1]["text"] == "the examination had not ended after 8 s; its last word: key pepper"


def test_another_store_of_files_is_a_failure(examine, site):
    site.client.set(Keys().store_id, "of-another-folder")
    code, found = examine()
    assert (code, verdict(found, "files")) == (1, "fail")


def test_an_ffmpeg_that_does_not_run_is_a_failure(examine):
    code, found = examine(CAPTION_AB_FFMPEG="/nowhere/ffmpeg")
    assert (code, verdict(found, "ffmpeg")) == (1, "fail")


class TestBackend:
    def test_one_that_is_away_is_a_failure(self, examine):
        port = {"CAPTION_AB_BACKEND_LOOPBACK_PORTS": "1"}
        code, found = examine(NEMO_API_URL="http://127.0.0.1:1", **port)
        assert (code, verdict(found, "backend")) == (1, "fail")

    def test_a_token_shows_its_credits_and_spends_none(self, examine):
        token = "nmv_usr_sbx_doctor_777"
        for _ in range(2):
            code, found = examine(NEMO_TOKEN=token)
            assert code == 0
            assert "777 credits on NEMO_TOKEN" in found["backend"][0]["text"]
            assert token not in json.dumps(found)

    def test_a_token_that_is_refused_is_a_failure(self, examine):
        code, found = examine(NEMO_TOKEN="nmv_nonsense")
        assert (code, verdict(found, "backend")) == (1, "fail")
        assert "nmv_nonsense" not in json.dumps(found)


def test_a_configuration_that_does_not_read_ends_the_examination(examine):
    code, found = examine(CAPTION_AB_LEASES="1")
    assert code == 1
    assert set(found) == {"configuration"}
    assert "CAPTION_AB_LEASES" in found["configuration"][0]["text"]


def test_a_finding_is_a_line_and_its_remedy_another(capsys):
    finding = {"name": "redis", "verdict": "fail", "text": "is away", "hint": "Start it."}
    assert report(finding) == "fail"
    assert capsys.readouterr().out == f"fail  redis          is away\n{'':<20} Start it.\n"


def test_an_image_without_fonts_and_sandbox_is_examined_too(tmp_path):
    # Given the layout of the image of API and workers, when its fonts are looked at,
    assert look_at_fonts([tmp_path / "nowhere"])["verdict"] == "ok"
    # then only a folder that should have them and has not is a fault.
    found = look_at_fonts([tmp_path])
    assert found["verdict"] == "fail"
    assert str(tmp_path) in found["text"]
