"""`caption-ab experiment`, `assign` and `outcomes` against the API on a real socket."""

from __future__ import annotations

import io
import json
import os
import signal
import threading
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from werkzeug.serving import BaseWSGIServer, make_server

from cli.children import free_port
from cli.client import Client
from cli.main import main
from service.experiments.snapshot import read_snapshot
from service.experiments.states import State
from service.experiments.verdict import decide
from tests.integration.api.conftest import JOB
from tests.integration.api.viewers import PLAN, ended_job, listening

HEAD = "event_id,unit_id,variant,metric,seconds,count\n"


@pytest.fixture
def command(app, ann, redis_client, capsys, monkeypatch):
    """Runs a command on a job with its videos; its code, what it printed and what it complained."""
    monkeypatch.setattr("signal.signal", lambda *_: None)
    job = ended_job(ann, redis_client)
    with listening(app) as url:

        def run(name: str, *words: str):
            code = main([name, job, *words, "--url", url, "--key", ann.key])
            out, err = capsys.readouterr()
            return SimpleNamespace(code=code, out=out.splitlines(), err=err.splitlines())

        yield run


@pytest.fixture
def plan(tmp_path):
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(PLAN))
    return str(path)


class TestExperiment:
    def test_a_plan_is_sized_without_being_made_and_then_made(self, command, tmp_path):
        # Given a plan that says what is assumed
        path = tmp_path / "plan.json"
        wanted = {**PLAN, "assume": {"value": 0.2, "units_per_day": 1000}}
        path.write_text(json.dumps(wanted))
        # When it is tried; then its size is told, and the job has no experiment
        tried = command("experiment", "--plan", str(path), "--dry-run")
        assert tried.code == 0
        assert tried.out[1].startswith("  one look: ")
        assert tried.out[2].startswith("  any look: ")
        none, hint = command("experiment").err
        assert none == "error: The job has no experiment."
        assert "--plan" in hint
        # When it is given; then it runs
        made = command("experiment", "--plan", str(path))
        assert made.code == 0
        assert made.out[:3] == tried.out
        assert " running since " in made.out[3]
        assert made.out[4] == "no_data: No viewer has been counted yet."

    def test_a_faulty_plan_is_told_place_by_place(self, command, tmp_path):
        path = tmp_path / "plan.json"
        path.write_text(json.dumps({**PLAN, "alpha": 3}))
        done = command("experiment", "--plan", str(path))
        assert done.code == 1
        assert any(line.startswith("  #/alpha: ") for line in done.err)

    def test_one_that_waits_for_its_videos_says_so(self, app, ann, plan, capsys):
        job = ann.post("/v1/jobs", json=JOB).get_json()["id"]
        with listening(app) as url:
            words = ("experiment", job, "--plan", plan, "--url", url, "--key", ann.key)
            assert main(list(words)) == 0
        assert capsys.readouterr().out.splitlines() == [
            f"{job}  waiting",
            "It begins when the job has ended with a video of every variant.",
        ]

    def test_the_snapshot_makes_the_verdict_again(self, command, plan, tmp_path):
        # Given 450 viewers of each, of whom a third of A and two thirds of B did it
        command("experiment", "--plan", plan)
        did = [n % 6 in {0, 1, 3} for n in range(900)]
        table, kept = tmp_path / "outcomes.csv", tmp_path / "snapshot.json"
        rows = [f"e{n},u{n},{'AB'[n % 2]},{'clicks' if did[n] else ''},,\n" for n in range(900)]
        table.write_text(HEAD + "".join(rows))
        assert command("outcomes", str(table)).code == 0
        # When its document and its snapshot are kept
        document = command("experiment", "--json", "--snapshot", str(kept)).out
        # Then the one is made from the other, to the byte
        again = decide(read_snapshot(json.loads(kept.read_bytes())))
        assert again.state is State.WINNER
        assert [again.as_bytes().decode()] == document
        # And once it is decided, that is what is shown
        assert " decided " in command("experiment").out[0]


