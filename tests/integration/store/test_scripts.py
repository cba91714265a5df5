"""The scripts as such: they parse, keep to themselves, and a wrong fence never writes."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import pytest
import redis

import service.store
from service.model.lifecycle import Queue
from service.store import scripts
from service.store.keys import Keys, queue_key
from service.store.scripts import SCRIPTS, Refusal, Script, script_text
from tests.builders import a_new_job, a_spec, an_event
from tests.integration.store.invariants import snapshot

LUA = Path(service.store.__file__).parent / "lua"
each_script = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
_ASSIGNED = re.compile(r"^\s*(?!local\b|return\b)([A-Za-z_]\w*(?:\s*,\s*[A-Za-z_]\w*)*)\s*=[^=]")
_DECLARED = re.compile(r"\blocal\s+(?!function\b)([A-Za-z_]\w*(?:\s*,\s*[A-Za-z_]\w*)*)")
_FUNCTION = re.compile(r"^\s*function\s+(?!K\.)", re.MULTILINE)


@each_script
def test_it_parses(script, redis_client: redis.Redis):
    assert redis_client.script_load(script_text(script.name))


@each_script
def test_it_sets_no_globals(script):
    text = script_text(script.name)
    code = [line.split("--", 1)[0] for line in text.splitlines()]
    declared = {n.strip() for line in code for m in _DECLARED.findall(line) for n in m.split(",")}
    assigned = {
        name.strip()
        for line in code
        if (found := _ASSIGNED.match(line)) and not _in_table(code, line)
        for name in found.group(1).split(",")
    }
    assert assigned <= declared, f"global: {assigned - declared}"
    assert not _FUNCTION.search("\n".join(code)), "a function that is not local"


def _in_table(code: list[str], line: str) -> bool:
    """Fields of a table literal look like assignments; they end in a comma."""
    return line.rstrip().endswith(",")


@pytest.mark.parametrize("bad", ["x = 1", "function f() end", "  a, b = 1, 2"])
def test_a_global_would_be_seen(bad, monkeypatch):
    monkeypatch.setattr("tests.integration.store.test_scripts.script_text", lambda _: bad)
    with pytest.raises(AssertionError, match=r"global|not local"):
        test_it_sets_no_globals(scripts.TICK)


def _names() -> dict[str, int]:
    """Key names that Lua builds, with the number of words each takes."""
    text = (LUA / "include" / "keys.lua").read_text(encoding="utf-8")
    functions = re.findall(r"function K\.(\w+)\(([^)]*)\)", text)
    plain = re.findall(r"^  (\w+) = P", text, re.MULTILINE)
    return {**{n: len(a.split(",")) for n, a in functions}, **dict.fromkeys(plain, 0)}


@pytest.mark.parametrize(("name", "words"), _names().items(), ids=list(_names()))
def test_lua_and_python_name_keys_alike(name, words, redis_client: redis.Redis):
    given = ["job_1.0%A", "key:2"][:words]
    arguments = ", ".join(json.dumps(each) for each in given)
    text = (LUA / "include" / "keys.lua").read_text(encoding="utf-8")
    call = f"K.{name}({arguments})" if words else f"K.{name}"
    by_lua = redis_client.eval(f"{text}\nreturn {call}", 0, "p:")
    if name == "queue":
        assert redis_client.eval(f"{text}\nreturn K.queue('flow')", 0, "p:") == queue_key(
            Queue.FLOW
        )
    else:
        by_python = getattr(Keys("p:"), name)
        assert by_lua == (by_python(*given) if callable(by_python) else by_python)


def test_lua_knows_no_key_that_python_does_not():
    known = {name for name, _ in inspect.getmembers(Keys) if not name.startswith("_")}
    assert set(_names()) - {"queue"} <= known


_FENCED = [each for each in SCRIPTS if Refusal.FENCED in each.refusals and "row" in each.args]


@pytest.mark.parametrize("script", _FENCED, ids=lambda script: script.name)
@pytest.mark.parametrize("wrong", ["0", "1", "3", "-1", "", "2.0", " 2"])
def test_a_wrong_fence_never_writes(script: Script, wrong: str, store):
    # Given a row under fence 2 in a job with webhooks and reserved credits,
    _, (row, _b) = store.ready_job(a_new_job(a_spec(hooks=True)))
    store.claim(row)
    store.clock.advance(70)
    claim = store.claim(row)
    store.commands.reserve(claim, amount=10, total=10, mark="0", now_ms=store.now_ms)
    before = snapshot(store.client)
    # When a command comes under another, then it is refused and nothing has changed.
    change = json.dumps({"state": "x", "queue": "flow", "doc": "", "events": [], "wake": []})
    words = {
        "prefix": "cab:", "now_ms": store.now_ms, "back_ms": 5000, "ahead_ms": 60000, "row": row,
        "fence": wrong, "change": change, "deliveries": "[]", "event": an_event(),
        "expected_state": "queued", "lease_ms": 1, "grace_ms": 1, "amount": 1, "total": 999,
        "most": 5, "next_ms": 0, "status": "failed",
    }  # fmt: skip
    arguments = [words.get(name, "1") for name in script.args]
    reply = store.client.eval(script_text(script.name), 0, *arguments)
    assert reply == [Refusal.FENCED]
    assert snapshot(store.client) == before


def test_a_server_that_has_forgotten_a_script_is_given_it_again(store):
    store.accept()
    store.client.script_flush()
    store.accept()
