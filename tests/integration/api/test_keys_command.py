"""`caption-ab keys` on a real store, through the process that has access to it."""

from __future__ import annotations

import json
import os

import pytest

from cli.credentials import DATA, keep_environment
from cli.main import main
from tests.integration.api.conftest import Visitor


@pytest.fixture
def keys(settings, monkeypatch, capsys):
    """Runs `caption-ab keys`; its exit code, what it printed, and its complaint."""
    env = {
        "CAPTION_AB_REDIS_URL": settings.redis_url,
        "CAPTION_AB_FILES": settings.files,
        "CAPTION_AB_SECRET_KEYS": ",".join(settings.secret_keys),
        "CAPTION_AB_KEY_PEPPER": settings.key_pepper,
        "CAPTION_AB_REDIS_POLICY": "stated",
    }
    for name in [each for each in os.environ if each.startswith(("CAPTION_AB_", "NEMO_"))]:
        monkeypatch.delenv(name)
    for name, value in env.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["keys", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_the_life_of_a_key(keys, app):
    # Given a tenant made on the command line, and a key of it for reading that ends in an hour
    tenant = json.loads(keys("create", "--name", "dora")[1])
    made = json.loads(
        keys(
            "create", "--tenant", tenant["tenant_id"], "--name", "ci", "--scopes", "jobs:read",
            "--expires", "1h", "--mode", "test", "--open-jobs", "5",
        )[1]
    )  # fmt: skip
    assert (made["scopes"], made["limits"]["open_jobs"]) == (["jobs:read"], 5)
    visitor = Visitor(app.test_client(), made["api_key"], tenant["tenant_id"])
    assert visitor.get("/v1/jobs").status_code == 200
    assert visitor.post("/v1/jobs", json={}).status_code == 403
    # When it is rotated, and both are listed
    successor = json.loads(keys("rotate", made["id"], "--old-lives", "2h")[1])
    _, shown, _ = keys("list", "--tenant", tenant["tenant_id"])
    lines = {line.split()[0]: line for line in shown.splitlines()}
    assert {made["id"], successor["id"], tenant["key_id"]} <= lines.keys()
    assert "jobs:read" in lines[successor["id"]]
    # And the successor is revoked
    revoked = json.loads(keys("revoke", successor["id"])[1])
    assert revoked == {"revoked": successor["id"], "trusted_for_s": 10.0}
    visitor = Visitor(app.test_client(), successor["api_key"], tenant["tenant_id"])
    assert visitor.get("/v1/jobs").status_code == 401
    # Then the log tells all of it, and no secret
    _, told, _ = keys("audit", "--tenant", tenant["tenant_id"])
    acts = [line.split()[1] for line in told.splitlines()[1:]]
    assert acts == [
        "key.revoked", "key.created", "key.rotated", "key.created", "key.created", "tenant.created"
    ]  # fmt: skip
    assert "command line" in told
    assert "cab_" not in told + shown


def test_tenants_are_listed(keys, ann: Visitor, bob: Visitor):
    told = json.loads(keys("tenants", "--json")[1])["data"]
    assert {ann.tenant_id, bob.tenant_id} <= {each["id"] for each in told}


def test_the_only_tenant_need_not_be_named(keys):
    # Given no tenant, then one, then two
    assert "There is no tenant yet" in keys("list")[2]
    first = json.loads(keys("create", "--name", "dora")[1])
    code, shown, _ = keys("list")
    assert (code, first["key_id"] in shown) == (0, True)
    second = json.loads(keys("create", "--name", "emil")[1])
    # Then all are named
    code, out, err = keys("list")
    assert (code, out) == (1, "")
    assert {first["tenant_id"], second["tenant_id"]} <= set(err.replace(",", "").split())


def test_beside_an_up_nothing_need_be_named(keys, tmp_path, monkeypatch):
    # Given a terminal without settings but its key, in the place where `up` was started
    (tmp_path / DATA).mkdir()
    keep_environment(tmp_path / DATA, os.environ)
    for name in [each for each in os.environ if each.startswith(("CAPTION_AB_", "NEMO_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CAPTION_AB_KEY", "cab_live_x")
    monkeypatch.chdir(tmp_path)
    # When a key is made, then it is made in the store of that `up`
    made = json.loads(keys("create", "--name", "dora")[1])
    assert made["key_id"] in keys("list")[1]
    # And elsewhere the error says what to give
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    code, out, err = keys("tenants")
    assert (code, out) == (1, "")
    assert "Give --data FOLDER" in err


def test_an_operators_key_is_made_here_alone(keys, app, ann: Visitor):
    made = json.loads(keys("create", "--name", "operations", "--operator")[1])
    operator = Visitor(app.test_client(), made["api_key"], made["tenant_id"])
    listed = operator.get("/v1/admin/tenants").get_json()["data"]
    assert ann.tenant_id in [each["id"] for each in listed]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "--name", "x", "--scopes", "jobs:all"), "Scopes are"),
        (("create", "--name", "x", "--expires", "soon"), "no span of time"),
        (("create",), "needs a name"),
        (("revoke", "key_x"), "There is no key"),
        (("list", "--tenant", "ten_x"), "There is no tenant"),
    ],
)
def test_a_mistake_is_told_in_a_line(keys, arguments, said):
    code, out, err = keys(*arguments)
    assert (code, out) == (1, "")
    assert said in err