class TestAssign:
    def test_each_viewer_has_a_line_with_the_variant(self, command, tmp_path):
        # Given a plan in which one viewer is fixed, and half of the others take part
        path = tmp_path / "plan.json"
        path.write_text(json.dumps({**PLAN, "coverage": 0.5, "overrides": {"me": "B"}}))
        command("experiment", "--plan", str(path))
        # When many are asked for
        done = command("assign", "me", *(f"viewer-{n}" for n in range(200)))
        # Then each has a line, in their order, and who takes no part has a dash
        names, places = zip(*(line.split("  ") for line in done.out), strict=True)
        assert names == ("me", *(f"viewer-{n}" for n in range(200)))
        assert places[0] == "B"
        assert set(places[1:]) == {"A", "B", "-"}
        assert 70 < places.count("-") < 130


class TestOutcomes:
    def test_a_file_counts_once_however_often_it_is_imported(self, command, plan, tmp_path):
        # Given a file of 2,500 views of as many viewers, without ids
        command("experiment", "--plan", plan)
        path = tmp_path / "o.csv"
        rows = "".join(f",u{n},{'AB'[n % 2]},watch,{n / 100},\n" for n in range(2500))
        path.write_text(HEAD + rows, encoding="utf-8-sig")
        # When it is imported twice, the second time grown by one
        first = command("outcomes", str(path))
        path.write_text(HEAD + rows + ",u9999,A,watch,1,\n", encoding="utf-8")
        second = command("outcomes", str(path))
        # Then each counts once
        assert (first.code, second.code) == (0, 0)
        assert first.out[0] == "Rows: 2,500, of which 2,500 counted, 0 counted before, 0 rejected."
        assert second.out[0] == "Rows: 2,501, of which 1 counted, 2,500 counted before, 0 rejected."
        shown = command("experiment").out
        assert shown[3].split()[:3] == ["A", "1,251", "viewers"]
        assert shown[4].split()[:3] == ["B", "1,250", "viewers"]

    def test_a_file_sorted_by_variant_spoils_no_look_on_its_way(
        self, command, plan, tmp_path, monkeypatch
    ):
        # Given 2,000 viewers of each variant, all of A before the first of B
        command("experiment", "--plan", plan)
        path = tmp_path / "o.csv"
        path.write_text(HEAD + "".join(f",u{n},{'AB'[n // 2000]},,,\n" for n in range(4000)))
        # When somebody looks after each request
        seen, count = [], Client.count_outcomes

        def count_and_look(client: Client, job: str, items: Sequence[Mapping[str, Any]]):
            results = count(client, job, items)
            seen.append(json.loads(client.verdict(job))["state"])
            return results

        monkeypatch.setattr(Client, "count_outcomes", count_and_look)
        done = command("outcomes", str(path))
        # Then no look finds wrong shares, and all are counted
        assert done.out[0].startswith("Rows: 4,000, of which 4,000 counted")
        assert len(seen) == 4
        assert State.INVALID_SRM.value not in seen
        shown = command("experiment").out
        assert [line.split()[:2] for line in shown[3:5]] == [["A", "2,000"], ["B", "2,000"]]

    def test_what_is_rejected_is_told_with_its_line_and_the_rest_counts(
        self, command, plan, tmp_path
    ):
        command("experiment", "--plan", plan)
        path = tmp_path / "o.csv"
        path.write_text(
            HEAD + "e1,u1,A,watch,3.5,\n\ne2,u2,X,watch,1,\ne3,u1,B,,,\ne4,u4,B,sleep,,\n"
        )
        done = command("outcomes", str(path), "--verdict")
        assert done.code == 1
        assert [line.split(": ")[:2] for line in done.err] == [
            ["line 4", "unknown_variant"],
            ["line 5", "unit_in_two_variants"],
            ["line 6", "unknown_metric"],
        ]
        assert done.out[0] == "Rows: 4, of which 1 counted, 0 counted before, 3 rejected."
        assert done.out[-1].startswith("Too early to say")

    def test_figures_of_a_dashboard_replace_what_it_said_before(self, command, plan, tmp_path):
        command("experiment", "--plan", plan)
        head = "source,revision,variant,units,per,clicks.s,watch.sum,watch.stddev\n"
        for revision, units in ((1, 100), (2, 250)):
            path = tmp_path / f"{revision}.csv"
            path.write_text(
                head + f"board,{revision},A,{units},viewer,50,{9 * units},2.5\n"
                f"board,{revision},B,{units},viewer,60,{9 * units},2.5\n"
            )
            assert command("outcomes", str(path)).code == 0
        shown = command("experiment").out
        assert shown[3].split() == ["A", "250", "viewers", "20.00", "%"]
        assert shown[4].split() == ["B", "250", "viewers", "24.00", "%"]

    def test_standard_input_is_read(self, command, plan, monkeypatch):
        command("experiment", "--plan", plan)
        data = io.BytesIO((HEAD + "e1,u1,A,,,\n").encode())
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=data))
        assert command("outcomes", "-").out[0].startswith("Rows: 1, of which 1 counted")

    def test_a_service_that_is_away_for_a_moment_is_waited_for(
        self, app, ann, redis_client, tmp_path, capsys, monkeypatch
    ):
        # Given an experiment whose API does not listen for a second
        monkeypatch.setattr("signal.signal", lambda *_: None)
        job, path, port = ended_job(ann, redis_client), tmp_path / "o.csv", free_port()
        assert ann.post(f"/v1/jobs/{job}/experiment", json=PLAN).status_code == 201
        path.write_text(HEAD + "e1,u1,A,,,\n")
        servers: list[BaseWSGIServer] = []

        def listen() -> None:
            servers.append(make_server("127.0.0.1", port, app))
            servers[0].serve_forever()

        later = threading.Timer(1.0, listen)
        later.start()
        # When a file is imported meanwhile
        url = f"http://127.0.0.1:{port}"
        try:
            code = main(["outcomes", job, str(path), "--url", url, "--key", ann.key])
        finally:
            later.cancel()
            for each in servers:
                each.shutdown()
                each.server_close()
            later.join()
        # Then it is counted
        assert code == 0
        assert capsys.readouterr().out.startswith("Rows: 1, of which 1 counted")

    def test_who_presses_ctrl_c_is_told_how_far_it_came(self, tmp_path, capsys):
        # Given an import that waits for a service which is not there
        path, before = tmp_path / "o.csv", signal.getsignal(signal.SIGINT)
        path.write_text(HEAD + "e1,u1,A,,,\n")
        others = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)}
        # When Ctrl-C is pressed
        later = threading.Timer(0.7, os.kill, (os.getpid(), signal.SIGINT))
        later.start()
        try:
            code = main(
                [
                    "outcomes",
                    "job_1",
                    str(path),
                    "--url",
                    f"http://127.0.0.1:{free_port()}",
                    "--key",
                    "k",
                ]
            )
        finally:
            later.join()
            for number, handler in {signal.SIGINT: before, **others}.items():
                signal.signal(number, handler)
        # Then it ends as commands do
        assert code == 130
        assert capsys.readouterr().out == (
            "0 of 1 rows were sent. Run it again: none counts twice.\n"
        )

    def test_a_job_without_experiment_says_how_far_it_came(self, command, tmp_path):
        path = tmp_path / "o.csv"
        path.write_text(HEAD + "e1,u1,A,,,\n")
        done = command("outcomes", str(path))
        assert done.code == 1
        assert done.out == ["0 of 1 rows were sent. Run it again: none counts twice."]
        assert done.err[0] == "error: The job has no experiment."
