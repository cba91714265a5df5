"""What events mean, in both dialects."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.nemo.dialect import (
    EventKind,
    Fault,
    Heartbeat,
    HeartbeatForm,
    StateDelta,
    Text,
    ToolCall,
    ToolResult,
    Unknown,
    classify_event,
)
from service.nemo.sse import SseEvent


def meaning(payload, name="message"):
    data = payload if isinstance(payload, str) else json.dumps(payload)
    return classify_event(SseEvent(name, data))


ADK_TEXT = (
    '{"content":{"parts":[{"text":"I\'ll add the caption."}],"role":"model"},"invocationId":"e-1",'
    '"author":"nemo_agent","actions":{"stateDelta":{},"artifactDelta":{},'
    '"requestedAuthConfigs":{},"requestedToolConfirmations":{}},"id":"x","timestamp":1795397800.86}'
)


@pytest.mark.rule("P-054")
def test_adk_text():
    assert meaning(ADK_TEXT) == (Text("I'll add the caption."),)


@pytest.mark.rule("P-057")
def test_adk_partial_and_thought_are_marked():
    """Partial text is repeated by a full event later; thought is not for the user."""
    parts = [{"text": "Secret", "thought": True}, {"text": "Open"}]
    assert meaning({"content": {"parts": parts}, "partial": True}) == (
        Text("Secret", partial=True, thought=True),
        Text("Open", partial=True),
    )


@pytest.mark.rule("P-054")
@pytest.mark.parametrize("call", ["functionCall", "function_call"])
@pytest.mark.parametrize("answer", ["functionResponse", "function_response"])
def test_adk_tools_in_either_case(call, answer):
    parts = [
        {call: {"id": "1", "args": {}, "name": "edit_multitrack"}},
        {answer: {"id": "1", "name": "edit_multitrack", "response": {"ok": True}}},
    ]
    assert meaning({"content": {"parts": parts, "role": "model"}}) == (
        ToolCall("edit_multitrack"),
        ToolResult("edit_multitrack"),
    )


@pytest.mark.parametrize("response", [{"error": "x"}, {"ok": False}, {"status": "error"}])
def test_a_failed_tool_is_marked(response):
    part = {"functionResponse": {"name": "edit", "response": response}}
    assert meaning({"content": {"parts": [part]}}) == (ToolResult("edit", failed=True),)


@pytest.mark.rule("P-055")
@pytest.mark.parametrize("key", ["stateDelta", "state_delta"])
def test_state_delta_names_its_keys(key):
    assert meaning({"actions": {key: {"draft": {"t": []}, "rev": 1}}}) == (
        StateDelta(("draft", "rev")),
    )


def test_text_of_the_user_is_not_the_agents():
    assert meaning({"author": "user", "content": {"parts": [{"text": "hi"}]}}) == (
        Unknown(json=True),
    )


@pytest.mark.rule("P-056")
@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (
            {"errorCode": "RESOURCE_EXHAUSTED", "errorMessage": "quota"},
            Fault("RESOURCE_EXHAUSTED", "quota"),
        ),
        ({"error_code": "X", "error_message": "y"}, Fault("X", "y")),
        ({"error": "boom"}, Fault("", "boom")),
        (
            {"error": "RuntimeError: b", "error_details": {"error_type": "RuntimeError"}},
            Fault("RuntimeError", "RuntimeError: b"),
        ),
        ({"error": {"code": 500, "message": "inner"}}, Fault("500", "inner")),
        ({"type": "error", "message": "simple"}, Fault("", "simple")),
        ({"type": "error", "error": "simple", "code": 7}, Fault("7", "simple")),
        ({"code": 2001, "message": "no credits"}, Fault("2001", "no credits")),
    ],
)
def test_error_shapes(payload, expected):
    assert meaning(payload) == (expected,)


def test_null_errors_are_none():
    assert meaning({"error": None, "errorCode": None, "content": {"parts": [{"text": "a"}]}}) == (
        Text("a"),
    )


@pytest.mark.rule("P-058")
def test_simple_dialect():
    assert meaning({"type": "text", "content": "Hi"}) == (Text("Hi", joined=True),)
    assert meaning({"type": "tool_call", "name": "e", "args": {}}) == (ToolCall("e"),)
    assert meaning({"type": "tool_result", "name": "e", "result": {"ok": False}}) == (
        ToolResult("e", failed=True),
    )
    assert meaning({"type": "chunk", "content": "Hi"}) == (Text("Hi", partial=True, joined=True),)


@pytest.mark.rule("P-059")
@pytest.mark.parametrize(
    ("name", "data", "form"),
    [
        ("message", "", HeartbeatForm.EMPTY_DATA),
        ("message", " \n ", HeartbeatForm.EMPTY_DATA),
        ("message", "heartbeat", HeartbeatForm.WORD),
        ("message", '"heartbeat"', HeartbeatForm.WORD),
        ("message", '{"type":"heartbeat"}', HeartbeatForm.TYPED),
        ("heartbeat", "", HeartbeatForm.NAMED),
        ("heartbeat", '{"t":1}', HeartbeatForm.NAMED),
    ],
)
def test_heartbeats(name, data, form):
    """Four of the five forms are events; the fifth, a comment, the reader of the stream counts."""
    assert meaning(data, name) == (Heartbeat(form),)


@pytest.mark.rule("P-060")
@pytest.mark.parametrize(
    ("data", "is_json"),
    [
        ("[DONE]", False),
        ("not json", False),
        ("[1]", False),
        ("12", False),
        ("{}", True),
        ('{"turnComplete":true}', True),
        ('{"type":"ask_question"}', True),
        ("[" * 100_000, False),
    ],
    ids=["done", "words", "list", "number", "empty", "foreign", "foreign type", "deep"],
)
def test_what_is_not_understood_is_unknown(data, is_json):
    assert meaning(data) == (Unknown(json=is_json),)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "content",
                    "parts",
                    "text",
                    "type",
                    "error",
                    "errorCode",
                    "actions",
                    "code",
                    "stateDelta",
                    "functionCall",
                    "functionResponse",
                    "name",
                    "partial",
                    "result",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.rule("P-060")
@given(JSON)
def test_nothing_makes_it_fail(payload):
    """Whatever the JSON, there is at least one event and no exception."""
    events = meaning(payload)
    assert events
    assert all(event.kind in EventKind for event in events)
