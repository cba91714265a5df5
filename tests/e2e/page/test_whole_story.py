"""The whole story: a job, 20,000 viewers, a verdict that is told, shown, and made again."""

from __future__ import annotations

import csv
import io
import json
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from cli.children import free_port
from cli.client import Client
from cli.credentials import read_first_key
from cli.demo.experiment import run_experiment
from cli.demo.viewers import SEED, VIEWERS, Viewing, tell
from cli.interrupt import Interrupt
from cli.jobs import captions_of, follow, job_request
from cli.receiver import Receiver
from tests.e2e.conftest import SRT, Desk, Program
from tests.e2e.page.test_access import check

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
DECIDED = "experiment.decided"


@dataclass
class Story:
    """A decided experiment on a running system."""

    desk: Desk
    client: Client
    job_id: str
    receiver: Receiver
    viewings: list[Viewing]
    #: The verdict and its snapshot, as they were when all viewers had come.
    verdict: bytes
    snapshot: bytes

    def run(self, *words: str) -> Program:
        """A command on this system, to its end."""
        program = self.desk.run(*words, "--url", self.client.url, CAPTION_AB_KEY=self.client.key)
        program.wait(60)
        return program

    def told(self) -> list[dict]:
        """The deliveries that told the verdict."""
        return [each for each in self.receiver.lines if each["body"]["type"] == DECIDED]


@pytest.fixture(scope="module")
def story(small_clip, tmp_path_factory):
    """Everything up to the verdict, by the public API alone."""
    folder = tmp_path_factory.mktemp("story")
    captions = folder / "small.srt"
    captions.write_text(SRT, encoding="utf-8")
    desk, port, receiver = Desk(folder, []), free_port(), Receiver(lambda _: None)
    receiver.start()
    up = desk.run(
        *("up", "--data", str(folder / "data"), "--port", str(port)),
        CAPTION_AB_CALLER_LOOPBACK_PORTS=str(receiver.port),
        CAPTION_AB_EXPERIMENT_LOOK_EVERY_S="0.5",
        CAPTION_AB_PICTURES_DEADLINE_S="0",
    )
    try:
        up.wait_for("Ctrl-C stops")
        first = read_first_key(folder / "data")
        receiver.secrets = (first["webhook_secret"],)
        client = Client(f"http://127.0.0.1:{port}", first["api_key"])
        yield tell_story(desk, client, receiver, small_clip, captions)
    finally:
        up.process.terminate()
        up.wait(60)
        receiver.stop()
        desk.close()


def tell_story(desk: Desk, client: Client, receiver: Receiver, clip: Path, captions: Path) -> Story:
    """A job, its videos, its viewers, the webhook that names the winner."""
    upload = client.upload(clip, lambda _: None)
    request = job_request(upload["id"], captions_of(captions), {"A": "outline", "B": "boxed"})
    request["webhook"] = {"url": receiver.url, "events": ["*"]}
    job = follow(client, client.submit(request, "story")["id"], Interrupt(), lambda _: None)
    assert job["status"] == "succeeded", job
    viewings = run_experiment(client, job["id"], seed=SEED, count=VIEWERS, between=lambda: None)
    receiver.wait_for(DECIDED, time.sleep, 30)
    kept = client.verdict(job["id"]), client.snapshot(job["id"])
    return Story(desk, client, job["id"], receiver, viewings, *kept)


def test_the_webhook_names_the_winner_once_and_is_signed(story):
    # Given what came to the receiver by the time all viewers had come
    [told] = {each["body"]["id"]: each for each in story.told()}.values()
    # Then the verdict was told once, signed, and says what the API says
    assert told["verified"]
    data, verdict = told["body"]["data"], json.loads(story.verdict)
    assert (data["state"], data["variant"]) == ("winner", "B")
    assert data["sentence"] == verdict["sentence"]
    assert data["snapshot_sha256"] == verdict["snapshot_sha256"]
    assert data["job_id"] == story.job_id
    assert data["verdict_url"] == f"{story.client.url}/v1/jobs/{story.job_id}/verdict"


