"""The proxies tell messages and calls apart, wherever a network cuts them."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.store.scripts import script_text
from tests.chaos.calls import Call, is_refusal, read_ask, read_call, rung_row
from tests.chaos.resp import Broken, Messages, is_push, read_words


def request(*words: str | bytes) -> bytes:
    parts = [each if isinstance(each, bytes) else each.encode() for each in words]
    body = b"".join(b"$%d\r\n%s\r\n" % (len(each), each) for each in parts)
    return b"*%d\r\n%s" % (len(parts), body)


MESSAGES = [
    request("PING"),
    request("SET", "a\r\nb", b"\x00\xff"),
    b"+OK\r\n",
    b"-ERR no\r\n",
    b":12\r\n",
    b"$-1\r\n",
    b"*-1\r\n",
    b"*2\r\n*1\r\n:1\r\n$0\r\n\r\n",
    b"%1\r\n+server\r\n$5\r\nredis\r\n",
    b">2\r\n+message\r\n+hello\r\n",
    b",1.5\r\n",
    b"_\r\n",
    b"=6\r\ntxt:hi\r\n",
]


@given(st.lists(st.sampled_from(MESSAGES), max_size=8), st.lists(st.integers(1, 30), max_size=60))
def test_messages_come_out_whole_however_they_are_cut(messages, cuts):
    stream, found, splitter = b"".join(messages), [], Messages()
    for size in [*cuts, len(stream)]:
        piece, stream = stream[:size], stream[size:]
        found += splitter.feed(piece)
    assert found == messages


def test_what_is_no_message_is_an_error():
    with pytest.raises(Broken):
        list(Messages().feed(b"GET / HTTP/1.1\r\n"))


def test_words_of_a_request_are_its_strings():
    assert read_words(request("SET", "key", b"\r\n")) == [b"SET", b"key", b"\r\n"]
    assert is_push(MESSAGES[9])


def test_scripts_are_known_by_their_digest_and_by_their_text():
    text = script_text("commit")
    digest = hashlib.sha1(text.encode()).hexdigest()
    change = json.dumps({"state": "captioned", "keep": True})
    args = ["0", "cab:", "1", "2", "3", "cut:j.0.A.1", "7", "captioning", "3000", "500", change]
    for words in (["EVALSHA", digest, *args], ["EVAL", text, *args]):
        call = read_call(request(*words))
        assert (call.name, call.row, call.fence) == ("commit", "cut:j.0.A.1", "7")
        assert (call.before, call.after) == ("captioning", "captioned")
    assert read_call(request("EVALSHA", "0" * 40, *args)) == Call("evalsha")
    assert read_call(request("BRPOP", "q", "1")).name == "brpop"


@pytest.mark.parametrize(
    ("name", "args", "reached"),
    [
        ("attach_plan", ["plan", "digest"], ""),
        ("attach_experiment", ["plan", "digest", "0", "{}"], "waiting"),
        ("attach_experiment", ["plan", "digest", "1", "{}"], "begun"),
        ("record_outcomes", ["digest", "[]", "9", "9", "[]"], ""),
        ("freeze_verdict", ["{}", "", "", "[]", "500"], "looked at"),
        ("freeze_verdict", ["{}", "snapshot", "verdict", "[]", "500"], "frozen"),
        ("close_experiment", ["winner", "9", "event"], ""),
    ],
)
def test_calls_about_an_experiment_name_its_row_and_what_it_comes_to(name, args, reached):
    words = ["EVAL", script_text(name), "0", "cab:", "1", "2", "3", "ten_1", "job_1", *args]
    assert read_call(request(*words)) == Call(name, "experiment:job_1", change={"state": reached})


def test_a_popped_doorbell_names_its_row():
    bell = script_text("tick").split("BELL = [==[")[1].split("]==]")[0]
    reply = request("caption-ab:q:flow", bell.replace("@row@", "cut:j.0.A.1"))
    assert rung_row(reply) == "cut:j.0.A.1"
    assert rung_row(b"*-1\r\n") == ""


def test_refusals_are_told_from_answers():
    assert is_refusal(b"*1\r\n:-6\r\n")
    assert is_refusal(b"-NOSCRIPT no\r\n")
    assert not is_refusal(b"*2\r\n$1\r\n1\r\n$1\r\n0\r\n")


def test_a_request_to_the_backend_is_read_from_its_head():
    head = b"POST /run_sse?x=1 HTTP/1.1\r\nHost: a\r\nx-request-id: edt_1\r\n\r\n{}"
    ask = read_ask(head)
    assert ask is not None
    assert (ask.method, ask.path, ask.edit_id) == ("POST", "/run_sse", "edt_1")
    assert read_ask(b"more of a body") is None
