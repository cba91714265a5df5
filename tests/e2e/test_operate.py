"""One whole job among real processes, looked at from outside: metrics, logs and traces agree."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest
import requests

from cli.children import free_port
from cli.client import Client
from cli.credentials import read_first_key
from cli.interrupt import Interrupt
from cli.jobs import captions_of, follow, job_request
from service.metrics import CATALOGUE
from tests.e2e.conftest import Desk
from tests.e2e.witness import Collector, Seen, attributes, free_ports, scrape
from tests.integration.workers.conftest import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

PARTS = ("api", "flow", "transfer", "media", "hooks")
REQUEST_ID = "order-4711"
TOKEN = "nmv_usr_sbx_operate_1000"


@pytest.fixture(scope="module")
def collector():
    collector = Collector()
    yield collector
    collector.close()


@pytest.fixture(scope="module")
def seen(tmp_path_factory, small_clip, collector):
    """A job of two variants, accepted by a request with an id of its own, run to its end."""
    folder = tmp_path_factory.mktemp("operate")
    captions = folder / "small.srt"
    captions.write_text("1\n00:00:00,200 --> 00:00:01,500\nHello there\n", encoding="utf-8")
    desk, first, port = Desk(folder, []), free_ports(len(PARTS)), free_port()
    up = desk.run(
        *("up", "--data", str(folder / "data"), "--port", str(port)),
        NEMO_TOKEN=TOKEN,
        CAPTION_AB_METRICS_PORT=str(first),
        CAPTION_AB_OTLP_URL=f"http://127.0.0.1:{collector.port}/v1/traces",
        CAPTION_AB_CALLER_LOOPBACK_PORTS=str(collector.port),
        OTEL_BSP_SCHEDULE_DELAY="200",
    )
    up.wait_for("Ctrl-C stops")
    client = Client(f"http://127.0.0.1:{port}", read_first_key(folder / "data")["api_key"])
    client.session.headers["X-Request-Id"] = REQUEST_ID
    upload = client.upload(small_clip, lambda _: None)
    request = job_request(upload["id"], captions_of(captions), {"A": "outline", "B": "boxed"})
    request["output"] = {"resolution": "source"}
    request["webhook"] = {"url": f"http://127.0.0.1:{collector.port}/hook", "events": ["job.*"]}
    job = follow(client, client.submit(request, "once")["id"], Interrupt(), lambda _: None)
    seen = Seen(job, folder / "data", up, collector)

    def is_told() -> bool:
        seen.metrics = {name: scrape(first + n) for n, name in enumerate(PARTS)}
        delivered = seen.total("caption_ab_delivery_seconds_count").get('outcome="delivered"', 0)
        return delivered == len({event["id"] for event in collector.events}) >= 3

    wait_for(is_told, 60)
    seen.link = client.share(job["id"], {"preferences": True})["url"]
    look_by_link(seen.link)
    own, here = ("--url", client.url, "--key", client.key), ("--data", str(folder / "data"))
    for name, command in {
        "story": ("jobs", "inspect", job["id"], *own),
        "story as JSON": ("jobs", "inspect", job["id"], "--json", *own),
        "story from the store": ("jobs", "inspect", job["id"], "--json", "--store", *here),
        "doctor": ("doctor", *here),
    }.items():
        program = desk.run(*command)
        assert program.wait(60) == 0, program.printed()
        seen.printed[name] = program.printed()
    up.process.terminate()
    assert up.wait(60) == 0, up.printed()
    yield seen
    desk.close()


def test_job_succeeded_and_left_nothing_behind(seen):
    assert seen.job["status"] == "succeeded", seen.job
    assert seen.up.left_over() == []


class TestMetrics:
    def test_each_process_serves_the_whole_catalogue(self, seen):
        # A histogram or counter with labels appears with its first value; the rest is there at once
        known = {name for each in CATALOGUE for name in each.samples}
        for part, samples in seen.metrics.items():
            ours = {name for name in samples if name.startswith("caption_ab_")}
            assert {name for name in ours if not name.endswith("_created")} <= known, part
            assert "caption_ab_leases_held" in ours

    def test_job_is_counted_where_it_was_accepted_and_where_it_ended(self, seen):
        assert seen.metrics["api"]["caption_ab_jobs_accepted_total"][""] == 1
        ended = seen.metrics["media"]["caption_ab_jobs_ended_total"]
        assert ended['status="succeeded"'] == sum(ended.values()) == 1

    def test_steps_of_both_cuts_are_timed_in_every_state(self, seen):
        steps = seen.total("caption_ab_step_seconds_count")
        for state in ("queued", "session_open", "uploaded", "captioning", "rendered", "stored"):
            assert steps[f'kind="cut",state="{state}"'] == 2, state
        assert steps['kind="clip",state="probing"'] == 1
        assert steps['kind="finish",state="pending"'] == 1

    def test_money_is_what_the_job_says(self, seen):
        flow = seen.metrics["flow"]
        assert flow["caption_ab_credits_charged_total"][""] == seen.job["credits"]["charged"] == 100
        assert flow["caption_ab_credits_reserved_total"][""] == 100
        booked = {'charged="yes"': 2, 'charged="no"': 0, 'charged="unknown"': 0}
        assert flow["caption_ab_edits_booked_total"] == booked

    def test_calls_to_the_backend_are_counted_by_name(self, seen):
        calls = seen.total("caption_ab_backend_seconds_count")
        assert calls['call="edit"'] == calls['call="render"'] == calls['call="upload"'] == 2
        assert seen.metrics["flow"]["caption_ab_streams_open"][""] == 0

    def test_every_worker_sees_every_queue(self, seen):
        for part in PARTS[1:]:
            rooms = seen.metrics[part]["caption_ab_queue_room"]
            assert set(rooms) == {f'queue="{each}"' for each in PARTS[1:]}
            # A pool of processes may still be at the job's end when it is asked.
            assert all(free for queue, free in rooms.items() if queue != 'queue="media"')
            assert seen.metrics[part]["caption_ab_ticks_total"][""] > 0
            late = seen.metrics[part]["caption_ab_due_late_seconds"]
            assert set(late) == set(rooms)

    def test_no_label_names_a_tenant_or_a_job(self, seen):
        text = json.dumps(seen.metrics)
        assert seen.job["id"] not in text
        assert not re.search(r"\b(job|ten|acc|edt|upl)_[0-9a-z]{10,}", text)


def look_by_link(link: str) -> None:
    """Open a page and what it loads, and what is not there, by a link and by a wrong one."""
    page, _, token = link.partition("?share=")
    for below in ("", "/state", "/video/A", "/report.json", "/nothing"):
        assert requests.get(f"{page}{below}?share={token}", timeout=30).status_code != 401
        assert requests.get(f"{page}{below}?share={token}x", timeout=30).status_code == 404
    answer = requests.post(
        f"{page}/preferences?share={token}",
        data={"preferred": "A"},
        headers={"Origin": page.partition("/jobs")[0]},
        timeout=30,
    )
    assert answer.status_code == 201


class TestLogs:
    def test_request_has_a_line_with_its_id_and_its_job(self, seen):
        [line] = [
            line
            for line in seen.lines("api.log")
            if line["event"] == "request" and line["route"] == "/v1/jobs"
        ]
        assert (line["method"], line["status"]) == ("POST", 202)
        assert (line["request_id"], line["job"]) == (REQUEST_ID, seen.job["id"])

    def test_every_line_about_the_job_has_the_request_id(self, seen):
        for queue in PARTS[1:]:
            own = [
                line
                for line in seen.lines(f"worker-{queue}.log")
                if line.get("job") == seen.job["id"]
            ]
            assert own, queue
            assert {line.get("request_id") for line in own} == {REQUEST_ID}

    def test_line_of_a_cut_names_it_as_the_api_does(self, seen):
        cuts = {line["cut"] for line in seen.lines("worker-flow.log") if "cut" in line}
        assert cuts == {cut["id"] for each in seen.job["variants"] for cut in each["cuts"]}

    def test_delivery_lines_lead_back_to_the_request(self, seen):
        tried = [x for x in seen.lines("worker-hooks.log") if x["event"] == "delivery_tried"]
        assert len(tried) >= 3
        assert {line["request_id"] for line in tried} == {REQUEST_ID}

    def test_no_line_of_any_process_shows_a_secret(self, seen):
        # Given every secret there was
        first = read_first_key(seen.data)
        own = json.loads((seen.data / "secrets.json").read_text())
        password = re.search(
            r"requirepass (\S+)", (seen.data / "valkey" / "valkey.conf").read_text()
        )
        links = [each["links"].get("open_in_editor", "") for each in seen.job["variants"]]
        secrets = {
            *(first["api_key"], first["webhook_secret"], own["secret_keys"], own["key_pepper"]),
            *(TOKEN, password.group(1), *(link.partition("ct=")[2] for link in links)),
            seen.link.rpartition(".")[2],
        }
        assert len(secrets) == 9
        assert all(len(secret) >= 16 for secret in secrets)
        # When all logs and traces are searched, then none of them is there
        logs = sorted((seen.data / "logs").glob("*.log"))
        assert len(logs) == 7
        texts = {log.name: log.read_text(errors="replace") for log in logs}
        texts["traces"] = repr(seen.collector.spans)
        texts |= seen.printed
        texts["events"] = json.dumps(seen.collector.events)
        shown = [
            (name, each[:8]) for name, text in texts.items() for each in secrets if each in text
        ]
        assert not shown


class TestTraces:
    def test_one_trace_runs_from_the_request_to_the_last_delivery(self, seen):
        # Given the span of the request that made the job
        [root] = [
            span
            for service, span in seen.collector.spans
            if service == "caption-ab-api" and attributes(span).get("http.route") == "/v1/jobs"
        ]
        # Then its trace has spans of all four workers
        own = [(name, s) for name, s in seen.collector.spans if s.trace_id == root.trace_id]
        assert {name for name, _ in own} == {f"caption-ab-{part}" for part in PARTS}
        # and steps hang below the request, calls of the backend and deliveries below steps
        names = {span.span_id: span.name for _, span in own}
        pairs = {(names.get(span.parent_span_id), span.name) for _, span in own}
        assert ("POST", "cut captioning") in pairs
        assert ("cut captioning", "backend edit") in pairs
        assert ("cut session_open", "backend upload") in pairs
        assert ("POST", "finish pending") in pairs
        assert ("delivery pending", "webhook") in pairs

    def test_span_says_which_row_it_is_about(self, seen):
        rows = {attributes(s).get("row") for _, s in seen.collector.spans if s.name == "cut stored"}
        assert rows == {f"cut:{seen.job['id']}.0.{label}.1" for label in "AB"}


class TestStory:
    def test_it_tells_all_that_happened_in_the_order_of_time(self, seen):
        # Given the story of the job as JSON
        story = json.loads(seen.printed["story as JSON"])
        entries = story["entries"]
        # Then it is in order, and has the events, both paid edits, both renders and each delivery
        assert [each["at"] for each in entries] == sorted(each["at"] for each in entries)
        counted = Counter(each["what"] for each in entries)
        assert counted["intent"] == counted["render"] == 2
        tried = [each["data"]["status"] for each in entries if each["what"] == "delivery"]
        assert len(tried) == len(seen.collector.events)
        assert set(tried) == {200}
        events = [each["text"] for each in entries if each["what"] == "event"]
        assert events[0] == "job.created"
        assert events[-1] == "job.succeeded"
        assert story["request_id"] == REQUEST_ID
        assert story["open"] == []

    def test_an_edit_says_what_it_cost_and_what_was_seen_of_it(self, seen):
        entries = json.loads(seen.printed["story as JSON"])["entries"]
        edits = [each["data"] for each in entries if each["what"] == "intent"]
        assert [(each["charged"], each["credits"]) for each in edits] == [("yes", 50)] * 2
        assert all("done" in each["seen"] and each["edit_id"].startswith("edt_") for each in edits)

    def test_people_can_read_it(self, seen):
        lines = seen.printed["story"].splitlines()
        assert lines[0] == f"{seen.job['id']}"
        assert lines[1:4] == [
            "  status   succeeded",
            "  credits  100 charged, 0 set aside",
            f"  request  {REQUEST_ID}",
        ]
        assert lines[-1] == "Nothing of it is open."

    def test_an_operator_without_a_key_reads_the_same_from_the_store(self, seen):
        stories = [json.loads(seen.printed[n]) for n in ("story as JSON", "story from the store")]
        for story in stories:
            del story["told_at"]
        assert stories[0] == stories[1]


def test_doctor_finds_a_running_system_well(seen):
    lines = seen.printed["doctor"].splitlines()
    # How full this machine's disk is, is its own matter
    full = int(any(line.startswith("warn  disk ") for line in lines))
    assert lines[-1].endswith(f" {full} warnings, 0 failed")
    checked = {line[6:21].strip() for line in lines[:-2]}
    assert checked >= {"configuration", "redis", "clock", "workers", "secret keys", "files"}
    assert checked >= {"ffmpeg", "fonts", "backend"}
