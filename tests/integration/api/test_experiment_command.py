"""`caption-ab experiment` and `outcomes` beside an API on a socket."""

from __future__ import annotations

import redis
from flask import Flask

from cli.main import main
from tests.integration.api.conftest import Visitor
from tests.integration.api.viewers import PLAN, ended_job, listening

TITLE = "\x1b]0;owned\x07rate\x9b2J"


def test_words_of_a_plan_move_no_cursor(
    app: Flask, ann: Visitor, redis_client: redis.Redis, socket_enabled, tmp_path, capsys
):
    # Given a plan whose author gave its metric a title with controls of a terminal
    job_id = ended_job(ann, redis_client)
    plan = {**PLAN, "primary": {**PLAN["primary"], "title": TITLE}, "assume": {"value": 0.05}}
    assert ann.open(f"/v1/jobs/{job_id}/experiment", "PUT", json=plan).status_code == 201
    table = tmp_path / "outcomes.csv"
    table.write_text("unit_id,variant,metric\nu,A,clicks\nv,B,\n")
    # When others of its tenant look at it
    with listening(app) as url:
        at = ["--url", url, "--key", ann.key]
        assert main(["outcomes", job_id, str(table), "--verdict", *at]) == 0
        assert main(["experiment", job_id, *at]) == 0
    # Then its words are shown, and nothing else
    shown = capsys.readouterr().out
    assert "rate" in shown
    assert all(each.isprintable() for each in shown.split("\n"))
