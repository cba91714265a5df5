"""What is kept of a stream."""

from __future__ import annotations

import pytest

from service.nemo.dialect import (
    Fault,
    Heartbeat,
    HeartbeatForm,
    StateDelta,
    Text,
    ToolCall,
    ToolResult,
    Unknown,
)
from service.nemo.transcript import TEXT_BYTES, TranscriptBuilder

NOISE = "I encountered a temporary issue processing your request. Please try again."


def transcript(*events):
    builder = TranscriptBuilder()
    for event in events:
        builder.add(event)
    return builder.build()


@pytest.mark.rule("P-057")
def test_only_full_public_text_counts():
    """Given partial pieces, a thought and the full text, then only the full text is kept."""
    said = transcript(
        Text("Add", partial=True), Text("hmm", thought=True), Text("Added."), Text("Enjoy.")
    )
    assert said.text == "Added.\nEnjoy."


def test_pieces_of_the_simple_dialect_join_without_a_break():
    assert transcript(Text("cap", joined=True), Text("tions", joined=True)).text == "captions"


@pytest.mark.rule("P-077")
@pytest.mark.parametrize(
    "events",
    [
        (Text("Done."), Text(NOISE)),
        (Text("Done."), ToolCall("x"), Text(NOISE)),
        (Text(f"Done. {NOISE}"),),
        (Text("Done.", joined=True), Text(NOISE, joined=True)),
    ],
)
def test_a_temporary_issue_after_normal_text_is_dropped(events):
    assert transcript(*events).text == "Done."


@pytest.mark.rule("P-077")
def test_a_temporary_issue_alone_stays():
    assert transcript(Text(NOISE)).text == NOISE


def test_a_temporary_issue_before_normal_text_stays():
    said = transcript(Text(NOISE), Text("x" * 500))
    assert said.text.startswith("I encountered")


def test_text_is_clipped_at_a_character():
    said = transcript(Text("字" * 5000))
    assert said.clipped
    assert TEXT_BYTES - 3 < len(said.text.encode()) <= TEXT_BYTES
    assert set(said.text) == {"字"}


def test_memory_stays_bounded():
    builder = TranscriptBuilder()
    for number in range(500):
        builder.add(Text("y" * 10_000))
        builder.add(ToolCall(f"tool {number}" * 100))
        builder.add(Fault("E", "z" * 10_000))
    said = builder.build()
    assert len(repr(said)) < 120_000
    assert said.clipped
    assert len(said.tools) == len(said.errors) == 64


@pytest.mark.rule("P-078")
def test_evidence():
    said = transcript(
        ToolCall("edit"),
        ToolResult("edit", failed=True),
        StateDelta(("draft", "rev")),
        StateDelta(("draft",)),
        Fault("X", "why"),
        Fault("", "just why"),
        Heartbeat(HeartbeatForm.WORD),
        Unknown(json=True),
        Unknown(json=False),
    )
    assert (said.tools, said.failed_tools) == (("edit",), ("edit",))
    assert said.state_keys == ("draft", "rev")
    assert said.errors == ("X: why", "just why")
    assert (said.events, said.heartbeats, said.unknown) == (6, 1, 2)


@pytest.mark.parametrize(
    ("event", "real"),
    [
        (Heartbeat(HeartbeatForm.COMMENT), False),
        (Unknown(json=False), False),
        (Unknown(json=True), True),
        (Text("a", partial=True), True),
        (ToolCall("a"), True),
    ],
)
def test_what_counts_as_a_real_event(event, real):
    """Heartbeats and noise do not hold off the idle limit; substance does."""
    assert TranscriptBuilder().add(event) is real
