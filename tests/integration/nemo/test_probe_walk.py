"""A probe against a running sandbox: what it spends, what it answers, what it leaves on disk."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from sandbox.config import SandboxConfig
from sandbox.server import start_sandbox
from sandbox.switches import Switches
from service.clock import AnchoredClock
from service.errors import StartupError, UnsupportedFile
from service.nemo.probe import Ending, ProbeOptions, run_probe
from service.settings import Settings

QUICK = Switches(
    edit_s=0.3, heartbeat_every_s=0.05, silent_rate=0.0, pending_s=0, processing_s=0, render="copy"
)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    running = start_sandbox(
        SandboxConfig(tmp_path_factory.mktemp("sandbox"), switches=QUICK, preset="ultrafast")
    )
    yield running
    running.stop()


@pytest.fixture
def switch(sandbox):
    yield lambda **changes: sandbox.world.board.set(changes)
    sandbox.world.board.set({name: getattr(QUICK, name) for name in QUICK.__dataclass_fields__})


@pytest.fixture
def probe(sandbox, small_clip, tmp_path):
    """Runs a probe; gives its facts and the report as JSON."""
    settings = Settings(
        nemo_api_url=sandbox.url,
        nemo_web_url=sandbox.url,
        poll_every_s=0.02,
        poll_limit=100,
        settle_s=0.1,
        recovery_looks_s=(0.5, 1.5, 3.0),
        retry_backoff_s=(0.01, 0.02),
    )
    said: list[str] = []

    def run(ask=lambda _question, _covered: True, tell=said.append, **wishes):
        options = replace(
            ProbeOptions(
                clip=small_clip,
                out=tmp_path / "out",
                account_file=tmp_path / "account.json",
                started="2026-11-23 12:00 UTC",
                token=f"nmv_usr_sbx_{uuid.uuid4().hex[:8]}_1000",
                loopback=True,
            ),
            **wishes,
        )
        clock = AnchoredClock(lambda: time.time_ns() // 1_000_000, 3600.0)
        facts = run_probe(options, settings, clock, ask=ask, tell=tell)
        return facts, json.loads((tmp_path / "out" / "report.json").read_text())

    run.said = said
    return run


def answers(report):
    return {each["id"]: each for each in report["answers"]}


def sends(sandbox):
    return sum(sandbox.books["edits"].values())


def test_the_whole_walk_costs_one_edit_and_answers(probe):
    # Given an account of 1000 credits, when the protocol is walked,
    facts, report = probe()
    # then one edit was paid, and what one run can tell is answered.
    assert facts.ending is Ending.DONE
    assert facts.charge() == (
        "One message was sent; the balance went from 1000 to 950: 50 credits."
    )
    sure = {name for name, each in answers(report).items() if each["certainty"] == "answered"}
    assert sure == {
        "dialect", "heartbeat", "edit", "draft_keys", "render_shape", "export", "1002_status",
        "render_404", "400_status", "4001_status", "cost", "ids", "fallback", "claim", "headers",
    }  # fmt: skip
    assert all(each["why"] for each in report["answers"] if each["certainty"] != "answered")


@pytest.mark.parametrize(
    ("changes", "dialect", "beat", "shape"),
    [
        ({}, "ADK", "`data:\\n\\n`", "S2"),
        (
            {"sse_dialect": "simple", "heartbeat_form": "json", "render_shape": "s1"},
            "simple",
            '{"type":"heartbeat"}',
            "S1",
        ),
        (
            {"heartbeat_form": "event", "render_shape": "envelope"},
            "ADK",
            "event: heart",
            "envelope",
        ),
    ],
)
def test_it_tells_what_the_backend_speaks(probe, switch, changes, dialect, beat, shape):
    switch(**changes)
    found = answers(probe()[1])
    assert found["dialect"]["answer"].startswith(dialect)
    assert beat in found["heartbeat"]["answer"].replace('": "', '":"')
    assert f"HTTP 200: {shape}" in found["render_shape"]["answer"]


def test_the_recording_holds_no_secrets(probe, sandbox, tmp_path):
    """Given an anonymous account, then nothing of it is in any file or line."""
    probe(token="")
    kept = json.loads((tmp_path / "account.json").read_text())[sandbox.url]
    port = str(urlsplit(sandbox.url).port)
    secrets = [kept["token"], kept["client_id"], kept["user_id"], f"127.0.0.1:{port}"]
    files = [path.read_text() for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(files) > 15
    assert not [s for s in secrets if any(s in text for text in files)]
    assert not [s for s in secrets[:3] if s in "\n".join(probe.said)]


def test_an_anonymous_account_is_kept_and_used_again(probe, tmp_path):
    first, _ = probe(token="")
    assert first.balances["after"].available == 50
    second, _ = probe(token="", ask=lambda _question, covered: covered)
    assert second.balances["before"].available == 50
    assert second.note("token") is None


def test_a_no_spends_nothing(probe, sandbox):
    before = sends(sandbox)
    facts, report = probe(ask=lambda _question, _covered: False)
    assert facts.ending is Ending.DECLINED
    assert report["messages_sent"] == sends(sandbox) - before == 0
    assert [step["name"] for step in report["steps"]] == ["credits_before"]


def test_too_few_credits_are_not_covered_by_a_general_yes(probe):
    """Given 40 credits and --yes, then no message goes out, and the rest is walked."""
    facts, report = probe(
        token=f"nmv_usr_sbx_{uuid.uuid4().hex[:8]}_40", ask=lambda _question, covered: covered
    )
    assert not facts.edit.sent
    assert "nothing was charged" in report["charge"]
    assert answers(report)["1002_status"]["certainty"] == "answered"


def test_too_few_credits_answer_2001_when_somebody_wants_it(probe):
    _, report = probe(token=f"nmv_usr_sbx_{uuid.uuid4().hex[:8]}_40")
    found = answers(report)["2001_status"]
    assert found["certainty"] == "answered"
    assert "2001" in found["answer"]
    assert report["balances"]["after"]["available"] == 40


@pytest.mark.parametrize(
    ("behaviour", "certainty", "answer"),
    [("continue", "answered", "Yes."), ("abort", "hint", "Probably not.")],
)
def test_hanging_up(probe, switch, behaviour, certainty, answer):
    switch(run_on_disconnect=behaviour, edit_s=2.0)
    facts, report = probe(full=True)
    found = answers(report)["disconnect"]
    assert (found["certainty"], found["answer"][: len(answer)]) == (certainty, answer)
    assert facts.messages_sent == 2


def test_hanging_up_is_asked_for_separately(probe):
    asked = []

    def ask(question, _covered):
        asked.append(question)
        return "one more" not in question

    facts, _ = probe(full=True, ask=ask)
    assert len(asked) == 2
    assert facts.messages_sent == 1


def test_a_blocked_export_is_an_answer(probe, switch):
    switch(plan_blocks_export=True)
    found = answers(probe()[1])["export"]
    assert found["certainty"] == "answered"
    assert "402" in found["answer"]
    assert "PlanBlocked" in found["answer"]


def test_a_silent_edit_is_told_from_the_state(probe, switch):
    switch(silent_rate=1.0)
    found = answers(probe()[1])["edit"]["answer"]
    assert "without words" in found
    assert "type 7: 2" in found


def test_an_edit_that_never_shows_is_looked_for_and_never_sent_again(probe, switch, sandbox):
    switch(edit_applied="never")
    before = sends(sandbox)
    facts, report = probe()
    assert facts.edit.changed is False
    assert facts.messages_sent == 1
    looks = [step for step in report["steps"] if step["name"] == "state_edited"]
    assert len(looks) == 4
    assert sends(sandbox) - before == 1


def test_an_interrupt_leaves_what_was_recorded(probe):
    # Given a person who presses Ctrl-C while the state is read after the edit,
    def tell(line):
        if line.startswith("Looking at the state"):
            raise KeyboardInterrupt

    # when the probe stops,
    facts, report = probe(tell=tell)
    # then the stream is on disk and the report says what was charged.
    assert facts.ending is Ending.INTERRUPTED
    assert report["ending"] == "interrupted"
    assert "from 1000 to 950" in report["charge"]
    assert "may still charge" in report["charge"]
    assert any("edit" in name for name in report["fixtures"])


def test_a_backend_on_this_machine_is_named_as_such(probe, sandbox):
    with pytest.raises(StartupError, match="on this machine"):
        probe(loopback=False)


def test_a_file_that_is_no_video_is_refused_before_anything_is_sent(probe, tmp_path, sandbox):
    fake = tmp_path / "clip.mp4"
    fake.write_text("not a video, whatever its name says")
    with pytest.raises(UnsupportedFile):
        probe(clip=fake)
    assert not (tmp_path / "out").exists()
