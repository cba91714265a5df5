"""`caption-ab share` against the API, over a socket of this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.serving import make_server

from cli.main import main
from tests.integration.api.conftest import JOB, Visitor
from tests.integration.api.looks import SITE, browser


@pytest.fixture
def url(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_link_is_made_listed_and_revoked(app: Flask, ann: Visitor, url: str, capsys):
    job = ann.post("/v1/jobs", json=JOB).get_json()["id"]

    def share(*words: str) -> str:
        assert main(["share", job, "--url", url, "--key", ann.key, *words]) == 0
        return capsys.readouterr().out.strip()

    # When a link is made for a day, then what is printed opens the job
    link = share("--days", "1", "--preferences")
    path = link.removeprefix(SITE)
    assert browser(app).get(path).status_code == 200
    # And it is listed with its rights, and revoked by its id
    listed = share("--list")
    share_id = listed.split()[0]
    assert listed.endswith("look and prefer")
    assert share_id in link
    assert "opens nothing" in share("--revoke", share_id)
    assert browser(app).get(path).status_code == 404
    assert "revoked" in share("--list")


def test_a_life_that_is_too_long_is_told(ann: Visitor, url: str, capsys):
    job = ann.post("/v1/jobs", json=JOB).get_json()["id"]
    assert main(["share", job, "--url", url, "--key", ann.key, "--days", "91"]) == 1
    assert "must be at most" in capsys.readouterr().err