def test_every_viewer_was_counted_once_where_it_was_assigned(story):
    experiment = story.client.experiment(story.job_id)
    assert experiment["status"] == "decided"
    assert len(story.viewings) == VIEWERS
    assert {each["label"]: each["units"] for each in experiment["variants"]} == Counter(
        each.variant for each in story.viewings
    )


def test_the_snapshot_gives_the_bytes_of_the_verdict(story, tmp_path):
    # Given the snapshot as the command keeps it
    path = tmp_path / "snapshot.json"
    shown = story.run("experiment", story.job_id, "--snapshot", str(path))
    assert shown.wait(5) == 0, shown.printed()
    assert path.read_bytes() == story.snapshot
    # When the verdict is made again from it, without the service; then it is that one, to the byte
    again = story.desk.run("verdict", "--from", str(path))
    assert again.wait(60) == 0
    assert again.output.read_bytes() == story.verdict
    # And the command has shown the sentence
    assert f"winner: {json.loads(story.verdict)['sentence']['en']}" in shown.printed()


def test_what_was_counted_by_the_api_is_not_counted_again_from_a_file(story, tmp_path):
    # Given a file with outcomes that the API has counted, a new viewer, and a strange variant
    seen = [item for each in story.viewings[100:700] for item in tell(each)]
    new = {"event_id": "new", "unit_id": "late", "variant": "A"}
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, ["event_id", "unit_id", "variant", "metric", "seconds", "count"])
    writer.writeheader()
    writer.writerows([*seen, new, {**new, "event_id": "odd", "variant": "X"}])
    path = tmp_path / "outcomes.csv"
    path.write_text(out.getvalue(), encoding="utf-8-sig")
    before = story.client.experiment(story.job_id)["variants"]
    # When it is imported
    done = story.run("outcomes", story.job_id, str(path), "--verdict")
    # Then the new one counts, the strange one is told with its line, and the verdict stays
    assert done.wait(5) == 1
    line = len(seen) + 3
    assert f"line {line}: unknown_variant: " in done.printed()
    counted = (
        f"Rows: {len(seen) + 2:,}, of which 1 counted, {len(seen):,} counted before, 1 rejected."
    )
    assert counted in done.printed()
    after = story.client.experiment(story.job_id)["variants"]
    assert [a["units"] - b["units"] for a, b in zip(after, before, strict=True)] == [1, 0]
    assert story.client.verdict(story.job_id) == story.verdict
    # And once more, nothing counts
    assert "0 counted" in story.run("outcomes", story.job_id, str(path)).printed()


@pytest.mark.browser
def test_the_page_shows_the_verdict_and_how_it_came(story, chromium, tmp_path):
    # Given the page of the job by a link, in a browser
    page, complaints = chromium.new_page(viewport={"width": 1280, "height": 900}), []
    page.on("console", lambda each: complaints.append(each.text) if each.type == "error" else None)
    page.on("pageerror", lambda each: complaints.append(str(each)))
    page.goto(story.client.share(story.job_id, {})["url"])
    # Then it says the sentence, and has the plot of the interval
    sentence = json.loads(story.verdict)["sentence"]
    assert sentence["en"] in page.inner_text("#experiment")
    assert sentence["zh"] in page.inner_text("#experiment")
    plot = page.locator("figure.interval svg")
    assert plot.count() == 1
    looks = page.locator("figure.interval tbody tr").count()
    assert looks >= 3
    # and the plot is really drawn: its picture is not of one colour
    plot.screenshot(path=tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as image:
        assert len(image.convert("RGB").getcolors(1_000_000)) > 3
    # and nothing went wrong, also for who does not see it
    assert check(page) == []
    assert complaints == []
    page.close()
